//! The receipt: what became of a request, item by item.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    kind::Spec,
    tx::{Count, Tally},
    upsert::Action,
    value::Note,
};
use crate::changes::versions::Versions;

/// How many errors and warnings a receipt lists; all of them are under `/items`.
pub const LISTED: usize = 1_000;

/// Whether a request is done, and how it went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Every item was accepted.
    Done,
    /// Some items were rejected.
    Partial,
    /// Every item was rejected; in `atomic` mode, at least one was.
    Rejected,
    /// Accepted, not begun.
    Queued,
    /// Begun.
    Running,
}

impl Status {
    /// The text in the database.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Partial => "partial",
            Self::Rejected => "rejected",
            Self::Queued => "queued",
            Self::Running => "running",
        }
    }
}

/// An error or a warning of an item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ItemNote {
    /// The item's position in the body, from 0.
    pub index: i32,
    /// What, and where inside the item.
    #[serde(flatten)]
    pub note: Note,
}

/// What became of a request. When it is given, everything it names is committed and durable.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Receipt {
    /// The receipt's id, a UUID.
    pub id: String,
    /// The request's id.
    pub request_id: String,
    /// The domain posted to.
    pub domain: String,
    /// The kind posted as.
    pub kind: String,
    /// How it went.
    pub status: Status,
    /// Whether nothing was to be kept.
    pub dry_run: bool,
    /// Items in the body; the sum of the next five.
    pub received: u32,
    /// Items whose row did not exist.
    pub inserted: u32,
    /// Items that changed something.
    pub updated: u32,
    /// Items of which everything was stored already.
    pub unchanged: u32,
    /// Items older than what is stored.
    pub stale: u32,
    /// Items that break a rule of their kind.
    pub rejected: u32,
    /// What was cleaned or dropped; at most 1,000 are listed.
    pub warnings: Vec<ItemNote>,
    /// Rows written, by table; stubs and children included.
    #[schema(value_type = std::collections::BTreeMap<String, Count>)]
    pub tables: Tally,
    /// Where the documents are archived; at most 1,000 are listed.
    pub raw: Vec<String>,
    /// Why items were rejected; at most 1,000 are listed.
    pub errors: Vec<ItemNote>,
    /// When the request began.
    pub started_at: DateTime<Utc>,
    /// When the receipt was written.
    pub finished_at: Option<DateTime<Utc>>,
}

/// One item, as `/items` shows it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ItemReport {
    /// The item's position in the body, from 0.
    pub index: i32,
    /// `inserted`, `updated`, `unchanged`, `stale` or `rejected`.
    pub action: String,
    /// The table of its primary row.
    pub table: Option<String>,
    /// Its natural key.
    pub key: Option<String>,
    /// The id of its primary row.
    pub row_id: Option<i64>,
    /// Where its document is archived.
    pub raw: Option<String>,
    /// What was cleaned or dropped.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Note>,
    /// Why it was rejected.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Note>,
}

/// An action's name.
pub const fn action_name(action: Action) -> &'static str {
    match action {
        Action::Inserted => "inserted",
        Action::Updated => "updated",
        Action::Unchanged => "unchanged",
        Action::Stale => "stale",
    }
}

impl Receipt {
    /// The receipt of a request of which nothing is done yet. One that nobody can ask for has no
    /// ids.
    pub fn begun(spec: &Spec, ids: (String, String), status: Status, at: DateTime<Utc>) -> Self {
        let (id, request_id) = ids;
        Self {
            id,
            request_id,
            domain: spec.domain.to_owned(),
            kind: spec.name.to_owned(),
            status,
            dry_run: false,
            received: 0,
            inserted: 0,
            updated: 0,
            unchanged: 0,
            stale: 0,
            rejected: 0,
            warnings: Vec::new(),
            tables: Tally::new(),
            raw: Vec::new(),
            errors: Vec::new(),
            started_at: at,
            finished_at: None,
        }
    }

    /// Counts an item that was stored.
    pub fn count(&mut self, action: Action) {
        *match action {
            Action::Inserted => &mut self.inserted,
            Action::Updated => &mut self.updated,
            Action::Unchanged => &mut self.unchanged,
            Action::Stale => &mut self.stale,
        } += 1;
    }

    /// Takes over what was noticed about an item.
    pub fn note(&mut self, index: i32, warnings: &[Note], faults: Option<&Vec<Note>>) {
        self.received += 1;
        let list = |to: &mut Vec<ItemNote>, notes: &[Note]| {
            let room = LISTED.saturating_sub(to.len());
            let notes = notes.iter().take(room).cloned();
            to.extend(notes.map(|note| ItemNote { index, note }));
        };
        list(&mut self.warnings, warnings);
        if let Some(faults) = faults {
            self.rejected += 1;
            list(&mut self.errors, faults);
        }
    }

    /// Adds rows written, of the tables that are served.
    pub fn tally(&mut self, tally: &Tally, served: &Versions) {
        for (table, count) in tally.iter().filter(|(table, _)| served.serves(table)) {
            *self.tables.entry(table.clone()).or_default() += *count;
        }
    }

    /// How it went, now that everything is counted.
    pub fn conclude(&mut self, now: DateTime<Utc>) {
        self.status = match self.rejected {
            0 => Status::Done,
            all if all == self.received => Status::Rejected,
            _ => Status::Partial,
        };
        // Tables of which nothing was written say nothing.
        self.tables.retain(|_, count| *count != Count::default());
        self.finished_at = Some(now);
    }
}
