//! Metric I, `contribute_data`: who changed a library, and for which version.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use diesel::{
    QueryResult, QueryableByName,
    sql_types::{BigInt, Integer, Text},
};
use diesel_async::RunQueryDsl;
use serde::Serialize;
use utoipa::ToSchema;

use super::base::{Bare, Releases};
use crate::db::{Connection, sql::Statement};

/// Commits of one account to one library between two releases.
#[derive(Debug, QueryableByName)]
struct Row {
    #[diesel(sql_type = BigInt)]
    library_id: i64,
    /// How many instants of release there had been.
    #[diesel(sql_type = Integer)]
    until: i32,
    #[diesel(sql_type = BigInt)]
    account_id: i64,
    #[diesel(sql_type = Text)]
    person: String,
    #[diesel(sql_type = BigInt)]
    commits: i64,
}

/// Who changed a library.
#[derive(Debug, Default, Serialize, ToSchema)]
#[schema(as = BoostUsageContributions)]
pub struct Contributions {
    /// By version and commits, greatest first, then by person.
    table_data: Vec<Contribution>,
    /// By version since the first that has the library: how many commits it came with.
    #[schema(value_type = BTreeMap<String, i64>)]
    chart_data: BTreeMap<Bare, i64>,
}

/// Commits of one account to a library that came with one version.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BoostUsageContribution)]
pub struct Contribution {
    /// The first version that was released after them.
    #[schema(value_type = String, example = "1.89.0")]
    version: Bare,
    /// The name of the identity, else of the account, else its user name.
    #[schema(example = "Jane Roe")]
    person: String,
    /// How many commits.
    commit_count: i64,
    /// `github_account.id`.
    account_id: i64,
}

/// Who changed each library. A commit with several files of a library is one of it; what no release
/// followed is left out.
pub(super) async fn load(
    conn: &mut Connection,
    releases: &Releases,
) -> QueryResult<HashMap<i64, Vec<Contribution>>> {
    // A commit has one account and one time, so those of a version are the sum of its accounts'.
    let mut select = Statement::new(
        "select t.library_id, t.until, t.account_id, t.commits, coalesce(nullif(i.display_name, ''), \
         nullif(a.display_name, ''), nullif(a.username, ''), 'unknown') as person from (\
         select f.library_id, ",
    );
    releases.push_count_until(&mut select, "c.commit_at");
    select.push(&format!(
        " as until, c.account_id, count(*) as commits from (\
         select distinct b.library_id, h.commit_id from git_commit_file_change h \
         join boost_file b on b.id = h.github_file_id) f \
         join git_commit c on c.id = f.commit_id \
         join github_repository r on r.id = c.repo_id \
         join github_account o on o.id = r.owner_account_id and o.username <> '' \
         group by 1, 2, 3) t \
         join github_account a on a.id = t.account_id \
         join base_profile p on p.id = t.account_id \
         left join identity i on i.id = p.identity_id where t.until < {}",
        releases.count()
    ));
    let rows: Vec<Row> = select.load(conn).await?;
    let mut contributions: HashMap<i64, Vec<Contribution>> = HashMap::new();
    for row in rows {
        let Some(version) = releases.next(row.until) else { continue };
        contributions.entry(row.library_id).or_default().push(Contribution {
            version,
            person: row.person,
            commit_count: row.commits,
            account_id: row.account_id,
        });
    }
    Ok(contributions)
}

impl Contributions {
    /// Those to a library that `created` has first.
    pub(super) fn of(
        mut table_data: Vec<Contribution>,
        created: Bare,
        releases: &Releases,
    ) -> Self {
        table_data.sort_by(|a, b| {
            let most = (b.version, b.commit_count).cmp(&(a.version, a.commit_count));
            most.then_with(|| (&a.person, a.account_id).cmp(&(&b.person, b.account_id)))
        });
        let since = releases.all.iter().map(|release| release.version).filter(|it| *it >= created);
        let mut chart_data: BTreeMap<Bare, i64> = since.map(|version| (version, 0)).collect();
        for row in &table_data {
            if let Some(commits) = chart_data.get_mut(&row.version) {
                *commits += row.commit_count;
            }
        }
        Self { table_data, chart_data }
    }

    /// The greatest version with commits, and how many accounts made them.
    pub(super) fn last(&self) -> Option<(Bare, usize)> {
        let mut rows = self.table_data.iter().peekable();
        let version = rows.peek()?.version;
        Some((version, rows.take_while(|row| row.version == version).count()))
    }

    /// How many accounts there are.
    pub(super) fn people(&self) -> usize {
        self.table_data.iter().map(|row| row.account_id).collect::<BTreeSet<_>>().len()
    }
}
