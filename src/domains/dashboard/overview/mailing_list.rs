//! Mails: how many on which list, in which threads, by whom.

use diesel::QueryResult;
use diesel_async::RunQueryDsl;

use super::{
    answer::{Answer, Counts, Entry, counted},
    people,
    period::Period,
    source::MAILS,
};
use crate::db::{
    Connection,
    sql::{Row, Statement, Value},
};

pub(super) async fn answer(period: &Period, connection: &mut Connection) -> QueryResult<Answer> {
    let mut sql = Statement::default();
    MAILS.counted(period, "mailing_list_message.list_name", "count(*)", &mut sql);
    let rows: Vec<Row> = sql.load(connection).await?;
    let mut counts = Counts::of(&["mails"]);
    for (list, bucket, count) in rows.into_iter().filter_map(counted) {
        counts.add("mails", bucket, count);
        counts.add(&list, bucket, count);
    }
    counts.rank("threads", threads(period, connection).await?);
    let senders = people::top(&MAILS, people::MAILING_LIST, 5, period, connection).await?;
    counts.rank("senders", senders);
    Ok(counts.answer())
}

/// The threads with most mails of the window. A thread is called what its first mail was about,
/// which may be older; of equals all are named before the first three are taken.
async fn threads(period: &Period, connection: &mut Connection) -> QueryResult<Vec<Entry>> {
    let mut sql =
        Statement::new("with counted as (select mailing_list_message.thread_id, count(*) as n");
    MAILS.within(period, &mut sql);
    sql.push(
        " and mailing_list_message.thread_id <> '' group by 1), \
         greatest as (select thread_id, n from (\
         select *, rank() over (order by n desc) as place from counted) placed where place <= 3), \
         named as (select greatest.*, \
         regexp_replace(first.subject, '^(\\s*re\\s*(\\[\\d+\\])?\\s*:\\s*)+', '', 'i') as name \
         from greatest cross join lateral (\
         select m.subject from mailing_list_message m where m.thread_id = greatest.thread_id \
         order by m.sent_at nulls last, m.id limit 1) first) \
         select name, thread_id, n from named \
         order by n desc, name collate \"C\", thread_id collate \"C\" limit 3",
    );
    let rows: Vec<Row> = sql.load(connection).await?;
    let entry = |Row(values): Row| match <[Value; 3]>::try_from(values) {
        Ok([Value::Text(name), Value::Text(thread), Value::BigInt(count)]) => {
            Some(Entry { name, thread_id: Some(thread), count, ..Entry::default() })
        }
        _ => None,
    };
    Ok(rows.into_iter().filter_map(entry).collect())
}
