//! Metric G: how each library of the latest release is used.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use diesel::{
    QueryResult, QueryableByName,
    sql_types::{BigInt, Integer, Nullable, Text, Timestamptz},
};
use diesel_async::RunQueryDsl;
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    activity::{Activity, Weights, Years},
    base::{Bare, Releases, USAGES_OF_LIBRARIES, count, instant},
    consumers::Consumer,
};
use crate::db::{
    Connection,
    sql::{SqlType, Statement, Value},
};

/// A library of the latest release: one of the set L.
#[derive(Debug)]
pub(super) struct Library {
    pub(super) id: i64,
    pub(super) name: String,
    /// Its name, and its repository where the name alone would be ambiguous.
    pub(super) title: String,
    /// The first version that has it.
    pub(super) created: Bare,
    /// The newest description that is not empty.
    pub(super) description: String,
}

#[derive(QueryableByName)]
struct LibraryRow {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    repository: String,
    #[diesel(sql_type = Integer)]
    created_key: i32,
    #[diesel(sql_type = Nullable<Text>)]
    description: Option<String>,
}

/// The libraries of the latest release, by name.
pub(super) async fn load(conn: &mut Connection, releases: &Releases) -> QueryResult<Vec<Library>> {
    let Some(latest) = releases.latest() else { return Ok(Vec::new()) };
    let mut select = Statement::new(
        "select l.id, l.name, a.username || '/' || r.repo_name as repository, \
         (select min(v.version_key) from boost_library_version e \
          join boost_version v on v.id = e.version_id where e.library_id = l.id) as created_key, \
         (select e.description from boost_library_version e \
          join boost_version v on v.id = e.version_id \
          where e.library_id = l.id and e.description <> '' \
          order by v.version_key desc limit 1) as description \
         from boost_library_version latest \
         join boost_library l on l.id = latest.library_id \
         join github_repository r on r.id = l.repo_id \
         join github_account a on a.id = r.owner_account_id \
         where latest.version_id = ",
    );
    select
        .bind(SqlType::BigInt, Value::BigInt(latest.id))
        .push(" order by l.name collate \"C\", l.id");
    let rows: Vec<LibraryRow> = select.load(conn).await?;
    let mut times: HashMap<String, usize> = HashMap::new();
    for row in &rows {
        *times.entry(row.name.clone()).or_default() += 1;
    }
    Ok(rows
        .into_iter()
        .map(|row| Library {
            id: row.id,
            title: match times.get(&row.name) {
                Some(2..) => format!("{} ({})", row.name, row.repository),
                _ => row.name.clone(),
            },
            name: row.name,
            created: Bare::of_key(row.created_key),
            description: row.description.unwrap_or_default(),
        })
        .collect())
}

/// How a library is used, whatever the running year is.
#[derive(Debug, Default)]
pub(super) struct Usage {
    pub(super) years: Years,
    pub(super) repositories: i64,
    pub(super) average_stars: i64,
    earliest_commit: Option<DateTime<Utc>>,
    latest_commit: Option<DateTime<Utc>>,
    /// Usages by header, most first.
    pub(super) headers: Vec<(String, i64)>,
}

#[derive(QueryableByName)]
struct CommittedRow {
    #[diesel(sql_type = BigInt)]
    library_id: i64,
    #[diesel(sql_type = Integer)]
    year: i32,
    #[diesel(sql_type = BigInt)]
    usages: i64,
    #[diesel(sql_type = Timestamptz)]
    earliest: DateTime<Utc>,
    #[diesel(sql_type = Timestamptz)]
    latest: DateTime<Utc>,
}

#[derive(QueryableByName)]
struct HeaderRow {
    #[diesel(sql_type = BigInt)]
    library_id: i64,
    #[diesel(sql_type = Text)]
    filename: String,
    #[diesel(sql_type = BigInt)]
    usages: i64,
}

/// How libraries are used, by their ids; one that is not used is not in it. `consumers` are the
/// repositories that use each.
pub(super) async fn usages(
    conn: &mut Connection,
    consumers: &HashMap<i64, Vec<Consumer>>,
) -> QueryResult<HashMap<i64, Usage>> {
    let mut usages: HashMap<i64, Usage> =
        consumers.iter().map(|(library, consumers)| (*library, Usage::of(consumers))).collect();
    for row in committed(conn).await? {
        let usage = usages.entry(row.library_id).or_default();
        usage.years.entry(row.year).or_default().committed += row.usages;
        let earliest = usage.earliest_commit.get_or_insert(row.earliest);
        *earliest = row.earliest.min(*earliest);
        usage.latest_commit = usage.latest_commit.max(Some(row.latest));
    }
    for row in headers(conn).await? {
        let usage = usages.entry(row.library_id).or_default();
        // Without a year nothing is shown of a library but its totals.
        if !usage.years.is_empty() {
            usage.headers.push((row.filename, row.usages));
        }
    }
    Ok(usages)
}

