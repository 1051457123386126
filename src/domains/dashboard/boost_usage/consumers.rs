//! Metric I, `external_consumers`: the repositories that use a library.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use chrono::{DateTime, Datelike, Utc};
use diesel::{
    QueryResult, QueryableByName,
    sql_types::{BigInt, Bool, Integer, Nullable, Text, Timestamptz},
};
use diesel_async::RunQueryDsl;
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    activity::Years,
    base::{USAGES_OF_LIBRARIES, date},
};
use crate::db::{Connection, sql::Statement};

/// A repository with more than ten stars that includes headers of Boost.
#[derive(Debug, QueryableByName)]
pub(super) struct Repository {
    #[diesel(sql_type = BigInt)]
    id: i64,
    /// `owner/name`.
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Integer)]
    pub(super) stars: i32,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    repo_created_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    repo_pushed_at: Option<DateTime<Utc>>,
    /// Whether it counts as using Boost, that is, belongs to the set R.
    #[diesel(sql_type = Bool)]
    is_boost_used: bool,
}

impl Repository {
    /// The year in which it was created.
    pub(super) fn year(&self) -> Option<i32> {
        self.repo_created_at.map(|time| time.year())
    }
}

/// A repository that uses a library, and how often.
#[derive(Debug)]
pub(super) struct Consumer {
    pub(super) repository: Arc<Repository>,
    pub(super) usages: i64,
}

#[derive(QueryableByName)]
struct Pair {
    #[diesel(sql_type = BigInt)]
    library_id: i64,
    #[diesel(sql_type = BigInt)]
    repo_id: i64,
    #[diesel(sql_type = BigInt)]
    usages: i64,
}

/// The repositories that use each library.
pub(super) async fn load(conn: &mut Connection) -> QueryResult<HashMap<i64, Vec<Consumer>>> {
    let repositories = Statement::new(
        "select r.id, a.username || '/' || r.repo_name as name, r.stars, r.repo_created_at, \
         r.repo_pushed_at, x.is_boost_used from boost_external_repository x \
         join github_repository r on r.id = x.id and r.stars > 10 \
         join github_account a on a.id = r.owner_account_id",
    );
    let repositories: Vec<Repository> = repositories.load(conn).await?;
    let repositories: HashMap<i64, Arc<Repository>> =
        repositories.into_iter().map(|it| (it.id, Arc::new(it))).collect();
    let mut pairs = Statement::new("select f.library_id, u.repo_id, count(*) as usages from ");
    pairs.push(USAGES_OF_LIBRARIES).push(" group by 1, 2");
    let pairs: Vec<Pair> = pairs.load(conn).await?;
    let mut consumers: HashMap<i64, Vec<Consumer>> = HashMap::new();
    for pair in pairs {
        if let Some(repository) = repositories.get(&pair.repo_id) {
            let repository = Arc::clone(repository);
            let consumer = Consumer { repository, usages: pair.usages };
            consumers.entry(pair.library_id).or_default().push(consumer);
        }
    }
    Ok(consumers)
}

/// The repositories that use a library.
#[derive(Debug, Default, Serialize, ToSchema)]
#[schema(as = BoostUsageConsumers)]
pub struct Consumers {
    /// By stars and usages, most first, then by name.
    table_data: Vec<ConsumerRow>,
    /// By year.
    #[schema(value_type = BTreeMap<String, ConsumerYear>)]
    pub(super) chart_data: BTreeMap<i32, ConsumerYear>,
}

/// A repository that uses a library. Of one that is said not to use Boost only the name and the
/// usages are told.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BoostUsageConsumer)]
pub struct ConsumerRow {
    /// `owner/name`.
    #[schema(example = "acme/app")]
    name: String,
    /// Stargazers.
    stars: i32,
    /// Its usages of the library.
    usage_count: i64,
    /// The date on which it was created; empty if not known.
    #[schema(example = "2014-12-24")]
    created_at: String,
    /// The date of the last push; empty if not known.
    #[schema(example = "2025-12-19")]
    updated_at: String,
}

/// How a library was used in a year.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[schema(as = BoostUsageConsumerYear)]
pub struct ConsumerYear {
    /// Usages in repositories that were created in it.
    by_created: i64,
    /// Usages in files last committed in it.
    by_last_commit: i64,
    /// Repositories that were created in it and count as using Boost.
    pub(super) repos: i64,
}

impl Consumers {
    pub(super) fn of(years: &Years, consumers: &[Consumer]) -> Self {
        let mut shown = Self::default();
        // Without a year there is no chart, and then no table either.
        if years.is_empty() {
            return shown;
        }
        for (year, usages) in years {
            let year = shown.chart_data.entry(*year);
            year.or_insert(ConsumerYear {
                by_created: usages.created,
                by_last_commit: usages.committed,
                repos: 0,
            });
        }
        let mut rows = Vec::with_capacity(consumers.len());
        for Consumer { repository, usages } in consumers {
            let known = repository.is_boost_used.then_some(repository);
            let year = known.and_then(|known| known.year());
            if let Some(year) = year.and_then(|year| shown.chart_data.get_mut(&year)) {
                year.repos += 1;
            }
            let row = ConsumerRow {
                name: repository.name.clone(),
                stars: known.map_or(0, |known| known.stars),
                usage_count: *usages,
                created_at: date(known.and_then(|known| known.repo_created_at)),
                updated_at: date(known.and_then(|known| known.repo_pushed_at)),
            };
            rows.push((row, repository.id));
        }
        rows.sort_by(|(a, a_id), (b, b_id)| {
            let most = (b.stars, b.usage_count).cmp(&(a.stars, a.usage_count));
            most.then_with(|| (&a.name, a_id).cmp(&(&b.name, b_id)))
        });
        shown.table_data = rows.into_iter().map(|(row, _)| row).collect();
        shown
    }
}
