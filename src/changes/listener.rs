//! Hears what was committed, by whichever server: one connection, outside the pool.
//!
//! Who has committed something says so ([`announce`]), in a transaction of its own: one that notifies
//! holds up all others that do until it is on disk. What nobody said, because it was written by hand
//! or its writer was killed, is found by looking at the end of the log from time to time.

use std::time::Duration;

use anyhow::{Context, bail};
use deadpool::managed::Object;
use diesel::QueryResult;
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use futures_util::{FutureExt, StreamExt};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::log;
use crate::{
    app::App,
    db::{
        Connection,
        sql::{Row, SqlType, Statement, Value},
    },
    query::hidden,
};

/// The channel on which changed tables are named.
const CHANNEL: &str = "boost_dashboard_changes";
/// How often the end of the log is looked at.
const EVERY: Duration = Duration::from_millis(500);
/// How long a look may take before the connection is thought to be lost.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long after a failure it is tried again.
const PAUSE: Duration = Duration::from_secs(1);

/// The tables that a transaction has written so far, as the log has them: whatever its statements
/// changed, by whatever way.
pub async fn written(transaction: &mut Connection) -> QueryResult<Vec<String>> {
    let sql = "select distinct table_name from change_log \
               where xid = pg_current_xact_id()::text::bigint";
    let rows: Vec<Row> = Statement::new(sql).load(transaction).await?;
    Ok(rows.into_iter().filter_map(text).collect())
}

fn text(Row(values): Row) -> Option<String> {
    match values.into_iter().next() {
        Some(Value::Text(text)) => Some(text),
        _ => None,
    }
}

/// Tells everyone, here and on other servers, which tables were written. To be called after the
/// commit and before the answer: then whoever is answered is not shown what was there before.
pub async fn announce(
    app: &App,
    tables: impl IntoIterator<Item = &str>,
    connection: &mut Connection,
) {
    let tables: Vec<_> = tables.into_iter().collect();
    if tables.is_empty() {
        return;
    }
    for table in &tables {
        app.versions.bump(table);
    }
    app.changes.tell();
    let mut statement = Statement::new(format!("select pg_notify('{CHANNEL}', name) from unnest("));
    let names = tables.into_iter().map(|table| Value::Text((*table).to_owned()));
    statement.bind_all(SqlType::Text, names).push(") as name");
    // What is not heard is found.
    if let Err(error) = statement.execute(connection).await {
        tracing::debug!(%error, "other servers were not told of a change");
    }
}

/// Listens until `stop` says so; a connection that is lost is replaced.
pub(super) async fn listen(app: &App, stop: &CancellationToken) {
    let mut away = false;
    loop {
        let heard = tokio::select! {
            heard = hear(app, &mut away) => heard,
            () = stop.cancelled() => Ok(()),
        };
        app.versions.end();
        app.hidden.listen(false);
        // Who waits looks more often from now on.
        app.changes.tell();
        let Err(error) = heard else { return };
        // Said once: it lasts as long as the database is away.
        if !std::mem::replace(&mut away, true) {
            tracing::warn!(error = format!("{error:#}"), "changes are not heard of");
        }
        tokio::select! {
            () = tokio::time::sleep(PAUSE) => {}
            () = stop.cancelled() => return,
        }
    }
}

/// Listens for as long as the connection lives.
async fn hear(app: &App, away: &mut bool) -> anyhow::Result<()> {
    let pooled = app.pool.get().await.context("there is no connection to listen on")?;
    let mut connection: Connection = Object::take(pooled);
    connection.batch_execute(&format!("listen {CHANNEL}")).await?;
    log::forget_foreign(&mut connection).await?;
    let mut end = End::default();
    end.look(&mut connection).await?;
    app.hidden.refresh(&mut connection).await;
    app.hidden.listen(true);
    app.versions.begin();
    app.changes.tell();
    *away = false;
    let mut looked = Instant::now();
    loop {
        let mut told: Vec<String> = Vec::new();
        {
            let mut notices = std::pin::pin!(connection.notifications_stream());
            let mut next = tokio::time::timeout_at(looked + EVERY, notices.next()).await.ok();
            // What one transaction has to tell comes at once, and wakes once.
            while let Some(notice) = next {
                let Some(notice) = notice else { bail!("the connection was closed") };
                told.push(notice?.payload);
                next = notices.next().now_or_never();
            }
        }
        if looked.elapsed() >= EVERY {
            let changed = tokio::time::timeout(PATIENCE, end.look(&mut connection))
                .await
                .context("the connection does not answer")??;
            told.extend(changed);
            looked = Instant::now();
        }
        // First, since what is read after the change is told may be kept for long.
        if told.iter().any(|table| table == hidden::TABLE) {
            app.hidden.refresh(&mut connection).await;
        }
        for table in &told {
            app.versions.bump(table);
        }
        if !told.is_empty() {
            app.changes.tell();
        }
    }
}

/// The end of the log, as a look found it: which transactions were over.
#[derive(Debug)]
struct End {
    /// From here on none was begun.
    next: i64,
    /// Those that were running.
    running: Vec<i64>,
}

impl Default for End {
    /// At the first look there is nothing that would be news.
    fn default() -> Self {
        Self { next: i64::MAX, running: Vec::new() }
    }
}

impl End {
    /// The tables that transactions wrote which have committed since the last look. Their numbers are
    /// among those that were running then, or greater: so a look costs what is new, however long
    /// another transaction keeps the log's end back.
    async fn look(&mut self, connection: &mut Connection) -> QueryResult<Vec<String>> {
        let mut statement = Statement::new(
            "select distinct pg_current_snapshot()::text as now, l.table_name
             from (select) once left join change_log l on l.xid >= ",
        );
        statement
            .bind(SqlType::BigInt, Value::BigInt(self.next))
            .push(" or l.xid = any(")
            .bind_all(SqlType::BigInt, self.running.iter().copied().map(Value::BigInt))
            .push(")");
        let rows: Vec<Row> = statement.load(connection).await?;
        let mut changed = Vec::new();
        for Row(values) in rows {
            let [Value::Text(now), table] = &values[..] else { continue };
            *self = Self::of(now);
            if let Value::Text(table) = table {
                changed.push(table.clone());
            }
        }
        Ok(changed)
    }

    /// Of a snapshot as PostgreSQL writes it: `xmin:xmax:running,…`.
    fn of(snapshot: &str) -> Self {
        let mut parts = snapshot.split(':').skip(1);
        let next = parts.next().and_then(|number| number.parse().ok());
        let running = parts.next().unwrap_or_default().split(',');
        Self {
            next: next.unwrap_or_default(),
            running: running.filter_map(|number| number.parse().ok()).collect(),
        }
    }
}
