//! Profiles: where they belong, and their addresses.

use axum::response::Response;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::Caller;
use crate::{
    app::App,
    domains::users::identities::{
        answer::Answer,
        operation::Operation,
        requests::{EmailEdit, NewEmail, ProfileIdentity},
    },
    http::{
        extract::{Body, Path},
        problem::Result,
    },
};

/// The routes.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(assign))
        .routes(routes!(add_email))
        .routes(routes!(edit_email, remove_email))
}

/// Link or unlink a profile
///
/// Says where the profile belongs. Said twice, it changes nothing.
#[utoipa::path(
    put,
    path = "/users/profiles/{id}/identity",
    operation_id = "assign_users_profile",
    tag = "users",
    params(("id" = i64, Path, description = "The profile's id.", example = 1)),
    request_body(content = ProfileIdentity, example = json!({"identity_id": 1})),
    responses(
        (status = 200, description = "The profile, and its identity.", body = Answer, example = json!({"operation_id": 12, "profile": {"id": 1, "identity_id": 1, "type": "github"}, "identity": {"id": 1, "display_name": "Jane Roe", "profiles": []}})),
        (status = 409, description = "The identity was merged away; the survivor is named.")
    ),
    extensions(("x-scope" = json!("identity:write")))
)]
async fn assign(
    caller: Caller,
    Path(profile): Path<i64>,
    Body(body): Body<ProfileIdentity>,
) -> Result<Response> {
    let operation = Operation::Assign { profile, identity: body.identity_id };
    caller.run(operation).await
}

/// Add an address to a profile
///
/// The address itself is only answered with `read:pii`.
#[utoipa::path(
    post,
    path = "/users/profiles/{id}/emails",
    operation_id = "add_users_profile_email",
    tag = "users",
    params(("id" = i64, Path, description = "The profile's id.", example = 1)),
    request_body(content = NewEmail, example = json!({"email": "jane@example.org", "is_primary": true})),
    responses(
        (status = 201, description = "The address.", body = Answer, example = json!({"operation_id": 13, "email_id": 5})),
        (status = 409, description = "The profile has this address already.")
    ),
    extensions(("x-scope" = json!("identity:write")))
)]
async fn add_email(
    caller: Caller,
    Path(profile): Path<i64>,
    Body(body): Body<NewEmail>,
) -> Result<Response> {
    let NewEmail { email: address, is_primary, is_active } = body;
    let operation = Operation::AddEmail { profile, address, is_primary, is_active };
    caller.make(operation, "/users/emails").await
}

/// Change an address of a profile
///
/// A primary address set by hand stays, whatever ingest sees later.
#[utoipa::path(
    patch,
    path = "/users/profiles/{id}/emails/{email_id}",
    operation_id = "edit_users_profile_email",
    tag = "users",
    params(
        ("id" = i64, Path, description = "The profile's id.", example = 1),
        ("email_id" = i64, Path, description = "The address's id.", example = 5)
    ),
    request_body(content = EmailEdit, example = json!({"is_active": false})),
    responses(
        (status = 200, description = "The address.", body = Answer, example = json!({"operation_id": 14, "email_id": 5})),
        (status = 409, description = "The profile has this address already.")
    ),
    extensions(("x-scope" = json!("identity:write")))
)]
async fn edit_email(
    caller: Caller,
    Path((profile, email)): Path<(i64, i64)>,
    Body(body): Body<EmailEdit>,
) -> Result<Response> {
    let EmailEdit { email: address, is_primary, is_active } = body;
    let operation = Operation::EditEmail { profile, email, address, is_primary, is_active };
    caller.run(operation).await
}

/// Remove an address of a profile
///
/// A later mention brings it back; one that is not to be used is better set inactive.
#[utoipa::path(
    delete,
    path = "/users/profiles/{id}/emails/{email_id}",
    operation_id = "remove_users_profile_email",
    tag = "users",
    params(
        ("id" = i64, Path, description = "The profile's id.", example = 1),
        ("email_id" = i64, Path, description = "The address's id.", example = 5)
    ),
    responses((status = 200, description = "It is gone; this undoes it.", body = Answer, example = json!({"operation_id": 15}))),
    extensions(("x-scope" = json!("identity:write")))
)]
async fn remove_email(
    caller: Caller,
    Path((profile, email)): Path<(i64, i64)>,
) -> Result<Response> {
    let operation = Operation::RemoveEmail { profile, email };
    caller.run(operation).await
}
