//! What became of the items of a unit: in the receipt, as dead letters, in the archive.

use std::collections::BTreeMap;

use super::{
    archive::{Delivery, Kept, Order, Status as Settled},
    document::Document,
    kind::{Location, Outcome},
    ledger::Dead,
    read::{Batch, Entry},
    receipt::{ItemReport, LISTED, Receipt, action_name},
    upsert::Action,
    value::Note,
};

/// Documents that are committed together.
#[derive(Debug)]
pub struct Unit {
    /// The documents.
    pub documents: Vec<Document>,
    /// Where they are archived already, if they are.
    pub archived: Vec<String>,
}

/// What became of a unit's items in an attempt to store it.
#[derive(Clone, Copy)]
pub struct Told<'u> {
    /// The items.
    pub batch: &'u dyn Batch,
    /// One outcome for each accepted item, in order; none if the unit is refused.
    pub outcomes: &'u [Outcome],
    /// What only storing them showed, by index.
    pub late: &'u BTreeMap<i32, Vec<Note>>,
    /// Where each document is archived.
    pub raw: &'u [Option<&'u str>],
    /// Whether nothing of it is stored because one item is rejected.
    pub refused: bool,
}

impl Told<'_> {
    /// Counts the items in the receipt.
    pub fn count(self, receipt: &mut Receipt) {
        for path in self.raw.iter().flatten() {
            if receipt.raw.len() < LISTED && receipt.raw.last().is_none_or(|last| last != path) {
                receipt.raw.push((*path).to_owned());
            }
        }
        let mut outcomes = self.outcomes.iter();
        for entry in self.batch.entries() {
            let faults = entry.verdict.as_ref().err();
            match self.late.get(&entry.index) {
                None => receipt.note(entry.index, &entry.warnings, faults),
                Some(_) => receipt.note(entry.index, &self.warnings(entry), faults),
            }
            match &entry.verdict {
                Err(_) => {}
                Ok(_) if self.refused => receipt.rejected += 1,
                Ok(_) => {
                    if let Some(outcome) = outcomes.next() {
                        receipt.count(outcome.action);
                    }
                }
            }
        }
    }

    /// The report of each item, made as it is asked for: a document may have a million.
    pub fn items(self) -> impl Iterator<Item = ItemReport> {
        let mut outcomes = self.outcomes.iter();
        self.batch.entries().iter().map(move |entry| {
            let raw = self.raw.get(entry.document).copied().flatten();
            let mut item = ItemReport {
                index: entry.index,
                action: "rejected".to_owned(),
                table: None,
                key: None,
                row_id: None,
                raw: raw.map(str::to_owned),
                warnings: self.warnings(entry),
                errors: Vec::new(),
            };
            match &entry.verdict {
                Err(faults) => item.errors.clone_from(faults),
                // Nothing of an atomic request is stored when one item is rejected.
                Ok(accepted) if self.refused => item.key = Some(accepted.key.clone()),
                Ok(accepted) => {
                    item.key = Some(accepted.key.clone());
                    if let Some(outcome) = outcomes.next() {
                        action_name(outcome.action).clone_into(&mut item.action);
                        item.table =
                            Some(outcome.table.to_owned()).filter(|table| !table.is_empty());
                        item.row_id = outcome.row_id;
                    }
                }
            }
            item
        })
    }

    fn warnings(&self, entry: &Entry) -> Vec<Note> {
        let late = self.late.get(&entry.index).into_iter().flatten();
        entry.warnings.iter().chain(late).cloned().collect()
    }
}

/// The dead letters of a unit.
pub fn dead_letters<'d>(
    batch: &'d dyn Batch,
    unit: &'d Unit,
    locations: &'d [Location],
    raw: &[Option<&'d str>],
) -> Vec<Dead<'d>> {
    // Locations are those of the entries; there are none where no dead letter is to be kept.
    let entries = batch.entries().iter().zip(locations);
    entries
        .filter_map(|(entry, location)| {
            let faults = entry.verdict.as_ref().err()?;
            if is_private(&entry.verdict) {
                return None;
            }
            Some(Dead {
                document: &unit.documents[entry.document],
                part: entry.part,
                location,
                index: entry.index,
                faults,
                raw: raw.get(entry.document).copied().flatten(),
            })
        })
        .collect()
}

/// What became of a document's items, all in all.
#[derive(Debug, Clone, Default)]
pub struct Fate {
    /// There are none.
    pub is_empty: bool,
    /// One of them is accepted.
    pub is_good: bool,
    /// One of them is private.
    pub is_private: bool,
    /// Those that are not, by their place in the document.
    pub public: Vec<usize>,
}

/// What became of the items of each document.
pub fn fates(batch: &dyn Batch, documents: usize) -> Vec<Fate> {
    let mut fates = vec![Fate { is_empty: true, ..Fate::default() }; documents];
    for entry in batch.entries() {
        let fate = &mut fates[entry.document];
        fate.is_empty = false;
        fate.is_good |= entry.verdict.is_ok();
        if is_private(&entry.verdict) {
            fate.is_private = true;
        } else {
            fate.public.extend(entry.part);
        }
    }
    fates
}

/// Private content is refused without a trace: neither archived nor kept as a dead letter.
fn is_private<T>(verdict: &std::result::Result<T, Vec<Note>>) -> bool {
    verdict.as_ref().is_err_and(|faults| faults.iter().any(Note::is_private))
}

/// Tells the archive what became of each document.
pub fn settle(
    delivery: &mut Delivery,
    batch: &dyn Batch,
    unit: &Unit,
    kept: &[Option<Kept>],
    outcomes: &[Outcome],
    refused: bool,
) -> anyhow::Result<()> {
    // A document is stale if all of its items are.
    let mut newest = vec![true; unit.documents.len()];
    let (mut good, mut outcomes) = (vec![0_usize; unit.documents.len()], outcomes.iter());
    let mut stale = good.clone();
    for entry in batch.entries().iter().filter(|entry| entry.verdict.is_ok()) {
        good[entry.document] += 1;
        let is_stale = outcomes.next().is_some_and(|outcome| outcome.action == Action::Stale);
        stale[entry.document] += usize::from(is_stale);
        newest[entry.document] = stale[entry.document] < good[entry.document];
    }
    for (nth, (document, kept)) in unit.documents.iter().zip(kept).enumerate() {
        let (Some(kept), Some(place)) = (kept, &batch.places()[nth]) else { continue };
        let is_whole_bad = good[nth] == 0 && !document.is_empty();
        if document.continues || is_whole_bad {
            continue;
        }
        if refused {
            delivery.settle(kept, Settled::Rejected, None)?;
            continue;
        }
        let stamp = place.stamp.clone();
        let order: Order = (stamp.source_at, stamp.rank, stamp.as_of, stamp.digest);
        delivery.settle(kept, Settled::Done, newest[nth].then_some(order))?;
    }
    Ok(())
}
