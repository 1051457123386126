//! The names a file has had: `/github/files/{id}/renames`.

use axum::{
    extract::{OriginalUri, State},
    response::Response,
};
use chrono::{DateTime, Utc};
use diesel::{
    QueryableByName,
    sql_types::{BigInt, Bool, Nullable, Text, Timestamptz},
};
use serde::Serialize;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    db::sql::{SqlType, Statement, Value},
    http::{
        access::{Allowed, Reads},
        extract::{Path, Query},
        problem::{Problem, Result},
    },
    paged,
    query::keyset::{Key, Order, Rows},
};

/// A name of a file, and the commit that gave it.
#[derive(Debug, Serialize, QueryableByName, utoipa::ToSchema)]
struct FileName {
    /// Where the name stands in the chain: 0 is the file that was asked for, less is before.
    #[diesel(sql_type = BigInt)]
    step: i64,
    /// The file of that name, `github_file.id`.
    #[diesel(sql_type = BigInt)]
    file_id: i64,
    /// The path in the repository.
    #[diesel(sql_type = Text)]
    filename: String,
    /// The name before, `github_file.id`; null for the first.
    #[diesel(sql_type = Nullable<BigInt>)]
    previous_filename_id: Option<i64>,
    /// Whether no file has the name now.
    #[diesel(sql_type = Bool)]
    is_deleted: bool,
    /// The commit that renamed to it, `git_commit.id`; null for the first name, or while the commit
    /// is not known.
    #[diesel(sql_type = Nullable<BigInt>)]
    commit_id: Option<i64>,
    /// The SHA of that commit.
    #[diesel(sql_type = Nullable<Text>)]
    commit_hash: Option<String>,
    /// When it was written.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    commit_at: Option<DateTime<Utc>>,
}

const ORDER: Order = Order::ascending(&[
    Key("listed.step", SqlType::BigInt),
    Key("listed.file_id", SqlType::BigInt),
]);

/// A chain goes back name by name and ends where a name comes again; forth it may branch, since a
/// name can be used again and its second file be renamed too.
const CHAIN: &str = "), back (id, step, path) as ( \
        select id, 0::bigint, array[id] from asked \
        union all \
        select file.previous_filename_id, back.step - 1, back.path || file.previous_filename_id \
        from back join github_file file on file.id = back.id \
        where file.previous_filename_id <> all (back.path)), \
    forth (id, step, seen) as ( \
        select asked.id, 0::bigint, (select array_agg(back.id) from back) from asked \
        union all \
        select file.id, forth.step + 1, forth.seen || file.id \
        from forth join github_file file on file.previous_filename_id = forth.id \
        where file.id <> all (forth.seen)) \
    select chain.step, file.id as file_id, file.filename, file.previous_filename_id, \
        file.is_deleted, given.commit_id, given.commit_hash, given.commit_at \
    from (select id, step from back union select id, step from forth) chain \
    join github_file file on file.id = chain.id \
    left join lateral (select git_commit.id as commit_id, git_commit.commit_hash, git_commit.commit_at \
        from git_commit_file_change change join git_commit on git_commit.id = change.commit_id \
        where change.github_file_id = file.id and change.status = 'renamed' \
        and file.previous_filename_id is not null \
        order by git_commit.commit_at desc, git_commit.commit_hash desc limit 1) given on true";

/// The routes.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list))
}

paged! {
    /// Which names.
    struct Asked {}
}

/// List the names of a file
///
/// The chain of renames through a file, oldest name first, each with the commit that renamed to it. A
/// name that comes again ends the chain.
#[utoipa::path(
    get,
    path = "/github/files/{id}/renames",
    operation_id = "list_github_file_renames",
    tag = "github",
    params(("id" = i64, Path, description = "The file, `github_file.id`.", example = 1), Asked),
    responses((
        status = 200,
        description = "A page of names; one alone if the file was never renamed.",
        body = Rows<FileName>,
        headers(("Link" = String, description = "The next page, `<…>; rel=\"next\"`.")),
        example = json!({"data": [{
            "step": 0, "file_id": 1, "filename": "include/boost/json.hpp",
            "previous_filename_id": null, "is_deleted": false, "commit_id": null,
            "commit_hash": null, "commit_at": null
        }], "page": {"next_cursor": null, "limit": 50}, "meta": {"as_of": "2024-05-01T12:00:00Z"}})
    )),
    extensions(("x-scope" = json!("read")))
)]
async fn list(
    State(app): State<App>,
    _: Allowed<Reads>,
    Path(id): Path<i64>,
    Query(asked): Query<Asked>,
    OriginalUri(uri): OriginalUri,
) -> Result<Response> {
    let paging = asked.paging(&uri, ORDER)?;
    let mut chain =
        Statement::new("with recursive asked as (select id from github_file where id = ");
    chain.bind(SqlType::BigInt, Value::BigInt(id)).push(CHAIN);
    let rows = paging.load::<FileName>(&app, chain).await?;
    if rows.is_empty() && paging.after.is_none() {
        return Err(Problem::not_found("There is no such file."));
    }
    Ok(paging.respond(&app, rows))
}
