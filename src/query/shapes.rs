//! Which statements connections keep prepared.
//!
//! A connection keeps what it prepared for as long as it lives, and a list has more shapes than
//! memory has room for: filters, orders, fields, limits, in all their combinations. So a shape is
//! kept once it is asked for again, up to a number; any other is prepared for its own run.

use std::{
    collections::HashSet,
    hash::{DefaultHasher, Hash, Hasher},
    sync::{PoisonError, RwLock},
};

use crate::db::sql::Statement;

/// Shapes of one resource that are kept.
const KEPT: usize = 48;
/// Shapes of one resource that are remembered as asked for once.
const REMEMBERED: usize = 1_024;

/// The shapes of one resource, by the hash of their text.
#[derive(Debug, Default)]
pub(super) struct Shapes(RwLock<Known>);

#[derive(Debug, Default)]
struct Known {
    kept: HashSet<u64>,
    once: HashSet<u64>,
}

impl Shapes {
    /// Marks the statement as one that is kept, or not.
    pub(super) fn mark(&self, statement: Statement) -> Statement {
        let mut hasher = DefaultHasher::new();
        statement.text().hash(&mut hasher);
        if self.keeps(hasher.finish()) { statement } else { statement.once() }
    }

    fn keeps(&self, shape: u64) -> bool {
        // Sets of numbers are whole whenever their lock is free, even if a holder panicked.
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if known.kept.contains(&shape) {
            return true;
        }
        if known.kept.len() >= KEPT {
            return false;
        }
        drop(known);
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if known.once.remove(&shape) {
            known.kept.insert(shape);
            return true;
        }
        if known.once.len() >= REMEMBERED {
            known.once.clear();
        }
        known.once.insert(shape);
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_again_is_kept_while_there_is_room() {
        let shapes = Shapes::default();
        assert_eq!([1, 2, 1, 1, 2].map(|it| shapes.keeps(it)), [false, false, true, true, true]);
        for shape in 0..10_000 {
            shapes.keeps(shape);
            shapes.keeps(shape);
        }
        assert!(shapes.keeps(1), "what is kept stays");
        assert_eq!(shapes.0.read().unwrap().kept.len(), KEPT);
    }
}
