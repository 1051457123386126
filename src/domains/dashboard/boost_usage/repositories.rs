//! Metrics A to D: the repositories that use Boost, by year and by version.

use std::collections::BTreeMap;

use diesel::{
    QueryResult, QueryableByName,
    sql_types::{BigInt, Integer, Nullable, Text},
};
use diesel_async::RunQueryDsl;
use serde::Serialize;
use utoipa::ToSchema;

use super::base::{Bare, REPOSITORIES, Releases, USAGES_OF_REPOSITORIES, date};
use crate::db::{Connection, sql::Statement};

/// Number of repositories by the year in which they were created.
pub(super) type ByYear = BTreeMap<i32, i64>;

/// Repositories that are alike: in what they say of their version, in their year, and in how many
/// releases there had been when they were created.
#[derive(QueryableByName)]
struct Group {
    #[diesel(sql_type = Text)]
    boost_version: String,
    #[diesel(sql_type = Nullable<Integer>)]
    year: Option<i32>,
    /// Only of those that say nothing.
    #[diesel(sql_type = Nullable<Integer>)]
    until: Option<i32>,
    #[diesel(sql_type = BigInt)]
    repositories: i64,
    #[diesel(sql_type = BigInt)]
    usages: i64,
}

/// What is known of all repositories that use Boost together.
#[derive(Debug, Default)]
pub(super) struct Repositories {
    /// How many there are.
    pub(super) total: i64,
    /// Their usages, those of unknown headers included.
    pub(super) usages: i64,
    /// Metric A.
    pub(super) by_year: ByYear,
    /// Metric D.
    pub(super) by_version: Vec<(Bare, i64)>,
    /// Metric C.
    pub(super) versions: VersionStats,
}

/// Which versions of Boost repositories name, and which they probably use.
#[derive(Debug, Default, Serialize, ToSchema)]
#[schema(as = BoostUsageVersionStats)]
pub struct VersionStats {
    /// Repositories that name a version.
    repos_with_version: i64,
    /// Repositories that name none.
    repos_without_version: i64,
    /// The former, as a share of all in per cent; 0 without any.
    version_coverage_percent: f64,
    /// Every release that is no patch, in order.
    distribution_by_version: Vec<VersionShare>,
    /// By the version that repositories name (`""`: none), by the year in which they were created.
    #[schema(value_type = BTreeMap<String, BTreeMap<String, i64>>)]
    distribution_by_year_version: BTreeMap<Named, ByYear>,
}

/// The repositories of one version.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BoostUsageVersionShare)]
pub struct VersionShare {
    /// The version, `1.84.0`.
    #[schema(value_type = String)]
    version: Bare,
    /// The date of its release; empty if not known.
    created_at: String,
    /// Repositories that name it.
    confirmed: i64,
    /// Repositories that name none and were created while it was the newest.
    guessed: i64,
}

/// What a repository says of its version. Versions are ordered by number, what is none follows.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(untagged)]
enum Named {
    Version(Bare),
    Other(String),
}

impl Named {
    fn of(text: String) -> Self {
        Bare::parse(&text).map_or(Self::Other(text), Self::Version)
    }
}

/// A version as a repository names it: bare, where it can be read.
pub(super) fn bare(text: String) -> String {
    Bare::parse(&text).map_or(text, |version| version.to_string())
}

impl Repositories {
    pub(super) async fn load(conn: &mut Connection, releases: &Releases) -> QueryResult<Self> {
        let mut select = Statement::new(
            "select x.boost_version, \
             extract(year from r.repo_created_at at time zone 'UTC')::integer as year, \
             case when x.boost_version = '' then ",
        );
        releases.push_count_until(&mut select, "r.repo_created_at");
        select
            .push(
                " end as until, count(*) as repositories, \
                 coalesce(sum(n.usages), 0)::bigint as usages from ",
            )
            .push(REPOSITORIES)
            .push(" ")
            .push(USAGES_OF_REPOSITORIES)
            .push(" group by 1, 2, 3");
        Ok(Self::of(select.load(conn).await?, releases))
    }

    fn of(groups: Vec<Group>, releases: &Releases) -> Self {
        let mut all = Self::default();
        let (mut confirmed, mut guessed) = (BTreeMap::new(), BTreeMap::new());
        for group in groups {
            all.total += group.repositories;
            all.usages += group.usages;
            if let Some(year) = group.year {
                *all.by_year.entry(year).or_default() += group.repositories;
            }
            if group.boost_version.is_empty() {
                all.versions.repos_without_version += group.repositories;
            } else {
                all.versions.repos_with_version += group.repositories;
            }
            if let Some(version) = group.until.and_then(|until| releases.newest(until)) {
                *guessed.entry(version).or_default() += group.repositories;
            }
            let named = Named::of(group.boost_version);
            if let Named::Version(version) = named {
                *confirmed.entry(version).or_default() += group.repositories;
            }
            if let Some(year) = group.year {
                let years = all.versions.distribution_by_year_version.entry(named).or_default();
                *years.entry(year).or_default() += group.repositories;
            }
        }
        all.versions.version_coverage_percent =
            percent(all.versions.repos_with_version, all.total).unwrap_or_default();
        let share =
            |version: &Bare, of: &BTreeMap<Bare, i64>| of.get(version).copied().unwrap_or(0);
        let mut by_release = releases.all.clone();
        all.versions.distribution_by_version = by_release
            .iter()
            .map(|release| VersionShare {
                version: release.version,
                created_at: date(release.released_at),
                confirmed: share(&release.version, &confirmed),
                guessed: share(&release.version, &guessed),
            })
            .collect();
        by_release.retain(|release| release.version >= Bare::FIRST_SHOWN);
        by_release.sort_by_key(|it| (it.released_at.is_none(), it.released_at, it.version));
        all.by_version = by_release
            .iter()
            .map(|it| (it.version, share(&it.version, &confirmed) + share(&it.version, &guessed)))
            .collect();
        all
    }
}

/// `part` as a share of `whole` in per cent; none of nothing.
#[expect(clippy::cast_precision_loss, reason = "no count comes near 2^53")]
pub(super) fn percent(part: i64, whole: i64) -> Option<f64> {
    (whole != 0).then(|| part as f64 / whole as f64 * 100.0)
}
