//! Clang payloads: what GitHub's kinds take, of one mirror repository.
//!
//! Nothing is made of a payload but what the search feed follows: the times, and a digest of the
//! newest document. The columns merge by a commutative rule, so the order of payloads plays no role:
//! a maximum is a register whose stamp is its own value.

pub mod commits;
pub mod items;
pub mod kinds;

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};

use crate::{
    domains::github::ingest::stated_repository,
    ingest::{kind::Context, register::Cell, repo_name::RepoName, stamp::Stamp, value::Node},
};

/// Whether an item is of the mirror; another repository is a fault.
fn is_of_mirror(node: Node<'_>, context: &Context) -> bool {
    let mirror = &context.clang_mirror;
    let stated = stated_repository(node);
    if let (Some(stated), Some(given)) = (&stated, &context.repo)
        && !stated.same(given)
    {
        node.warn("context_mismatch", format!("The payload is of {stated}; it wins."));
    }
    let repo = stated.as_ref().or(context.repo.as_ref());
    let is_mirror = repo.is_none_or(|repo: &RepoName| repo.same(mirror));
    if !is_mirror {
        node.fault("wrong_repository", format!("Only {mirror} is followed here."));
    }
    is_mirror
}

/// What a whole document says, as a hash: keys are sorted, so their order plays no role.
pub fn content_digest(document: Node<'_>) -> Vec<u8> {
    let text = document.raw().map(ToString::to_string).unwrap_or_default();
    Sha256::digest(text).to_vec()
}

/// The latest of all times that are stated: each is a register's value and its stamp.
fn latest(at: Option<DateTime<Utc>>) -> Cell<Option<DateTime<Utc>>> {
    match at {
        Some(at) => Cell::StatedAt(at.into(), Stamp { source_at: Some(at), ..Stamp::BOTTOM }),
        None => Cell::Unstated(None),
    }
}

/// The earliest of all times that are stated: the stamp counts backwards.
fn earliest(at: Option<DateTime<Utc>>) -> Cell<Option<DateTime<Utc>>> {
    let backwards = at.and_then(|at| DateTime::from_timestamp_micros(-at.timestamp_micros()));
    match at {
        Some(at) => Cell::StatedAt(at.into(), Stamp { source_at: backwards, ..Stamp::BOTTOM }),
        None => Cell::Unstated(None),
    }
}

/// Once true, always true.
fn sticky(said: bool) -> Cell<bool> {
    if said { Cell::StatedAt(true, Stamp::BOTTOM.ranked(1)) } else { Cell::Unstated(false) }
}
