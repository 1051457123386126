//! Identities.

use axum::response::Response;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Caller, description, name};
use crate::{
    app::App,
    domains::users::identities::{
        answer::Answer,
        operation::{About, Edit, Operation},
        requests::{IdentityEdit, Merge, NewIdentity, Split},
    },
    http::{
        extract::{Body, Path},
        problem::Result,
    },
};

/// The routes.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(create))
        .routes(routes!(edit))
        .routes(routes!(hide))
        .routes(routes!(unhide))
        .routes(routes!(delete))
        .routes(routes!(merge))
        .routes(routes!(split))
}

/// Make an identity
///
/// Profiles that are named leave the identities they belonged to.
#[utoipa::path(
    post,
    path = "/users/identities",
    operation_id = "create_users_identity",
    tag = "users",
    request_body(content = NewIdentity, example = json!({"display_name": "Jane Roe", "profiles": []})),
    responses((status = 201, description = "The identity.", body = Answer, example = json!({"operation_id": 7, "identity": {"id": 3, "display_name": "Jane Roe", "profiles": []}}))),
    extensions(("x-scope" = json!("identity:write")))
)]
async fn create(caller: Caller, Body(body): Body<NewIdentity>) -> Result<Response> {
    let about = About {
        display_name: name(body.display_name)?,
        description: description(body.description)?,
    };
    let operation = Operation::Create { about, profiles: body.profiles };
    caller.make(operation, "/users/identities").await
}

/// Change an identity
///
/// Its name and description, and whether it is never merged (`is_locked`).
#[utoipa::path(
    patch,
    path = "/users/identities/{id}",
    operation_id = "edit_users_identity",
    tag = "users",
    params(("id" = i64, Path, description = "The identity's id.", example = 1)),
    request_body(content = IdentityEdit, example = json!({"is_locked": true})),
    responses(
        (status = 200, description = "The identity.", body = Answer, example = json!({"operation_id": 8, "identity": {"id": 1, "display_name": "Jane Roe", "is_locked": true, "profiles": []}})),
        (status = 409, description = "The identity was merged away; the survivor is named.")
    ),
    extensions(("x-scope" = json!("identity:write")))
)]
async fn edit(
    caller: Caller,
    Path(identity): Path<i64>,
    Body(body): Body<IdentityEdit>,
) -> Result<Response> {
    let display_name = body.display_name.map(name).transpose()?;
    let description = body.description.map(description).transpose()?;
    let about = Edit { display_name, description };
    let operation = Operation::Edit { identity, about, is_locked: body.is_locked };
    caller.run(operation).await
}

/// Hide an identity
///
/// From now on every reader, export and feed sees a pseudonym, `person-<id>`, where the names of the
/// identity and of its profiles stand; addresses, pictures and descriptions are empty. Nothing finds
/// them by what is hidden. Numbers that platforms give, and what the person wrote (mails, messages,
/// commits, titles), stay as they are, and so do payloads in the archive. Ingest goes on as before.
#[utoipa::path(
    post,
    path = "/users/identities/{id}/hide",
    operation_id = "hide_users_identity",
    tag = "users",
    params(("id" = i64, Path, description = "The identity's id.", example = 1)),
    responses(
        (status = 200, description = "The identity as readers see it.", body = Answer, example = json!({"operation_id": 12, "identity": {"id": 1, "display_name": "person-1", "is_hidden": true, "profiles": []}})),
        (status = 409, description = "The identity was merged away; the survivor is named.")
    ),
    extensions(("x-scope" = json!("identity:write")))
)]
async fn hide(caller: Caller, Path(identity): Path<i64>) -> Result<Response> {
    caller.run(Operation::Hide { identity, is_hidden: true }).await
}

/// Show a hidden identity again
///
/// Readers see its names and addresses as before.
#[utoipa::path(
    post,
    path = "/users/identities/{id}/unhide",
    operation_id = "unhide_users_identity",
    tag = "users",
    params(("id" = i64, Path, description = "The identity's id.", example = 1)),
    responses(
        (status = 200, description = "The identity.", body = Answer, example = json!({"operation_id": 13, "identity": {"id": 1, "display_name": "Jane Roe", "is_hidden": false, "profiles": []}})),
        (status = 409, description = "The identity was merged away; the survivor is named.")
    ),
    extensions(("x-scope" = json!("identity:write")))
)]
async fn unhide(caller: Caller, Path(identity): Path<i64>) -> Result<Response> {
    caller.run(Operation::Hide { identity, is_hidden: false }).await
}

/// Delete an identity
///
/// Its profiles are unlinked; ids that were merged into it are gone with it. Undo brings all back.
#[utoipa::path(
    delete,
    path = "/users/identities/{id}",
    operation_id = "delete_users_identity",
    tag = "users",
    params(("id" = i64, Path, description = "The identity's id.", example = 1)),
    responses(
        (status = 200, description = "It is gone; this undoes it.", body = Answer, example = json!({"operation_id": 9})),
        (status = 409, description = "The identity was merged away; the survivor is named.")
    ),
    extensions(("x-scope" = json!("identity:write")))
)]
async fn delete(caller: Caller, Path(identity): Path<i64>) -> Result<Response> {
    let operation = Operation::Delete { identity };
    caller.run(operation).await
}

/// Merge identities
///
/// All profiles of `from` move to this identity, which survives. A merged-away id answers 301 to the
/// survivor from then on, also after further merges.
#[utoipa::path(
    post,
    path = "/users/identities/{id}/merge",
    operation_id = "merge_users_identities",
    tag = "users",
    params(("id" = i64, Path, description = "The identity that survives.", example = 1)),
    request_body(content = Merge, example = json!({"from": [2, 3]})),
    responses(
        (status = 200, description = "The survivor.", body = Answer, example = json!({"operation_id": 10, "identity": {"id": 1, "display_name": "Jane Roe", "profiles": []}})),
        (status = 409, description = "One of them is locked, or was merged away already.")
    ),
    extensions(("x-scope" = json!("identity:write")))
)]
async fn merge(caller: Caller, Path(into): Path<i64>, Body(body): Body<Merge>) -> Result<Response> {
    let operation = Operation::Merge { into, from: body.from };
    caller.run(operation).await
}

/// Split an identity
///
/// These profiles leave it for a new identity.
#[utoipa::path(
    post,
    path = "/users/identities/{id}/split",
    operation_id = "split_users_identity",
    tag = "users",
    params(("id" = i64, Path, description = "The identity's id.", example = 1)),
    request_body(content = Split, example = json!({"profiles": [5]})),
    responses(
        (status = 201, description = "The new identity.", body = Answer, example = json!({"operation_id": 11, "identity": {"id": 4, "display_name": "jroe", "profiles": []}})),
        (status = 409, description = "The identity was merged away; the survivor is named.")
    ),
    extensions(("x-scope" = json!("identity:write")))
)]
async fn split(
    caller: Caller,
    Path(identity): Path<i64>,
    Body(body): Body<Split>,
) -> Result<Response> {
    let display_name = body.display_name.map(name).transpose()?;
    let description = body.description.map(description).transpose()?;
    let about = Edit { display_name, description };
    let operation = Operation::Split { identity, profiles: body.profiles, about };
    caller.make(operation, "/users/identities").await
}
