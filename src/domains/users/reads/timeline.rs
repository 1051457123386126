//! What a person did, newest first: `/users/identities/{id}/timeline`.

use axum::{
    extract::{OriginalUri, State},
    response::Response,
};
use chrono::{DateTime, Utc};
use diesel::{
    QueryableByName,
    sql_types::{BigInt, Text, Timestamptz},
};
use serde::Serialize;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::kinds::{KINDS, Kind};
use crate::{
    app::App,
    db::sql::{SqlType, Statement, Value},
    domains::users::identities::redirect,
    http::{
        access::{Allowed, Reads},
        extract::{Path, Query},
        problem::{Problem, Result},
        scope::Scope,
    },
    paged,
    query::keyset::{Key, Order, Paging, Rows},
};

/// Something that a person did.
#[derive(Debug, Serialize, QueryableByName, utoipa::ToSchema)]
struct TimelineEntry {
    /// When.
    #[diesel(sql_type = Timestamptz)]
    occurred_at: DateTime<Utc>,
    /// What kind of thing: `commit`, `discord`, `issue`, `issue_comment`, `library_role`, `mail`,
    /// `paper`, `pull_request`, `pull_request_comment`, `pull_request_merged`, `review`, `slack` or
    /// `talk`.
    #[diesel(sql_type = Text)]
    kind: String,
    /// The table that tells of it.
    #[diesel(sql_type = Text)]
    table: String,
    /// The row of that table.
    #[diesel(sql_type = BigInt)]
    row_id: i64,
    /// The profile that did it, `base_profile.id`.
    #[diesel(sql_type = BigInt)]
    profile_id: i64,
    /// What it is called, or its beginning: at most 200 characters.
    #[diesel(sql_type = Text)]
    title: String,
    /// Where it is; empty if that is not known.
    #[diesel(sql_type = Text)]
    url: String,
    /// Where it belongs: a repository, a list, a channel, a mailing, a library.
    #[diesel(sql_type = Text)]
    scope: String,
}

const ORDER: Order = Order::descending(&[
    Key("listed.occurred_at", SqlType::Timestamptz),
    Key("listed.kind collate \"C\"", SqlType::Text),
    Key("listed.row_id", SqlType::BigInt),
]);

/// The routes.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list))
}

paged! {
    /// Which entries.
    struct Asked {}
}

/// List what a person did
///
/// One feed over all profiles of the identity: commits, issues, pull requests, comments, reviews, mails,
/// messages, papers, talks and roles, newest first. What happened in channels that are not public is
/// shown with `read:pii` only.
#[utoipa::path(
    get,
    path = "/users/identities/{id}/timeline",
    operation_id = "list_users_identity_timeline",
    tag = "users",
    params(("id" = i64, Path, description = "The identity, `identity.id`.", example = 1), Asked),
    responses(
        (
            status = 301,
            description = "The identity was merged away.",
            headers(("Location" = String, description = "The survivor's address."))
        ),
        (
        status = 200,
        description = "A page of entries.",
        body = Rows<TimelineEntry>,
        headers(("Link" = String, description = "The next page, `<…>; rel=\"next\"`.")),
        example = json!({"data": [{
            "occurred_at": "2024-05-01T12:00:00Z", "kind": "issue", "table": "issue", "row_id": 1,
            "profile_id": 1, "title": "Parser rejects 1e400",
            "url": "https://github.com/boostorg/json/issues/601", "scope": "boostorg/json"
        }], "page": {"next_cursor": null, "limit": 50}, "meta": {"as_of": "2024-05-01T12:00:00Z"}})
    )),
    extensions(("x-scope" = json!("read")))
)]
async fn list(
    State(app): State<App>,
    caller: Allowed<Reads>,
    Path(id): Path<i64>,
    Query(asked): Query<Asked>,
    OriginalUri(uri): OriginalUri,
) -> Result<Response> {
    let paging = asked.paging(&uri, ORDER)?;
    let entries = entries(id, &paging, caller.has(&Scope::ReadPii))?;
    let rows = paging.load::<TimelineEntry>(&app, entries).await?;
    if rows.is_empty()
        && let Some(moved) = redirect::instead(id, &uri, &app).await?
    {
        return Ok(moved);
    }
    Ok(paging.respond(&app, rows))
}

