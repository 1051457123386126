//! A person, with the profiles that belong to them: `/users/identities/{id}`.

use std::sync::Arc;

use axum::{
    Extension,
    body::to_bytes,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use diesel::{
    QueryResult, QueryableByName,
    sql_types::{BigInt, Bool, Text},
};
use diesel_async::RunQueryDsl;
use serde::Serialize;
use serde_json::{Map, Value as Object, json};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ContentBuilder, Ref, RefOr, schema::AllOfBuilder},
};
use utoipa_axum::router::OpenApiRouter;

use crate::{
    app::App,
    db::{
        Connection,
        sql::{Row, SqlType, Statement, Value},
    },
    domains::users::identity::Identity,
    http::{
        access::{Allowed, ReadsResource},
        extract::{Params, Path},
        json::Json,
        problem::{Problem, Result},
        scope::Scope,
    },
    query::{
        answer,
        docs::{self, Documented, Read},
        plan::Filter,
        resource::{Resource, Served},
        routes::serving,
        view::View,
    },
};

/// ` cross join lateral (…) named`: what a `profile` is called, and whether it is nobody's: GitHub's
/// `ghost`, Discord's unknown author, or an account of which only the login was mentioned.
pub(super) const NAMES: &str = " cross join lateral (\
    select coalesce(github.username, slack.username, discord.username, '') as username, \
        coalesce(github.display_name, slack.display_name, discord.display_name, \
            mail.display_name, author.display_name, speaker.display_name, '') as display_name, \
        coalesce(github.avatar_url, slack.avatar_url, discord.avatar_url, '') as avatar_url, \
        coalesce(github.github_account_id = 10137 or github.stub_key like 'login:%' \
            or discord.discord_user_id = 0, false) as is_nobody \
    from (select profile.id) one \
    left join github_account github on github.id = one.id \
    left join slack_user slack on slack.id = one.id \
    left join discord_profile discord on discord.id = one.id \
    left join mailing_list_profile mail on mail.id = one.id \
    left join wg21_paper_author_profile author on author.id = one.id \
    left join youtube_speaker speaker on speaker.id = one.id) named";

