//! Which statements connections keep prepared.
//!
//! A connection keeps what it prepared for as long as it lives, and a list has more shapes than
//! memory has room for: filters, orders, fields, limits, in all their combinations. So a shape is
//! kept once it is asked for again, up to a number; any other is prepared for its own run. One that
//! nobody has asked for in a long time makes room for another. A connection still has it prepared,
//! but does not live longer than that itself, so it never holds more than twice the number.

use std::{
    collections::{HashMap, HashSet},
    hash::{DefaultHasher, Hash, Hasher},
    sync::{
        PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use crate::db::{pool::LIFETIME, sql::Statement};

/// Shapes of one resource, or of all lists that are no table's, that are kept.
const KEPT: usize = 48;
/// Shapes that are remembered as asked for once.
const REMEMBERED: usize = 1_024;
/// How long a kept shape is not asked for until it gives way to another.
const IDLE: Duration = LIFETIME;

/// The shapes of one resource, by the hash of their text.
#[derive(Debug)]
pub(super) struct Shapes {
    known: RwLock<Known>,
    /// What time is counted from.
    begin: Instant,
}

#[derive(Debug, Default)]
struct Known {
    /// Each with the second in which it was last asked for.
    kept: HashMap<u64, AtomicU64>,
    once: HashSet<u64>,
}

impl Default for Shapes {
    fn default() -> Self {
        Self { known: RwLock::default(), begin: Instant::now() }
    }
}

impl Shapes {
    /// Marks the statement as one that is kept, or not.
    pub(super) fn mark(&self, statement: Statement) -> Statement {
        let mut hasher = DefaultHasher::new();
        statement.text().hash(&mut hasher);
        let now = self.begin.elapsed();
        if self.keeps(hasher.finish(), now) { statement } else { statement.once() }
    }

    /// Whether a shape that is asked for at `now` is kept.
    fn keeps(&self, shape: u64, now: Duration) -> bool {
        let now = now.as_secs();
        // Whenever their lock is free these are whole, even if a holder panicked.
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(last) = known.kept.get(&shape) {
            last.fetch_max(now, Ordering::Relaxed);
            return true;
        }
        drop(known);
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.once.contains(&shape) && known.has_room(now) {
            known.once.remove(&shape);
            known.kept.insert(shape, now.into());
            return true;
        }
        if known.once.len() >= REMEMBERED {
            known.once.clear();
        }
        known.once.insert(shape);
        false
    }
}

impl Known {
    /// Whether one more can be kept, now that what was last asked for long ago has made room.
    fn has_room(&mut self, now: u64) -> bool {
        if self.kept.len() >= KEPT {
            self.kept.retain(|_, last| now.saturating_sub(*last.get_mut()) < IDLE.as_secs());
        }
        self.kept.len() < KEPT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_again_is_kept_while_there_is_room() {
        let shapes = Shapes::default();
        let keeps = |shape| shapes.keeps(shape, Duration::ZERO);
        assert_eq!([1, 2, 1, 1, 2].map(keeps), [false, false, true, true, true]);
        for shape in 0..10_000 {
            keeps(shape);
            keeps(shape);
        }
        assert!(keeps(1), "what is kept stays");
        assert_eq!(shapes.known.read().unwrap().kept.len(), KEPT);
    }

    #[test]
    fn what_nobody_asks_for_any_more_makes_room() {
        let shapes = Shapes::default();
        for shape in (0..100).chain(0..100) {
            shapes.keeps(shape, Duration::ZERO);
        }
        let soon = IDLE.saturating_sub(Duration::from_secs(1));
        assert!(shapes.keeps(7, soon));
        assert_eq!([1_000, 1_000].map(|it| shapes.keeps(it, soon)), [false, false]);
        assert_eq!([1_001, 1_001].map(|it| shapes.keeps(it, IDLE)), [false, true]);
        assert!(shapes.keeps(7, IDLE), "it was asked for meanwhile");
        assert_eq!([8, 8].map(|it| shapes.keeps(it, IDLE)), [false, true]);
    }
}
