//! Answers that were worked out, kept for as long as they are true.
//!
//! Whether anything has changed is asked of PostgreSQL: two equal snapshots see the same rows,
//! whoever writes them. While they are equal an answer is what it would be if it were worked out
//! again. After a change what is cheap is worked out at once; what is not may be as old as
//! [`PATIENCE`] times what it costs, so that polls during a long import do not become its heaviest
//! load. What is older still, up to [`OLDEST`], is given once more while it is worked out anew, so
//! whoever polls never waits. However many ask at once, one works it out.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use diesel_async::RunQueryDsl;

use crate::{
    app::App,
    db::{
        Connection,
        sql::{Row, Statement, Value},
    },
    http::problem::{Problem, Result},
};

/// What costs less is worked out again after every change.
const CHEAP: Duration = Duration::from_millis(10);
/// How many times its cost an answer may be old.
const PATIENCE: u32 = 20;
/// The oldest that an answer may be after a change.
pub const OLDEST: Duration = Duration::from_secs(30);

/// Answers by key.
#[derive(Debug)]
pub struct Memory<K, V> {
    places: Mutex<HashMap<K, Arc<Place<V>>>>,
    /// The most keys.
    most: usize,
    /// How long an answer is kept even if nothing changes; none: for ever.
    lasts: Option<Duration>,
}

/// The place of one answer.
#[derive(Debug)]
struct Place<V> {
    kept: Mutex<Option<Kept<V>>>,
    /// Whoever holds it works the answer out.
    work: Arc<tokio::sync::Mutex<()>>,
}

/// What a kept answer is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Worth {
    /// It is as true as it needs to be.
    Holds,
    /// It may be given, while it is worked out anew.
    Fades,
    /// It is too old.
    Over,
}

#[derive(Debug)]
struct Kept<V> {
    value: V,
    /// What the database's transactions were before it was worked out.
    snapshot: String,
    /// [`Asked::hidden`] of whoever had it worked out.
    hidden: u64,
    begun: Instant,
    took: Duration,
}

/// When an answer was asked for, and the transactions that were over then.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The database's snapshot, as [`current`] gives it.
    pub snapshot: String,
    /// The time.
    pub at: Instant,
    /// [`Hidden::version`](crate::query::hidden::Hidden::version): however dear an answer
    /// was, it is not shown once somebody in it may have been hidden.
    pub hidden: u64,
}

impl Asked {
    /// Asked for now.
    pub async fn now(app: &App) -> Result<Self> {
        let (at, hidden) = (Instant::now(), app.hidden.version());
        let snapshot = current(&mut *app.pool.get().await?).await?;
        Ok(Self { snapshot, at, hidden })
    }

    /// Asked for now, of what no change of the database concerns.
    pub fn of_nothing() -> Self {
        Self { snapshot: String::new(), at: Instant::now(), hidden: 0 }
    }
}

impl<K, V> Memory<K, V>
where
    K: Hash + Eq,
    V: Clone + Send + 'static,
{
    /// Keeps answers of at most `most` keys, for `lasts` at most if nothing changes.
    pub fn new(most: usize, lasts: Option<Duration>) -> Self {
        Self { places: Mutex::default(), most, lasts }
    }

    /// The answer of a key, by `work` if none holds. `work` gives the snapshot that it began with,
    /// too, and goes on when the client that asked for it goes away: the next one will ask again.
    /// Failures are not kept.
    pub async fn get<W>(&self, key: K, asked: &Asked, work: W) -> Result<V>
    where
        W: Future<Output = Result<(String, V)>> + Send + 'static,
    {
        let (place, hidden) = (self.place(key), asked.hidden);
        if let Some((value, worth)) = place.look(asked, self.lasts) {
            match worth {
                Worth::Holds => return Ok(value),
                Worth::Fades => {
                    if let Ok(working) = Arc::clone(&place.work).try_lock_owned() {
                        tokio::spawn(async move {
                            let _working = working;
                            // Whoever asks when it is over will be told of the failure.
                            if let Err(problem) = place.fill(work, hidden).await {
                                tracing::warn!(?problem, "an answer of the dashboard stays old");
                            }
                        });
                    }
                    return Ok(value);
                }
                Worth::Over => {}
            }
        }
        let working = Arc::clone(&place.work).lock_owned().await;
        if let Some((value, Worth::Holds | Worth::Fades)) = place.look(asked, self.lasts) {
            return Ok(value);
        }
        let filled = tokio::spawn(async move {
            let _working = working;
            place.fill(work, hidden).await
        });
        filled.await.map_err(Problem::internal)?
    }

    fn place(&self, key: K) -> Arc<Place<V>> {
        // The map is whole whenever its lock is free, even if a holder panicked.
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        if places.len() >= self.most && !places.contains_key(&key) {
            // Those that someone waits for stay.
            places.retain(|_, place| Arc::strong_count(place) > 1);
        }
        Arc::clone(places.entry(key).or_default())
    }
}

