//! What every operation has in common, added to the document after the routes have spoken.

use serde_json::{Map, Value, json};

use super::{SHARED, conditional};
use crate::{
    domains::{self, domain::Domain},
    http::{extract::MAX_PAIRS, problem::MAX_FAULTS},
};

/// A refusal that operations share.
struct Refusal {
    status: &'static str,
    name: &'static str,
    description: &'static str,
    code: &'static str,
    detail: &'static str,
}

const REFUSALS: [Refusal; 12] = [
    Refusal {
        status: "400",
        name: "BadRequest",
        description: "A parameter is unknown or wrong; each is named, with the nearest valid name.",
        code: "invalid_request",
        detail: "There is no parameter `limt`.",
    },
    Refusal {
        status: "401",
        name: "Unauthorized",
        description: "A token is needed, or the one sent is not valid.",
        code: "unauthorized",
        detail: "This needs a token with the scope `read`.",
    },
    Refusal {
        status: "403",
        name: "Forbidden",
        description: "The token lacks the scope.",
        code: "insufficient_scope",
        detail: "The token lacks the scope `ingest:github`.",
    },
    Refusal {
        status: "404",
        name: "NotFound",
        description: "There is no such thing.",
        code: "not_found",
        detail: "There is no such row.",
    },
    Refusal {
        status: "409",
        name: "Conflict",
        description: "The request contradicts an earlier one.",
        code: "idempotency_key_reused",
        detail: "The idempotency key was used with another body.",
    },
    Refusal {
        status: "410",
        name: "Gone",
        description: "What is asked for is no longer kept.",
        code: "cursor_expired",
        detail: "What was changed after this cursor is no longer kept.",
    },
    Refusal {
        status: "413",
        name: "PayloadTooLarge",
        description: "The body is larger than a limit.",
        code: "body_too_large",
        detail: "The body has more than 33554432 bytes.",
    },
    Refusal {
        status: "415",
        name: "UnsupportedMediaType",
        description: "The body's content type or encoding is not taken here.",
        code: "unsupported_media_type",
        detail: "The content type `image/png` is not taken here.",
    },
    Refusal {
        status: "422",
        name: "UnprocessableContent",
        description: "The body can be read but not be used.",
        code: "invalid_body",
        detail: "Every item was rejected.",
    },
    Refusal {
        status: "429",
        name: "TooManyRequests",
        description: "Faster than the server allows; `Retry-After` says when to come back.",
        code: "rate_limited",
        detail: "More than 100 requests a second.",
    },
    Refusal {
        status: "500",
        name: "InternalError",
        description: "The server failed. The request id finds the cause in its log.",
        code: "internal_error",
        detail: "The server failed. The request id finds the cause in its log.",
    },
    Refusal {
        status: "503",
        name: "Unavailable",
        description: "The server is busy or its database away; `Retry-After` says when to come \
                      back.",
        code: "database_away",
        detail: "The database cannot be reached.",
    },
];

fn about() -> String {
    format!(
        "What the C++ Alliance knows of the Boost community: repositories, commits, \
issues, mailing lists, papers, people.

* Times are RFC 3339 in UTC. Ids that exceed 2^53 are strings.
* Refusals are `application/problem+json` (RFC 9457) with a stable `code` in `type` and, for each \
single fault, a pointer or parameter; of very many the first {MAX_FAULTS} are told.
* A request has at most {MAX_PAIRS} parameters, and a list of names no more than there are.
* Every response has an `x-request-id`: yours, if you sent one of up to 200 visible ASCII \
characters.
* Reads are open unless the server says otherwise. Everything else needs a token: \
`boost-dashboard token issue`. Each operation's scope is its `x-scope`."
    )
}

/// The one refusal that is no problem document.
const URI_TOO_LONG: &str = "UriTooLong";

