//! Whether the server lives, whether it can serve, and how it fares.

use std::sync::atomic::Ordering;

use axum::{extract::State, http::header, response::IntoResponse};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    json::Json,
    problem::{Problem, Result},
};
use crate::{app::App, db::migrate};

/// The routes of this file.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(live)).routes(routes!(ready)).routes(routes!(metrics))
}

/// How the server is.
#[derive(Debug, Serialize, ToSchema)]
struct Health {
    /// `ok`: everything else is a problem document.
    #[schema(example = "ok")]
    status: &'static str,
}

const OK: Json<Health> = Json(Health { status: "ok" });

/// Whether the server lives
///
/// Answers as long as the process runs, whatever the database does.
#[utoipa::path(
    get,
    path = "/health/live",
    operation_id = "get_health_live",
    tag = "service",
    responses((status = 200, description = "It lives.", body = Health, example = json!({"status": "ok"}))),
    extensions(("x-scope" = json!("none")))
)]
async fn live() -> Json<Health> {
    OK
}

/// Whether the server can serve
///
/// The database is reachable and has every migration of this version; else 503.
#[utoipa::path(
    get,
    path = "/health/ready",
    operation_id = "get_health_ready",
    tag = "service",
    responses((status = 200, description = "It can serve.", body = Health, example = json!({"status": "ok"}))),
    extensions(("x-scope" = json!("none")))
)]
async fn ready(State(app): State<App>) -> Result<Json<Health>> {
    // Given back before `pending` takes one: a pool of one must not wait for itself.
    drop(app.pool.get().await?);
    if migrate::pending(&app.pool).await {
        return Err(Problem::unavailable(
            "migrations_pending",
            "The database lacks a migration of this server.",
        ));
    }
    Ok(OK)
}

/// How the server fares
///
/// Counters and histograms in Prometheus' text format.
#[utoipa::path(
    get,
    path = "/metrics",
    operation_id = "get_metrics",
    tag = "service",
    responses((
        status = 200,
        description = "Prometheus text format.",
        body = String,
        content_type = "text/plain",
        example = json!("db_pool_connections 4\n")
    )),
    extensions(("x-scope" = json!("none")))
)]
async fn metrics(State(app): State<App>) -> impl IntoResponse {
    let pool = app.pool.status();
    #[expect(clippy::cast_precision_loss, reason = "small counts")]
    let gauge = |name: &'static str, value: usize| metrics::gauge!(name).set(value as f64);
    gauge("db_pool_connections", pool.size);
    gauge("db_pool_connections_idle", pool.available);
    gauge("db_pool_connections_max", pool.max_size);
    gauge("db_pool_waiting", pool.waiting);
    gauge("http_requests_in_flight", app.in_flight.load(Ordering::Relaxed));
    let content_type = "text/plain; version=0.0.4; charset=utf-8";
    ([(header::CONTENT_TYPE, content_type)], app.metrics.render())
}
