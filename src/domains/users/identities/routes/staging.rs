//! Temporary identities and proposals.

use axum::response::Response;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Caller, description, name};
use crate::{
    app::App,
    domains::users::identities::{
        answer::Answer,
        operation::{About, Operation},
        requests::{NewRelation, NewTmpIdentity, Promotion},
    },
    http::{
        extract::{Body, Path},
        problem::Result,
    },
};

/// The routes.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(stage))
        .routes(routes!(discard))
        .routes(routes!(promote))
        .routes(routes!(propose))
        .routes(routes!(withdraw))
}

/// Make a temporary identity
///
/// The profiles are proposed for it; they stay where they are until it is promoted.
#[utoipa::path(
    post,
    path = "/users/tmp-identities",
    operation_id = "stage_users_tmp_identity",
    tag = "users",
    request_body(content = NewTmpIdentity, example = json!({"display_name": "Jane Roe", "profiles": []})),
    responses((status = 201, description = "The temporary identity.", body = Answer, example = json!({"operation_id": 16, "tmp_identity": {"id": 2, "display_name": "Jane Roe"}}))),
    extensions(("x-scope" = json!("identity:write")))
)]
async fn stage(caller: Caller, Body(body): Body<NewTmpIdentity>) -> Result<Response> {
    let about = About {
        display_name: name(body.display_name)?,
        description: description(body.description)?,
    };
    let operation = Operation::Stage { about, profiles: body.profiles };
    caller.make(operation, "/users/tmp-identities").await
}

/// Discard a temporary identity
///
/// With its proposals; the profiles stay where they are.
#[utoipa::path(
    delete,
    path = "/users/tmp-identities/{id}",
    operation_id = "discard_users_tmp_identity",
    tag = "users",
    params(("id" = i64, Path, description = "The temporary identity's id.", example = 1)),
    responses((status = 200, description = "It is gone; this undoes it.", body = Answer, example = json!({"operation_id": 17}))),
    extensions(("x-scope" = json!("identity:write")))
)]
async fn discard(caller: Caller, Path(target): Path<i64>) -> Result<Response> {
    let operation = Operation::Discard { target };
    caller.run(operation).await
}

/// Promote a temporary identity
///
/// Moves the proposed profiles to an identity, or to a new one, and ends the temporary one; all in one
/// transaction.
#[utoipa::path(
    post,
    path = "/users/tmp-identities/{id}/promote",
    operation_id = "promote_users_tmp_identity",
    tag = "users",
    params(("id" = i64, Path, description = "The temporary identity's id.", example = 1)),
    request_body(content = Promotion, example = json!({"identity_id": 1})),
    responses(
        (status = 200, description = "The identity.", body = Answer, example = json!({"operation_id": 18, "identity": {"id": 1, "display_name": "Jane Roe", "profiles": []}})),
        (status = 409, description = "The identity is locked, or was merged away.")
    ),
    extensions(("x-scope" = json!("identity:write")))
)]
async fn promote(
    caller: Caller,
    Path(target): Path<i64>,
    Body(body): Body<Promotion>,
) -> Result<Response> {
    let operation = Operation::Promote { target, identity: body.identity_id };
    caller.run(operation).await
}

/// Propose a profile for a temporary identity
///
/// Proposed twice, it changes nothing.
#[utoipa::path(
    post,
    path = "/users/temp-profile-identity-relations",
    operation_id = "propose_users_relation",
    tag = "users",
    request_body(content = NewRelation, example = json!({"base_profile_id": 1, "target_identity_id": 1})),
    responses(
        (status = 200, description = "The proposal, which was there.", body = Answer, example = json!({"operation_id": null, "relation": {"id": 3, "base_profile_id": 1, "target_identity_id": 1}})),
        (status = 201, description = "The proposal.", body = Answer, example = json!({"operation_id": 19, "relation": {"id": 3, "base_profile_id": 1, "target_identity_id": 1}}))
    ),
    extensions(("x-scope" = json!("identity:write")))
)]
async fn propose(caller: Caller, Body(body): Body<NewRelation>) -> Result<Response> {
    let (profile, target) = (body.base_profile_id, body.target_identity_id);
    let operation = Operation::Propose { profile, target };
    caller.make(operation, "/users/temp-profile-identity-relations").await
}

/// Withdraw a proposal
///
/// The profile is no longer proposed for the temporary identity.
#[utoipa::path(
    delete,
    path = "/users/temp-profile-identity-relations/{id}",
    operation_id = "withdraw_users_relation",
    tag = "users",
    params(("id" = i64, Path, description = "The relation's id.", example = 1)),
    responses((status = 200, description = "It is gone; this undoes it.", body = Answer, example = json!({"operation_id": 20}))),
    extensions(("x-scope" = json!("identity:write")))
)]
async fn withdraw(caller: Caller, Path(relation): Path<i64>) -> Result<Response> {
    let operation = Operation::Withdraw { relation };
    caller.run(operation).await
}
