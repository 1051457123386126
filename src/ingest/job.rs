//! What the pipeline is asked to do, and where the documents come from.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{
    archive::Archive,
    body::{Documents, Unreadable},
    document::Document,
    kind::Context,
    read::AnyKind,
    receipt::{Receipt, Status},
};

/// Whether good items are stored beside bad ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// They are.
    Partial,
    /// All or nothing.
    Atomic,
}

impl Mode {
    /// The parameter's value.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Partial => "partial",
            Self::Atomic => "atomic",
        }
    }
}

/// A request to store documents of a kind.
#[derive(Debug)]
pub struct Job {
    /// The kind.
    pub kind: &'static dyn AnyKind,
    /// What surrounds the items.
    pub context: Context,
    /// The media type of a document.
    pub content_type: String,
    /// Partial or atomic.
    pub mode: Mode,
    /// Whether this is a dead letter: if it is rejected again, it is one already.
    pub is_retry: bool,
    /// Who asks.
    pub subject: String,
    /// The request's id.
    pub request_id: String,
    /// The receipt to be.
    pub receipt_id: Uuid,
    /// The idempotency key, and the digest of the body that it stands for.
    pub idempotency: Option<(String, Vec<u8>)>,
    /// Where documents are archived; not when they come from there.
    pub archive: Option<Archive>,
}

impl Job {
    /// Its receipt, of which nothing is done yet.
    pub fn begun(&self, status: Status, at: DateTime<Utc>) -> Receipt {
        let ids = (self.receipt_id.to_string(), self.request_id.clone());
        Receipt::begun(self.kind.spec(), ids, status, at)
    }
}

/// Where documents come from.
#[derive(Debug)]
pub enum Source {
    /// A request's body.
    Body(Box<Documents>),
    /// Documents at hand: one batch, archived at the paths beside them.
    Archived(Option<Vec<(Document, String)>>),
    /// A file that is archived at a path.
    File(Box<Documents>, String),
}

impl Source {
    /// The next documents, and where they are archived already, if they are.
    pub async fn next(&mut self) -> Result<Option<(Vec<Document>, Vec<String>)>, Unreadable> {
        match self {
            Self::Body(documents) => {
                Ok(documents.next_batch().await?.map(|documents| (documents, Vec::new())))
            }
            Self::Archived(batch) => Ok(batch.take().map(|batch| batch.into_iter().unzip())),
            Self::File(documents, path) => {
                let batch = documents.next_batch().await?;
                Ok(batch.map(|batch| {
                    let paths = vec![path.clone(); batch.len()];
                    (batch, paths)
                }))
            }
        }
    }
}
