//! Who was active: profiles by platform, and those that were seen for the first time.

use diesel::QueryResult;
use diesel_async::RunQueryDsl;

use super::{
    answer::{Answer, Counts},
    period::{Period, bind},
    source::{
        ALL_REVIEWS, COMMITS, DISCORD, ISSUE_COMMENTS, ISSUES_OPENED, MAILS, PAPER_AUTHORS,
        PULL_COMMENTS, PULLS_OPENED, SLACK, SPEAKERS, Source,
    },
};
use crate::db::{
    Connection,
    sql::{Row, Statement, Value},
};

/// What profiles of a platform do.
const PLATFORMS: [(&str, &[Source]); 6] = [
    ("github", &[COMMITS, ISSUES_OPENED, ISSUE_COMMENTS, PULLS_OPENED, PULL_COMMENTS, ALL_REVIEWS]),
    ("slack", &[SLACK]),
    ("mailing_list", &[MAILS]),
    ("wg21", &[PAPER_AUTHORS]),
    ("discord", &[DISCORD]),
    ("youtube", &[SPEAKERS]),
];

pub(super) async fn answer(period: &Period, connection: &mut Connection) -> QueryResult<Answer> {
    let mut counts = Counts::default();
    for (platform, sources) in PLATFORMS {
        let rows: Vec<Row> = seen(period, sources).load(connection).await?;
        add(&mut counts, platform, rows);
    }
    Ok(counts.answer())
}

/// Adds what [`seen`] found.
fn add(counts: &mut Counts, platform: &str, rows: Vec<Row>) {
    let [active, new, change] = ["active", "new", "change"].map(|it| format!("{platform}_{it}"));
    let (mut now, mut before) = (0, 0);
    for Row(values) in rows {
        let Ok([Value::Text(of), bucket, Value::BigInt(seen), Value::BigInt(first)]) =
            <[Value; 4]>::try_from(values)
        else {
            continue;
        };
        match (of.as_str(), bucket) {
            (_, Value::Date(bucket)) => {
                counts.put(&active, bucket, seen);
                counts.put(&new, bucket, first);
            }
            ("window", _) => {
                now = seen;
                counts.total(&active, seen);
                counts.total(&new, first);
            }
            _ => {
                before = seen;
                counts.before(&active, seen);
                counts.before(&new, first);
            }
        }
    }
    counts.change(change, now - before);
}

/// Rows of what they are about (`bucket`, `window` or `before`), bucket, active, first seen.
fn seen(period: &Period, sources: &[Source]) -> Statement {
    let mut sql = Statement::new("with seen as (");
    for (position, source) in sources.iter().enumerate() {
        sql.push(if position > 0 { " union select " } else { "select distinct " });
        sql.push(source.who).push(" as profile, ");
        period.bucket_of(source.at, source.is_date, &mut sql);
        sql.push(" as bucket");
        source.between(period, period.before, period.to, &mut sql);
        sql.push(" and ").push(source.who).push(" is not null");
    }
    sql.push(
        "), active as (select profile, min(bucket) as first, bool_or(bucket is null) as before \
         from seen group by 1), known as (select active.*, ",
    );
    for (position, source) in sources.iter().enumerate() {
        sql.push(if position > 0 { " or exists (select" } else { "exists (select" });
        source.all(period, &mut sql);
        sql.push(" and ")
            .push(source.who)
            .push(" = active.profile and ")
            .push(source.at)
            .push(" < ");
        bind(&mut sql, period.before, source.is_date);
        sql.push(")");
    }
    sql.push(
        " as old from active) \
         select 'bucket', bucket, count(*), count(*) filter (where bucket = first and not before and not old) \
         from seen join known using (profile) where bucket is not null group by 2 \
         union all select 'window', null, count(first), \
         count(first) filter (where not before and not old) from known \
         union all select 'before', null, count(*) filter (where before), \
         count(*) filter (where before and not old) from known",
    );
    sql
}