/// A profile with its names.
#[derive(Debug, Serialize, QueryableByName, ToSchema)]
#[schema(as = NamedProfile)]
pub(super) struct Profile {
    /// The profile, `base_profile.id`.
    #[diesel(sql_type = BigInt)]
    id: i64,
    /// Where it is from: `github`, `slack`, `mailing_list`, `wg21`, `discord` or `youtube`.
    #[serde(rename = "type")]
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
pub(super) const PROFILE: &str = "select profile.id, profile.type::text as profile_type, \
    named.username, named.display_name, named.avatar_url from base_profile profile";

/// An address of a person.
#[derive(Debug, Serialize, QueryableByName, ToSchema)]
struct Address {
    /// Surrogate key, `email.id`.
    #[diesel(sql_type = BigInt)]
    id: i64,
    /// The profile, `base_profile.id`.
    #[diesel(sql_type = BigInt)]
    base_profile_id: i64,
    /// The address in the spelling of its newest mention.
    #[diesel(sql_type = Text)]
    email: String,
    /// Whether it is the profile's main address.
    #[diesel(sql_type = Bool)]
    is_primary: bool,
    /// Whether it is in use.
    #[diesel(sql_type = Bool)]
    is_active: bool,
}

/// What an identity has besides its columns.
#[derive(Debug, Serialize, ToSchema)]
struct IdentityProfiles {
    /// The profiles that belong to it, by id. Not shown if `fields` picks columns.
    profiles: Vec<Profile>,
    /// The addresses of its profiles; shown with `read:pii` only.
    #[serde(skip_serializing_if = "Option::is_none")]
    emails: Option<Vec<Address>>,
}

/// The route.
pub(super) fn routes() -> OpenApiRouter<App> {
    let resource = Identity::resource();
    let (schemas, paths) = documented(&resource);
    serving(&resource, OpenApiRouter::new().routes((schemas, paths, get(show))))
}

/// As any row is, with what an identity has besides.
fn documented(resource: &Resource) -> Documented {
    let key = [docs::key(resource)];
    let read = Read::of(resource, "/users/identities/{id}");
    let (mut schemas, mut paths) = Read { own: &key, ..read }.detail();
    schemas.push((IdentityProfiles::name().into_owned(), IdentityProfiles::schema()));
    IdentityProfiles::schemas(&mut schemas);
    let whole = AllOfBuilder::new()
        .item(Ref::from_schema_name(resource.name))
        .item(Ref::from_schema_name(IdentityProfiles::name()));
    let example = json!({
        "id": 1, "display_name": "Jane Roe", "description": "",
        "created_at": "2024-05-01T12:00:00Z", "updated_at": "2024-05-01T12:00:00Z",
        "profiles": [{
            "id": 1, "type": "github", "username": "jroe", "display_name": "Jane Roe",
            "avatar_url": "https://avatars.githubusercontent.com/u/1"
        }]
    });
    let content = ContentBuilder::new().schema(Some(whole)).example(Some(example)).build();
    for operation in paths.paths.values_mut().filter_map(|item| item.get.as_mut()) {
        if let Some(RefOr::T(answer)) = operation.responses.responses.get_mut("200") {
            "The identity with its profiles.".clone_into(&mut answer.description);
            answer.content.insert("application/json".to_owned(), RefOr::T(content.clone()));
        }
    }
    (schemas, paths)
}

async fn show(
    State(app): State<App>,
    caller: Allowed<ReadsResource>,
    Extension(view): Extension<Arc<View>>,
    Path(id): Path<i64>,
    params: Params,
) -> Result<Response> {
    let filter = Filter::equals(0, Value::BigInt(id));
    let response = answer::one(&app, &caller, &view, &[filter], &params).await?;
    let picks = params.0.iter().any(|(name, _)| name == "fields");
    if picks || response.status() != StatusCode::OK {
        return Ok(response);
    }
    let body = to_bytes(response.into_body(), usize::MAX).await.map_err(Problem::internal)?;
    let mut whole: Map<String, Object> =
        serde_json::from_slice(&body).map_err(Problem::internal)?;
    let mut connection = app.pool.get().await?;
    let profiles = profiles(id, &mut connection).await?;
    let emails = if caller.has(&Scope::ReadPii) {
        Some(addresses(id, &mut connection).await?)
    } else {
        None
    };
    let besides = IdentityProfiles { profiles, emails };
    if let Object::Object(besides) = serde_json::to_value(besides).map_err(Problem::internal)? {
        whole.extend(besides);
    }
    Ok(Json(whole).into_response())
}

/// The profiles of an identity.
async fn profiles(id: i64, connection: &mut Connection) -> QueryResult<Vec<Profile>> {
    let mut sql = Statement::new(PROFILE);
    sql.push(NAMES)
        .push(" where profile.identity_id = ")
        .bind(SqlType::BigInt, Value::BigInt(id))
        .push(" order by profile.id");
    sql.load(connection).await
}

/// The addresses of an identity's profiles.
async fn addresses(id: i64, connection: &mut Connection) -> QueryResult<Vec<Address>> {
    let mut sql = Statement::new(
        "select email.id, email.base_profile_id, email.email, email.is_primary, email.is_active \
         from base_profile profile join email on email.base_profile_id = profile.id \
         where profile.identity_id = ",
    );
    sql.bind(SqlType::BigInt, Value::BigInt(id))
        .push(" order by email.base_profile_id, email.is_primary desc, email.id");
    sql.load(connection).await
}

/// Refuses an identity that there is not. Asked only when nothing was found of it.
pub(super) async fn exists(id: i64, app: &App) -> Result<()> {
    let mut sql = Statement::new("select id from identity where id = ");
    sql.bind(SqlType::BigInt, Value::BigInt(id));
    let mut connection = app.pool.get().await?;
    let found: Vec<Row> = sql.load(&mut connection).await?;
    if found.is_empty() { Err(Problem::not_found("There is no such identity.")) } else { Ok(()) }
}
