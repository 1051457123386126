//! Answers that were worked out, kept for as long as they are true.
//!
//! Whether anything has changed is asked of PostgreSQL: two equal snapshots see the same rows,
//! whoever writes them. While they are equal an answer is what it would be if it were worked out
//! again. After a change what is cheap is worked out at once; what is not may be as old as
//! [`PATIENCE`] times what it costs, so that polls during a long import do not become its heaviest
//! load. What is older still, up to [`OLDEST`], is given once more while it is worked out anew, so
//! whoever polls never waits. However many ask at once, one works it out.
//!
//! Whoever asks less often than that does not wait either: what is dear and was asked for lately is
//! kept fresh without being asked for (see [`keeper`]).

mod keeper;
mod place;

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use diesel_async::RunQueryDsl;

use self::{
    keeper::Rhythm,
    place::{Place, Worth, lock},
};
use crate::{
    app::App,
    db::{
        Connection,
        sql::{Row, Statement, Value},
    },
    http::problem::{Problem, Result},
};

/// What costs less is worked out again after every change. Less than the eighth part of the 50 ms that
/// a dashboard of eight such sections may take.
const CHEAP: Duration = Duration::from_millis(5);
/// How many times its cost an answer may be old.
const PATIENCE: u32 = 20;
/// The oldest that an answer may be after a change.
const OLDEST: Duration = Duration::from_secs(30);

/// How an answer is worked out.
pub trait Work: Send + Sync + 'static {
    /// The answer.
    type Value: Clone + Send + 'static;

    /// What the database is like now.
    fn seen(&self) -> impl Future<Output = Result<Seen>> + Send;

    /// The answer. `seen` is what the database was like just before.
    fn answer(&self, seen: &Seen) -> impl Future<Output = Result<Self::Value>> + Send;
}

/// What the database was like: to equal ones the answers are equal.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// The transactions that were over.
    snapshot: String,
    /// [`Hidden::version`](crate::query::hidden::Hidden::version): however dear an answer was, it is
    /// not shown once somebody in it may have been hidden.
    hidden: u64,
}

impl Seen {
    /// What it is like now.
    pub async fn now(app: &App) -> Result<Self> {
        // Before a connection is taken, whose way to see the tables it is about.
        let hidden = app.hidden.version();
        let mut connection = app.pool.get().await?;
        Ok(Self { snapshot: snapshot(&mut connection).await?, hidden })
    }

    /// What it is like now to a connection.
    pub async fn by(connection: &mut Connection, app: &App) -> Result<Self> {
        let hidden = app.hidden.version();
        Ok(Self { snapshot: snapshot(connection).await?, hidden })
    }
}

/// The transactions that are over now: equal texts see equal rows.
async fn snapshot(connection: &mut Connection) -> Result<String> {
    let sql = "select pg_current_snapshot()::text";
    let Row(values) = Statement::new(sql).get_result(connection).await?;
    match <[Value; 1]>::try_from(values) {
        Ok([Value::Text(snapshot)]) => Ok(snapshot),
        _ => Err(Problem::internal("a snapshot that is no text")),
    }
}

/// When an answer was asked for, and what the database was like then.
#[derive(Debug, Clone)]
pub struct Asked {
    /// What the database was like, not before the time.
    pub seen: Seen,
    /// The time.
    pub at: Instant,
}

impl Asked {
    /// Asked for now.
    pub async fn now(app: &App) -> Result<Self> {
        let at = Instant::now();
        Ok(Self { seen: Seen::now(app).await?, at })
    }

    /// Asked for now, of what no change of the database concerns.
    pub fn of_nothing() -> Self {
        Self { seen: Seen::default(), at: Instant::now() }
    }
}

/// Answers by key.
#[derive(Debug)]
pub struct Memory<K, V> {
    places: Mutex<HashMap<K, Arc<Place<V>>>>,
    /// The most keys.
    most: usize,
    /// Whoever has it works out what is kept fresh.
    turn: Arc<tokio::sync::Mutex<()>>,
    /// How the answers are kept fresh; none: they are not.
    rhythm: Option<Rhythm>,
}

