//! The writes: each a request that becomes an operation.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    answer::Answer,
    operation::{About, Edit, Operation},
    perform::{Who, perform},
    reads,
    requests::{
        Computation, EmailEdit, IdentityEdit, Merge, NewEmail, NewIdentity, NewRelation,
        NewTmpIdentity, ProfileIdentity, Promotion, Split,
    },
    suggestions,
};
use crate::{
    app::App,
    http::{
        access::{Allowed, WritesIdentity},
        extract::{Body, Path},
        json::Json,
        layers::RequestId,
        problem::{Fault, Problem, Result},
        scope::Scope,
    },
};

/// Every route of identities.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(create))
        .routes(routes!(edit))
        .routes(routes!(delete))
        .routes(routes!(merge))
        .routes(routes!(split))
        .routes(routes!(assign))
        .routes(routes!(add_email))
        .routes(routes!(edit_email, remove_email))
        .routes(routes!(stage))
        .routes(routes!(discard))
        .routes(routes!(promote))
        .routes(routes!(propose))
        .routes(routes!(withdraw))
        .routes(routes!(compute))
        .routes(routes!(accept))
        .routes(routes!(reject))
        .routes(routes!(undo))
        .merge(reads::routes())
}

/// Who sends a request, and where its answer may lead.
struct Caller<'a> {
    app: &'a App,
    allowed: &'a Allowed<WritesIdentity>,
    request: &'a RequestId,
}

impl Caller<'_> {
    /// Runs an operation and answers it. What it makes is read at `made`, followed by its id.
    async fn run(self, operation: Operation, made: Option<&str>) -> Result<Response> {
        let subject = self.allowed.subject();
        let who = Who { subject, request_id: self.request.0.as_ref() };
        let done = perform(self.app, who, &operation).await?;
        let pii = self.allowed.has(&Scope::ReadPii);
        let mut conn = self.app.pool.get().await?;
        let answer = Answer::of(done, pii, &mut conn).await?;
        let made = made.filter(|_| done.operation.is_some());
        let made = made.zip(done.row).map(|(path, (_, id))| format!("/api/v1{path}/{id}"));
        Ok(answer.respond(made))
    }
}

