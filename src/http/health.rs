//! Whether the server lives, whether it can serve, and how it fares.

use axum::{
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse,
};
use diesel_async::RunQueryDsl;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::problem::{Problem, Result};
use crate::{
    app::App,
    db::{
        self,
        sql::{Row, Statement},
    },
};

/// The routes of this file.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(live)).routes(routes!(ready)).routes(routes!(metrics))
}

/// How the server is.
#[derive(Debug, Serialize, ToSchema)]
struct Health {
    /// `ok`.
    #[schema(example = "ok")]
    status: &'static str,
}

