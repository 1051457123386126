//! Suggestions, and undo.

use axum::response::{IntoResponse, Response};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::Caller;
use crate::{
    app::App,
    domains::users::identities::{
        answer::Answer, operation::Operation, requests::Computation, suggestions,
    },
    http::{
        extract::{Body, Path},
        json::Json,
        problem::Result,
    },
};

/// The routes.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(compute))
        .routes(routes!(accept))
        .routes(routes!(reject))
        .routes(routes!(undo))
}

/// Compute suggestions
///
/// Compares the profiles about which something changed since the last time (an address, the account,
/// where they belong) with all others; `full` compares everybody. Pairs that were decided on stay as
/// they are.
#[utoipa::path(
    post,
    path = "/users/identity-suggestions/compute",
    operation_id = "compute_users_identity_suggestions",
    tag = "users",
    request_body(content = Computation, example = json!({"full": false})),
    responses((status = 200, description = "What was found.", body = suggestions::Report, example = json!({"pairs": 2, "made": 1, "updated": 0, "withdrawn": 0, "skipped": []}))),
    extensions(("x-scope" = json!("identity:write")))
)]
async fn compute(caller: Caller, Body(body): Body<Computation>) -> Result<Response> {
    Ok(Json(suggestions::compute(&caller.app, body.full).await?).into_response())
}

/// Accept a suggestion
///
/// Joins the two profiles: in a new identity if neither has one, in the one that one of them has, or
/// by merging the younger identity into the older. What spoke for it must still be there.
#[utoipa::path(
    post,
    path = "/users/identity-suggestions/{id}/accept",
    operation_id = "accept_users_identity_suggestion",
    tag = "users",
    params(("id" = i64, Path, description = "The suggestion's id.", example = 1)),
    responses(
        (status = 200, description = "The suggestion, and the identity of both.", body = Answer, example = json!({"operation_id": 21, "suggestion": {"id": 1, "status": "accepted"}, "identity": {"id": 1, "display_name": "Jane Roe", "profiles": []}})),
        (status = 409, description = "It was rejected, an identity is locked, or no address joins the two any more.")
    ),
    extensions(("x-scope" = json!("identity:write")))
)]
async fn accept(caller: Caller, Path(suggestion): Path<i64>) -> Result<Response> {
    let operation = Operation::Accept { suggestion };
    caller.run(operation).await
}

/// Reject a suggestion
///
/// The pair is remembered and never suggested again; undo forgets it.
#[utoipa::path(
    post,
    path = "/users/identity-suggestions/{id}/reject",
    operation_id = "reject_users_identity_suggestion",
    tag = "users",
    params(("id" = i64, Path, description = "The suggestion's id.", example = 1)),
    responses(
        (status = 200, description = "The suggestion.", body = Answer, example = json!({"operation_id": 22, "suggestion": {"id": 1, "status": "rejected"}})),
        (status = 409, description = "It was accepted.")
    ),
    extensions(("x-scope" = json!("identity:write")))
)]
async fn reject(caller: Caller, Path(suggestion): Path<i64>) -> Result<Response> {
    let operation = Operation::Reject { suggestion };
    caller.run(operation).await
}

/// Undo an operation
///
/// Every row is again exactly as it was before. Refused, with the operations in the way, if a later one
/// has to do with the same rows. Undoing an undo is redoing.
#[utoipa::path(
    post,
    path = "/users/identity-operations/{id}/undo",
    operation_id = "undo_users_identity_operation",
    tag = "users",
    params(("id" = i64, Path, description = "The operation's id.", example = 1)),
    responses(
        (status = 200, description = "It is undone; this undoes that.", body = Answer, example = json!({"operation_id": 23})),
        (status = 409, description = "It is undone already, or a later operation is in the way: `errors` names each.")
    ),
    extensions(("x-scope" = json!("identity:write")))
)]
async fn undo(caller: Caller, Path(operation): Path<i64>) -> Result<Response> {
    let operation = Operation::Undo { operation };
    caller.run(operation).await
}
