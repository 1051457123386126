//! What the document says of conditional requests: the same of every GET.

use serde_json::{Value, json};

const NAME: &str = "If-None-Match";
const TAG: &str = "W/\"5f1d1c8b0e0f4d4c9f0a6a1f2b3c4d5e\"";

/// Adds the shared parts to the components.
pub(super) fn add_components(components: &mut Value) {
    components["parameters"][NAME] = json!({
        "name": NAME,
        "in": "header",
        "required": false,
        "description": "The `ETag` of the answer that is at hand, or several separated by commas, \
                        or `*`. If one of them is still right, the answer is 304.",
        "schema": {"type": "string"},
        "example": TAG,
    });
    components["headers"]["ETag"] = json!({
        "description": "Changes if and only if the body does, apart from `as_of`. Streams have \
                        none.",
        "schema": {"type": "string"},
        "example": TAG,
    });
    components["responses"]["NotModified"] = json!({
        "description": "The answer is the one that `If-None-Match` names.",
        "headers": {
            "ETag": {"$ref": "#/components/headers/ETag"},
            "x-request-id": {"schema": {"type": "string"}},
        },
    });
}

/// Adds to a GET what holds for each.
pub(super) fn complete(operation: &mut Value) {
    if operation["parameters"].is_null() {
        operation["parameters"] = json!([]);
    }
    if let Some(parameters) = operation["parameters"].as_array_mut() {
        parameters.push(json!({"$ref": format!("#/components/parameters/{NAME}")}));
    }
    let responses = &mut operation["responses"];
    responses["304"] = json!({"$ref": "#/components/responses/NotModified"});
    if responses["200"].get("content").is_some() {
        responses["200"]["headers"]["ETag"] = json!({"$ref": "#/components/headers/ETag"});
    }
}
