//! Visits of the website: how many, from where, with which words.

use diesel::QueryResult;
use diesel_async::RunQueryDsl;

use super::{
    answer::{Answer, Counts, Entry},
    period::Period,
    source::{COUNTRIES, Source, VISITS, WORDS},
};
use crate::db::{
    Connection,
    sql::{Row, Statement, Value},
};

pub(super) async fn answer(period: &Period, connection: &mut Connection) -> QueryResult<Answer> {
    let mut sql = Statement::default();
    VISITS.counted(period, "'visits'", &sum("website.website_visit_count"), &mut sql);
    let mut counts = Counts::of(&["visits"]);
    counts.extend(sql.load(connection).await?);
    counts.rank("countries", top(&COUNTRIES, "country", 10, period, connection).await?);
    counts.rank("words", top(&WORDS, "word", 20, period, connection).await?);
    Ok(counts.answer())
}

/// The greatest by the sum of their `count`.
async fn top(
    source: &Source,
    name: &str,
    limit: usize,
    period: &Period,
    connection: &mut Connection,
) -> QueryResult<Vec<Entry>> {
    let mut sql = Statement::new(format!("select {name}, {}", sum("count")));
    source.within(period, &mut sql);
    sql.push(&format!(" group by 1 order by 2 desc, {name} collate \"C\" limit {limit}"));
    let rows: Vec<Row> = sql.load(connection).await?;
    let entry = |Row(values): Row| match <[Value; 2]>::try_from(values) {
        Ok([Value::Text(name), Value::BigInt(count)]) => {
            Some(Entry { name, count, ..Entry::default() })
        }
        _ => None,
    };
    Ok(rows.into_iter().filter_map(entry).collect())
}

/// A sum that cannot be too great for its type.
fn sum(column: &str) -> String {
    format!("least(sum({column}), {})::bigint", i64::MAX)
}
