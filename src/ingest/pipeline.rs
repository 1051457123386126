//! The pipeline: documents in, a receipt out. The same for every kind, and for HTTP, the command
//! line, retries and replay.
//!
//! For each batch: read its items (pure), put its documents into the archive's journal, store its
//! items in one transaction together with the receipt, commit. When the last batch is committed the
//! archive is synced, once; then the receipt may be given.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use axum::http::StatusCode;
use diesel_async::{AnsiTransactionManager as Manager, TransactionManager};
use serde_json::json;

use super::{
    archive::{Delivery, DeliveryInfo, Kept},
    body::{Format, Unreadable},
    derived,
    document::Document,
    drift::{Detector, Drift},
    failed::{ATTEMPTS, Failed, lost_a_race, pause},
    job::{Job, Mode, Source},
    kind::{Location, Outcome},
    ledger,
    locate::Look,
    read::Batch,
    receipt::{Receipt, Status},
    refused,
    tx::Tx,
    verdicts::{Told, Unit, dead_letters, fates, settle},
};
use crate::{
    app::App,
    changes,
    db::{
        Connection,
        sql::{Row, Statement, Value},
    },
    http::problem::{Problem, Result},
};

/// The most documents of a body that is held whole.
const WHOLE: usize = 1_000_000;

/// Runs a job to its receipt, and gives it with the JSON that is answered.
pub async fn run(
    app: &App,
    job: &Job,
    conn: &mut Connection,
    source: &mut Source,
) -> Result<(Receipt, String)> {
    let number = next_number(conn).await?;
    run_to_end(app, job, conn, source, number, job.idempotency.is_some()).await
}

/// The same, for a receipt that has its number already, and is asked for by it.
pub async fn run_as(
    app: &App,
    job: &Job,
    conn: &mut Connection,
    source: &mut Source,
    number: i64,
) -> Result<(Receipt, String)> {
    run_to_end(app, job, conn, source, number, true).await
}

async fn run_to_end(
    app: &App,
    job: &Job,
    conn: &mut Connection,
    source: &mut Source,
    number: i64,
    concludes_last: bool,
) -> Result<(Receipt, String)> {
    let spec = job.kind.spec();
    let mut run = Run {
        app,
        job,
        number,
        concludes_last,
        receipt: Receipt {
            dry_run: job.context.dry_run,
            ..job.begun(Status::Running, app.clock.now())
        },
        delivery: None,
        file: None,
        highs: None,
        detector: Arc::new(Detector::of(spec)),
        written: BTreeSet::new(),
    };
    if let Some(archive) = job.archive.as_ref().filter(|_| !job.context.dry_run) {
        run.delivery = Some(archive.delivery(run.delivery_info()).map_err(Problem::internal)?);
    }
    let response = match run.all(conn, source).await {
        Ok(response) => response,
        Err(unreadable) => {
            run.announce(conn).await;
            return Err(run.break_off(conn, unreadable).await);
        }
    };
    if let Some(delivery) = run.delivery.take() {
        delivery.finish().await.map_err(archive_failed)?;
    }
    if run.concludes_last {
        let mut tx = Tx::new(conn, app.clock.now(), run.number);
        ledger::write_receipt(&mut tx, job, &run.receipt, Some(&response)).await?;
    }
    run.measure();
    if !job.context.dry_run {
        app.wakeups.written(&run.receipt.tables);
        run.announce(conn).await;
    }
    Ok((run.receipt, response))
}

async fn next_number(conn: &mut Connection) -> Result<i64> {
    let statement = Statement::new("select nextval('receipt_number_seq')");
    let row: Row = diesel_async::RunQueryDsl::get_result(statement, conn).await?;
    match row.0.as_slice() {
        [Value::BigInt(number)] => Ok(*number),
        _ => Err(Problem::internal("no receipt number")),
    }
}

fn archive_failed(error: impl std::fmt::Display) -> Problem {
    tracing::error!(error = format!("{error:#}"), "the archive cannot be written");
    Problem::unavailable("archive_away", "The archive cannot be written; send the request again.")
}

struct Run<'a> {
    app: &'a App,
    job: &'a Job,
    number: i64,
    /// Whether the receipt stays `running` until the archive is synced: where the answer is given
    /// again, to whoever repeats a key or asks for a queued request, it must not be there before.
    concludes_last: bool,
    receipt: Receipt,
    delivery: Option<Delivery>,
    /// The file whose rows come in several batches, once it is archived.
    file: Option<Kept>,
    /// The greatest stored position of each scope when a body of several batches began.
    highs: Option<HashMap<String, i64>>,
    detector: Arc<Detector>,
    /// The tables that were written.
    written: BTreeSet<String>,
}

