//! A body read without a database: what can be said of it before anything is stored.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{
    body::{Documents, Unreadable},
    drift::{Detector, Drift},
    kind::{Context, Spec},
    read::AnyKind,
    receipt::{LISTED, Receipt, Status},
};

/// What only storing an item tells.
const UNTOLD: [&str; 4] = ["inserted", "updated", "unchanged", "stale"];

/// Reads a body to its end; gives the receipt that it would get, as far as reading tells, and whether
/// everything was accepted.
///
/// `accepted` are the items that would be stored; whether they would be new or known, and whether
/// they name something that has to exist, only the database can tell: those counts are null.
pub async fn check(
    kind: &'static dyn AnyKind,
    context: &Context,
    mut documents: Documents,
) -> Result<(Value, bool), Unreadable> {
    let spec = kind.spec();
    let detector = Detector::of(spec);
    let mut drift = Drift::default();
    let mut receipt = empty(spec, context);
    while let Some(batch) = documents.next_batch().await? {
        let read =
            tokio::task::block_in_place(|| kind.read(&batch, context, &detector, &mut drift));
        for entry in read.entries() {
            receipt.note(entry.index, &entry.warnings, entry.verdict.as_ref().err());
        }
        for (document, place) in batch.iter().zip(read.places()) {
            if let Some(place) = place.as_ref().filter(|_| !document.continues)
                && receipt.raw.len() < LISTED
            {
                receipt.raw.push(place.path.version(&Sha256::digest(&document.bytes).into()));
            }
        }
    }
    receipt.conclude(context.received_at);
    let is_good = receipt.rejected == 0;
    let accepted = receipt.received - receipt.rejected;
    let mut told = json!(receipt);
    for count in UNTOLD {
        told[count] = Value::Null;
    }
    told["accepted"] = json!(accepted);
    told["unknown_keys"] = json!(drift.pointers());
    told["only_the_database_tells"] = json!(
        "whether an accepted item is new, known or stale, and whether what it refers to exists"
    );
    Ok((told, is_good))
}

fn empty(spec: &Spec, context: &Context) -> Receipt {
    let begun = Receipt::begun(spec, Default::default(), Status::Running, context.received_at);
    Receipt { dry_run: true, ..begun }
}
