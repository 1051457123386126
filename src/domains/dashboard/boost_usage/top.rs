//! Metric H: the repositories that lead in stars, in usages, and in youth.

use chrono::{DateTime, Utc};
use diesel::{
    QueryResult, QueryableByName,
    sql_types::{BigInt, Integer, Nullable, Text, Timestamptz},
};
use diesel_async::RunQueryDsl;
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    base::{REPOSITORIES, Releases, USAGES_OF_REPOSITORIES, instant},
    repositories::bare,
};
use crate::db::{Connection, sql::Statement};

/// How many repositories lead.
const TOP: i64 = 20;

/// The twenty repositories that lead in each respect.
#[derive(Debug, Default, Serialize, ToSchema)]
#[schema(as = BoostUsageTopRepositories)]
#[expect(clippy::struct_field_names, reason = "the document's names")]
pub struct TopRepositories {
    /// Most stars first.
    top20_by_stars: Vec<Repository>,
    /// Most usages of Boost first.
    top20_by_usage: Vec<Repository>,
    /// Created last first.
    top20_by_created: Vec<Repository>,
}

/// A repository that uses Boost.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = BoostUsageRepository)]
pub struct Repository {
    /// `boost_external_repository.id`.
    id: i64,
    /// `owner/name`.
    #[schema(example = "acme/app")]
    repo_name: String,
    /// Always 1: it uses Boost.
    affect_from_boost: i32,
    /// Stargazers.
    stars: i32,
    /// When it was created on GitHub; empty if not known.
    #[schema(example = "2010-12-19T15:16:43Z")]
    created_at: String,
    /// Time of the last push; empty if not known.
    #[schema(example = "2025-12-10T23:28:59Z")]
    pushed_at: String,
    /// The version of Boost that it names, `1.84.0`; empty if none.
    boost_version: String,
    /// If it names none, the newest version when it was created; else empty.
    candidate_version: String,
    /// Its usages of Boost headers.
    usage_count: i64,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = Text)]
    repo_name: String,
    #[diesel(sql_type = Integer)]
    stars: i32,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    repo_created_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    repo_pushed_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Text)]
    boost_version: String,
    #[diesel(sql_type = Nullable<Integer>)]
    until: Option<i32>,
    #[diesel(sql_type = BigInt)]
    usage_count: i64,
    #[diesel(sql_type = BigInt)]
    by_stars: i64,
    #[diesel(sql_type = BigInt)]
    by_usage: i64,
    #[diesel(sql_type = BigInt)]
    by_created: i64,
}

impl TopRepositories {
    pub(super) async fn load(conn: &mut Connection, releases: &Releases) -> QueryResult<Self> {
        let mut select = Statement::new(
            "select t.id, a.username || '/' || t.repo_name as repo_name, t.stars, \
             t.repo_created_at, t.repo_pushed_at, t.boost_version, \
             case when t.boost_version = '' then ",
        );
        releases.push_count_until(&mut select, "t.repo_created_at");
        select
            .push(
                " end as until, t.usage_count, t.by_stars, t.by_usage, t.by_created from (\
                 select r.id, r.owner_account_id, r.repo_name, r.stars, r.repo_created_at, \
                 r.repo_pushed_at, x.boost_version, coalesce(n.usages, 0) as usage_count, \
                 row_number() over (order by r.stars desc, r.id) as by_stars, \
                 row_number() over (order by coalesce(n.usages, 0) desc, r.id) as by_usage, \
                 row_number() over (order by r.repo_created_at desc nulls last, r.id) \
                 as by_created from ",
            )
            .push(REPOSITORIES)
            .push(" ")
            .push(USAGES_OF_REPOSITORIES)
            .push(&format!(
                ") t join github_account a on a.id = t.owner_account_id \
                 where least(t.by_stars, t.by_usage, t.by_created) <= {TOP}"
            ));
        let rows: Vec<Row> = select.load(conn).await?;
        Ok(Self {
            top20_by_stars: leading(&rows, releases, |row| row.by_stars),
            top20_by_usage: leading(&rows, releases, |row| row.by_usage),
            top20_by_created: leading(&rows, releases, |row| row.by_created),
        })
    }
}

fn leading(rows: &[Row], releases: &Releases, place: impl Fn(&Row) -> i64) -> Vec<Repository> {
    let mut leading: Vec<&Row> = rows.iter().filter(|row| place(row) <= TOP).collect();
    leading.sort_by_key(|row| place(row));
    leading.into_iter().map(|row| row.shown(releases)).collect()
}

impl Row {
    fn shown(&self, releases: &Releases) -> Repository {
        let candidate = self.until.and_then(|until| releases.newest(until));
        Repository {
            id: self.id,
            repo_name: self.repo_name.clone(),
            affect_from_boost: 1,
            stars: self.stars,
            created_at: instant(self.repo_created_at),
            pushed_at: instant(self.repo_pushed_at),
            boost_version: bare(self.boost_version.clone()),
            candidate_version: candidate.map_or_else(String::new, |it| it.to_string()),
            usage_count: self.usage_count,
        }
    }
}
