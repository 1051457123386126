//! Storing files of papers: their authors and mailings, then what they say, then the rows that follow.

use std::collections::{BTreeMap, HashMap, HashSet};

use diesel::{QueryResult, result::Error};

use super::{
    author,
    fold::{self, Derived, FOLD},
    mailing::{self, Mailing},
    paper::{Paper, Said},
    rows::{self, Written},
};
use crate::ingest::{
    kind::{Context, Outcome},
    statements::{self, Statement},
    tx::Tx,
    upsert::Action,
};

/// A file, and which document it came in.
#[derive(Debug, Clone, Copy)]
pub struct Filed<'p> {
    /// The document's place in the batch.
    pub document: usize,
    /// The item's index.
    pub item: i32,
    /// The file.
    pub paper: &'p Paper,
}

/// Stores files; one outcome for each, in order. `named` are the mailings that documents are about.
pub async fn store(
    tx: &mut Tx<'_>,
    files: &[Filed<'_>],
    named: Vec<(i32, Mailing)>,
    context: &Context,
) -> QueryResult<Vec<Outcome>> {
    let said: Vec<author::Said<'_>> = files
        .iter()
        .flat_map(|file| {
            file.paper.authors.iter().map(|author| author::Said {
                author,
                stamp: &file.paper.stamp,
                item: file.item,
            })
        })
        .collect();
    author::store(tx, &said).await?;
    let mailings = files.iter().map(|file| {
        let date = file.paper.said.mailing.clone().unwrap_or_else(|| mailing::UNKNOWN.to_owned());
        (file.item, Mailing::new(date, None, context))
    });
    mailing::store_once(tx, mailings.chain(named)).await?;

    let statements: Vec<Statement> = files.iter().map(statement).collect::<QueryResult<_>>()?;
    statements::keep(tx, FOLD, &statements).await?;
    let kept = statements::of(tx, FOLD, statements.iter().map(|one| one.scope.as_str())).await?;
    let mut folds: BTreeMap<String, BTreeMap<i32, Derived>> = kept
        .into_iter()
        .map(|(paper_id, statements)| (paper_id, fold::derive(&statements)))
        .collect();
    name_causes(files, &mut folds);
    let written = rows::write(tx, &folds).await?;
    outcomes(files, &folds, &written)
}

/// What a file says, kept for ever: each content once, as of when it was said last.
fn statement(file: &Filed<'_>) -> QueryResult<Statement> {
    let Paper { paper_id, said, stamp, .. } = file.paper;
    Ok(Statement {
        scope: paper_id.clone(),
        key: format!("{}:{}", said.year, hex::encode(&stamp.digest)),
        stamp: stamp.clone(),
        body: serde_json::to_value(said).map_err(|e| Error::SerializationError(e.into()))?,
        item: file.item,
    })
}

/// Says of each row which item made it what it is: one about the row itself, else one about its number.
fn name_causes(files: &[Filed<'_>], folds: &mut BTreeMap<String, BTreeMap<i32, Derived>>) {
    for is_exact in [false, true] {
        for file in files {
            let Some(years) = folds.get_mut(&file.paper.paper_id) else { continue };
            let own = fold::row_of(file.paper.said.year, years.keys().copied());
            for (_, row) in years.iter_mut().filter(|(year, _)| !is_exact || **year == own) {
                row.item = file.item;
            }
        }
    }
}

fn outcomes(
    files: &[Filed<'_>],
    folds: &BTreeMap<String, BTreeMap<i32, Derived>>,
    written: &HashMap<rows::Key<'_>, Written>,
) -> QueryResult<Vec<Outcome>> {
    // Of several files of one paper in a document, the one of the best format speaks.
    let mut best: HashMap<(usize, &str, i32), &Filed<'_>> = HashMap::new();
    for file in files {
        let group = (file.document, file.paper.paper_id.as_str(), file.paper.said.year);
        let known = best.entry(group).or_insert(file);
        if file.paper.stamp > known.paper.stamp {
            *known = file;
        }
    }
    let speaks: HashSet<i32> = best.values().map(|file| file.item).collect();
    let mut made = HashSet::new();
    files
        .iter()
        .map(|file| {
            let Paper { paper_id, said, .. } = file.paper;
            let years = folds.get(paper_id).ok_or(Error::NotFound)?;
            let year = fold::row_of(said.year, years.keys().copied());
            let row = written.get(&(paper_id.as_str(), year)).ok_or(Error::NotFound)?;
            let now: Option<&Said> = years.get(&year).and_then(|row| row.said.as_ref());
            let action = if !speaks.contains(&file.item) {
                Action::Unchanged
            } else if row.is_new && made.insert(row.id) {
                Action::Inserted
            } else if now.is_some_and(|now| !fold::holds(now, said)) {
                Action::Stale
            } else if row.is_changed && !row.is_new {
                Action::Updated
            } else {
                Action::Unchanged
            };
            Ok(Outcome { action, table: "wg21_paper", row_id: Some(row.id) })
        })
        .collect()
}
