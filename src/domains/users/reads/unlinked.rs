//! Profiles that belong to no identity: `/users/profiles/unlinked`.

use axum::{
    extract::{OriginalUri, State},
    response::Response,
};
use diesel::{
    QueryableByName,
    sql_types::{BigInt, Text},
};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    db::sql::{SqlType, Statement, Value},
    domains::users::{enums::ProfileType, named::NAMES},
    http::{
        access::{Allowed, Reads},
        extract::Query,
        problem::{Fault, Problem, Result},
    },
    paged,
    query::keyset::{Key, Order, Rows},
};

/// A profile with its names.
#[derive(Debug, Serialize, QueryableByName, ToSchema)]
#[schema(as = NamedProfile)]
struct Profile {
    /// The profile, `base_profile.id`.
    #[diesel(sql_type = BigInt)]
    id: i64,
    /// Where it is from: `github`, `slack`, `mailing_list`, `wg21`, `discord` or `youtube`.
    #[diesel(sql_type = Text)]
    profile_type: String,
    /// The user name; empty where there are none.
    #[diesel(sql_type = Text)]
    username: String,
    /// The name.
    #[diesel(sql_type = Text)]
    display_name: String,
    /// The picture; empty if there is none.
    #[diesel(sql_type = Text)]
    avatar_url: String,
}

/// The columns of a [`Profile`], of `base_profile profile` with its [`NAMES`].
const PROFILE: &str = "select profile.id, profile.type::text as profile_type, \
    named.username, named.display_name, named.avatar_url from base_profile profile";

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