/// The entries of a page, one more than asked for. Each kind gives as many from its own index, of each
/// profile, so it does not matter how much a person did; only what is shown is looked at closer.
fn entries(id: i64, paging: &Paging<'_>, private: bool) -> Result<Statement> {
    let after = After::of(paging)?;
    let most = paging.limit + 1;
    let mut sql = profiles(id);
    sql.push(", entry as (select * from (");
    for (number, kind) in KINDS.iter().enumerate() {
        sql.push(if number > 0 { " union all " } else { "" });
        newest_of(kind, after.as_ref(), private, most, &mut sql);
    }
    sql.push(&format!(
        ") every order by occurred_at desc, kind collate \"C\" desc, row_id desc limit {most}) \
         select entry.*, left(described.title, 200) as title, {URL} as url, {SCOPE} as scope \
         from entry cross join lateral ("
    ));
    for (number, kind) in KINDS.iter().enumerate() {
        sql.push(if number > 0 { " union all " } else { "" });
        let Kind { name, from, joins, id, title, repository, url, scope, profile, .. } = kind;
        sql.push(&format!(
            "select {title} as title, {repository} as repo_id, {url} as url, {scope} as scope \
             from {from}{joins} \
             where entry.kind = '{name}' and {id} = entry.row_id and {profile} = entry.profile_id"
        ));
    }
    sql.push(
        ") described left join github_repository repository on repository.id = described.repo_id \
         left join github_account owner on owner.id = repository.owner_account_id",
    );
    Ok(sql)
}

/// An entry's address.
const URL: &str = "case when repository.id is null then described.url else 'https://github.com/' \
    || owner.username || '/' || repository.repo_name || described.url end";
/// Where an entry belongs.
const SCOPE: &str = "case when described.scope = '' and repository.id is not null \
    then owner.username || '/' || repository.repo_name else described.scope end";

/// `with profile as (…)`: the profiles of an identity.
pub(super) fn profiles(id: i64) -> Statement {
    let mut sql = Statement::new(
        "with profile as materialized (select id, type from base_profile where identity_id = ",
    );
    sql.bind(SqlType::BigInt, Value::BigInt(id)).push(")");
    sql
}

/// Where the page before ended.
struct After<'a> {
    at: DateTime<Utc>,
    kind: &'a str,
    row: i64,
}

impl<'a> After<'a> {
    fn of(paging: &'a Paging<'_>) -> Result<Option<Self>> {
        match paging.after.as_deref() {
            None => Ok(None),
            Some([Value::Timestamptz(at), Value::Text(kind), Value::BigInt(row)]) => {
                Ok(Some(Self { at: *at, kind, row: *row }))
            }
            Some(_) => Err(Problem::internal("a cursor of another order")),
        }
    }
}

/// The newest entries of a kind after the cursor.
fn newest_of(
    kind: &Kind,
    after: Option<&After<'_>>,
    private: bool,
    most: usize,
    sql: &mut Statement,
) {
    let Kind { name, table, from, id, profile, profile_type, at, .. } = kind;
    let condition = kind.condition(private);
    sql.push(&format!(
        "select newest.occurred_at, '{name}' as kind, '{table}' as \"table\", newest.row_id, \
         profile.id as profile_id from profile cross join lateral (\
         select {at} as occurred_at, {id} as row_id from {from} \
         where {profile} = profile.id{condition}"
    ));
    if let Some(after) = after {
        // Of entries of one instant those of a lesser kind follow.
        match name.cmp(&after.kind) {
            std::cmp::Ordering::Less => sql.push(&format!(" and {at} <= ")),
            std::cmp::Ordering::Greater => sql.push(&format!(" and {at} < ")),
            std::cmp::Ordering::Equal => sql.push(&format!(" and ({at}, {id}) < (")),
        };
        sql.bind(SqlType::Timestamptz, Value::Timestamptz(after.at));
        if *name == after.kind {
            sql.push(", ").bind(SqlType::BigInt, Value::BigInt(after.row)).push(")");
        }
    }
    sql.push(&format!(
        " order by {at} desc, {id} desc limit {most}) newest where profile.type = '{profile_type}'"
    ));
}
