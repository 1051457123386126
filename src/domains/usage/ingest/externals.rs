//! `boost_external_repository`: repositories that were scanned for their use of Boost.

use chrono::{DateTime, Utc};
use diesel::QueryResult;

use crate::{
    draft,
    ingest::{
        register::Cell,
        stamp::Stamp,
        tx::Tx,
        upsert::{Done, upsert_locking},
    },
};

draft! {
    /// What a scan or a list says about a repository's use of Boost.
    pub struct ExternalDraft, table boost_external_repository, key { id: i64 };
    registers {
        boost_version: String,
        is_boost_embedded: bool,
        is_boost_used: bool,
        last_scan_at: Option<DateTime<Utc>>,
    }
    dates { created_at, updated_at }
}

/// The most repositories of one statement.
const CHUNK: usize = 10_000;

/// What is said about a repository's use of Boost. What is `None` is not stated.
#[derive(Debug, Clone, Default)]
pub struct External {
    /// `boost-X.Y.Z` where readable; not blank.
    pub boost_version: Option<String>,
    /// Whether it carries a copy of Boost.
    pub is_boost_embedded: Option<bool>,
    /// Whether it includes a Boost header.
    pub is_boost_used: Option<bool>,
    /// When it was scanned.
    pub last_scan_at: Option<DateTime<Utc>>,
    /// The statement's stamp.
    pub stamp: Stamp,
}

/// Stores what is said about repositories, by `github_repository.id` and item; one answer for each, in
/// order. All of the rows stay locked until the transaction ends: usages of one repository are written
/// by one transaction after the other.
pub async fn store(
    tx: &mut Tx<'_>,
    externals: Vec<(i64, i32, External)>,
) -> QueryResult<Vec<Done>> {
    let mut order: Vec<usize> = (0..externals.len()).collect();
    order.sort_by_key(|nth| externals[*nth].0);
    let mut externals: Vec<Option<_>> = externals.into_iter().map(Some).collect();
    let mut done: Vec<Option<Done>> = vec![None; externals.len()];
    for chunk in order.chunks(CHUNK) {
        let drafts: Vec<ExternalDraft> = chunk
            .iter()
            .filter_map(|nth| externals[*nth].take())
            .map(|(id, item, external)| ExternalDraft {
                id,
                boost_version: Cell::of(external.boost_version),
                is_boost_embedded: Cell::of(external.is_boost_embedded),
                is_boost_used: Cell::of(external.is_boost_used),
                last_scan_at: Cell::of(external.last_scan_at.map(Some)),
                stamp: external.stamp,
                item,
            })
            .collect();
        let locks = vec![true; drafts.len()];
        for (nth, stored) in chunk.iter().zip(upsert_locking(tx, drafts, &locks).await?) {
            done[*nth] = Some(stored);
        }
    }
    done.into_iter().collect::<Option<_>>().ok_or(diesel::result::Error::NotFound)
}
