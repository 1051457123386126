//! Papers by subgroup.

use diesel::QueryResult;
use diesel_async::RunQueryDsl;

use super::{
    answer::{Answer, Counts, Entry, counted},
    period::Period,
    source::PAPERS,
};
use crate::db::{
    Connection,
    sql::{Row, Statement},
};

/// What a paper of no subgroup is counted under.
const SUBGROUP: &str = "coalesce(nullif(wg21_paper.subgroup, ''), 'unassigned')";

pub(super) async fn answer(period: &Period, connection: &mut Connection) -> QueryResult<Answer> {
    let mut sql = Statement::default();
    PAPERS.counted(period, SUBGROUP, "count(*)", &mut sql);
    let rows: Vec<Row> = sql.load(connection).await?;
    let rows: Vec<_> = rows.into_iter().filter_map(counted).collect();
    let mut counts = Counts::of(&["papers"]);
    let mut subgroups = Vec::<Entry>::new();
    for (subgroup, bucket, count) in rows {
        counts.add("papers", bucket, count);
        counts.add(&subgroup, bucket, count);
        if bucket.is_none() {
            continue;
        }
        match subgroups.iter_mut().find(|entry| entry.name == subgroup) {
            Some(entry) => entry.count += count,
            None => subgroups.push(Entry { name: subgroup, count, ..Entry::default() }),
        }
    }
    subgroups.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.name.cmp(&b.name)));
    counts.rank("subgroups", subgroups);
    Ok(counts.answer())
}