impl<V> Default for Place<V> {
    fn default() -> Self {
        Self { kept: Mutex::default(), work: Arc::default() }
    }
}

impl<V: Clone> Place<V> {
    fn kept(&self) -> MutexGuard<'_, Option<Kept<V>>> {
        // It is replaced as a whole.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The answer that is kept, and what it is good for.
    fn look(&self, asked: &Asked, lasts: Option<Duration>) -> Option<(V, Worth)> {
        let kept = self.kept();
        kept.as_ref().map(|kept| (kept.value.clone(), kept.worth(asked, lasts)))
    }

    /// Works the answer out and keeps it.
    async fn fill<W>(&self, work: W, hidden: u64) -> Result<V>
    where
        W: Future<Output = Result<(String, V)>>,
    {
        let begun = Instant::now();
        let (snapshot, value) = work.await?;
        let took = begun.elapsed();
        tracing::debug!(?took, "worked out an answer of the dashboard");
        *self.kept() = Some(Kept { value: value.clone(), snapshot, hidden, begun, took });
        Ok(value)
    }
}

impl<V> Kept<V> {
    fn worth(&self, asked: &Asked, lasts: Option<Duration>) -> Worth {
        if self.hidden != asked.hidden {
            return Worth::Over;
        }
        let age = self.begun.elapsed();
        let is_true = self.snapshot == asked.snapshot || self.begun >= asked.at;
        // How old it may be at all, and from when on it is worked out anew.
        let (most, fades) = match lasts {
            _ if !is_true && self.took < CHEAP => (Duration::ZERO, Duration::ZERO),
            _ if !is_true => (OLDEST, (self.took * PATIENCE).min(OLDEST / 2)),
            Some(lasts) => (lasts, lasts / 2),
            None => return Worth::Holds,
        };
        let most = lasts.map_or(most, |lasts| most.min(lasts));
        match age {
            age if age < fades.min(most) => Worth::Holds,
            age if age < most => Worth::Fades,
            _ => Worth::Over,
        }
    }
}

