//! One row and the statements about it: the rule of last writer wins, without a database.

use std::sync::Arc;

use chrono::{DateTime, Utc};
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
    /// The time columns, in the order of [`Table::times`].
    pub times: Vec<Option<DateTime<Utc>>>,
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
        let columns = table.times();
        let time = |column: &&'static str| {
            let those = (0..self.stamps.len()).filter(|n| follows(*n) == Follows::Time(column));
            those.filter_map(|n| self.stamps[n].source_at).max()
        };
        let times: Vec<_> = columns.iter().map(time).collect();
        let mut packed = Packed { row: (*row).clone(), ranks: Vec::new(), times, map: None };
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
                Follows::Time(column) => packed.timed(&columns, column),
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
        let columns = table.times();
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
                    Follows::Time(column) => Arc::new(packed.timed(&columns, column)),
                }
            })
            .collect()
    }
}

impl Packed {
    /// The stamp that a time column stands for: that time, with the digest of the row's.
    fn timed(&self, columns: &[&str], column: &str) -> Stamp {
        let nth = columns.iter().position(|name| *name == column);
        let source_at = nth.and_then(|nth| self.times.get(nth).copied().flatten());
        Stamp { source_at, digest: self.row.digest.clone(), ..Stamp::BOTTOM }
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

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use proptest::{collection::vec, option, prelude::*};

    use super::*;
    use crate::{
        db::sql::SqlType,
        ingest::{register::Register, stamp::digest},
    };

    /// A register of each kind, and two sets.
    static TABLE: LazyLock<Table> = LazyLock::new(|| {
        let register = |name, follows| Register { name, ty: SqlType::Int, cast: None, follows };
        Table {
            name: "t",
            base: None,
            keys: vec![register("key", Follows::Row)],
            conflict: "key".to_owned(),
            registers: vec![
                register("a", Follows::Row),
                register("b", Follows::Row),
                register("own", Follows::Nothing),
                register("ranked", Follows::Rank("ranked_rank")),
                register("timed", Follows::Time("timed_at")),
            ],
            sets: &["labels", "people"],
            set_follows: vec![Follows::Row, Follows::Row],
            created_at: false,
            updated_at: false,
        }
    });

    fn time() -> impl Strategy<Value = Option<DateTime<Utc>>> {
        option::of((0..3_i64).prop_map(|second| DateTime::from_timestamp(second, 7_000).unwrap()))
    }

    /// A draft whose digest stands for what it states, as a payload's does.
    fn draft() -> impl Strategy<Value = RawDraft> {
        let stated = vec(option::of(0..3_i32), 7);
        (time(), time(), stated, 0..3_i16, 0..2_i16, 0..9_i32).prop_map(
            |(source_at, as_of, stated, rank, own_rank, item)| {
                let stamp = Stamp { source_at, rank, as_of, digest: digest(&(&stated, own_rank)) };
                let cells = stated.iter().enumerate().map(|(nth, value)| match (nth, value) {
                    (0..5, None) => Cell::Unstated(Value::Int(0)),
                    (_, None) => Cell::Unstated(Value::Null),
                    (3, Some(value)) => Cell::StatedAt(
                        Value::Int(*value),
                        Stamp { source_at: None, ..stamp.ranked(own_rank) },
                    ),
                    (4, Some(value)) => Cell::StatedAt(
                        Value::Int(*value),
                        Stamp { rank: 0, as_of: None, ..stamp.clone() },
                    ),
                    (0..5, Some(value)) => Cell::Stated(Value::Int(*value)),
                    _ => Cell::Stated(Value::Null),
                });
                let cells = cells.collect();
                RawDraft { key: vec![Value::Int(1)], stamp, cells, item }
            },
        )
    }

    fn absorbed<'d>(drafts: impl IntoIterator<Item = &'d RawDraft>) -> Row {
        let mut drafts = drafts.into_iter().peekable();
        let mut row = Row::new(drafts.peek().unwrap(), &TABLE);
        for draft in drafts {
            row.absorb(draft, &TABLE);
        }
        row
    }

    proptest! {
        #[test]
        fn any_order_and_any_repetition_end_in_the_same_row(
            (drafts, shuffled) in vec(draft(), 1..6).prop_flat_map(|drafts| {
                let twice: Vec<RawDraft> = drafts.iter().chain(&drafts).cloned().collect();
                (Just(drafts), Just(twice).prop_shuffle())
            })
        ) {
            let (left, right) = (absorbed(&drafts), absorbed(&shuffled));
            prop_assert_eq!(&left.values, &right.values);
            prop_assert_eq!(&left.stamps, &right.stamps);
            for draft in &drafts {
                let mut row = left.clone();
                let done = row.absorb(draft, &TABLE);
                prop_assert!(!done.changed && !done.moved);
                prop_assert_eq!(&row.values, &left.values);
            }
        }

        #[test]
        fn stamps_survive_being_stored(drafts in vec(draft(), 1..6)) {
            let row = absorbed(&drafts);
            let packed = row.pack(&TABLE);
            prop_assert_eq!(&Row::unpack(&packed, &TABLE), &row.stamps);
            let stored = Packed {
                map: packed.map.as_ref().map(|map| {
                    serde_json::from_str(&serde_json::to_string(map).unwrap()).unwrap()
                }),
                ..packed.clone()
            };
            prop_assert_eq!(&Row::unpack(&stored, &TABLE), &row.stamps);
            // A payload that states every column costs no map.
            let newest = drafts.iter().all(|draft| {
                draft.cells.iter().all(|cell| !matches!(cell, Cell::Unstated(_)))
            });
            if newest && drafts.len() == 1 {
                let names: Vec<&String> = packed.map.iter().flat_map(|map| map.keys()).collect();
                prop_assert_eq!(names, ["own"]);
            }
        }

        #[test]
        fn a_settled_draft_can_never_change_the_row(drafts in vec(draft(), 1..6)) {
            let mut row = absorbed(&drafts);
            for draft in &drafts {
                if settled(draft, &row.stamps) {
                    let done = row.absorb(draft, &TABLE);
                    prop_assert!(!done.changed && !done.moved && !done.stale);
                }
            }
        }

        #[test]
        fn the_last_statement_of_a_set_is_the_newest(drafts in vec(draft(), 1..6)) {
            let row = absorbed(&drafts);
            for (nth, stamp) in row.stamps[5..].iter().enumerate() {
                let stating = drafts.iter().filter(|d| matches!(d.cells[5 + nth], Cell::Stated(_)));
                let newest = stating.map(|draft| &draft.stamp).max().cloned().unwrap_or_default();
                prop_assert_eq!(&**stamp, &newest);
            }
        }
    }
}
