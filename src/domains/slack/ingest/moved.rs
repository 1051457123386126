//! Channels that got another id: their rows become one, and whatever still has the old id is about
//! the new one.

use chrono::{DateTime, Utc};
use diesel::QueryResult;
use serde_json::json;

use super::{
    Place, change_log, channels::ChannelDraft, membership, messages::MessageDraft, removal,
};
use crate::{
    db::sql::{SqlType, Statement as Sql, Value},
    ingest::{
        join,
        register::Draft,
        stamp::{Stamp, digest},
        statements::{self, Statement},
        tx::Tx,
        upsert::Action,
    },
};

/// What is kept of a move: the team is the scope, the old id the key.
pub const FOLD: &str = "slack channel id";

/// A channel that got another id.
#[derive(Debug)]
pub struct Moved {
    /// Where it is now.
    pub place: Place,
    /// Slack's id of it before.
    pub from: String,
    /// When.
    pub at: DateTime<Utc>,
}

/// Remembers a move and merges the rows. Rare, so it goes one by one; whoever calls it holds both
/// channels. `to` is the id that the new one has now. Gives what happened, and the row of the channel if there is one.
pub async fn store(
    tx: &mut Tx<'_>,
    team: &str,
    to: &str,
    moved: &Moved,
    item: i32,
) -> QueryResult<(Action, Option<i64>)> {
    let from = moved.from.as_str();
    let body = json!({ "to": to });
    let stamp = Stamp { source_at: Some(moved.at), digest: digest(&body), ..Stamp::BOTTOM };
    let (scope, key) = (team.to_owned(), from.to_owned());
    statements::keep(tx, FOLD, &[Statement { scope, key, stamp, body, item }]).await?;
    // A channel that moved twice is where it moved last.
    let mut chain = Sql::new("update statement set body = jsonb_build_object('to', ");
    text(&mut chain, to).push("::text) where fold = ");
    text(&mut chain, FOLD).push(" and scope = ");
    text(&mut chain, team).push(" and body ->> 'to' = ");
    text(&mut chain, from).push(" and key <> ");
    text(&mut chain, to);
    tx.execute(chain).await?;
    // One that moved back has its id again.
    let mut back = Sql::new("delete from statement where fold = ");
    text(&mut back, FOLD).push(" and scope = ");
    text(&mut back, team).push(" and key = ");
    text(&mut back, to);
    tx.execute(back).await?;
    if from == to {
        return Ok((Action::Unchanged, row(tx, team, to).await?));
    }
    rename_tombstones(tx, team, from, to).await?;
    match (row(tx, team, from).await?, row(tx, team, to).await?) {
        (Some(old), Some(new)) => {
            merge(tx, old, new).await?;
            Ok((Action::Updated, Some(new)))
        }
        (Some(old), None) => {
            let mut rename = Sql::new("update slack_channel set channel_id = ");
            text(&mut rename, to).push(", updated_at = ");
            rename.bind(SqlType::Timestamptz, Value::Timestamptz(tx.now)).push(" where id = ");
            rename.bind(SqlType::BigInt, Value::BigInt(old));
            tx.execute(rename).await?;
            tx.count("slack_channel").updated += 1;
            Ok((Action::Updated, Some(old)))
        }
        (None, new) => Ok((Action::Unchanged, new)),
    }
}

fn text<'s>(statement: &'s mut Sql, value: &str) -> &'s mut Sql {
    statement.bind(SqlType::Text, Value::Text(value.to_owned()))
}

async fn row(tx: &mut Tx<'_>, team: &str, channel: &str) -> QueryResult<Option<i64>> {
    let mut statement = Sql::new(
        "select c.id from slack_channel c join slack_team t on t.id = c.team_id \
         where t.team_id = ",
    );
    text(&mut statement, team).push(" and c.channel_id = ");
    text(&mut statement, channel);
    Ok(tx.query(statement).await?.first().and_then(|row| match row.0.first() {
        Some(Value::BigInt(id)) => Some(*id),
        _ => None,
    }))
}

/// Messages that were deleted under the old id stay deleted under the new one.
async fn rename_tombstones(tx: &mut Tx<'_>, team: &str, from: &str, to: &str) -> QueryResult<()> {
    let (old, new) = (format!("{team}/{from}:"), format!("{team}/{to}:"));
    let mut statement = Sql::new(
        "insert into tombstone (table_name, natural_key, source_at, deleted_at, remembered) \
         select table_name, ",
    );
    text(&mut statement, &new).push(" || substr(natural_key, length(");
    text(&mut statement, &old)
        .push(") + 1), source_at, deleted_at, remembered from tombstone where table_name = ");
    text(&mut statement, removal::TABLE).push(" and starts_with(natural_key, ");
    text(&mut statement, &old).push(") on conflict (table_name, natural_key) do nothing");
    tx.execute(statement).await?;
    let mut gone = Sql::new(
        "delete from slack_message m using tombstone d, slack_channel c, slack_team t \
         where t.id = c.team_id and c.id = m.channel_id and d.remembered and d.table_name = ",
    );
    text(&mut gone, removal::TABLE).push(" and d.natural_key = ");
    text(&mut gone, &new).push(" || m.ts and t.team_id = ");
    text(&mut gone, team).push(" and c.channel_id in (");
    text(&mut gone, from).push(", ");
    text(&mut gone, to).push(")");
    let gone = tx.execute(gone).await?;
    tx.count(removal::TABLE).deleted += gone as u64;
    Ok(())
}

/// Merges the rows of the old channel into those of the new one.
async fn merge(tx: &mut Tx<'_>, old: i64, new: i64) -> QueryResult<()> {
    let ids = |statement: &mut Sql, middle: &str, end: &str| {
        statement.bind(SqlType::BigInt, Value::BigInt(new)).push(middle);
        statement.bind(SqlType::BigInt, Value::BigInt(old)).push(end);
    };
    // Memberships have times, no registers: of two the newer event counts.
    let table = membership::TABLE;
    let mut newer = Sql::new(format!(
        "update {table} a set is_deleted = b.is_deleted, last_event_at = b.last_event_at \
         from {table} b where b.slack_user_id = a.slack_user_id \
         and (b.last_event_at, not b.is_deleted) > (a.last_event_at, not a.is_deleted) \
         and a.channel_id = "
    ));
    ids(&mut newer, " and b.channel_id = ", "");
    tx.execute(newer).await?;
    // What told of a join there tells of it here.
    let table = change_log::TABLE;
    let mut reports = Sql::new(format!(
        "update {table} a set reports = a.reports || b.reports from {table} b \
         where b.slack_user_id = a.slack_user_id and b.created_at = a.created_at \
         and a.channel_id = "
    ));
    ids(&mut reports, " and b.channel_id = ", "");
    tx.execute(reports).await?;
    let mut listed = Sql::new(
        "update slack_channel a set members_at = greatest(a.members_at, b.members_at) \
         from slack_channel b where a.id = ",
    );
    ids(&mut listed, " and b.id = ", "");
    tx.execute(listed).await?;
    let stamped = [ChannelDraft::table(), MessageDraft::table()];
    join::merge(tx, &stamped, "slack_channel", old, new).await?;
    let mut unlisted = Sql::new(format!(
        "update {} m set is_deleted = true from slack_channel c where c.id = m.channel_id \
         and m.last_event_at < c.members_at and not m.is_deleted and c.id = ",
        membership::TABLE
    ));
    unlisted.bind(SqlType::BigInt, Value::BigInt(new));
    tx.execute(unlisted).await?;
    Ok(())
}
