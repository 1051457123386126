//! Sections that were worked out, kept for as long as they are true.
//!
//! Whether anything has changed is asked of PostgreSQL: two equal snapshots see the same rows,
//! whoever writes them. While they are equal an answer is what it would be if it were worked out
//! again. After a change what is cheap is worked out at once; what is not may be as old as
//! [`PATIENCE`] times what it costs, [`OLDEST`] at most, so that polls during a long import do not
//! become its heaviest load. However many ask at once, one works it out.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use diesel_async::RunQueryDsl;
use serde_json::value::RawValue;

use super::{period::Period, section::Section};
use crate::{
    app::App,
    db::{
        Connection,
        sql::{Row, Statement, Value},
    },
    http::problem::{Problem, Result},
};

/// What costs less is worked out again after every change.
const CHEAP: Duration = Duration::from_millis(100);
/// How many times its cost an answer may be old.
const PATIENCE: u32 = 20;
/// The oldest that an answer may be after a change.
const OLDEST: Duration = Duration::from_secs(30);
/// Answers that are kept.
const KEPT: usize = 256;

/// A section's numbers, as they are sent.
pub(super) type Json = Arc<RawValue>;

/// The sections that were worked out.
#[derive(Debug, Default)]
pub(super) struct Memory(Mutex<HashMap<(Section, Period), Arc<Place>>>);

/// The place of one section and period. Whoever holds it works the answer out.
type Place = tokio::sync::Mutex<Option<Kept>>;

#[derive(Debug)]
struct Kept {
    json: Json,
    /// What the database's transactions were before it was worked out.
    snapshot: String,
    begun: Instant,
    took: Duration,
}

impl Memory {
    /// The numbers of a section. `snapshot` is the database's at `asked`.
    pub(super) async fn get(
        &self,
        app: &App,
        section: Section,
        period: &Period,
        (snapshot, asked): (&str, Instant),
    ) -> Result<Json> {
        let place = self.place(section, period);
        let mut kept = place.lock().await;
        if let Some(kept) = kept.as_ref().filter(|kept| kept.holds(snapshot, asked)) {
            return Ok(Arc::clone(&kept.json));
        }
        let mut connection = app.pool.get().await?;
        let (begun, snapshot) = (Instant::now(), current(&mut connection).await?);
        let answer = section.answer(period, &mut connection).await?;
        drop(connection);
        let json: Json =
            serde_json::value::to_raw_value(&answer).map_err(Problem::internal)?.into();
        let took = begun.elapsed();
        tracing::debug!(%section, ?took, "worked out a section of the dashboard");
        *kept = Some(Kept { json: Arc::clone(&json), snapshot, begun, took });
        Ok(json)
    }

    fn place(&self, section: Section, period: &Period) -> Arc<Place> {
        // The map is whole whenever its lock is free, even if a holder panicked.
        let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if places.len() >= KEPT {
            // Those that someone waits for stay.
            places.retain(|_, place| Arc::strong_count(place) > 1);
        }
        Arc::clone(places.entry((section, period.clone())).or_default())
    }
}

impl Kept {
    fn holds(&self, snapshot: &str, asked: Instant) -> bool {
        let patience = if self.took < CHEAP { Duration::ZERO } else { self.took * PATIENCE };
        self.snapshot == snapshot
            || self.begun >= asked
            || self.begun.elapsed() < patience.min(OLDEST)
    }
}

/// The transactions that are over now: equal texts see equal rows.
pub(super) async fn current(connection: &mut Connection) -> Result<String> {
    let sql = "select pg_current_snapshot()::text";
    let Row(values) = Statement::new(sql).get_result(connection).await?;
    match <[Value; 1]>::try_from(values) {
        Ok([Value::Text(snapshot)]) => Ok(snapshot),
        _ => Err(Problem::internal("a snapshot that is no text")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(age_ms: u64, took_ms: u64) -> Kept {
        let begun = Instant::now().checked_sub(Duration::from_millis(age_ms)).unwrap();
        let json = RawValue::from_string("{}".to_owned()).unwrap().into();
        Kept { json, snapshot: "1:2:".to_owned(), begun, took: Duration::from_millis(took_ms) }
    }

    #[test]
    fn an_answer_holds_while_nothing_changes_and_not_for_long_after() {
        for (age, took, snapshot, holds) in [
            (3_600_000, 5_000, "1:2:", true),
            (1, 10, "1:3:", false),
            (1_000, 200, "1:3:", true),
            (5_000, 200, "1:3:", false),
            (29_000, 5_000, "1:3:", true),
            (31_000, 5_000, "1:3:", false),
        ] {
            let asked = Instant::now();
            assert_eq!(kept(age, took).holds(snapshot, asked), holds, "{age} {took} {snapshot}");
        }
        let asked = Instant::now().checked_sub(Duration::from_secs(1)).unwrap();
        assert!(kept(500, 10).holds("1:3:", asked), "it was begun after it was asked for");
    }
}