/// What an attempt to store a unit gives.
struct Stored {
    outcomes: Vec<Outcome>,
    receipt: Receipt,
    response: Option<String>,
    written: Vec<String>,
}

impl Run<'_> {
    /// Tells everyone what was written.
    async fn announce(&self, conn: &mut Connection) {
        changes::announce(self.app, self.written.iter().map(String::as_str), conn).await;
    }

    fn delivery_info(&self) -> DeliveryInfo {
        let spec = self.job.kind.spec();
        let params = self.job.context.params.iter();
        DeliveryInfo {
            domain: spec.domain.to_owned(),
            kind: spec.name.to_owned(),
            content_type: self.job.content_type.clone(),
            params: params
                .filter(|(key, _)| !matches!(key.as_str(), "mode" | "dry_run"))
                .map(|(key, value)| (key.clone(), json!(value)))
                .collect(),
            excerpt: self.job.context.excerpt,
            received_at: self.job.context.received_at,
            receipt_id: self.job.receipt_id,
            always_list: !spec.source_time,
        }
    }

    /// Stores every unit of the source; gives the answer.
    async fn all(
        &mut self,
        conn: &mut Connection,
        source: &mut Source,
    ) -> Result<String, Unreadable> {
        // All or nothing, and nothing to be kept, are one transaction over the whole body; so is a
        // file that says that it is complete.
        let whole = self.job.mode == Mode::Atomic
            || self.job.context.dry_run
            || (self.job.content_type == Format::Csv.media()
                && !self.job.context.complete.is_empty());
        let mut next = source.next().await?;
        let mut is_first = true;
        loop {
            let (mut documents, mut archived) = next.take().unwrap_or_default();
            let size = |documents: &[Document]| -> usize {
                documents.iter().map(|document| document.bytes.len()).sum()
            };
            let mut held = size(&documents);
            next = source.next().await?;
            while let Some((more, paths)) = next.take_if(|_| whole) {
                held += size(&more);
                documents.extend(more);
                archived.extend(paths);
                self.bound(held, documents.len())?;
                next = source.next().await?;
            }
            let last = next.is_none();
            if is_first && !last && self.keeps_letters() {
                let (kind, context) = (self.job.kind, &self.job.context);
                let look = Look { kind, context, now: self.app.clock.now() };
                self.highs = Some(look.highs(conn, None).await);
            }
            is_first = false;
            let response = self.unit(conn, Unit { documents, archived }, last).await?;
            if let Some(response) = response {
                return Ok(response);
            }
        }
    }

    /// Refuses a body that is to be held whole and is too large for that: a stream has no end.
    fn bound(&self, bytes: usize, documents: usize) -> Result<()> {
        let most = self.app.settings.body_limit_decompressed;
        if bytes <= most && documents <= WHOLE {
            return Ok(());
        }
        Err(Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too_large",
            format!(
                "What is stored as a whole or not at all (`mode=atomic`), and what is only tried \
                 (`dry_run=true`), has at most {most} bytes and {WHOLE} documents."
            ),
        ))
    }

    /// Stores one unit. If the database refuses it, its halves are tried, so that one document that
    /// cannot be stored never costs another.
    async fn unit(
        &mut self,
        conn: &mut Connection,
        unit: Unit,
        last: bool,
    ) -> Result<Option<String>> {
        let mut stack = vec![unit];
        let mut response = None;
        while let Some(mut unit) = stack.pop() {
            let last = last && stack.is_empty();
            match self.store(conn, &unit, last).await {
                Ok(answer) => response = answer,
                Err(Failed::Refused(error)) => {
                    let divisible = self.job.mode == Mode::Partial && !self.job.context.dry_run;
                    if divisible && unit.documents.len() > 1 {
                        let half = unit.documents.len() / 2;
                        let documents = unit.documents.split_off(half);
                        let archived = unit.archived.split_off(half.min(unit.archived.len()));
                        stack.push(Unit { documents, archived });
                        stack.push(unit);
                        continue;
                    }
                    if unit.documents.iter().all(|document| document.parts.is_err()) {
                        // It is not the items: their rejection cannot be written either.
                        return Err(Problem::internal(error));
                    }
                    tracing::error!(%error, kind = ?self.job.kind, "an item cannot be stored");
                    let batch = self.read(conn, &unit.documents, &mut Drift::default()).await?;
                    refused::give_up(&*batch, &mut unit.documents);
                    stack.push(unit);
                }
                Err(Failed::Problem(problem)) => return Err(problem),
            }
        }
        Ok(response)
    }

    /// Reads the items of documents, and asks the database which are faulty.
    async fn read(
        &self,
        conn: &mut Connection,
        documents: &[Document],
        drift: &mut Drift,
    ) -> Result<Box<dyn Batch>> {
        refused::read(self.job, &self.detector, conn, documents, drift).await
    }

    async fn store(
        &mut self,
        conn: &mut Connection,
        unit: &Unit,
        last: bool,
    ) -> Result<Option<String>, Failed> {
        let job = self.job;
        let mut drift = Drift::default();
        let batch = self.read(conn, &unit.documents, &mut drift).await?;
        let rejects = batch.entries().iter().any(|entry| entry.verdict.is_err());
        let refused = job.mode == Mode::Atomic && rejects;
        let locations = if rejects && self.keeps_letters() {
            let look = Look { kind: job.kind, context: &job.context, now: self.app.clock.now() };
            look.locate(conn, self.highs.as_ref(), &unit.documents, batch.entries()).await
        } else {
            Vec::new()
        };
        let kept = self.keep(&*batch, unit)?;
        let raw: Vec<Option<&str>> = match &kept {
            Some(kept) => kept.iter().map(|kept| Some(kept.as_ref()?.path.as_str())).collect(),
            None if unit.archived.is_empty() => vec![None; unit.documents.len()],
            None => unit.archived.iter().map(|path| Some(path.as_str())).collect(),
        };

        let mut attempt = 0;
        let stored = loop {
            attempt += 1;
            match self.attempt(conn, unit, &*batch, &locations, &raw, &drift, refused, last).await {
                Ok(stored) => break stored,
                Err(Failed::Refused(error)) if attempt < ATTEMPTS && lost_a_race(&error) => {
                    pause(job, attempt, &error).await;
                }
                Err(failed) => return Err(failed),
            }
        };
        self.receipt = stored.receipt;
        self.written.extend(stored.written);
        if let (Some(kept), Some(delivery)) = (&kept, &mut self.delivery) {
            settle(delivery, &*batch, unit, kept, &stored.outcomes, refused)
                .map_err(archive_failed)?;
        }
        Ok(stored.response)
    }

    /// Whether rejected items become dead letters.
    fn keeps_letters(&self) -> bool {
        !self.job.context.dry_run && !self.job.is_retry
    }

    /// Hands the unit's documents to the archive. Those that cannot be read are kept apart; those
    /// that are private are not kept at all.
    fn keep(&mut self, batch: &dyn Batch, unit: &Unit) -> Result<Option<Vec<Option<Kept>>>> {
        let Some(delivery) = &mut self.delivery else { return Ok(None) };
        let extension = Format::of_document(&self.job.content_type).extension();
        let fates = fates(batch, unit.documents.len());
        let mut kept = Vec::with_capacity(unit.documents.len());
        for ((document, place), fate) in unit.documents.iter().zip(batch.places()).zip(fates) {
            if document.continues {
                kept.push(self.file.clone());
                continue;
            }
            // Of a document that is private in part the rest is kept.
            let bytes = if fate.is_private && fate.is_good {
                document.excerpt(&fate.public).into()
            } else {
                document.bytes.clone()
            };
            kept.push(match place {
                Some(place) if fate.is_good || fate.is_empty => {
                    Some(delivery.keep(&place.path, bytes))
                }
                _ if fate.is_private => None,
                _ => Some(delivery.reject(bytes, extension).map_err(archive_failed)?),
            });
            self.file = kept.last().cloned().flatten();
        }
        Ok(Some(kept))
    }

    /// One transaction: the rows, the receipt, the items, dead letters, drift.
    #[expect(clippy::too_many_arguments, reason = "one step of `store`, which may be repeated")]
    async fn attempt(
        &mut self,
        conn: &mut Connection,
        unit: &Unit,
        batch: &dyn Batch,
        locations: &[Location],
        raw: &[Option<&str>],
        drift: &Drift,
        refused: bool,
        last: bool,
    ) -> Result<Stored, Failed> {
        let job = self.job;
        Manager::begin_transaction_sql(conn, "begin; set local statement_timeout = '300s'").await?;
        let mut tx = Tx::new(conn, self.app.clock.now(), self.number);
        // Rows of a later batch say which receipt they come from, so that must exist; but the
        // archive's journal is written while the database works.
        let flush = async {
            match &mut self.delivery {
                Some(delivery) => delivery.flush().await,
                None => Ok(()),
            }
        };
        let rows = async {
            if refused { Ok(Vec::new()) } else { batch.store(&mut tx, &job.context).await }
        };
        let (flushed, outcomes) = tokio::join!(flush, rows);
        let stored = match (flushed, outcomes) {
            (Err(error), _) => Err(Failed::Problem(archive_failed(error))),
            (_, Err(error)) => Err(error.into()),
            (Ok(()), Ok(outcomes)) => {
                let mut receipt = self.receipt.clone();
                let late = std::mem::take(&mut tx.warnings);
                let told = Told { batch, outcomes: &outcomes, late: &late, raw, refused };
                told.count(&mut receipt);
                receipt.tally(&tx.tally, &self.app.versions);
                let running = self.concludes_last.then(|| receipt.clone());
                let response = last.then(|| {
                    receipt.conclude(tx.now);
                    serde_json::to_string(&receipt).unwrap_or_default()
                });
                let (written, answer) = match &running {
                    Some(running) => (running, None),
                    None => (&receipt, response.as_deref()),
                };
                let dead = dead_letters(batch, unit, locations, raw);
                let ledger = async {
                    ledger::write_receipt(&mut tx, job, written, answer).await?;
                    ledger::write_items(&mut tx, told.items()).await?;
                    ledger::write_dead_letters(&mut tx, job, &dead).await?;
                    drift.store(&mut tx, job.kind.spec()).await?;
                    // More than the tally counts: what is moved or deleted with a row, too.
                    changes::written(tx.conn).await
                };
                match ledger.await {
                    Ok(written) => Ok(Stored { outcomes, receipt, response, written }),
                    Err(error) => Err(error.into()),
                }
            }
        };
        let files = std::mem::take(&mut tx.files);
        let conn = tx.conn;
        let stored = match stored {
            Ok(stored) if !job.context.dry_run => {
                derived::write(&self.app.settings.workspace, files)
                    .await
                    .map(|()| stored)
                    .map_err(|error| Failed::Problem(archive_failed(error)))
            }
            other => other,
        };
        if stored.is_err() || job.context.dry_run {
            // A connection that is lost has rolled back by itself.
            let _ = Manager::rollback_transaction(conn).await;
            return stored;
        }
        Manager::commit_transaction(conn).await?;
        stored
    }

    /// The body ended before its end. What was committed stays; the rest is kept as it came.
    async fn break_off(&mut self, conn: &mut Connection, unreadable: Unreadable) -> Problem {
        let Unreadable { problem, body } = unreadable;
        let extension = Format::of_document(&self.job.content_type).extension();
        if let Some(body) = body.filter(|_| self.delivery.is_some()) {
            let document = [Document::json(body, 0, self.job.kind.spec())];
            let batch = match self.read(conn, &document, &mut Drift::default()).await {
                Ok(batch) => batch,
                Err(problem) => return problem,
            };
            let is_private = fates(&*batch, 1).iter().any(|fate| fate.is_private);
            let [Document { bytes, .. }] = document;
            if let Some(delivery) = self.delivery.as_mut().filter(|_| !is_private)
                && let Err(error) = delivery.reject(bytes, extension)
            {
                return archive_failed(error);
            }
        }
        if let Some(delivery) = self.delivery.take()
            && let Err(error) = delivery.finish().await
        {
            return archive_failed(error);
        }
        if self.receipt.received > 0 {
            // Some batches are committed: their receipt says so.
            self.receipt.conclude(self.app.clock.now());
            self.receipt.status = Status::Partial;
            let mut tx = Tx::new(conn, self.app.clock.now(), self.number);
            if let Err(error) = ledger::write_receipt(&mut tx, self.job, &self.receipt, None).await
            {
                tracing::warn!(%error, "the receipt of a broken request cannot be written");
            }
        }
        problem
    }

    fn measure(&self) {
        let labels = [("domain", self.receipt.domain.clone()), ("kind", self.receipt.kind.clone())];
        for (action, count) in [
            ("inserted", self.receipt.inserted),
            ("updated", self.receipt.updated),
            ("unchanged", self.receipt.unchanged),
            ("stale", self.receipt.stale),
            ("rejected", self.receipt.rejected),
        ] {
            let [domain, kind] = labels.clone();
            let action = ("action", action.to_owned());
            metrics::counter!("boost_dashboard_ingest_items_total", &[domain, kind, action])
                .increment(u64::from(count));
        }
    }
}
