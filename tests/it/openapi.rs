//! The document: committed as served, and complete.

use std::collections::HashSet;

use boost_dashboard::cli::people;
use serde_json::Value;

use crate::{support::TestApp, world};

/// Every operation of a document: method, path, description.
pub(crate) fn operations(document: &Value) -> Vec<(String, String, Value)> {
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            if ["get", "post", "put", "patch", "delete"].contains(&method.as_str()) {
                operations.push((method.to_uppercase(), path.clone(), operation.clone()));
            }
        }
    }
    operations
}

/// The document as it is served.
pub(crate) async fn served(app: &TestApp) -> Value {
    app.get("/api/v1/openapi.json").await.expect(200)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_committed_document_is_the_served_one() {
    let served = served(&TestApp::new().await).await;
    let committed = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi/openapi.json");
    let committed: Value =
        serde_json::from_str(&std::fs::read_to_string(committed).unwrap()).unwrap();
    assert!(
        served == committed,
        "openapi/openapi.json is out of date; run: boost-dashboard openapi > openapi/openapi.json"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_is_described_in_full() {
    let document = served(&TestApp::new().await).await;
    assert_eq!(document["openapi"], "3.1.0");
    let tags: HashSet<_> =
        document["tags"].as_array().unwrap().iter().map(|tag| tag["name"].clone()).collect();
    let mut ids = HashSet::new();
    let mut faults = Vec::new();
    for (method, path, operation) in operations(&document) {
        let mut fault = |what: &str| faults.push(format!("{method} {path}: {what}"));
        let id = operation["operationId"].as_str().unwrap_or_default().to_owned();
        if id.is_empty() || !ids.insert(id) {
            fault("no operationId of its own");
        }
        if operation["summary"].as_str().unwrap_or_default().is_empty() {
            fault("no summary");
        }
        if !operation["tags"][0].is_string() || !tags.contains(&operation["tags"][0]) {
            fault("no tag, or one that is not declared");
        }
        if operation["x-scope"].as_str().is_none() {
            fault("no x-scope");
        }
        let needs_token = !["none", "read"].contains(&operation["x-scope"].as_str().unwrap_or(""));
        if needs_token != (operation["security"].as_array().is_some_and(|all| all.len() == 1)) {
            fault("security does not follow x-scope");
        }
        let responses = operation["responses"].as_object().unwrap();
        if !["500", "503"].iter().all(|status| responses.contains_key(*status)) {
            fault("no problem responses");
        }
        let answers = responses.iter().filter(|(status, _)| status.starts_with('2'));
        if !answers.clone().any(|(_, answer)| shows_an_example(answer) || is_empty(answer)) {
            fault("no example of an answer");
        }
        if path.contains('{') && !path_parameters_are_described(&path, &operation) {
            fault("a path parameter is not described, or has no example");
        }
        if let Some(content) = operation.pointer("/requestBody/content")
            && !content.as_object().unwrap().values().any(has_example)
        {
            fault("no example of a body");
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

fn has_example(content: &Value) -> bool {
    content.get("example").is_some() || content.get("examples").is_some()
}

fn shows_an_example(answer: &Value) -> bool {
    answer["content"].as_object().is_some_and(|all| all.values().any(has_example))
}

fn is_empty(answer: &Value) -> bool {
    answer
        .get("content")
        .is_none_or(|content| content.as_object().is_some_and(serde_json::Map::is_empty))
}

fn path_parameters_are_described(path: &str, operation: &Value) -> bool {
    let names = path.split('/').filter_map(|it| it.strip_prefix('{')?.strip_suffix('}'));
    let described = operation["parameters"].as_array().cloned().unwrap_or_default();
    names.into_iter().all(|name| {
        described.iter().any(|parameter| {
            parameter["name"] == name.trim_start_matches('*')
                && parameter["in"] == "path"
                && has_example(parameter)
        })
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn every_reference_leads_somewhere() {
    fn walk(document: &Value, at: &Value, lost: &mut Vec<String>) {
        match at {
            Value::Object(map) => {
                if let Some(Value::String(to)) = map.get("$ref")
                    && to.strip_prefix('#').and_then(|to| document.pointer(to)).is_none()
                {
                    lost.push(to.clone());
                }
                map.values().for_each(|value| walk(document, value, lost));
            }
            Value::Array(items) => items.iter().for_each(|value| walk(document, value, lost)),
            _ => {}
        }
    }
    let document = served(&TestApp::new().await).await;
    let mut lost = Vec::new();
    walk(&document, &document, &mut lost);
    assert!(lost.is_empty(), "{lost:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_document_is_sent_once() {
    let app = TestApp::new().await;
    let first = app.get("/api/v1/openapi.json").await;
    let etag = first.header("etag").unwrap().to_owned();
    let request = crate::support::request(axum::http::Method::GET, "/api/v1/openapi.json", None)
        .header("if-none-match", &etag)
        .body(axum::body::Body::empty())
        .unwrap();
    let second = app.send(request).await;
    assert_eq!(second.status(), 304);
    assert!(second.bytes().is_empty());
    assert_eq!(second.header("etag"), Some(etag.as_str()));
}

#[tokio::test(flavor = "multi_thread")]
async fn swagger_ui_is_served_and_reads_our_document() {
    let app = TestApp::new().await;
    let page = app.get("/swagger-ui/").await;
    assert_eq!(page.status(), 200);
    assert!(page.text().contains("swagger-ui"));
    let script = app.get("/swagger-ui/swagger-initializer.js").await;
    assert!(script.text().contains("\"/api/v1/openapi.json\""), "{}", script.text());
    assert!(!script.text().contains("petstore"));
    let document = served(&app).await;
    assert_eq!(document.pointer("/components/securitySchemes/bearer/scheme").unwrap(), "bearer");
    // A file that is none is a problem document as everywhere.
    app.get("/swagger-ui/nothing.js").await.expect(404);
}

/// Parts of paths that lead to nothing in the sample data: receipts, whose ids nobody foretells, and
/// where rows come from that no payload states.
const NOTHING: &[&str] = &[
    "/ingest/receipts/",
    "/users/identities/{id}/provenance",
    "/users/temp-profile-identity-relations/{id}/provenance",
    "/users/tmp-identities/{id}/provenance",
];

/// The address that Swagger UI would ask: each parameter of the path is its example.
fn exemplary(path: &str, operation: &Value) -> String {
    let parameters = operation["parameters"].as_array().into_iter().flatten();
    let own = parameters.filter(|parameter| parameter["in"] == "path");
    own.fold(path.to_owned(), |path, parameter| {
        let example = match &parameter["example"] {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        path.replace(&format!("{{{}}}", parameter["name"].as_str().unwrap()), &example)
    })
}

/// Every GET of the document: its path, and its address by example.
fn gets(document: &Value) -> impl Iterator<Item = (String, String)> {
    let gets = operations(document).into_iter().filter(|(method, ..)| method == "GET");
    gets.map(|(_, path, operation)| {
        let address = exemplary(&path, &operation);
        (path, address)
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_examples_of_paths_are_there_in_the_sample_data() {
    let app = TestApp::new().await;
    world::post_all(&app).await;
    people::introduce(app.app(), "demo").await.unwrap();
    let token = app.token(&["admin", "read", "read:pii", "read:raw", "ingest:*"]);
    let mut faults = Vec::new();
    for (path, address) in gets(&served(&app).await).filter(|(path, _)| path.contains('{')) {
        let is_nothing = NOTHING.iter().any(|part| path.contains(part));
        let status = app.get_as(&token, &address).await.status();
        let is_fine = if is_nothing { [200, 404].contains(&status) } else { status == 200 };
        if !is_fine {
            faults.push(format!("{address}: {status}"));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_get_does_not_take_is_refused_by_each() {
    let app = TestApp::new().await;
    world::post_all(&app).await;
    let token = app.token(&["admin", "read", "read:pii", "read:raw", "ingest:*"]);
    let mut faults = Vec::new();
    let mut refused = 0;
    // Probes and scrapers may add what they like to these.
    let free = ["/health/live", "/health/ready", "/metrics"];
    for (path, address) in gets(&served(&app).await).filter(|(path, _)| !free.contains(&&**path)) {
        let answer = app.get_as(&token, &format!("{address}?zzz=1")).await;
        let status = answer.status();
        let problem = if status == 400 { answer.json() } else { Value::Null };
        let fault = &problem["errors"][0];
        if fault["parameter"] == "zzz" && fault["code"] == "unknown_parameter" {
            refused += 1;
        } else {
            faults.push(format!("{path}: {status} {problem}"));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(refused > 69 * 4, "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_text_in_a_path_is_refused_by_each() {
    let app = TestApp::new().await;
    let token = app.token(&["admin"]);
    let mut faults = Vec::new();
    let mut refused = 0;
    for (method, path, operation) in operations(&served(&app).await) {
        for bad in ["%ff", "%c0%80", "%ed%a0%80", "%00"] {
            let parameters = operation["parameters"].as_array().into_iter().flatten();
            let own = parameters.filter(|parameter| parameter["in"] == "path");
            let address = own.fold(path.clone(), |path, parameter| {
                path.replace(&format!("{{{}}}", parameter["name"].as_str().unwrap()), bad)
            });
            if address == path {
                continue;
            }
            let method = method.parse().unwrap();
            let request = crate::support::request(method, &address, Some(&token));
            let answer = app.send(request.body(axum::body::Body::empty()).unwrap()).await;
            // What takes a body may refuse that first.
            let is_refused = answer.status() == 400
                && answer.json()["errors"][0]["code"] == "invalid_path_parameter";
            if is_refused {
                refused += 1;
            } else if answer.status() >= 500 || operation.get("requestBody").is_none() {
                faults.push(format!("{address}: {} {}", answer.status(), answer.text()));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(refused > 69 * 4, "{refused}");
}