/// A name with something in it.
fn name(text: String) -> Result<String> {
    if text.trim().is_empty() {
        let detail = "The name is empty.";
        return Err(Problem::invalid(vec![Fault::pointer(
            "/display_name",
            "invalid_member",
            detail,
        )]));
    }
    Ok(text)
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
async fn create(
    State(app): State<App>,
    allowed: Allowed<WritesIdentity>,
    request: RequestId,
    Body(body): Body<NewIdentity>,
) -> Result<Response> {
    let about = About { display_name: name(body.display_name)?, description: body.description };
    let operation = Operation::Create { about, profiles: body.profiles };
    let caller = Caller { app: &app, allowed: &allowed, request: &request };
    caller.run(operation, Some("/users/identities")).await
}

/// Change an identity
///
/// Its name and description, whether it is never merged (`is_locked`), and whether its people are
/// shown under a pseudonym (`is_hidden`).
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
    State(app): State<App>,
    allowed: Allowed<WritesIdentity>,
    request: RequestId,
    Path(identity): Path<i64>,
    Body(body): Body<IdentityEdit>,
) -> Result<Response> {
    let display_name = body.display_name.map(name).transpose()?;
    let about = Edit { display_name, description: body.description };
    let (is_locked, is_hidden) = (body.is_locked, body.is_hidden);
    let operation = Operation::Edit { identity, about, is_locked, is_hidden };
    Caller { app: &app, allowed: &allowed, request: &request }.run(operation, None).await
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
async fn delete(
    State(app): State<App>,
    allowed: Allowed<WritesIdentity>,
    request: RequestId,
    Path(identity): Path<i64>,
) -> Result<Response> {
    let operation = Operation::Delete { identity };
    Caller { app: &app, allowed: &allowed, request: &request }.run(operation, None).await
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
async fn merge(
    State(app): State<App>,
    allowed: Allowed<WritesIdentity>,
    request: RequestId,
    Path(into): Path<i64>,
    Body(body): Body<Merge>,
) -> Result<Response> {
    let operation = Operation::Merge { into, from: body.from };
    Caller { app: &app, allowed: &allowed, request: &request }.run(operation, None).await
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
    State(app): State<App>,
    allowed: Allowed<WritesIdentity>,
    request: RequestId,
    Path(identity): Path<i64>,
    Body(body): Body<Split>,
) -> Result<Response> {
    let display_name = body.display_name.map(name).transpose()?;
    let about = Edit { display_name, description: body.description };
    let operation = Operation::Split { identity, profiles: body.profiles, about };
    let caller = Caller { app: &app, allowed: &allowed, request: &request };
    caller.run(operation, Some("/users/identities")).await
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
    State(app): State<App>,
    allowed: Allowed<WritesIdentity>,
    request: RequestId,
    Path(profile): Path<i64>,
    Body(body): Body<ProfileIdentity>,
) -> Result<Response> {
    let operation = Operation::Assign { profile, identity: body.identity_id };
    Caller { app: &app, allowed: &allowed, request: &request }.run(operation, None).await
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
    State(app): State<App>,
    allowed: Allowed<WritesIdentity>,
    request: RequestId,
    Path(profile): Path<i64>,
    Body(body): Body<NewEmail>,
) -> Result<Response> {
    let NewEmail { email: address, is_primary, is_active } = body;
    let operation = Operation::AddEmail { profile, address, is_primary, is_active };
    let caller = Caller { app: &app, allowed: &allowed, request: &request };
    caller.run(operation, Some("/users/emails")).await
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
    State(app): State<App>,
    allowed: Allowed<WritesIdentity>,
    request: RequestId,
    Path((profile, email)): Path<(i64, i64)>,
    Body(body): Body<EmailEdit>,
) -> Result<Response> {
    let EmailEdit { email: address, is_primary, is_active } = body;
    let operation = Operation::EditEmail { profile, email, address, is_primary, is_active };
    Caller { app: &app, allowed: &allowed, request: &request }.run(operation, None).await
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
    State(app): State<App>,
    allowed: Allowed<WritesIdentity>,
    request: RequestId,
    Path((profile, email)): Path<(i64, i64)>,
) -> Result<Response> {
    let operation = Operation::RemoveEmail { profile, email };
    Caller { app: &app, allowed: &allowed, request: &request }.run(operation, None).await
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
async fn stage(
    State(app): State<App>,
    allowed: Allowed<WritesIdentity>,
    request: RequestId,
    Body(body): Body<NewTmpIdentity>,
) -> Result<Response> {
    let about = About { display_name: name(body.display_name)?, description: body.description };
    let operation = Operation::Stage { about, profiles: body.profiles };
    let caller = Caller { app: &app, allowed: &allowed, request: &request };
    caller.run(operation, Some("/users/tmp-identities")).await
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
async fn discard(
    State(app): State<App>,
    allowed: Allowed<WritesIdentity>,
    request: RequestId,
    Path(target): Path<i64>,
) -> Result<Response> {
    let operation = Operation::Discard { target };
    Caller { app: &app, allowed: &allowed, request: &request }.run(operation, None).await
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
    State(app): State<App>,
    allowed: Allowed<WritesIdentity>,
    request: RequestId,
    Path(target): Path<i64>,
    Body(body): Body<Promotion>,
) -> Result<Response> {
    let operation = Operation::Promote { target, identity: body.identity_id };
    Caller { app: &app, allowed: &allowed, request: &request }.run(operation, None).await
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
async fn propose(
    State(app): State<App>,
    allowed: Allowed<WritesIdentity>,
    request: RequestId,
    Body(body): Body<NewRelation>,
) -> Result<Response> {
    let (profile, target) = (body.base_profile_id, body.target_identity_id);
    let operation = Operation::Propose { profile, target };
    let caller = Caller { app: &app, allowed: &allowed, request: &request };
    caller.run(operation, Some("/users/temp-profile-identity-relations")).await
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
async fn withdraw(
    State(app): State<App>,
    allowed: Allowed<WritesIdentity>,
    request: RequestId,
    Path(relation): Path<i64>,
) -> Result<Response> {
    let operation = Operation::Withdraw { relation };
    Caller { app: &app, allowed: &allowed, request: &request }.run(operation, None).await
}

/// Compute suggestions
///
/// Compares the profiles that have new addresses since the last time with all others; `full` compares
/// everybody. Pairs that were decided on stay as they are.
#[utoipa::path(
    post,
    path = "/users/identity-suggestions/compute",
    operation_id = "compute_users_identity_suggestions",
    tag = "users",
    request_body(content = Computation, example = json!({"full": false})),
    responses((status = 200, description = "What was found.", body = suggestions::Report, example = json!({"pairs": 2, "made": 1, "updated": 0, "withdrawn": 0, "skipped": []}))),
    extensions(("x-scope" = json!("identity:write")))
)]
async fn compute(
    State(app): State<App>,
    _: Allowed<WritesIdentity>,
    Body(body): Body<Computation>,
) -> Result<Response> {
    Ok(Json(suggestions::compute(&app, body.full).await?).into_response())
}

/// Accept a suggestion
///
/// Joins the two profiles: in a new identity if neither has one, in the one that one of them has, or
/// by merging the younger identity into the older.
#[utoipa::path(
    post,
    path = "/users/identity-suggestions/{id}/accept",
    operation_id = "accept_users_identity_suggestion",
    tag = "users",
    params(("id" = i64, Path, description = "The suggestion's id.", example = 1)),
    responses(
        (status = 200, description = "The suggestion, and the identity of both.", body = Answer, example = json!({"operation_id": 21, "suggestion": {"id": 1, "status": "accepted"}, "identity": {"id": 1, "display_name": "Jane Roe", "profiles": []}})),
        (status = 409, description = "It was rejected, or an identity is locked.")
    ),
    extensions(("x-scope" = json!("identity:write")))
)]
async fn accept(
    State(app): State<App>,
    allowed: Allowed<WritesIdentity>,
    request: RequestId,
    Path(suggestion): Path<i64>,
) -> Result<Response> {
    let operation = Operation::Accept { suggestion };
    Caller { app: &app, allowed: &allowed, request: &request }.run(operation, None).await
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
async fn reject(
    State(app): State<App>,
    allowed: Allowed<WritesIdentity>,
    request: RequestId,
    Path(suggestion): Path<i64>,
) -> Result<Response> {
    let operation = Operation::Reject { suggestion };
    Caller { app: &app, allowed: &allowed, request: &request }.run(operation, None).await
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
async fn undo(
    State(app): State<App>,
    allowed: Allowed<WritesIdentity>,
    request: RequestId,
    Path(operation): Path<i64>,
) -> Result<Response> {
    let operation = Operation::Undo { operation };
    Caller { app: &app, allowed: &allowed, request: &request }.run(operation, None).await
}
