//! `github/created-repos-by-language`: how many repositories were created in a year.

use diesel::QueryResult;
use serde::Serialize;

use super::{Item, KEY_LENGTH, TRACKER};
use crate::{
    draft,
    ingest::{
        archive::Folder,
        kind::{Accepted, Context, Outcome, Read},
        register::Cell,
        stamp::{Stamp, digest},
        tx::Tx,
        upsert::upsert,
        value::Node,
    },
};

draft! {
    /// What a payload says about a language's year.
    pub struct CreatedReposDraft, table created_repos_by_language,
        key { language_id: i64, year: i32 };
    registers { all_repos: i64, significant_repos: i64 }
    dates { created_at, updated_at }
}

/// A language's year.
#[derive(Debug, Serialize)]
pub struct CreatedRepos {
    /// The language.
    #[serde(skip)]
    pub language: String,
    /// The year.
    #[serde(skip)]
    pub year: i32,
    /// Repositories created.
    pub all_repos: Option<i64>,
    /// Those with more than 10 stars.
    pub significant_repos: Option<i64>,
    /// The statement's stamp.
    #[serde(skip)]
    pub stamp: Stamp,
}

/// Reads one row.
pub fn read(node: Node<'_>, context: &Context) -> Option<Read<Item>> {
    if node.raw().is_none_or(|value| !value.is_object()) {
        node.fault("unknown_shape", "A row is an object.");
        return None;
    }
    let language = node.get("language");
    let name = language.str().map(str::trim).filter(|name| !name.is_empty());
    if name.is_none() {
        language.fault("missing_field", "The language has no name.");
    } else if name.is_some_and(|name| name.len() > KEY_LENGTH) {
        language.fault("too_long", "The language's name is longer than 2,000 bytes.");
    }
    let year = node.get("year").integer::<i32>(1970..=2100).value();
    if year.is_none() && node.get("year").is_blank() {
        node.get("year").fault("missing_field", "The year is missing.");
    }
    let count = |key| node.get(key).count64().or_default();
    let mut row = CreatedRepos {
        language: name?.to_owned(),
        year: year?,
        all_repos: count("all_repos"),
        significant_repos: count("significant_repos"),
        stamp: Stamp::BOTTOM,
    };
    // No source time: true at `as_of`, else when we received it.
    let source_at = context.as_of.or(Some(context.received_at));
    row.stamp = Stamp { source_at, rank: 0, as_of: context.as_of, digest: digest(&row) };
    let stem = format!("{}-{}", row.language, row.year);
    let accepted = Accepted {
        key: format!("{}:{}", row.language, row.year),
        path: Folder::of(TRACKER).fixed("_created_repos").file(&stem, "json"),
        stamp: row.stamp.clone(),
    };
    Some(Read { item: Item::CreatedRepos(Box::new(row)), accepted })
}

/// Stores rows whose languages are known.
pub async fn store(
    tx: &mut Tx<'_>,
    rows: &[(i32, &CreatedRepos, i64)],
) -> QueryResult<Vec<Outcome>> {
    let drafts = rows
        .iter()
        .map(|(item, row, language_id)| CreatedReposDraft {
            language_id: *language_id,
            year: row.year,
            all_repos: Cell::of(row.all_repos),
            significant_repos: Cell::of(row.significant_repos),
            stamp: row.stamp.clone(),
            item: *item,
        })
        .collect();
    let done = upsert(tx, drafts).await?;
    Ok(done
        .into_iter()
        .map(|done| Outcome {
            action: done.action,
            table: "created_repos_by_language",
            row_id: Some(done.id),
        })
        .collect())
}
