//! How often each table was changed, as far as this server has heard: a cheap way to tell that
//! nothing has.

use std::{
    collections::HashMap,
    fmt,
    sync::atomic::{AtomicU64, Ordering},
};

use uuid::Uuid;

use crate::domains::domain::Domain;

/// A counter of changes for each served table, in memory.
///
/// Two equal [`Stamp`]s of the same tables mean that no transaction which this server has heard of
/// committed a change between them: what was read after the first was taken is still good. So take
/// the stamp *before* reading. What a request to this server stored it knows before that request is
/// answered, what another server stored some milliseconds after the commit, and what was written past
/// any server within a second.
#[derive(Debug)]
pub struct Versions {
    counters: HashMap<&'static str, AtomicU64>,
    /// The tables that a table's rows show columns of, or whose rows decide who may see them.
    read_with: HashMap<&'static str, Vec<&'static str>>,
    /// Names a time of listening without a gap; 0 while nothing is heard.
    session: AtomicU64,
}

/// The state of some tables. Stamps are compared for equality only; no two servers, nor one before
/// and after a restart or a lost connection, ever give the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Stamp {
    session: u64,
    changes: u64,
}

impl Versions {
    /// Counters of every table that the domains serve.
    pub(crate) fn new(domains: &[Domain]) -> Self {
        let resources = || domains.iter().flat_map(|domain| &domain.resources);
        let tables: Vec<_> = resources().map(|resource| resource.table).collect();
        let read_with = resources().map(|resource| {
            let is_read = |table: &&&'static str| {
                resource.columns.iter().any(|column| column.table == **table)
                    || resource.public.is_some_and(|public| public.contains(**table))
            };
            let mut read: Vec<_> = tables.iter().filter(is_read).copied().collect();
            if !read.contains(&resource.table) {
                read.push(resource.table);
            }
            (resource.table, read)
        });
        Self {
            counters: tables.iter().map(|table| (*table, AtomicU64::new(0))).collect(),
            read_with: read_with.collect(),
            session: AtomicU64::new(0),
        }
    }

    /// The stamp of these tables, and of those that their rows are served with (a subtype's base,
    /// a message's channel). None while this server does not hear of changes, and for a table that
    /// is not served: then nothing can be told.
    pub fn of(&self, tables: &[&str]) -> Option<Stamp> {
        let session = self.session.load(Ordering::Acquire);
        if session == 0 {
            return None;
        }
        let mut changes = 0_u64;
        for table in tables {
            for read in self.read_with.get(table)? {
                changes += self.counters.get(read)?.load(Ordering::Acquire);
            }
        }
        Some(Stamp { session, changes })
    }

    /// Whether a table is served.
    pub fn serves(&self, table: &str) -> bool {
        self.counters.contains_key(table)
    }

    /// Counts a change of a table.
    pub fn bump(&self, table: &str) {
        if let Some(counter) = self.counters.get(table) {
            counter.fetch_add(1, Ordering::AcqRel);
        }
    }

    /// From here on every change is heard of.
    pub(super) fn begin(&self) {
        let session = Uuid::now_v7().as_u64_pair().1;
        self.session.store(session, Ordering::Release);
    }

    /// Changes are not heard of any more.
    pub(super) fn end(&self) {
        self.session.store(0, Ordering::Release);
    }

    /// Whether changes are heard of.
    pub(super) fn is_listening(&self) -> bool {
        self.session.load(Ordering::Acquire) != 0
    }
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}-{:x}", self.session, self.changes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domains;

    #[test]
    fn a_stamp_changes_with_its_tables_and_what_they_are_read_with() {
        let versions = Versions::new(&domains::all());
        assert_eq!(versions.of(&["git_commit"]), None, "nothing is heard yet");
        versions.begin();
        let take = |table| versions.of(&[table]).unwrap();
        let tables = ["git_commit", "github_account", "slack_message"];
        let before = tables.map(take);
        assert_eq!(tables.map(take), before);
        versions.bump("base_profile");
        versions.bump("slack_channel");
        let after = tables.map(take);
        assert_eq!(after[0], before[0]);
        assert_ne!(after[1], before[1], "an account is served with its profile");
        assert_ne!(after[2], before[2], "a message is as public as its channel");
        assert_eq!(versions.of(&["git_commit", "nope"]), None);
    }

    #[test]
    fn no_stamp_outlives_a_gap() {
        let versions = Versions::new(&domains::all());
        versions.begin();
        let before = versions.of(&["issue"]);
        versions.end();
        assert_eq!(versions.of(&["issue"]), None);
        versions.begin();
        assert_ne!(versions.of(&["issue"]), before);
    }
}
