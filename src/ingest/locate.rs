//! Where rejected items stand, as the watermark of their kind knows them.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};

use super::{
    document::Document,
    kind::{Context, Location},
    read::{AnyKind, Entry},
    watermarks,
};
use crate::db::Connection;

/// What it takes to tell where items stand.
#[derive(Debug, Clone, Copy)]
pub struct Look<'a> {
    /// The kind.
    pub kind: &'static dyn AnyKind,
    /// What surrounds the items.
    pub context: &'a Context,
    /// The time now.
    pub now: DateTime<Utc>,
}

impl Look<'_> {
    /// Where the rejected items of a batch stand, entry by entry. One of which the position cannot be
    /// read counts as just above what was stored of its scope when it came: `highs`, else what is
    /// stored now.
    pub async fn locate(
        self,
        conn: &mut Connection,
        highs: Option<&HashMap<String, i64>>,
        documents: &[Document],
        entries: &[Entry],
    ) -> Vec<Location> {
        let mut locations: Vec<Location> =
            entries.iter().map(|entry| self.place(documents, entry)).collect();
        let is_open = |location: &&mut Location| location.position.is_none();
        let scopes: BTreeSet<String> =
            locations.iter_mut().filter(is_open).filter_map(|at| at.scope.clone()).collect();
        if scopes.is_empty() {
            return locations;
        }
        let asked;
        let highs = if let Some(highs) = highs {
            highs
        } else {
            asked = self.highs(conn, Some(&scopes.into_iter().collect::<Vec<_>>())).await;
            &asked
        };
        for location in locations.iter_mut().filter(is_open) {
            if let Some(scope) = &location.scope {
                let high = highs.get(&scope.to_lowercase());
                location.position = Some(watermarks::just_above(high));
            }
        }
        locations
    }

    fn place(self, documents: &[Document], entry: &Entry) -> Location {
        if entry.verdict.is_ok() || entry.location != Location::default() {
            return entry.location.clone();
        }
        // What is refused as a whole is of the scope that its first item tells.
        let only = Some(entry.part.unwrap_or(0));
        let mut found = self.kind.locations(&documents[entry.document], only, self.context);
        let mut location = found.pop().unwrap_or_default();
        location.position = location.position.filter(|_| entry.part.is_some());
        location
    }

    /// The highs of the kind's watermark. Without them a failure counts as below everything: that
    /// costs a scraper some work, and nothing is lost.
    pub async fn highs(
        self,
        conn: &mut Connection,
        scopes: Option<&[String]>,
    ) -> HashMap<String, i64> {
        let highs = watermarks::highs(conn, self.kind.spec(), scopes, self.now).await;
        highs.unwrap_or_else(|error| {
            tracing::warn!(%error, kind = ?self.kind, "the watermarks cannot be read");
            HashMap::new()
        })
    }
}
