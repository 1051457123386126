//! How much a person did: `/users/identities/{id}/activity`.

use axum::{
    extract::{OriginalUri, State},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use diesel::{
    QueryableByName,
    sql_types::{BigInt, Nullable, Text, Timestamptz},
};
use diesel_async::RunQueryDsl;
use serde::Serialize;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    kinds::{KINDS, Kind},
    timeline::profiles,
};
use crate::{
    app::App,
    domains::users::identities::redirect,
    http::{
        access::{Allowed, Reads},
        extract::{NoParams, Path},
        json::Json,
        problem::Result,
        scope::Scope,
    },
    query::keyset::Meta,
};

/// How much of a kind a person did.
#[derive(Debug, Serialize, QueryableByName, utoipa::ToSchema)]
struct Activity {
    /// The kind, as in the timeline.
    #[diesel(sql_type = Text)]
    kind: String,
    /// How many entries the timeline has of it.
    #[diesel(sql_type = BigInt)]
    count: i64,
    /// The first one; null if there is none.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    first_at: Option<DateTime<Utc>>,
    /// The last one; null if there is none.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    last_at: Option<DateTime<Utc>>,
}

/// How much a person did, in all and by kind.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Activities {
    /// Every kind, by name.
    data: Vec<Activity>,
    /// All kinds together.
    total: Total,
    /// About the answer.
    meta: Meta,
}

/// All kinds together.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = ActivityTotal)]
struct Total {
    /// How many entries the timeline has.
    count: i64,
    /// The first one; null if there is none.
    first_at: Option<DateTime<Utc>>,
    /// The last one; null if there is none.
    last_at: Option<DateTime<Utc>>,
}

/// The routes.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(show))
}

/// Count what a person did
///
/// How many entries of each kind the identity's timeline has, and when the first and the last one were.
#[utoipa::path(
    get,
    path = "/users/identities/{id}/activity",
    operation_id = "get_users_identity_activity",
    tag = "users",
    params(("id" = i64, Path, description = "The identity, `identity.id`.", example = 1)),
    responses(
        (
            status = 301,
            description = "The identity was merged away.",
            headers(("Location" = String, description = "The survivor's address."))
        ),
        (
        status = 200,
        description = "The counts.",
        body = Activities,
        example = json!({
            "data": [{"kind": "commit", "count": 12, "first_at": "2019-03-01T09:00:00Z", "last_at": "2024-05-01T12:00:00Z"}],
            "total": {"count": 12, "first_at": "2019-03-01T09:00:00Z", "last_at": "2024-05-01T12:00:00Z"},
            "meta": {"as_of": "2024-05-01T12:00:00Z"}
        })
    )),
    extensions(("x-scope" = json!("read")))
)]
async fn show(
    State(app): State<App>,
    caller: Allowed<Reads>,
    _: NoParams,
    Path(id): Path<i64>,
    OriginalUri(uri): OriginalUri,
) -> Result<Response> {
    let private = caller.has(&Scope::ReadPii);
    let mut sql = profiles(id);
    for (number, kind) in KINDS.iter().enumerate() {
        let Kind { name, from, profile, profile_type, at, .. } = kind;
        let condition = kind.condition(private);
        sql.push(if number > 0 { " union all " } else { "" });
        sql.push(&format!(
            " select '{name}' as kind, count(*), min({at}) as first_at, max({at}) as last_at \
             from {from} where {profile} in (select id from profile \
             where type = '{profile_type}'){condition}"
        ));
    }
    let mut connection = app.reader().await?;
    let data: Vec<Activity> = sql.load(&mut connection).await?;
    drop(connection);
    let total = Total {
        count: data.iter().map(|it| it.count).sum(),
        first_at: data.iter().filter_map(|it| it.first_at).min(),
        last_at: data.iter().filter_map(|it| it.last_at).max(),
    };
    if total.count == 0
        && let Some(moved) = redirect::instead(id, &uri, &app).await?
    {
        return Ok(moved);
    }
    Ok(Json(Activities { data, total, meta: Meta { as_of: app.clock.now() } }).into_response())
}