async fn committed(conn: &mut Connection) -> QueryResult<Vec<CommittedRow>> {
    let mut select = Statement::new(
        "select f.library_id, \
         extract(year from u.last_commit_date at time zone 'UTC')::integer as year, \
         count(*) as usages, min(u.last_commit_date) as earliest, \
         max(u.last_commit_date) as latest from ",
    );
    select.push(USAGES_OF_LIBRARIES).push(" and u.last_commit_date is not null group by 1, 2");
    select.load(conn).await
}

async fn headers(conn: &mut Connection) -> QueryResult<Vec<HeaderRow>> {
    let mut select =
        Statement::new("select h.library_id, g.filename, sum(h.usages)::bigint as usages from (");
    select
        .push("select f.library_id, u.boost_header_id, count(*) as usages from ")
        .push(USAGES_OF_LIBRARIES)
        .push(
            " group by 1, 2) h join github_file g on g.id = h.boost_header_id group by 1, 2 \
             order by usages desc, g.filename collate \"C\"",
        );
    select.load(conn).await
}

impl Usage {
    /// What the repositories that use a library say of it.
    fn of(consumers: &[Consumer]) -> Self {
        let mut usage = Self { repositories: count(consumers.len()), ..Self::default() };
        let (mut usages, mut stars) = (0, 0);
        for consumer in consumers {
            usages += consumer.usages;
            stars += i64::from(consumer.repository.stars) * consumer.usages;
            if let Some(year) = consumer.repository.year() {
                usage.years.entry(year).or_default().created += consumer.usages;
            }
        }
        usage.average_stars = stars.checked_div(usages).unwrap_or_default();
        usage
    }
}

/// How a library of the latest release is used.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = BoostUsageLibrary)]
pub struct LibraryMetrics {
    /// The name; another library of another repository may have the same.
    #[schema(example = "asio")]
    pub name: String,
    /// `boost_library.id`.
    pub library_id: i64,
    /// The first version that has it.
    #[schema(value_type = String, example = "1.36.0")]
    pub created_version: Bare,
    /// Always empty: libraries that were removed are not listed.
    pub removed_version: &'static str,
    /// Usages in repositories of every year before the running one; of all years, if there is none.
    pub total_usage: i64,
    /// Those of the five years before the running one.
    pub recent_usage: i64,
    /// Those of the years before.
    pub past_usage: i64,
    /// The greater, the livelier; −10 without any usage.
    pub activity_score: f64,
    /// Repositories that use it.
    pub repo_count: i64,
    /// Time of the earliest last commit of a file that uses it; empty if not known.
    #[schema(example = "2010-01-14T20:52:21Z")]
    pub earliest_commit: String,
    /// Time of the latest; empty if not known.
    #[schema(example = "2025-12-06T11:37:36Z")]
    pub latest_commit: String,
    /// Mean of the stars over the usages, without decimals.
    pub average_stars: i64,
}

impl LibraryMetrics {
    /// The metrics as of a running year.
    pub(super) fn of(library: &Library, usage: &Usage, running: i32, weights: &Weights) -> Self {
        let activity = Activity::of(&usage.years, running, weights);
        Self {
            name: library.name.clone(),
            library_id: library.id,
            created_version: library.created,
            removed_version: "",
            total_usage: activity.total,
            recent_usage: activity.recent,
            past_usage: activity.past,
            activity_score: activity.score,
            repo_count: usage.repositories,
            earliest_commit: instant(usage.earliest_commit),
            latest_commit: instant(usage.latest_commit),
            average_stars: usage.average_stars,
        }
    }
}

/// By header, its usages, most first: an object whose order says something.
pub(super) fn in_order<S: serde::Serializer>(
    headers: &[(String, i64)],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(headers.iter().map(|(header, usages)| (header, usages)))
}

/// The schema of what [`in_order`] writes.
pub(super) type InOrder = BTreeMap<String, i64>;
