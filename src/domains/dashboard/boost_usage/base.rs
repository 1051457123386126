//! What every metric stands on: the releases of Boost, and the sets of repositories and usages.

use std::fmt;

use chrono::{DateTime, SecondsFormat, Utc};
use diesel::{
    QueryResult, QueryableByName,
    sql_types::{BigInt, Integer, Nullable, Timestamptz},
};
use diesel_async::RunQueryDsl;
use serde::{Serialize, Serializer};

use crate::{
    db::{
        Connection,
        sql::{SqlType, Statement, Value},
    },
    domains::boost::ingest::version::Version,
};

/// Repositories that use Boost and that somebody cares for, as `x` and `r`: the set R.
pub(super) const REPOSITORIES: &str = "boost_external_repository x \
    join github_repository r on r.id = x.id and x.is_boost_used and r.stars > 10";

/// The active usages of each repository as `n`, to be joined to [`REPOSITORIES`]; placeholders for
/// headers that are not known count, too: the set `U_R`.
pub(super) const USAGES_OF_REPOSITORIES: &str = "left join (select repo_id, count(*) as usages \
    from boost_usage where excepted_at is null group by repo_id) n on n.repo_id = r.id";

/// Active usages of known headers in repositories that somebody cares for, as `u`, `f` and `r`,
/// whether or not these count as using Boost: the set `U_L`. Conditions follow.
pub(super) const USAGES_OF_LIBRARIES: &str = "boost_usage u \
    join boost_file f on f.id = u.boost_header_id \
    join github_repository r on r.id = u.repo_id and r.stars > 10 \
    where u.excepted_at is null";

/// A version of Boost as these documents write it, `1.84.0`; ordered by its numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bare(i32);

impl Bare {
    /// The first version that `repos_by_version` shows.
    pub(super) const FIRST_SHOWN: Self = Self(103_400);

    /// The version with that number of the macro `BOOST_VERSION`.
    pub(super) fn of_key(key: i32) -> Self {
        Self(key)
    }

    /// The version that a text names, in any spelling.
    pub(super) fn parse(text: &str) -> Option<Self> {
        Version::parse(text).map(|version| Self(version.key()))
    }
}

impl fmt::Display for Bare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.0 / 100_000, self.0 / 100 % 1_000, self.0 % 100)
    }
}

impl Serialize for Bare {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A release that is no patch of another.
#[derive(Debug, Clone, Copy)]
pub(super) struct Release {
    /// `boost_version.id`.
    pub(super) id: i64,
    pub(super) version: Bare,
    pub(super) released_at: Option<DateTime<Utc>>,
}

/// The releases in numeric order: the set V.
#[derive(Debug, Clone, Default)]
pub(super) struct Releases {
    pub(super) all: Vec<Release>,
    /// The instants of release, each once and with its least version, in order. PostgreSQL counts
    /// with `width_bucket` how many of them are not after a time.
    instants: Vec<(DateTime<Utc>, Bare)>,
}

#[derive(QueryableByName)]
struct ReleaseRow {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = Integer)]
    version_key: i32,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    version_created_at: Option<DateTime<Utc>>,
}

impl Releases {
    pub(super) async fn load(conn: &mut Connection) -> QueryResult<Self> {
        let select = Statement::new(
            "select id, version_key, version_created_at from boost_version \
             where version_key % 100 = 0 order by version_key",
        );
        let rows: Vec<ReleaseRow> = select.load(conn).await?;
        Ok(Self::of(rows.into_iter().map(|row| Release {
            id: row.id,
            version: Bare::of_key(row.version_key),
            released_at: row.version_created_at,
        })))
    }

    fn of(releases: impl Iterator<Item = Release>) -> Self {
        let all: Vec<Release> = releases.collect();
        let mut instants: Vec<_> = all
            .iter()
            .filter_map(|release| Some((release.released_at?, release.version)))
            .collect();
        instants.sort_unstable();
        instants.dedup_by_key(|(instant, _)| *instant);
        Self { all, instants }
    }

    /// The latest release.
    pub(super) fn latest(&self) -> Option<&Release> {
        self.all.last()
    }

    /// How many instants of release there are.
    pub(super) fn count(&self) -> i32 {
        i32::try_from(self.instants.len()).unwrap_or(i32::MAX)
    }

    /// Appends `width_bucket(time, …)`: how many instants of release are not after `time`, an SQL
    /// expression.
    pub(super) fn push_count_until(&self, sql: &mut Statement, time: &str) {
        let instants = self.instants.iter().map(|(instant, _)| Value::Timestamptz(*instant));
        sql.push("width_bucket(").push(time).push(", ");
        sql.bind_all(SqlType::Timestamptz, instants).push(")");
    }

    /// The version that a new project would have taken at a time: the last that was out. `until` is
    /// how many instants of release are not after it.
    pub(super) fn newest(&self, until: i32) -> Option<Bare> {
        let last = usize::try_from(until).ok()?.checked_sub(1)?;
        self.instants.get(last).map(|(_, version)| *version)
    }

    /// The version that a commit shipped with: the first released after it. `until` is as above.
    pub(super) fn next(&self, until: i32) -> Option<Bare> {
        let next = usize::try_from(until).ok()?;
        self.instants.get(next).map(|(_, version)| *version)
    }
}

/// An instant as these documents write it; empty if there is none.
pub(super) fn instant(time: Option<DateTime<Utc>>) -> String {
    time.map_or_else(String::new, |time| time.to_rfc3339_opts(SecondsFormat::AutoSi, true))
}

/// A date as these documents write it; empty if there is none.
pub(super) fn date(time: Option<DateTime<Utc>>) -> String {
    time.map_or_else(String::new, |time| time.date_naive().to_string())
}

/// A count of rows as PostgreSQL gives it, of things that are counted in memory.
pub(super) fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn release(key: i32, second: Option<i64>) -> Release {
        let released_at = second.and_then(|second| DateTime::from_timestamp(second, 0));
        Release { id: 0, version: Bare::of_key(key), released_at }
    }

    #[test]
    fn of_releases_at_one_instant_the_least_counts() {
        let releases = [
            release(108_300, Some(20)),
            release(108_400, Some(10)),
            release(108_500, Some(20)),
            release(108_600, None),
        ];
        let releases = Releases::of(releases.into_iter());
        assert_eq!(releases.count(), 2);
        let at = |until| (releases.newest(until), releases.next(until));
        let [earlier, later] = [Bare::of_key(108_400), Bare::of_key(108_300)];
        assert_eq!(at(0), (None, Some(earlier)));
        assert_eq!(at(1), (Some(earlier), Some(later)));
        assert_eq!(at(2), (Some(later), None));
    }

    #[test]
    fn versions_are_written_bare_and_ordered_by_number() {
        let versions = ["boost-1.100.0", "1.99.0", "Boost 1.100"].map(Bare::parse);
        assert_eq!(
            versions.map(|version| version.unwrap().to_string()),
            ["1.100.0", "1.99.0", "1.100.0"]
        );
        assert!(versions[0] > versions[1] && versions[0] == versions[2]);
    }
}
