//! Forgets the beginning of the change log, in small steps.

use std::time::Duration;

use diesel::QueryResult;
use diesel_async::RunQueryDsl;
use tokio_util::sync::CancellationToken;

use crate::{
    app::App,
    db::{
        Connection,
        sql::{Row, SqlType, Statement, Value},
    },
    http::problem::Result,
};

/// How often the log is looked at.
const EVERY: Duration = Duration::from_hours(1);
/// Rows of the log that a step removes at most.
const STEP: i64 = 1_000;
/// The pause between two steps.
const PAUSE: Duration = Duration::from_millis(50);

/// Prunes until `stop` says so.
pub(super) async fn keep_pruning(app: &App, stop: &CancellationToken) {
    let days = app.settings.change_log_days;
    if days == 0 {
        return;
    }
    loop {
        match prune(app, days).await {
            Ok(0) => {}
            Ok(rows) => tracing::info!(rows, "the beginning of the change log was pruned"),
            Err(problem) => tracing::warn!(%problem, "the change log cannot be pruned"),
        }
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            () = stop.cancelled() => return,
        }
    }
}

/// Removes what is older than so many days; gives the number of rows.
pub async fn prune(app: &App, days: u64) -> Result<i64> {
    let mut pruned = 0;
    loop {
        let rows = step(&mut *app.pool.get().await?, days).await?;
        pruned += rows;
        if rows < STEP - 1 {
            return Ok(pruned);
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// The log is removed from its beginning only, and the last removed row stays as an empty one: it
/// tells which cursors are too old.
async fn step(connection: &mut Connection, days: u64) -> QueryResult<i64> {
    let mut statement = Statement::new(
        "with first as (
            select xid, seq, op, bool_and(changed_at < now() - interval '1 day' * ",
    );
    let days = i32::try_from(days).unwrap_or(i32::MAX);
    statement
        .bind(SqlType::Int, Value::Int(days))
        .push(
            ") over (order by xid, seq) as is_old from change_log
            where xid < pg_snapshot_xmin(pg_current_snapshot())::text::bigint
            order by xid, seq limit ",
        )
        .bind(SqlType::BigInt, Value::BigInt(STEP))
        .push(
            "), last as (
                select xid, seq, op from first where is_old order by xid desc, seq desc limit 1),
            marked as (
                update change_log c set op = 'pruned', ids = null, keys = null, amount = 0
                from last
                where (c.xid, c.seq) = (last.xid, last.seq) and last.op <> 'pruned'),
            removed as (
                delete from change_log c using last
                where (c.xid, c.seq) < (last.xid, last.seq) returning 1)
            select count(*) from removed",
        );
    let Row(values) = statement.get_result::<Row>(connection).await?;
    Ok(match values[..] {
        [Value::BigInt(rows)] => rows,
        _ => 0,
    })
}
