//! Profiles that belong to no identity: `/users/profiles/unlinked`.

use axum::{
    extract::{OriginalUri, State},
    response::Response,
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::names::{NAMES, PROFILE, Profile};
use crate::{
    app::App,
    db::sql::{SqlType, Statement, Value},
    domains::users::enums::ProfileType,
    http::{
        access::{Allowed, Reads},
        extract::Query,
        problem::{Fault, Problem, Result},
    },
    paged,
    query::keyset::{Key, Order, Rows},
};

const ORDER: Order = Order::ascending(&[Key("listed.id", SqlType::BigInt)]);

/// The routes.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list))
}

paged! {
    /// Which profiles.
    struct Asked {
        /// Only profiles of this type.
        #[param(example = "github")]
        profile_type: Option<String>,
    }
}

/// List unlinked profiles
///
/// The profiles that belong to no identity, by id. GitHub's `ghost`, Discord's unknown author and
/// accounts of which only the login was mentioned are nobody's, and left out.
#[utoipa::path(
    get,
    path = "/users/profiles/unlinked",
    operation_id = "list_users_unlinked_profiles",
    tag = "users",
    params(Asked),
    responses((
        status = 200,
        description = "A page of profiles.",
        body = Rows<Profile>,
        headers(("Link" = String, description = "The next page, `<…>; rel=\"next\"`.")),
        example = json!({"data": [{
            "id": 1, "profile_type": "github", "username": "jroe", "display_name": "Jane Roe", "avatar_url": ""
        }], "page": {"next_cursor": null, "limit": 50}, "meta": {"as_of": "2024-05-01T12:00:00Z"}})
    )),
    extensions(("x-scope" = json!("read")))
)]
async fn list(
    State(app): State<App>,
    _: Allowed<Reads>,
    Query(asked): Query<Asked>,
    OriginalUri(uri): OriginalUri,
) -> Result<Response> {
    let paging = asked.paging(&uri, ORDER)?;
    let mut rows = Statement::new(PROFILE);
    rows.push(NAMES).push(" where profile.identity_id is null and not named.is_nobody");
    if let Some(profile_type) = &asked.profile_type {
        let known = ProfileType::TEXTS;
        if !known.contains(&profile_type.as_str()) {
            let detail = format!("`{profile_type}` is none of {}.", known.join(", "));
            let fault = Fault::parameter("profile_type", "unknown_value", detail);
            let fault = fault.suggest(profile_type, known.iter().copied());
            return Err(Problem::invalid(vec![fault]));
        }
        rows.push(" and profile.type::text = ")
            .bind(SqlType::Text, Value::Text(profile_type.clone()));
    }
    paging.answer::<Profile>(&app, rows).await
}
