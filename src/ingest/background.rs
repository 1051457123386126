//! What the server does by itself, besides requests: it runs queued requests, and tries dead letters
//! again when what they wait for has come.

use std::{
    collections::BTreeSet,
    sync::{Arc, LazyLock},
    time::Duration,
};

use diesel_async::RunQueryDsl;
use tokio::{sync::Notify, task::JoinHandle};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{
    dead_letters::{self, Retry},
    kind::Spec,
    read::AnyKind,
    tx::{Count, Tally},
    worker,
};
use crate::{
    app::App,
    db::sql::{Row, SqlType, Statement, Value},
    domains,
    http::problem::Result,
};

/// What is waited for in the background. Other servers are not heard; so everybody also looks by
/// himself from time to time.
#[derive(Debug, Clone, Default)]
pub struct Wakeups {
    /// A request was queued.
    pub queued: Arc<Notify>,
    /// A table that dead letters wait for was written.
    pub catalogue: Arc<Notify>,
}

impl Wakeups {
    /// Tells which tables a request has written.
    pub fn written(&self, tally: &Tally) {
        let is_awaited = |(table, count): (&String, &Count)| {
            count.inserted + count.updated + count.deleted > 0 && AWAITED.contains(table.as_str())
        };
        if tally.iter().any(is_awaited) {
            self.catalogue.notify_one();
        }
    }
}

/// Every table that dead letters of some kind wait for.
static AWAITED: LazyLock<BTreeSet<&'static str>> =
    LazyLock::new(|| waiting().into_iter().flat_map(|spec| spec.awaits).copied().collect());

/// The kinds whose dead letters wait for something.
fn waiting() -> Vec<&'static Spec> {
    let kinds = domains::all().into_iter().flat_map(|domain| domain.kinds);
    kinds.map(AnyKind::spec).filter(|spec| !spec.awaits.is_empty()).collect()
}

/// Starts it all; it ends when `stop` says so, after what it is at.
pub fn start(app: &App, stop: &CancellationToken) -> JoinHandle<()> {
    let (queue, letters) = (app.clone(), app.clone());
    let (first, second) = (stop.clone(), stop.clone());
    tokio::spawn(async move {
        let letters = tokio::spawn(async move { try_again(&letters, &second).await });
        worker::work(&queue, &first).await;
        let _ = letters.await;
    })
}

/// How long after a change dead letters are tried again: a catalogue comes in many requests.
const CALM: Duration = Duration::from_millis(250);
/// How often they are tried without a change that this server has seen.
const LOOK: Duration = Duration::from_mins(10);

async fn try_again(app: &App, stop: &CancellationToken) {
    loop {
        match retry_waiting(app, stop).await {
            Ok(0) => {}
            Ok(stored) => tracing::info!(stored, "dead letters were stored at last"),
            Err(problem) => tracing::warn!(%problem, "dead letters cannot be tried again"),
        }
        tokio::select! {
            () = app.wakeups.catalogue.notified() => tokio::time::sleep(CALM).await,
            () = tokio::time::sleep(LOOK) => {}
            () = stop.cancelled() => return,
        }
    }
}

/// Tries every dead letter once that waits for a catalogue; gives how many were stored.
pub async fn retry_waiting(app: &App, stop: &CancellationToken) -> Result<usize> {
    retry_of(app, &waiting(), stop).await
}

/// The same, of these kinds.
pub async fn retry_of(app: &App, specs: &[&Spec], stop: &CancellationToken) -> Result<usize> {
    let mut stored = 0;
    for spec in specs {
        let mut after = 0;
        while let Some(letter) = next_letter(app, spec, after).await? {
            if stop.is_cancelled() {
                return Ok(stored);
            }
            after = letter;
            stored += usize::from(retry(app, letter).await?);
        }
    }
    Ok(stored)
}

async fn next_letter(app: &App, spec: &Spec, after: i64) -> Result<Option<i64>> {
    let mut statement = Statement::new(
        "select id from dead_letter where code = 'unresolved_reference' and domain = ",
    );
    statement.bind(SqlType::Text, Value::Text(spec.domain.to_owned())).push(" and kind = ");
    statement.bind(SqlType::Text, Value::Text(spec.name.to_owned())).push(" and id > ");
    statement.bind(SqlType::BigInt, Value::BigInt(after)).push(" order by id limit 1");
    let rows: Vec<Row> = statement.load(&mut *app.pool.get().await?).await?;
    Ok(rows.into_iter().next().and_then(|row| match row.0.as_slice() {
        [Value::BigInt(id)] => Some(*id),
        _ => None,
    }))
}

/// Whether the letter is stored now. Whether it would be is asked first: a try that changes nothing
/// leaves no receipt behind.
async fn retry(app: &App, letter: i64) -> Result<bool> {
    let request_id = Uuid::now_v7().to_string();
    for dry_run in [true, false] {
        let retry = Retry { subject: "server", request_id: &request_id, dry_run };
        match dead_letters::retry_letter(app, letter, retry).await {
            Ok((receipt, _)) if receipt.rejected > 0 => return Ok(false),
            Ok(_) => {}
            Err(problem) if problem.status.is_server_error() => return Err(problem),
            // Deleted meanwhile, or of a kind that there is no more.
            Err(_) => return Ok(false),
        }
    }
    Ok(true)
}
