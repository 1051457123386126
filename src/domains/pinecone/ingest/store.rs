//! Storing what the index says: its progress, its fail list, and which pages it has.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use diesel::QueryResult;
use serde_json::json;

use super::{lists, read::Said};
use crate::{
    db::sql::{SqlType, Statement as Sql, Value},
    draft,
    ingest::{
        kind::Outcome,
        register::Cell,
        stamp::digest,
        statements::{self, Kept, Statement},
        tx::Tx,
        upsert::{Action, upsert},
    },
};

draft! {
    /// What an acknowledgement says about an app type.
    pub struct StatusDraft, table pinecone_sync_status, key { app_type: String };
    registers {
        final_sync_at: Option<DateTime<Utc>>,
        cursor: Option<String>,
        change_seq: Option<i64>,
    }
    sets { progress }
    dates { created_at, updated_at }
}

/// The app type of documentation pages, whose rows say whether the index has them.
const PAGES: &str = "boost-library-documentation";
/// The fold that remembers which list of an app type is the newest.
const LISTS: &str = "pinecone.fail-list";

/// Stores acknowledgements and fail lists; one outcome for each, in order.
pub async fn store(tx: &mut Tx<'_>, said: &[(i32, &Said)]) -> QueryResult<Vec<Outcome>> {
    statements::lock(tx, LISTS, said.iter().map(|(_, said)| said.app_type.as_str())).await?;
    let (slots, drafts): (Vec<usize>, Vec<StatusDraft>) = said
        .iter()
        .enumerate()
        .filter_map(|(slot, (item, said))| Some((slot, status(said, *item)?)))
        .unzip();
    let mut outcomes: Vec<Option<Outcome>> = vec![None; said.len()];
    let mut newest = vec![true; said.len()];
    for (slot, done) in slots.into_iter().zip(upsert(tx, drafts).await?) {
        newest[slot] = done.sets == [true];
        outcomes[slot] = Some(Outcome {
            action: done.action,
            table: "pinecone_sync_status",
            row_id: Some(done.id),
        });
    }

    let lists: Vec<(usize, i32, &Said)> = said
        .iter()
        .enumerate()
        .filter(|(slot, (_, said))| newest[*slot] && said.failed.is_some())
        .map(|(slot, (item, said))| (slot, *item, *said))
        .collect();
    let kept = keep(tx, &lists).await?;
    let scopes = lists.iter().map(|(_, _, said)| said.app_type.as_str());
    let known = statements::of(tx, LISTS, scopes).await?;
    let mut wanted: BTreeMap<&str, (usize, &BTreeSet<String>)> = BTreeMap::new();
    for ((slot, _, said), kept) in lists.iter().zip(&kept) {
        if let (Kept::First | Kept::Newer, Some(failed)) = (kept, &said.failed)
            && is_in_force(said, known.get(&said.app_type))
        {
            wanted.insert(&said.app_type, (*slot, failed));
        }
    }
    let changed = lists::replace(tx, &wanted).await?;
    for ((slot, _, said), kept) in lists.iter().zip(kept) {
        let is_changed = changed.contains(said.app_type.as_str())
            && wanted.get(said.app_type.as_str()).is_some_and(|(winner, _)| winner == slot);
        match &mut outcomes[*slot] {
            Some(outcome) if is_changed && outcome.action != Action::Inserted => {
                outcome.action = Action::Updated;
            }
            Some(_) => {}
            outcome @ None => {
                let action = match kept {
                    Kept::First => Action::Inserted,
                    _ if is_changed => Action::Updated,
                    Kept::Newer if wanted.contains_key(said.app_type.as_str()) => Action::Unchanged,
                    Kept::Newer | Kept::Older => Action::Stale,
                    Kept::Same => Action::Unchanged,
                };
                *outcome = Some(Outcome { action, table: "pinecone_fail_list", row_id: None });
            }
        }
    }
    let acknowledged = said.iter().zip(&newest).filter(|((_, said), newest)| {
        **newest && said.app_type == PAGES && said.progress.is_some()
    });
    for ((_, said), _) in acknowledged {
        mark_pages(tx, said).await?;
    }
    outcomes.into_iter().collect::<Option<_>>().ok_or(diesel::result::Error::NotFound)
}

fn status(said: &Said, item: i32) -> Option<StatusDraft> {
    let progress = said.progress.as_ref()?;
    Some(StatusDraft {
        app_type: said.app_type.clone(),
        final_sync_at: Cell::Stated(Some(progress.at)),
        cursor: Cell::Stated(progress.cursor.clone()),
        change_seq: Cell::Stated(progress.position),
        progress: Cell::Stated(()),
        stamp: said.stamp.clone(),
        item,
    })
}

/// Remembers lists: not their ids, which are rows, but when they were said. Of acknowledgements the
/// one of the greatest cursor is kept, of fail lists the latest.
async fn keep(tx: &mut Tx<'_>, lists: &[(usize, i32, &Said)]) -> QueryResult<Vec<Kept>> {
    let said: Vec<Statement> = lists
        .iter()
        .map(|(_, item, said)| {
            let is_ack = said.progress.is_some();
            let stamp = if is_ack { &said.stamp } else { &said.list_stamp };
            Statement {
                scope: said.app_type.clone(),
                key: if is_ack { "ack" } else { "fail-list" }.to_owned(),
                stamp: stamp.clone(),
                body: json!({"said_at": said_at(said), "list": hex::encode(digest(&said.failed))}),
                item: *item,
            }
        })
        .collect();
    statements::keep(tx, LISTS, &said).await
}

/// When a list was said, in microseconds: `as_of`, else when it was received.
fn said_at(said: &Said) -> i64 {
    said.list_stamp.source_at.map_or(0, |at| at.timestamp_micros())
}

/// Whether nothing that is known of the app type was said later than this.
fn is_in_force(said: &Said, known: Option<&Vec<Statement>>) -> bool {
    let latest =
        known.into_iter().flatten().filter_map(|known| known.body["said_at"].as_i64()).max();
    latest.is_none_or(|latest| latest <= said_at(said))
}

/// The index has what was handed out up to the acknowledged time, but for what it failed to take.
/// Failed pages are named by their row or by their hash.
async fn mark_pages(tx: &mut Tx<'_>, said: &Said) -> QueryResult<()> {
    let Some(progress) = &said.progress else { return Ok(()) };
    let failed: Vec<Value> =
        said.failed.iter().flatten().map(|id| Value::Text(id.clone())).collect();
    // A replay keeps the times at which documents came; rows that no receipt names have only ours.
    let mut update = Sql::new("with failed as (select distinct unnest(");
    update.bind_all(SqlType::Text, failed).push(
        ") as failed_id), page as (select c.id, coalesce(r.received_at, c.created_at) as came, \
         c.id::text in (select failed_id from failed) \
         or c.content_hash in (select failed_id from failed) as has_failed \
         from boost_doc_content c left join receipt r on r.number = c.source_receipt) \
         update boost_doc_content c set is_upserted = not p.has_failed from page p \
         where p.id = c.id and c.is_upserted = p.has_failed and (p.has_failed or p.came <= ",
    );
    update.bind(SqlType::Timestamptz, Value::Timestamptz(progress.at)).push(")");
    let changed = tx.execute(update).await?;
    tx.count("boost_doc_content").updated += changed as u64;
    Ok(())
}
