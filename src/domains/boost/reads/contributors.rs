//! Who contributed to a library: `/boost/libraries/{id}/contributors`.

use axum::{
    extract::{OriginalUri, State},
    response::Response,
};
use diesel::{
    QueryableByName,
    sql_types::{BigInt, Nullable, Text},
};
use serde::Serialize;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::release::{Releases, library_exists};
use crate::{
    app::App,
    db::sql::{SqlType, Statement, Value},
    http::{
        access::{Allowed, Reads},
        extract::{Path, Query},
        problem::Result,
    },
    paged,
    query::keyset::{Key, Order, Rows},
};

/// A person's commits to a library for a release.
#[derive(Debug, Serialize, QueryableByName, utoipa::ToSchema)]
struct Contributor {
    /// The release, `boost_version.id`: the first without a patch number after the commits.
    #[diesel(sql_type = BigInt)]
    version_id: i64,
    /// Its version, `boost-X.Y.0`.
    #[diesel(sql_type = Text)]
    version: String,
    /// The person's account, `github_account.id`.
    #[diesel(sql_type = BigInt)]
    account_id: i64,
    /// The person's identity, `identity.id`; null while the account belongs to none.
    #[diesel(sql_type = Nullable<BigInt>)]
    identity_id: Option<i64>,
    /// The name of the identity, else of the account, else its user name, else `unknown`.
    #[diesel(sql_type = Text)]
    person: String,
    /// Commits that change a file of the library.
    #[diesel(sql_type = BigInt)]
    commit_count: i64,
}

/// The newest release first; in it, who has most commits.
const ORDER: Order = Order::ascending(&[
    Key("-listed.version_key", SqlType::BigInt),
    Key("-listed.commit_count", SqlType::BigInt),
    Key("listed.person collate \"C\"", SqlType::Text),
    Key("listed.account_id", SqlType::BigInt),
]);

/// A commit counts for the first release after it, so each release has the commits from the one
/// before it on. Of releases at one instant the least has them.
const COMMITS: &str = "with release as ( \
        select id, version, version_key, version_created_at as until, \
            lag(version_created_at, 1, '-infinity') over (order by version_created_at) as since \
        from (select distinct on (version_created_at) * from boost_version \
            where version_key % 100 = 0 and version_created_at is not null \
            order by version_created_at, version_key) dated), \
    commits as ( \
        select distinct git_commit.id, git_commit.account_id, git_commit.commit_at \
        from boost_file file \
        join git_commit_file_change change on change.github_file_id = file.id \
        join git_commit on git_commit.id = change.commit_id \
        join github_repository repository on repository.id = git_commit.repo_id \
        join github_account owner on owner.id = repository.owner_account_id \
        where owner.username <> '' and file.library_id = ";
const COUNTED: &str = ") \
    select counted.*, profile.identity_id, coalesce(nullif(identity.display_name, ''), \
        nullif(account.display_name, ''), nullif(account.username, ''), 'unknown') as person \
    from (select release.id as version_id, release.version, release.version_key::bigint as version_key, \
            commits.account_id, count(*) as commit_count \
        from commits \
        join release on commits.commit_at >= release.since and commits.commit_at < release.until";
const NAMED: &str = " group by release.id, release.version, release.version_key, commits.account_id) \
        counted \
    join github_account account on account.id = counted.account_id \
    join base_profile profile on profile.id = counted.account_id \
    left join identity on identity.id = profile.identity_id";

/// The routes.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list))
}

paged! {
    /// Which contributors.
    struct Asked {
        /// Only for this release, in any spelling.
        #[param(example = "1.84.0")]
        version: Option<String>,
    }
}

/// List the contributors of a library
///
/// Who wrote commits that change its files, and how many, by release: a commit counts for the first
/// release without a patch number that came out after it. Commits after the last one are not counted.
#[utoipa::path(
    get,
    path = "/boost/libraries/{id}/contributors",
    operation_id = "list_boost_library_contributors",
    tag = "boost",
    params(("id" = i64, Path, description = "The library, `boost_library.id`.", example = 1), Asked),
    responses((
        status = 200,
        description = "A page of people, the newest release first; in a release the most commits first.",
        body = Rows<Contributor>,
        headers(("Link" = String, description = "The next page, `<…>; rel=\"next\"`.")),
        example = json!({"data": [{
            "version_id": 1, "version": "boost-1.84.0", "account_id": 1, "identity_id": null,
            "person": "Jane Roe", "commit_count": 12
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
    let mut connection = app.reader().await?;
    library_exists(id, &mut connection).await?;
    let mut rows = Statement::new(COMMITS);
    rows.bind(SqlType::BigInt, Value::BigInt(id)).push(COUNTED);
    if let Some(text) = &asked.version {
        let release = Releases::load(&mut connection).await?.named("version", text)?.id;
        rows.push(" where release.id = ").bind(SqlType::BigInt, Value::BigInt(release));
    }
    drop(connection);
    rows.push(NAMED);
    paging.answer::<Contributor>(&app, rows).await
}