/// The transactions that are over now: equal texts see equal rows.
pub async fn current(connection: &mut Connection) -> Result<String> {
    let sql = "select pg_current_snapshot()::text";
    let Row(values) = Statement::new(sql).get_result(connection).await?;
    match <[Value; 1]>::try_from(values) {
        Ok([Value::Text(snapshot)]) => Ok(snapshot),
        _ => Err(Problem::internal("a snapshot that is no text")),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn ago(ms: u64) -> Instant {
        Instant::now().checked_sub(Duration::from_millis(ms)).unwrap()
    }

    fn kept(age_ms: u64, took_ms: u64) -> Kept<()> {
        let (begun, took) = (ago(age_ms), Duration::from_millis(took_ms));
        Kept { value: (), snapshot: "1:2:".to_owned(), hidden: 0, begun, took }
    }

    fn asked(snapshot: &str, at: Instant) -> Asked {
        Asked { snapshot: snapshot.to_owned(), at, hidden: 0 }
    }

    #[test]
    fn an_answer_holds_while_nothing_changes_and_not_for_long_after() {
        for (age, took, snapshot, worth) in [
            (3_600_000, 5_000, "1:2:", Worth::Holds),
            (1, 5, "1:3:", Worth::Over),
            (1_000, 200, "1:3:", Worth::Holds),
            (5_000, 200, "1:3:", Worth::Fades),
            (14_000, 5_000, "1:3:", Worth::Holds),
            (29_000, 5_000, "1:3:", Worth::Fades),
            (31_000, 5_000, "1:3:", Worth::Over),
        ] {
            let asked = asked(snapshot, Instant::now());
            assert_eq!(kept(age, took).worth(&asked, None), worth, "{age} {took} {snapshot}");
        }
        let earlier = asked("1:3:", ago(1_000));
        assert_eq!(
            kept(500, 10).worth(&earlier, None),
            Worth::Holds,
            "begun after it was asked for"
        );
    }

    #[test]
    fn no_answer_holds_once_somebody_was_hidden() {
        let asked = Asked { hidden: 1, ..asked("1:2:", Instant::now()) };
        assert_eq!(kept(1, 5_000).worth(&asked, None), Worth::Over);
    }

    #[test]
    fn the_age_counts_from_the_beginning_of_the_work() {
        let same = asked("1:2:", ago(60_000));
        for (age, worth) in [(14_000, Worth::Holds), (29_000, Worth::Fades), (31_000, Worth::Over)]
        {
            // However long it took.
            assert_eq!(kept(age, 25_000).worth(&same, Some(OLDEST)), worth, "{age}");
        }
    }

    #[tokio::test]
    async fn nobody_waits_for_what_fades() {
        let memory = Memory::new(1, None);
        memory.place(()).kept().replace(Kept {
            value: 0,
            snapshot: "1:2:".to_owned(),
            hidden: 0,
            begun: ago(20_000),
            took: Duration::from_secs(5),
        });
        let counted = Arc::new(AtomicUsize::new(0));
        for _ in 0..3 {
            // However many ask meanwhile, one works it out.
            let asked = asked("1:3:", Instant::now());
            assert_eq!(memory.get((), &asked, count(Arc::clone(&counted))).await.unwrap(), 0);
        }
        while memory.place(()).kept().as_ref().is_some_and(|kept| kept.value == 0) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert_eq!(AtomicUsize::load(&counted, Ordering::SeqCst), 1);
    }

    /// Counts how often it was worked out, slowly.
    async fn count(counted: Arc<AtomicUsize>) -> Result<(String, usize)> {
        tokio::time::sleep(Duration::from_millis(30)).await;
        Ok((String::new(), counted.fetch_add(1, Ordering::SeqCst) + 1))
    }

    #[tokio::test]
    async fn many_who_ask_at_once_share_one_work() {
        let memory = Arc::new(Memory::new(1, None));
        let counted = Arc::new(AtomicUsize::new(0));
        let asking: Vec<_> = (0..16)
            .map(|_| {
                let (memory, counted) = (Arc::clone(&memory), Arc::clone(&counted));
                tokio::spawn(async move {
                    memory.get((), &Asked::of_nothing(), count(counted)).await.unwrap()
                })
            })
            .collect();
        for asked in asking {
            assert_eq!(asked.await.unwrap(), 1);
        }
        let later = memory.get((), &Asked::of_nothing(), count(counted)).await;
        assert_eq!(later.unwrap(), 1);
    }

    #[tokio::test]
    async fn a_failure_is_told_and_not_kept() {
        let memory = Memory::new(1, None);
        let work = async { Err(Problem::not_found("no")) };
        let failed = memory.get((), &Asked::of_nothing(), work).await;
        assert_eq!(failed.unwrap_err().status, 404);
        let work = async { Ok((String::new(), 1)) };
        assert_eq!(memory.get((), &Asked::of_nothing(), work).await.unwrap(), 1);
    }

    #[tokio::test]
    async fn work_outlives_whoever_asked_for_it() {
        let memory = Memory::new(1, None);
        let counted = Arc::new(AtomicUsize::new(0));
        let asked = Asked::of_nothing();
        let gone = memory.get((), &asked, count(Arc::clone(&counted)));
        assert!(tokio::time::timeout(Duration::from_millis(5), gone).await.is_err());
        let next = memory.get((), &asked, count(Arc::clone(&counted))).await;
        assert_eq!((next.unwrap(), AtomicUsize::load(&counted, Ordering::SeqCst)), (1, 1));
    }

    #[tokio::test]
    async fn no_more_keys_are_kept_than_there_may_be() {
        let memory = Memory::new(2, None);
        for key in 0..9 {
            let work = async move { Ok((String::new(), key)) };
            assert_eq!(memory.get(key, &Asked::of_nothing(), work).await.unwrap(), key);
            assert!(memory.places.lock().unwrap().len() <= 2);
        }
    }
}
