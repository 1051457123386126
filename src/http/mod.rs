//! HTTP: problems, access, extractors, layers, the OpenAPI document, and every route in one place.

pub mod access;
pub mod coding;
pub mod conditional;
pub mod extract;
pub mod health;
pub mod json;
pub mod keys;
pub mod layers;
pub mod limits;
pub mod openapi;
pub mod problem;
pub mod scope;
pub mod tags;
pub mod tokens;

use axum::{Router, response::Redirect, routing};
use utoipa_axum::router::OpenApiRouter;

use crate::{app::App, changes, domains, ingest, webhooks};

/// Every documented route.
fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().merge(health::routes()).nest("/api/v1", api())
}

/// What lies below `/api/v1`.
fn api() -> OpenApiRouter<App> {
    let own = openapi::routes()
        .merge(ingest::routes::routes())
        .merge(webhooks::routes())
        .merge(changes::routes::routes());
    domains::all().iter().fold(own, |router, domain| router.merge(domain.router()))
}

/// The whole server: every route, every layer.
pub fn router(app: App) -> Router {
    let (served, _) = routes().split_for_parts();
    let served = served
        .with_state(app.clone())
        .route("/", routing::get(|| async { Redirect::to("/swagger-ui/") }))
        .merge(openapi::swagger())
        .fallback(openapi::no_such_path)
        .method_not_allowed_fallback(openapi::no_such_method);
    layers::wrap(served, app)
}
