//! Commits: how many, by whom, in which libraries.

use diesel::QueryResult;
use diesel_async::RunQueryDsl;

use super::{
    answer::{Answer, Counts, Entry},
    people,
    period::Period,
    source::{COMMITS, counted},
};
use crate::db::{
    Connection,
    sql::{Row, Statement, Value},
};

pub(super) async fn answer(period: &Period, connection: &mut Connection) -> QueryResult<Answer> {
    let mut counts = Counts::of(&["commits"]);
    counts.extend(counted(period, &[("commits", &[COMMITS])]).load(connection).await?);
    let committers = people::top(&COMMITS, people::GITHUB, 5, period, connection).await?;
    counts.rank("committers", committers);
    counts.rank("libraries", libraries(period, connection).await?);
    Ok(counts.answer())
}

/// The libraries that most commits changed a file of.
async fn libraries(period: &Period, connection: &mut Connection) -> QueryResult<Vec<Entry>> {
    let mut sql = Statement::new("with meant as materialized (select git_commit.id");
    COMMITS.within(period, &mut sql);
    sql.push(
        "), touched as (select distinct file.library_id, change.commit_id from meant \
         join git_commit_file_change change on change.commit_id = meant.id \
         join boost_file file on file.id = change.github_file_id), \
         counted as (select library_id, count(*) as n from touched group by 1) \
         select library.name, library.id, counted.n from counted \
         join boost_library library on library.id = counted.library_id \
         order by counted.n desc, library.name collate \"C\", library.id limit 5",
    );
    let rows: Vec<Row> = sql.load(connection).await?;
    let entry = |Row(values): Row| match <[Value; 3]>::try_from(values) {
        Ok([Value::Text(name), Value::BigInt(id), Value::BigInt(count)]) => {
            Some(Entry { name, library_id: Some(id), count, ..Entry::default() })
        }
        _ => None,
    };
    Ok(rows.into_iter().filter_map(entry).collect())
}
