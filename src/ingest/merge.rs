//! One row and the statements about it: the rule of last writer wins, without a database.

use std::sync::Arc;

use serde_json::Value as Json;

use super::{
    register::{Cell, Follows, RawDraft, Table},
    stamp::Stamp,
};
use crate::db::sql::Value;

/// A row as its registers see it.
#[derive(Debug, Clone)]
pub struct Row {
    /// The registers' values, in the table's order.
    pub values: Vec<Value>,
    /// The stamps of registers, then of sets.
    pub stamps: Vec<Arc<Stamp>>,
    /// The item that was applied last, if one was since the row was read.
    pub item: Option<i32>,
}

/// What absorbing one draft did to a row.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Absorbed {
    /// A value changed.
    pub changed: bool,
    /// A stamp grew: there is something to store even if no value changed.
    pub moved: bool,
    /// It differs from the row, and the row is newer.
    pub stale: bool,
    /// For each set: whether this draft's statement of it is now the newest.
    pub sets: Vec<bool>,
}

/// A row's stamps as they are stored: one for the row, the ranks of ranked registers, and a map for
/// the registers that differ.
#[derive(Debug, Clone, PartialEq)]
pub struct Packed {
    /// The row's stamp.
    pub row: Stamp,
    /// The rank columns, in the order of the registers that have one.
    pub ranks: Vec<i16>,
    /// The registers that differ, by name.
    pub map: Option<serde_json::Map<String, Json>>,
}

impl Row {
    /// The row that a first draft makes, before it is absorbed: nothing stated, defaults for the
    /// rest.
    pub fn new(draft: &RawDraft, table: &Table) -> Self {
        let bottom = Arc::new(Stamp::BOTTOM);
        let value = |cell: &Cell<Value>| match cell {
            Cell::Stated(value) | Cell::StatedAt(value, _) | Cell::Unstated(value) => value.clone(),
        };
        Self {
            values: draft.cells[..table.registers.len()].iter().map(value).collect(),
            stamps: vec![bottom; draft.cells.len()],
            item: None,
        }
    }

    /// Applies every statement of the draft that is newer than what the row has.
    pub fn absorb(&mut self, draft: &RawDraft, table: &Table) -> Absorbed {
        let registers = table.registers.len();
        let mut done = Absorbed { sets: vec![false; table.sets.len()], ..Absorbed::default() };
        let shared = Arc::new(draft.stamp.clone());
        for (index, cell) in draft.cells.iter().enumerate() {
            let (value, stamp) = match cell {
                Cell::Stated(value) => (value, Arc::clone(&shared)),
                Cell::StatedAt(value, stamp) => (value, Arc::new(stamp.clone())),
                Cell::Unstated(_) => continue,
            };
            let newer = stamp > self.stamps[index];
            let differs = self.values.get(index).is_some_and(|old| old != value);
            if newer {
                if index >= registers {
                    done.sets[index - registers] = true;
                } else if differs {
                    self.values[index] = value.clone();
                    done.changed = true;
                }
                self.stamps[index] = stamp;
                self.item = Some(draft.item);
                done.moved = true;
            } else if differs || (index >= registers && stamp.digest != self.stamps[index].digest) {
                done.stale = true;
            }
        }
        done
    }

    /// The stamps in their stored form.
    pub fn pack(&self, table: &Table) -> Packed {
        let follows = |index| table.follows(index);
        let row = (0..self.stamps.len())
            .filter(|index| follows(*index) == Follows::Row)
            .map(|index| &self.stamps[index])
            .max()
            .cloned()
            .unwrap_or_default();
        let mut packed = Packed { row: (*row).clone(), ranks: Vec::new(), map: None };
        for (index, name) in table.names().enumerate() {
            let stamp = &self.stamps[index];
            let expected = match follows(index) {
                Follows::Row if Arc::ptr_eq(stamp, &row) => continue,
                Follows::Row => (*row).clone(),
                Follows::Nothing => Stamp::BOTTOM,
                Follows::Rank(_) => {
                    packed.ranks.push(stamp.rank);
                    Stamp { source_at: None, ..row.ranked(stamp.rank) }
                }
            };
            if **stamp != expected {
                packed.map.get_or_insert_default().insert(name.to_owned(), stamp.to_json());
            }
        }
        packed
    }

    /// The stamps of registers, then sets, from their stored form.
    pub fn unpack(packed: &Packed, table: &Table) -> Vec<Arc<Stamp>> {
        let row = Arc::new(packed.row.clone());
        let bottom = Arc::new(Stamp::BOTTOM);
        let mut ranks = packed.ranks.iter();
        table
            .names()
            .enumerate()
            .map(|(index, name)| {
                let follows = table.follows(index);
                let rank = match follows {
                    Follows::Rank(_) => ranks.next().copied().unwrap_or_default(),
                    _ => 0,
                };
                if let Some(stamp) = packed.map.as_ref().and_then(|map| map.get(name)) {
                    return Arc::new(Stamp::from_json(stamp));
                }
                match follows {
                    Follows::Row => Arc::clone(&row),
                    Follows::Nothing => Arc::clone(&bottom),
                    Follows::Rank(_) => Arc::new(Stamp { source_at: None, ..row.ranked(rank) }),
                }
            })
            .collect()
    }
}

/// Whether every statement of the draft is stored already, to the stamp: then nothing it says can
/// ever change the row, because stamps only grow.
pub fn settled(draft: &RawDraft, stamps: &[Arc<Stamp>]) -> bool {
    draft.cells.iter().zip(stamps).all(|(cell, stored)| match cell {
        Cell::Stated(_) => draft.stamp == **stored,
        Cell::StatedAt(_, stamp) => *stamp == **stored,
        Cell::Unstated(_) => true,
    })
}