/// Completes the document.
pub(super) fn finish(mut document: Value) -> anyhow::Result<Value> {
    document["info"] = json!({
        "title": "Boost Dashboard",
        "version": env!("CARGO_PKG_VERSION"),
        "description": about(),
        "license": {"name": "BSL-1.0", "identifier": "BSL-1.0"},
    });
    document["servers"] = json!([{"url": "/"}]);
    let domains = domains::all();
    document["tags"] = tags(&domains);
    let components = &mut document["components"];
    components["securitySchemes"] = json!({"bearer": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "`boost-dashboard token issue --subject NAME --scope SCOPE` prints one.",
    }});
    components["schemas"]["Problem"] = problem_schema();
    let responses = REFUSALS.iter().map(|refusal| (refusal.name.to_owned(), response(refusal)));
    components["responses"] = Value::Object(responses.collect());
    components["responses"][URI_TOO_LONG] = json!({
        "description": "The address is longer than 65,534 bytes. The HTTP layer answers before \
                        anything else is known, without a body."
    });

    if let Some(paths) = document["paths"].as_object_mut() {
        // The router's word for a parameter that takes the rest of the path is none of OpenAPI's.
        let named = std::mem::take(paths).into_iter();
        *paths = named.map(|(path, item)| (path.replace("{*", "{"), item)).collect();
    }
    let mut parameters = Map::new();
    let paths = document["paths"].as_object_mut().into_iter().flat_map(Map::values_mut);
    for operations in paths.filter_map(Value::as_object_mut) {
        for (method, operation) in operations.iter_mut() {
            if ["get", "post", "put", "patch", "delete"].contains(&method.as_str()) {
                complete(operation);
                lists_of_names(operation);
                if method == "get" {
                    conditional::complete(operation);
                }
                share(operation, &mut parameters)?;
            }
        }
    }
    document["components"]["parameters"] = Value::Object(parameters);
    close_bodies(&mut document);
    conditional::add_components(&mut document["components"]);
    open_objects(&mut document["paths"]);
    open_objects(&mut document["components"]["schemas"]);
    Ok(document)
}

/// Says of the bodies that are ours that they have no other members: those are refused; and that one
/// without a member that must be there may be left out. What scrapers send is as its source gives it.
fn close_bodies(document: &mut Value) {
    let schemas = document["components"]["schemas"].take();
    let mut closed = Vec::new();
    let paths = document["paths"].as_object_mut().into_iter().flatten();
    let ours = paths.filter(|(path, _)| !path.contains("/ingest/"));
    let operations = ours.flat_map(|(_, item)| item.as_object_mut().into_iter().flatten());
    for (_, operation) in operations {
        let Some(body) = operation.get_mut("requestBody") else { continue };
        let schema = body["content"]["application/json"]["schema"]["$ref"].as_str();
        if let Some((_, name)) = schema.and_then(|reference| reference.rsplit_once('/')) {
            closed.push(name.to_owned());
            body["required"] = Value::Bool(schemas[name].get("required").is_some());
        }
    }
    document["components"]["schemas"] = schemas;
    for name in closed {
        document["components"]["schemas"][name]["additionalProperties"] = Value::Bool(false);
    }
}

/// Says of objects without named properties that they have any: generators of clients take them for
/// objects that have none.
fn open_objects(at: &mut Value) {
    match at {
        Value::Array(all) => all.iter_mut().for_each(open_objects),
        Value::Object(members) => {
            let is_object = match members.get("type") {
                Some(Value::String(one)) => one == "object",
                Some(Value::Array(some)) => some.iter().any(|one| one == "object"),
                _ => false,
            };
            let says = ["properties", "additionalProperties", "allOf", "oneOf", "anyOf"];
            if is_object && !says.iter().any(|key| members.contains_key(*key)) {
                members.insert("additionalProperties".to_owned(), Value::Bool(true));
            }
            // What an example shows is no schema.
            let inner = members.iter_mut().filter(|(key, _)| !key.starts_with("example"));
            inner.for_each(|(_, value)| open_objects(value));
        }
        _ => {}
    }
}

/// Moves the parameters that are marked as shared among the components.
fn share(operation: &mut Value, components: &mut Map<String, Value>) -> anyhow::Result<()> {
    let parameters = operation.get_mut("parameters").and_then(Value::as_array_mut);
    for parameter in parameters.into_iter().flatten() {
        let Some(Value::String(name)) = parameter.as_object_mut().and_then(|it| it.remove(SHARED))
        else {
            continue;
        };
        let reference = json!({"$ref": format!("#/components/parameters/{name}")});
        let parameter = std::mem::replace(parameter, reference);
        let known = components.entry(&name).or_insert_with(|| parameter.clone());
        anyhow::ensure!(*known == parameter, "two parameters are called `{name}`");
    }
    Ok(())
}

/// Says that a list of names (`fields`, `include`, …) has each once. A filter's values may be repeated,
/// and so may tables that are followed and what is sorted by: they say nothing the second time.
fn lists_of_names(operation: &mut Value) {
    let parameters = operation.get_mut("parameters").and_then(Value::as_array_mut);
    for parameter in parameters.into_iter().flatten() {
        let repeats = |name: &str| name.contains("__") || ["sort", "table"].contains(&name);
        let may_repeat = parameter["name"].as_str().is_some_and(repeats);
        let schema = &mut parameter["schema"];
        if !may_repeat && schema["items"]["enum"].is_array() {
            schema["uniqueItems"] = Value::Bool(true);
        }
    }
}

