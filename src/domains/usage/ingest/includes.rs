//! `boost_include`: the includes that files have or had, as they were said.

use chrono::{DateTime, NaiveDate, Utc};
use diesel::QueryResult;

use crate::{
    draft,
    ingest::{
        register::Cell,
        stamp::Stamp,
        tx::Tx,
        upsert::{Done, upsert},
    },
};

draft! {
    /// What a scan or a list says about an include. A new row takes the header that its text means;
    /// afterwards that follows the catalogue.
    pub struct IncludeDraft, table boost_include, key { file_path_id: i64, header_name: String };
    registers {
        boost_header_id: Option<i64> [own],
        last_commit_date: Option<DateTime<Utc>>,
        excepted_at: Option<NaiveDate>,
    }
}

/// The most includes of one statement.
const CHUNK: usize = 5_000;

/// An include that was seen, or listed.
#[derive(Debug, Clone, Copy)]
pub struct Include<'i> {
    /// `github_file.id`.
    pub file: i64,
    /// The header's text.
    pub header: &'i str,
    /// The Boost file that it means.
    pub header_id: Option<i64>,
    /// Time of the last commit that touched the file, if it is said.
    pub last_commit_date: Option<DateTime<Utc>>,
    /// Since when it is not there any more.
    pub excepted_at: Option<NaiveDate>,
    /// The statement's stamp.
    pub stamp: &'i Stamp,
    /// The item's index in the body.
    pub item: i32,
}

/// Stores includes; one answer for each, in order.
pub async fn store(tx: &mut Tx<'_>, includes: &[Include<'_>]) -> QueryResult<Vec<Done>> {
    let mut order: Vec<usize> = (0..includes.len()).collect();
    order.sort_by_key(|nth| (includes[*nth].file, includes[*nth].header));
    let mut done: Vec<Option<Done>> = vec![None; includes.len()];
    for chunk in order.chunks(CHUNK) {
        let drafts = chunk.iter().map(|nth| {
            let include = &includes[*nth];
            IncludeDraft {
                file_path_id: include.file,
                header_name: include.header.to_owned(),
                boost_header_id: Cell::Unstated(include.header_id),
                last_commit_date: match include.last_commit_date {
                    Some(at) => Cell::Stated(Some(at)),
                    None => Cell::Unstated(None),
                },
                excepted_at: Cell::Stated(include.excepted_at),
                stamp: include.stamp.clone(),
                item: include.item,
            }
        });
        let stored = upsert(tx, drafts.collect()).await?;
        for (nth, stored) in chunk.iter().zip(stored) {
            done[*nth] = Some(stored);
        }
    }
    done.into_iter().collect::<Option<_>>().ok_or(diesel::result::Error::NotFound)
}
