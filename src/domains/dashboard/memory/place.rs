//! The place of one answer.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio::task::AbortHandle;

use super::{Asked, CHEAP, OLDEST, PATIENCE, Seen, Work};
use crate::http::problem::Result;

/// The place of one answer.
#[derive(Debug)]
pub(super) struct Place<V> {
    pub(super) kept: Mutex<Option<Kept<V>>>,
    /// Whoever holds it works the answer out.
    pub(super) work: Arc<tokio::sync::Mutex<()>>,
    /// When it was asked for last.
    pub(super) asked: Mutex<Instant>,
    /// The task that keeps it fresh.
    pub(super) keeper: Mutex<Option<AbortHandle>>,
}

/// What a kept answer is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Worth {
    /// It is as true as it needs to be.
    Holds,
    /// It may be given, while it is worked out anew.
    Fades,
    /// It is too old.
    Over,
}

#[derive(Debug)]
pub(super) struct Kept<V> {
    pub(super) value: V,
    /// What the database was like before it was worked out.
    pub(super) seen: Seen,
    pub(super) begun: Instant,
    pub(super) took: Duration,
}

impl<V> Default for Place<V> {
    fn default() -> Self {
        Self {
            kept: Mutex::default(),
            work: Arc::default(),
            asked: Mutex::new(Instant::now()),
            keeper: Mutex::default(),
        }
    }
}

/// What is in a mutex here is whole whenever its lock is free, even if a holder panicked.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<V: Clone> Place<V> {
    /// The answer that is kept, and what it is good for to somebody who asks.
    pub(super) fn look(&self, asked: &Asked) -> Option<(V, Worth)> {
        *lock(&self.asked) = Instant::now();
        lock(&self.kept).as_ref().map(|kept| (kept.value.clone(), kept.worth(asked)))
    }

    /// Works the answer out and keeps it. Whoever calls holds [`Self::work`].
    pub(super) async fn fill(&self, work: &impl Work<Value = V>) -> Result<V> {
        let begun = Instant::now();
        let seen = work.seen().await?;
        let value = work.answer(&seen).await?;
        let took = begun.elapsed();
        tracing::debug!(?took, "worked out an answer of the dashboard");
        *lock(&self.kept) = Some(Kept { value: value.clone(), seen, begun, took });
        Ok(value)
    }

    /// Whether working it out costs enough that nobody should wait for it.
    pub(super) fn is_dear(&self) -> bool {
        lock(&self.kept).as_ref().is_some_and(|kept| kept.took >= CHEAP)
    }
}

impl<V> Kept<V> {
    pub(super) fn worth(&self, asked: &Asked) -> Worth {
        if self.seen.hidden != asked.seen.hidden {
            return Worth::Over;
        }
        if self.seen == asked.seen || self.begun >= asked.at {
            return Worth::Holds;
        }
        if self.took < CHEAP {
            return Worth::Over;
        }
        match self.begun.elapsed() {
            age if age < (self.took * PATIENCE).min(OLDEST / 2) => Worth::Holds,
            age if age < OLDEST => Worth::Fades,
            _ => Worth::Over,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ago(ms: u64) -> Instant {
        Instant::now().checked_sub(Duration::from_millis(ms)).unwrap()
    }

    fn seen(snapshot: &str) -> Seen {
        Seen { snapshot: snapshot.to_owned(), hidden: 0 }
    }

    fn kept(age_ms: u64, took_ms: u64) -> Kept<()> {
        let (begun, took) = (ago(age_ms), Duration::from_millis(took_ms));
        Kept { value: (), seen: seen("1:2:"), begun, took }
    }

    #[test]
    fn an_answer_holds_while_nothing_changes_and_not_for_long_after() {
        for (age, took, snapshot, worth) in [
            (3_600_000, 5_000, "1:2:", Worth::Holds),
            (1, 4, "1:3:", Worth::Over),
            (1_000, 200, "1:3:", Worth::Holds),
            (5_000, 200, "1:3:", Worth::Fades),
            (14_000, 5_000, "1:3:", Worth::Holds),
            (29_000, 5_000, "1:3:", Worth::Fades),
            (31_000, 5_000, "1:3:", Worth::Over),
            // Its age counts from the beginning of the work, however long that took.
            (31_000, 25_000, "1:3:", Worth::Over),
        ] {
            let asked = Asked { seen: seen(snapshot), at: Instant::now() };
            assert_eq!(kept(age, took).worth(&asked), worth, "{age} {took} {snapshot}");
        }
        let earlier = Asked { seen: seen("1:3:"), at: ago(1_000) };
        assert_eq!(kept(500, 10).worth(&earlier), Worth::Holds, "begun after it was asked for");
    }

    #[test]
    fn no_answer_holds_once_somebody_was_hidden() {
        let asked = Asked { seen: Seen { hidden: 1, ..seen("1:2:") }, at: Instant::now() };
        assert_eq!(kept(1, 5_000).worth(&asked), Worth::Over);
    }
}
