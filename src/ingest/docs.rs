//! The ingest endpoints as OpenAPI: everything is said by a kind's [`Spec`].

use serde_json::{Value, json};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        Content as OpenApiContent, ContentBuilder, HttpMethod, KnownFormat, PathItem, Ref, RefOr,
        Required, ResponseBuilder, Schema, SchemaFormat,
        path::{OperationBuilder, Parameter, ParameterBuilder, ParameterIn, Paths},
        request_body::RequestBodyBuilder,
        schema::{ArrayBuilder, ObjectBuilder, OneOfBuilder, Type},
    },
};

use super::{
    kind::{Content, FLAGS, Spec},
    receipt::Receipt,
};
use crate::{
    http::{openapi::operation, scope::Scope},
    query::docs::Documented,
};

/// The words of a context parameter.
fn words(parameter: &str) -> &'static str {
    match parameter {
        "repo" => {
            "The repository, where the payload does not name it: `boostorg/json`, or an address. A \
             name in the payload wins."
        }
        "list" => {
            "The mailing list, where the payload does not name it: `boost@lists.boost.org`. A list in \
             the payload wins."
        }
        "mailing" => {
            "The mailing, where the payload does not name it: `2025-03`, or `unknown`. A mailing in \
             the payload wins."
        }
        "version" => {
            "The version of Boost, where the payload does not name it, in any spelling: `1.84.0`, \
             `boost-1.84.0`. A version in the payload wins."
        }
        "replace" => "`true`: the lists of the body are all there is; what they lack is removed.",
        "app_type" => "The search feed, where the payload does not name it: `mailing`.",
        "video" => "YouTube's id of the video that a transcript is of, where the payload lacks it.",
        "lang" => "The language of a transcript as a BCP 47 tag; `en` if nothing says it.",
        "team" => "Slack's id of the workspace, where the payload does not give it: `T0QVSH4420`.",
        "channel" => "Slack's id of the channel, where the payload does not give it: `C038HR2678`.",
        "allow_private" => "`true`: content that is not public is accepted; else it is refused.",
        "library" => "The library, where the payload does not name it: its key or name.",
        _ => "Context that the payload lacks.",
    }
}

/// An optional parameter. Its example stands in the words: Swagger UI would send any other along with
/// a request that nobody has changed.
fn parameter(name: &str, place: ParameterIn, doc: &str) -> Parameter {
    let schema = ObjectBuilder::new().schema_type(Type::String);
    let schema = match name {
        "as_of" => schema.format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime))),
        "repo" => schema.pattern(Some("^[A-Za-z0-9_.-]{1,100}/[A-Za-z0-9_.-]{1,100}$")),
        "Idempotency-Key" => {
            schema.pattern(Some("^[ -~]+$")).min_length(Some(1)).max_length(Some(255))
        }
        _ => schema,
    };
    ParameterBuilder::new()
        .name(name)
        .parameter_in(place)
        .required(Required::False)
        .description(Some(doc))
        .schema(Some(schema))
        .build()
}

fn choice(name: &str, doc: &str, values: [&str; 2]) -> Parameter {
    let schema = ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(values))
        .default(Some(json!(values[0])));
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Query)
        .required(Required::False)
        .description(Some(doc))
        .schema(Some(schema))
        .example(Some(json!(values[0])))
        .build()
}

fn parameters(spec: &Spec) -> Vec<RefOr<Parameter>> {
    let query = ParameterIn::Query;
    let mut all = vec![
        choice(
            "mode",
            "`partial`: good items are stored, bad ones reported. `atomic`: all or nothing. \
             The body is then held whole, so a stream is bounded like every other body: 413.",
            ["partial", "atomic"],
        ),
        choice(
            "dry_run",
            "`true`: the same report, and nothing is kept. The body is bounded as with `atomic`.",
            ["false", "true"],
        ),
        parameter(
            "as_of",
            query.clone(),
            "When this was true at the source: your fetch time, as in `2024-05-01T12:00:00Z`. It \
             decides between statements of one source time.",
        ),
    ];
    for name in spec.params {
        all.push(if FLAGS.contains(name) {
            choice(name, words(name), ["false", "true"])
        } else {
            parameter(name, query.clone(), words(name))
        });
    }
    if !spec.complete.is_empty() {
        let doc = format!(
            "Child sets that this body lists in full, of {}: rows that it lacks are removed, except \
             those that are newer than the statement.",
            spec.complete.join(", ")
        );
        all.push(parameter("complete", query, &doc));
    }
    all.push(parameter(
        "Idempotency-Key",
        ParameterIn::Header,
        "The same key with the same body gives the stored receipt, byte for byte; with another body \
         it is a 409. Any text of up to 255 characters.",
    ));
    all.push(parameter(
        "Prefer",
        ParameterIn::Header,
        "`respond-async`: the request is answered 202 as soon as its body is safe; `Location` names \
         the receipt that will tell what became of it.",
    ));
    all.into_iter().map(RefOr::T).collect()
}

