//! Hears from PostgreSQL what was committed, by whichever server: one connection, outside the pool.

use std::time::Duration;

use anyhow::{Context, bail};
use deadpool::managed::Object;
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};
use futures_util::{FutureExt, StreamExt};
use tokio_util::sync::CancellationToken;

use super::log;
use crate::app::App;

/// The channel that the triggers notify.
const CHANNEL: &str = "boost_dashboard_changes";
/// How long nothing is heard before the connection is asked whether it lives.
const QUIET: Duration = Duration::from_secs(10);
/// How long it may take to say so.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long after a failure it is tried again.
const PAUSE: Duration = Duration::from_secs(1);

/// Listens until `stop` says so; a connection that is lost is replaced.
pub(super) async fn listen(app: &App, stop: &CancellationToken) {
    let mut away = false;
    loop {
        let heard = tokio::select! {
            heard = hear(app, &mut away) => heard,
            () = stop.cancelled() => Ok(()),
        };
        app.versions.end();
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
    let mut connection: AsyncPgConnection = Object::take(pooled);
    connection.batch_execute(&format!("listen {CHANNEL}")).await?;
    log::forget_foreign(&mut connection).await?;
    app.versions.begin();
    app.changes.tell();
    *away = false;
    loop {
        {
            let mut notices = std::pin::pin!(connection.notifications_stream());
            let mut next = tokio::time::timeout(QUIET, notices.next()).await.ok();
            let was_told = next.is_some();
            // What one transaction has to tell comes at once, and wakes once.
            while let Some(notice) = next {
                let Some(notice) = notice else { bail!("the connection was closed") };
                app.versions.bump(&notice?.payload);
                next = notices.next().now_or_never();
            }
            if was_told {
                app.changes.tell();
                continue;
            }
        }
        tokio::time::timeout(PATIENCE, connection.batch_execute("select 1"))
            .await
            .context("the connection does not answer")??;
    }
}