impl<K, V> Memory<K, V>
where
    K: Hash + Eq,
    V: Clone + Send + 'static,
{
    /// Keeps answers of at most `most` keys.
    pub fn new(most: usize) -> Self {
        Self { places: Mutex::default(), most, turn: Arc::default(), rhythm: None }
    }

    /// Keeps answers of at most `most` keys, and those fresh that are dear and asked for.
    pub fn fresh(most: usize) -> Self {
        Self { rhythm: Some(Rhythm::default()), ..Self::new(most) }
    }

    /// The answer of a key, by `work` if none holds. The work goes on when the client that asked for
    /// it goes away: the next one will ask again. Failures are not kept.
    pub async fn get<W: Work<Value = V>>(&self, key: K, asked: &Asked, work: W) -> Result<V> {
        let (place, work) = (self.place(key), Arc::new(work));
        match place.look(asked) {
            Some((value, Worth::Holds)) => {
                self.keep_fresh(&place, &work);
                return Ok(value);
            }
            Some((value, Worth::Fades)) => {
                self.keep_fresh(&place, &work);
                if let Ok(working) = Arc::clone(&place.work).try_lock_owned() {
                    tokio::spawn(async move {
                        let _working = working;
                        // Whoever asks when it is over will be told of the failure.
                        if let Err(problem) = place.fill(&*work).await {
                            tracing::warn!(?problem, "an answer of the dashboard stays old");
                        }
                    });
                }
                return Ok(value);
            }
            Some((_, Worth::Over)) | None => {}
        }
        let working = Arc::clone(&place.work).lock_owned().await;
        if let Some((value, Worth::Holds | Worth::Fades)) = place.look(asked) {
            return Ok(value);
        }
        let (same, shared) = (Arc::clone(&place), Arc::clone(&work));
        let filled = tokio::spawn(async move {
            let _working = working;
            same.fill(&*shared).await
        });
        let filled = filled.await.map_err(Problem::internal)?;
        self.keep_fresh(&place, &work);
        filled
    }

    fn keep_fresh<W: Work<Value = V>>(&self, place: &Arc<Place<V>>, work: &Arc<W>) {
        if let Some(rhythm) = self.rhythm {
            keeper::keep_fresh(place, work, &self.turn, rhythm);
        }
    }

    fn place(&self, key: K) -> Arc<Place<V>> {
        let mut places = lock(&self.places);
        if places.len() >= self.most && !places.contains_key(&key) {
            // Those that someone waits for stay.
            places.retain(|_, place| Arc::strong_count(place) > 1);
        }
        Arc::clone(places.entry(key).or_default())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

    use super::{place::Kept, *};

    /// A database of one number, and how often an answer was made of it, which takes a while.
    #[derive(Debug, Clone, Default)]
    struct Counted {
        database: Arc<AtomicU64>,
        times: Arc<AtomicU64>,
        is_away: Arc<AtomicBool>,
    }

    impl Counted {
        fn write(&self) {
            self.database.fetch_add(1, Ordering::SeqCst);
        }

        fn times(&self) -> u64 {
            AtomicU64::load(&self.times, Ordering::SeqCst)
        }

        fn current(&self) -> Seen {
            let snapshot = AtomicU64::load(&self.database, Ordering::SeqCst).to_string();
            Seen { snapshot, hidden: 0 }
        }

        fn asked(&self) -> Asked {
            Asked { seen: self.current(), at: Instant::now() }
        }
    }

    impl Work for Counted {
        type Value = u64;

        async fn seen(&self) -> Result<Seen> {
            Ok(self.current())
        }

        async fn answer(&self, _: &Seen) -> Result<u64> {
            tokio::time::sleep(Duration::from_millis(30)).await;
            if AtomicBool::load(&self.is_away, Ordering::SeqCst) {
                return Err(Problem::unavailable("away", "The database is away."));
            }
            Ok(self.times.fetch_add(1, Ordering::SeqCst) + 1)
        }
    }

    /// At once what it is, a failure if nothing.
    #[derive(Debug)]
    struct Given(Option<u64>);

    impl Work for Given {
        type Value = u64;

        async fn seen(&self) -> Result<Seen> {
            Ok(Seen::default())
        }

        async fn answer(&self, _: &Seen) -> Result<u64> {
            self.0.ok_or_else(|| Problem::not_found("no"))
        }
    }

    /// Waits until something holds.
    async fn until(holds: impl Fn() -> bool) {
        let begun = Instant::now();
        while !holds() {
            assert!(begun.elapsed() < Duration::from_secs(10), "it does not come to hold");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// A memory that looks often.
    fn quick(keen: Duration) -> Memory<u64, u64> {
        let rhythm = Rhythm { look: Duration::from_millis(20), keen };
        Memory { rhythm: Some(rhythm), ..Memory::new(1) }
    }

    #[tokio::test]
    async fn nobody_waits_for_what_fades() {
        let (memory, work) = (Memory::new(1), Counted::default());
        lock(&memory.place(()).kept).replace(Kept {
            value: 0,
            seen: work.current(),
            begun: Instant::now().checked_sub(Duration::from_secs(20)).unwrap(),
            took: Duration::from_secs(5),
        });
        work.write();
        for _ in 0..3 {
            // However many ask meanwhile, one works it out.
            assert_eq!(memory.get((), &work.asked(), work.clone()).await.unwrap(), 0);
        }
        until(|| lock(&memory.place(()).kept).as_ref().is_some_and(|kept| kept.value == 1)).await;
        assert_eq!(work.times(), 1);
    }

    #[tokio::test]
    async fn what_is_asked_for_is_kept_fresh() {
        let (memory, work) = (quick(Duration::from_mins(1)), Counted::default());
        assert_eq!(memory.get(1, &work.asked(), work.clone()).await.unwrap(), 1);
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert_eq!(work.times(), 1, "nothing has changed");
        work.write();
        until(|| work.times() == 2).await;
        until(|| {
            let place = memory.place(1);
            let kept = lock(&place.kept);
            kept.as_ref().is_some_and(|kept| kept.seen == work.current())
        })
        .await;
        let current = memory.get(1, &work.asked(), work.clone()).await;
        assert_eq!((current.unwrap(), work.times()), (2, 2), "nobody waited");
    }

    #[tokio::test]
    async fn what_is_no_longer_asked_for_is_left_alone_until_it_is() {
        let (memory, work) = (quick(Duration::from_millis(50)), Counted::default());
        memory.get(1, &work.asked(), work.clone()).await.unwrap();
        let has_ended = || {
            let place = memory.place(1);
            lock(&place.keeper).as_ref().is_some_and(tokio::task::AbortHandle::is_finished)
        };
        until(has_ended).await;
        // Though it still holds.
        memory.get(1, &work.asked(), work.clone()).await.unwrap();
        assert!(!has_ended(), "it is kept fresh again");
        until(has_ended).await;
        work.write();
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_eq!(work.times(), 1);
    }

    #[tokio::test]
    async fn what_fails_is_left_alone_until_it_is_asked_for() {
        let (memory, work) = (quick(Duration::from_mins(1)), Counted::default());
        memory.get(1, &work.asked(), work.clone()).await.unwrap();
        let keeper = lock(&memory.place(1).keeper).clone().unwrap();
        work.is_away.store(true, Ordering::SeqCst);
        work.write();
        until(|| keeper.is_finished()).await;
        work.is_away.store(false, Ordering::SeqCst);
        // It is as old as it may be for what it costs.
        memory.get(1, &work.asked(), work.clone()).await.unwrap();
        until(|| work.times() == 2).await;
    }

    #[tokio::test]
    async fn what_gave_way_is_left_alone() {
        let (memory, work) = (quick(Duration::from_mins(1)), Counted::default());
        memory.get(1, &work.asked(), work.clone()).await.unwrap();
        let keeper = lock(&memory.place(1).keeper).clone().unwrap();
        memory.get(2, &work.asked(), work.clone()).await.unwrap();
        until(|| keeper.is_finished()).await;
    }

    #[tokio::test]
    async fn many_who_ask_at_once_share_one_work() {
        let (memory, work) = (Arc::new(Memory::new(1)), Counted::default());
        let asking: Vec<_> = (0..16)
            .map(|_| {
                let (memory, work) = (Arc::clone(&memory), work.clone());
                tokio::spawn(async move { memory.get((), &work.asked(), work.clone()).await })
            })
            .collect();
        for asked in asking {
            assert_eq!(asked.await.unwrap().unwrap(), 1);
        }
        assert_eq!(memory.get((), &work.asked(), work.clone()).await.unwrap(), 1);
    }

    #[tokio::test]
    async fn a_failure_is_told_and_not_kept() {
        let memory = Memory::new(1);
        let failed = memory.get((), &Asked::of_nothing(), Given(None)).await;
        assert_eq!(failed.unwrap_err().status, 404);
        assert_eq!(memory.get((), &Asked::of_nothing(), Given(Some(1))).await.unwrap(), 1);
    }

    #[tokio::test]
    async fn work_outlives_whoever_asked_for_it() {
        let (memory, work) = (Memory::new(1), Counted::default());
        let asked = work.asked();
        let gone = memory.get((), &asked, work.clone());
        assert!(tokio::time::timeout(Duration::from_millis(5), gone).await.is_err());
        let next = memory.get((), &asked, work.clone()).await;
        assert_eq!((next.unwrap(), work.times()), (1, 1));
    }

    #[tokio::test]
    async fn no_more_keys_are_kept_than_there_may_be() {
        let memory = Memory::new(2);
        for key in 0..9 {
            let asked = Asked::of_nothing();
            assert_eq!(memory.get(key, &asked, Given(Some(key))).await.unwrap(), key);
            assert!(memory.places.lock().unwrap().len() <= 2);
        }
    }
}
