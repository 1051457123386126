//! The OpenAPI document: what the routes say, and what is true of all of them, said once.

mod conditional;
mod shared;

use std::sync::{Arc, OnceLock};

use axum::{
    Router,
    extract::Request,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use serde_json::json;
use sha2::{Digest, Sha256};
use utoipa::openapi::{extensions::ExtensionsBuilder, path::OperationBuilder};
use utoipa_axum::{router::OpenApiRouter, routes};
use utoipa_swagger_ui::{Config, SwaggerUi};

use super::{
    extract::NoParams,
    problem::{Problem, nearest},
    scope::Scope,
};
use crate::app::App;

/// Where the document is served.
pub const PATH: &str = "/api/v1/openapi.json";

/// The extension that names the component which a parameter becomes: routers pass on schemas only,
/// so a parameter that many operations share is written with each, and the document holds it once.
pub const SHARED: &str = "x-shared";

/// Begins the description of an operation: its tag, its unique id, its summary, and the scope it
/// needs. What a refusal looks like is added to all operations alike.
pub fn operation(tag: &str, id: &str, summary: &str, scope: &Scope) -> OperationBuilder {
    let scope = json!(scope.to_string());
    OperationBuilder::new()
        .tag(tag)
        .operation_id(Some(id))
        .summary(Some(summary))
        .extensions(Some(ExtensionsBuilder::new().add("x-scope", scope).build()))
}

/// The document, ready to be sent. Only its text is kept: as a tree it takes ten times as much.
#[derive(Debug)]
pub struct Document {
    body: Bytes,
    etag: HeaderValue,
    /// Every documented path, for suggestions.
    paths: Vec<String>,
}

impl Document {
    fn of(routes: utoipa::openapi::OpenApi) -> anyhow::Result<Self> {
        let value = shared::finish(serde_json::to_value(routes)?)?;
        let body = serde_json::to_vec(&value)?;
        let etag = format!("W/\"{}\"", hex::encode(&Sha256::digest(&body)[..16])).parse()?;
        let paths = value["paths"].as_object().into_iter().flat_map(|paths| paths.keys().cloned());
        Ok(Self { paths: paths.collect(), body: body.into(), etag })
    }

    /// The document as a tree.
    pub fn value(&self) -> serde_json::Result<serde_json::Value> {
        serde_json::from_slice(&self.body)
    }
}

/// The document of this binary. It depends on the code alone, so it is made once a process.
pub fn document() -> anyhow::Result<Arc<Document>> {
    static DOCUMENT: OnceLock<Arc<Document>> = OnceLock::new();
    if let Some(document) = DOCUMENT.get() {
        return Ok(Arc::clone(document));
    }
    let document = Arc::new(Document::of(super::routes().into_openapi())?);
    Ok(Arc::clone(DOCUMENT.get_or_init(|| document)))
}

/// The words that paths of the document have right below a path of the API.
pub fn words_below(path: &str) -> Vec<String> {
    let prefix = format!("/api/v1{path}/");
    let document = document().ok();
    let paths = document.iter().flat_map(|document| &document.paths);
    let below = paths.filter_map(|path| path.strip_prefix(&prefix));
    below.filter(|word| !word.contains(['/', '{'])).map(str::to_owned).collect()
}

/// The document's own route.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(serve))
}

/// This document
///
/// OpenAPI 3.1. The repository holds the same as `openapi/openapi.json`.
#[utoipa::path(
    get,
    path = "/openapi.json",
    operation_id = "get_openapi",
    tag = "service",
    responses(
        (
            status = 200,
            description = "The document.",
            body = serde_json::Value,
            example = json!({"openapi": "3.1.0"})
        )
    ),
    extensions(("x-scope" = json!("none")))
)]
async fn serve(_: NoParams) -> Response {
    let document = match document() {
        Ok(document) => document,
        Err(error) => return Problem::internal(format!("{error:#}")).into_response(),
    };
    let caching = [
        (header::ETAG, document.etag.clone()),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    ];
    let json = [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))];
    (caching, json, document.body.clone()).into_response()
}

/// Swagger UI at `/swagger-ui/`, on the document of our own origin.
pub fn swagger() -> Router {
    let config = Config::from(PATH)
        .persist_authorization(true)
        .try_it_out_enabled(true)
        .display_operation_id(true)
        .display_request_duration(true)
        .doc_expansion("none")
        .filter(true)
        .validator_url("none");
    SwaggerUi::new("/swagger-ui").config(config).into()
}

/// 404 for a path that is none, with the nearest that is one.
pub async fn no_such_path(request: Request) -> Problem {
    let path = request.uri().path();
    let mut problem = Problem::not_found(format!("There is no path `{path}`."));
    problem.code = "no_such_path".into();
    if let Ok(document) = document()
        && let Some(suggestion) = nearest_path(path, &document.paths)
    {
        problem.errors.push(super::problem::Fault {
            pointer: None,
            parameter: None,
            code: "no_such_path".into(),
            detail: "The nearest path is suggested.".to_owned(),
            suggestion: Some(suggestion),
        });
    }
    problem
}

/// 405; axum adds `Allow`.
pub async fn no_such_method(request: Request) -> Problem {
    let (method, path) = (request.method(), request.uri().path());
    let detail = format!("`{path}` does not take {method}; see the Allow header.");
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail)
}

/// The documented path that is nearest to `path`, its parameters filled with what `path` has there.
fn nearest_path(path: &str, templates: &[String]) -> Option<String> {
    let sent: Vec<&str> = path.split('/').collect();
    let filled: Vec<String> = templates
        .iter()
        .map(|template| {
            let segments = template.split('/').enumerate().map(|(at, segment)| {
                let own = sent.get(at).filter(|own| segment.starts_with('{') && !own.is_empty());
                own.copied().unwrap_or(segment)
            });
            segments.collect::<Vec<_>>().join("/")
        })
        .collect();
    // What all have in common says nothing about which is meant.
    let own = |path: &'_ str| path.strip_prefix("/api/v1/").map_or(path.len(), str::len);
    let bare = |path: &str| path[path.len() - own(path)..].to_owned();
    let (wanted, candidates) = (bare(path), filled.iter().map(|path| bare(path)));
    let candidates: Vec<String> = candidates.collect();
    let near = nearest(&wanted, candidates.iter().map(String::as_str))?;
    let at = candidates.iter().position(|candidate| candidate == near)?;
    filled.get(at).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn misspelt_paths_find_theirs() {
        let templates = ["/api/v1/github/commits", "/api/v1/github/commits/{id}", "/health/live"];
        let templates = templates.map(str::to_owned);
        let near = |path| nearest_path(path, &templates);
        assert_eq!(near("/api/v1/github/comits").unwrap(), "/api/v1/github/commits");
        assert_eq!(near("/api/v1/github/comits/7").unwrap(), "/api/v1/github/commits/7");
        assert_eq!(near("/health/alive").unwrap(), "/health/live");
        assert_eq!(near("/api/v1/nope"), None);
    }
}