/// `POST /ingest/{domain}/{kind}`.
pub fn post(spec: &Spec) -> Documented {
    let mut body =
        RequestBodyBuilder::new().required(Some(Required::True)).description(Some(format!(
            "{} May be gzip, zstd or br. `GET /api/v1/ingest/{}/{}/schema` is its JSON Schema.",
            if spec.takes.contains(&Content::Json) {
                "As the source gives it: JSON is an object, an array, or one a line."
            } else {
                "As the source gives it."
            },
            spec.domain,
            spec.name
        )));
    for (nth, content) in spec.takes.iter().enumerate() {
        let example = (nth == 0).then_some(spec.example);
        for (media, content) in contents(*content, example) {
            body = body.content(media, content);
        }
    }
    let receipt = |media| {
        let content = ContentBuilder::new()
            .schema(Some(Ref::from_schema_name("Receipt")))
            .example(Some(example_receipt(spec)))
            .build();
        ResponseBuilder::new().content(media, content)
    };
    let operation = described(spec, "ingest", &format!("Ingest {} {}", spec.domain, spec.name))
        .description(Some(spec.doc))
        .request_body(Some(body.build()))
        .response(
            "200",
            receipt("application/json")
                .description("Committed and durable: what became of each item.")
                .build(),
        )
        .response(
            "202",
            receipt("application/json")
                .description("Queued, and safe: `Location` is the receipt's address.")
                .build(),
        )
        .response(
            "422",
            receipt("application/problem+json")
                .description(
                    "Every item was rejected: the receipt, which is a problem document too. Its \
                     `status` is the receipt's.",
                )
                .build(),
        );
    let mut built = operation.build();
    built.parameters = Some(parameters(spec));
    let mut schemas = vec![("Receipt".to_owned(), Receipt::schema())];
    Receipt::schemas(&mut schemas);
    let mut paths = Paths::new();
    paths.paths.insert(path(spec, ""), PathItem::new(HttpMethod::Post, built));
    (schemas, paths)
}

/// The media types of a content, each with its schema and its example.
fn contents(content: Content, example: Option<&str>) -> Vec<(&'static str, OpenApiContent)> {
    let text = |example: Option<Value>| {
        let schema = ObjectBuilder::new().schema_type(Type::String);
        ContentBuilder::new().schema(Some(schema)).example(example).build()
    };
    match content {
        Content::Json => {
            let example = example.map(|text| serde_json::from_str(text).unwrap_or_default());
            let document = || ObjectBuilder::new().schema_type(Type::Object);
            let schema =
                OneOfBuilder::new().item(document()).item(ArrayBuilder::new().items(document()));
            let line = example.as_ref().map(|example: &Value| json!(example.to_string()));
            let one = ContentBuilder::new().schema(Some(schema)).example(example).build();
            vec![("application/json", one), ("application/x-ndjson", text(line))]
        }
        other => other
            .types()
            .iter()
            .map(|media| (*media, text(example.map(|example| json!(example)))))
            .collect(),
    }
}

/// The media type of a kind's example.
pub fn example_media(spec: &Spec) -> &'static str {
    spec.takes.first().map_or("application/json", |content| content.types()[0])
}

/// `GET /ingest/{domain}/{kind}/schema`.
pub fn schema(spec: &Spec) -> Documented {
    let summary = format!("JSON Schema of {} {}", spec.domain, spec.name);
    let example = json!({"$schema": "https://json-schema.org/draft/2020-12/schema"});
    constant(spec, "schema", &summary, "application/schema+json", example)
}

/// `GET /ingest/{domain}/{kind}/example`.
pub fn example(spec: &Spec) -> Documented {
    let summary = format!("A body that {} {} takes", spec.domain, spec.name);
    let example = serde_json::from_str(spec.example).unwrap_or_else(|_| json!(spec.example));
    constant(spec, "example", &summary, example_media(spec), example)
}

