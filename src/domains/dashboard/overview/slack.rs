//! Slack messages: how many, where, by whom.

use diesel::QueryResult;
use diesel_async::RunQueryDsl;

use super::{
    answer::{Answer, Counts, Entry},
    people,
    period::Period,
    source::{SLACK, counted},
};
use crate::db::{
    Connection,
    sql::{Row, Statement, Value},
};

pub(super) async fn answer(period: &Period, connection: &mut Connection) -> QueryResult<Answer> {
    let mut counts = Counts::of(&["messages"]);
    counts.extend(counted(period, &[("messages", &[SLACK])]).load(connection).await?);
    counts.rank("channels", channels(period, connection).await?);
    counts.rank("senders", people::top(&SLACK, people::SLACK, 5, period, connection).await?);
    Ok(counts.answer())
}

async fn channels(period: &Period, connection: &mut Connection) -> QueryResult<Vec<Entry>> {
    let mut sql = Statement::new("with counted as (select slack_message.channel_id, count(*) as n");
    SLACK.within(period, &mut sql);
    sql.push(
        " group by 1) select channel.channel_name, channel.id, counted.n from counted \
         join slack_channel channel on channel.id = counted.channel_id \
         order by counted.n desc, channel.channel_name collate \"C\", channel.id limit 3",
    );
    let rows: Vec<Row> = sql.load(connection).await?;
    let entry = |Row(values): Row| match <[Value; 3]>::try_from(values) {
        Ok([Value::Text(name), Value::BigInt(id), Value::BigInt(count)]) => {
            Some(Entry { name, channel_id: Some(id), count, ..Entry::default() })
        }
        _ => None,
    };
    Ok(rows.into_iter().filter_map(entry).collect())
}