/// Adds what follows from the scope, the parameters and the body of an operation.
fn complete(operation: &mut Value) {
    let scope = operation["x-scope"].as_str().unwrap_or("none").to_owned();
    operation["security"] = match scope.as_str() {
        "none" => json!([]),
        // Open unless the server says otherwise: a token may be left out.
        "read" => json!([{}, {"bearer": ["read"]}]),
        scope => json!([{"bearer": [scope]}]),
    };
    let parameters = operation["parameters"].as_array();
    let has = |place: &str| {
        parameters.is_some_and(|all| all.iter().any(|parameter| parameter["in"] == place))
    };
    let (in_path, in_query) = (has("path"), has("query"));
    let is_keyed = parameters
        .is_some_and(|all| all.iter().any(|parameter| parameter["name"] == "Idempotency-Key"));
    let body = operation.get("requestBody").is_some();
    let written = operation["responses"].as_object().cloned().unwrap_or_default();
    let responses = &mut operation["responses"];
    for refusal in &REFUSALS {
        let applies = match refusal.status {
            "400" => in_path || in_query || body,
            "401" | "403" | "429" => scope != "none",
            "404" => in_path,
            "413" | "415" | "422" => body,
            "409" => is_keyed,
            "410" => false,
            _ => true,
        };
        let own = written.get(refusal.status);
        if own.is_some_and(|own| own.get("content").is_some()) || !(applies || own.is_some()) {
            continue;
        }
        let mut shared = json!({"$ref": format!("#/components/responses/{}", refusal.name)});
        // What the route says of it is more precise.
        if let Some(description) = own.and_then(|own| own.get("description")) {
            shared["description"] = description.clone();
        }
        responses[refusal.status] = shared;
    }
    if in_query {
        responses["414"] = json!({"$ref": format!("#/components/responses/{URI_TOO_LONG}")});
    }
}

fn response(refusal: &Refusal) -> Value {
    let status: u16 = refusal.status.parse().unwrap_or_default();
    let title = axum::http::StatusCode::from_u16(status).ok().and_then(|s| s.canonical_reason());
    let text = json!({"schema": {"type": "string"}});
    let mut response = json!({
        "description": refusal.description,
        "headers": {"x-request-id": text},
        "content": {"application/problem+json": {
            "schema": {"$ref": "#/components/schemas/Problem"},
            "example": {
                "type": format!("urn:boost-dashboard:{}", refusal.code),
                "title": title,
                "status": status,
                "detail": refusal.detail,
                "instance": "/api/v1/github/commits",
                "request_id": "01a2092e-c9f5-7296-8006-dd9398c54289",
            },
        }},
    });
    let header = match refusal.status {
        "401" | "403" => Some("WWW-Authenticate"),
        "429" | "503" => Some("Retry-After"),
        _ => None,
    };
    if let Some(header) = header {
        response["headers"][header] = text;
    }
    response
}

fn problem_schema() -> Value {
    let text = |description: &str| json!({"type": "string", "description": description});
    json!({
        "type": "object",
        "description": "Why a request was refused (RFC 9457).",
        "required": ["type", "title", "status", "detail", "instance", "request_id"],
        "properties": {
            "type": text("`urn:boost-dashboard:` and a stable code."),
            "title": text("The status in words."),
            "status": {"type": "integer", "description": "The HTTP status."},
            "detail": text("One sentence for people."),
            "instance": text("The path of the request."),
            "request_id": text("The request's `x-request-id`."),
            "errors": {
                "type": "array",
                "description": "Each single fault.",
                "maxItems": MAX_FAULTS,
                "items": {
                    "type": "object",
                    "required": ["code", "detail"],
                    "properties": {
                        "pointer": text("RFC 6901 pointer into the body."),
                        "parameter": text("The name of the parameter."),
                        "code": text("A stable code."),
                        "detail": text("One sentence for people."),
                        "suggestion": text("The nearest valid name."),
                    },
                },
            },
        },
    })
}

/// The domains in their order, then what belongs to none.
fn tags(domains: &[Domain]) -> Value {
    let domains = domains.iter().map(|domain| (domain.name, domain.doc));
    let others = [
        ("changes", "What was written lately, in every table."),
        ("ingest", "Receipts, dead letters, drift and the raw archive."),
        ("webhooks", "What sources tell by themselves, signed instead of with a token."),
        ("service", "Health, metrics and this document."),
    ];
    domains
        .chain(others)
        .map(|(name, description)| json!({"name": name, "description": description}))
        .collect()
}