/// `POST /ingest/{domain}/{kind}/known`.
pub fn known(spec: &Spec) -> Documented {
    let lists = |names: &[&str]| {
        names.iter().fold(ObjectBuilder::new().schema_type(Type::Object), |object, name| {
            let key = OneOfBuilder::new()
                .item(ObjectBuilder::new().schema_type(Type::String))
                .item(ObjectBuilder::new().schema_type(Type::Integer))
                .item(ObjectBuilder::new().schema_type(Type::Object));
            object
                .property(*name, ArrayBuilder::new().items(RefOr::T(Schema::OneOf(key.build()))))
                .required(*name)
        })
    };
    let key = example_key(spec);
    let body = ContentBuilder::new()
        .schema(Some(lists(&["keys"])))
        .example(Some(json!({"keys": [key]})))
        .build();
    let answer = ContentBuilder::new()
        .schema(Some(lists(&["known", "unknown", "deleted"])))
        .example(Some(json!({"known": [], "unknown": [key], "deleted": []})))
        .build();
    let summary = format!("Which {} {} are stored already", spec.domain, spec.name);
    let id = format!("ask_known_{}", identifier(spec));
    let operation = operation("ingest", &id, &summary, &Scope::Read)
        .description(Some(format!(
            "At most {} natural keys, each `{}` or an object with these fields, are answered by \
             what is known of them, as sent. Stubs are unknown{}.",
            super::known::KEYS,
            spec.known.key,
            if spec.public_keys.is_some() {
                "; and so is what is not public, to whoever has neither `read:pii` nor may ingest \
                 into the domain"
            } else {
                ""
            }
        )))
        .request_body(Some(
            RequestBodyBuilder::new()
                .required(Some(Required::True))
                .content("application/json", body)
                .build(),
        ))
        .response(
            "200",
            ResponseBuilder::new()
                .description("The keys, parted.")
                .content("application/json", answer)
                .build(),
        );
    let mut paths = Paths::new();
    paths.paths.insert(path(spec, "/known"), PathItem::new(HttpMethod::Post, operation.build()));
    (Vec::new(), paths)
}

/// A key of a kind's template, made up.
fn example_key(spec: &Spec) -> String {
    let fields = super::known::Template::of(spec.known.key);
    fields.fields().fold(spec.known.key.to_owned(), |key, field| {
        let example = match field {
            "repo" => "boostorg/json",
            "sha" => "0123456789abcdef0123456789abcdef01234567",
            "number" => "601",
            "year" => "2024",
            "language" => "C++",
            "version" => "boost-1.84.0",
            _ => "1",
        };
        key.replace(&format!("{{{field}}}"), example)
    })
}

fn constant(
    spec: &Spec,
    what: &str,
    summary: &str,
    media: &str,
    example: Value,
) -> (Vec<(String, RefOr<Schema>)>, Paths) {
    let content = ContentBuilder::new()
        .schema(Some(ObjectBuilder::new().schema_type(Type::Object)))
        .example(Some(example))
        .build();
    let answer = ResponseBuilder::new().description("The document.").content(media, content);
    let id = format!("{what}_of");
    let scope = Scope::Read;
    let operation = operation("ingest", &format!("{id}_{}", identifier(spec)), summary, &scope)
        .response("200", answer.build());
    let mut paths = Paths::new();
    paths
        .paths
        .insert(path(spec, &format!("/{what}")), PathItem::new(HttpMethod::Get, operation.build()));
    (Vec::new(), paths)
}

fn described(spec: &Spec, verb: &str, summary: &str) -> OperationBuilder {
    let scope = Scope::Ingest(spec.domain.to_owned());
    operation("ingest", &format!("{verb}_{}", identifier(spec)), summary, &scope)
}

fn identifier(spec: &Spec) -> String {
    format!("{}_{}", spec.domain, spec.name).replace('-', "_")
}

fn path(spec: &Spec, tail: &str) -> String {
    format!("/ingest/{}/{}{tail}", spec.domain, spec.name)
}

fn example_receipt(spec: &Spec) -> Value {
    json!({
        "id": "019319f2-7d3c-7c3e-8a51-0d9f1c6b2a10",
        "request_id": "019319f2-7d3b-7d2c-9a61-1c8f2b7a3e20",
        "domain": spec.domain,
        "kind": spec.name,
        "status": "done",
        "dry_run": false,
        "received": 1, "inserted": 1, "updated": 0, "unchanged": 0, "stale": 0, "rejected": 0,
        "warnings": [],
        "tables": {},
        "raw": [],
        "errors": [],
        "started_at": "2024-05-01T12:00:00Z",
        "finished_at": "2024-05-01T12:00:00.012Z"
    })
}
