//! What documents say of a repository's libraries, taken together.
//!
//! A column is what the newest document of its version that states it says; a library is in a version
//! if the newest full list of that version (or a later part of one) names it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{libraries::Entry, people::Named};

/// What is kept of a document.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Said {
    /// The version's macro number.
    pub version: i32,
    /// Whether it lists every library of the repository.
    pub is_full: bool,
    /// The libraries.
    pub entries: Vec<Entry>,
}

/// A library in a version, as its documents say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LibraryRow {
    /// The C++ standard.
    pub cpp_version: String,
    /// What it is for.
    pub description: String,
    /// Where its documentation is.
    pub documentation: String,
    /// Its key.
    pub key: String,
    /// Who wrote it.
    pub authors: BTreeSet<Named>,
    /// Who maintains it.
    pub maintainers: BTreeSet<Named>,
    /// Its categories, if any document of the version has the key.
    pub categories: Option<Vec<String>>,
}

impl LibraryRow {
    fn state(&mut self, entry: &Entry) {
        for (column, stated) in [
            (&mut self.cpp_version, &entry.cpp_version),
            (&mut self.description, &entry.description),
            (&mut self.documentation, &entry.documentation),
            (&mut self.key, &entry.key),
        ] {
            if let Some(stated) = stated {
                column.clone_from(stated);
            }
        }
        let set = |people: &Vec<Named>| people.iter().cloned().collect();
        if let Some(authors) = &entry.authors {
            self.authors = set(authors);
        }
        if let Some(maintainers) = &entry.maintainers {
            self.maintainers = set(maintainers);
        }
        if entry.categories.is_some() {
            self.categories.clone_from(&entry.categories);
        }
    }

    /// Whether the row has everything that an entry states.
    pub fn holds(&self, entry: &Entry) -> bool {
        let mut with = self.clone();
        with.state(entry);
        with == *self
    }
}

/// The libraries of a repository.
#[derive(Debug, Default)]
pub struct Derived {
    /// Each that was ever named.
    pub names: BTreeSet<String>,
    /// Versions of which the repository's libraries are listed.
    pub listed: BTreeSet<i32>,
    /// Libraries in versions, by name and macro number.
    pub rows: BTreeMap<(String, i32), LibraryRow>,
    /// Every category that was ever named.
    pub categories: BTreeSet<String>,
    /// Everybody who was ever named, with the statement that did.
    pub people: Vec<(Named, usize)>,
}

impl Derived {
    /// Folds documents in stamp order.
    pub fn of(said: &[Said]) -> Self {
        let mut derived = Self::default();
        let mut rows: BTreeMap<(String, i32), LibraryRow> = BTreeMap::new();
        let mut present: BTreeMap<i32, BTreeSet<String>> = BTreeMap::new();
        for (nth, said) in said.iter().enumerate() {
            let list = present.entry(said.version).or_default();
            if said.is_full {
                list.clear();
                derived.listed.insert(said.version);
            }
            for entry in &said.entries {
                list.insert(entry.name.clone());
                derived.names.insert(entry.name.clone());
                derived.categories.extend(entry.categories.iter().flatten().cloned());
                let people = entry.authors.iter().chain(&entry.maintainers).flatten();
                derived.people.extend(people.map(|person| (person.clone(), nth)));
                rows.entry((entry.name.clone(), said.version)).or_default().state(entry);
            }
        }
        rows.retain(|(name, version), _| present.get(version).is_some_and(|l| l.contains(name)));
        derived.rows = rows;
        derived
    }

    /// The categories of a library: those of its greatest version that states any.
    pub fn categories_of(&self, name: &str) -> BTreeSet<&str> {
        self.rows
            .range((name.to_owned(), i32::MIN)..=(name.to_owned(), i32::MAX))
            .rev()
            .find_map(|(_, row)| row.categories.as_ref())
            .into_iter()
            .flatten()
            .map(String::as_str)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(version: i32, is_full: bool, entries: serde_json::Value) -> Said {
        Said { version, is_full, entries: serde_json::from_value(entries).unwrap() }
    }

    #[test]
    fn columns_outlive_documents_that_do_not_state_them() {
        let derived = Derived::of(&[
            said(1, true, serde_json::json!([{"name": "a", "description": "d", "key": "k"}])),
            said(1, true, serde_json::json!([])),
            said(1, true, serde_json::json!([{"name": "a", "key": "l"}])),
        ]);
        let row = &derived.rows[&("a".to_owned(), 1)];
        assert_eq!((row.description.as_str(), row.key.as_str()), ("d", "l"));
    }

    #[test]
    fn a_part_of_a_list_takes_nothing_away() {
        let derived = Derived::of(&[
            said(1, true, serde_json::json!([{"name": "a"}, {"name": "b"}])),
            said(1, true, serde_json::json!([{"name": "a"}])),
            said(1, false, serde_json::json!([{"name": "c"}])),
        ]);
        let names: Vec<&str> = derived.rows.keys().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["a", "c"]);
        assert_eq!(derived.names.len(), 3);
    }

    #[test]
    fn categories_are_those_of_the_greatest_version_that_states_any() {
        let derived = Derived::of(&[
            said(3, true, serde_json::json!([{"name": "a"}])),
            said(2, true, serde_json::json!([{"name": "a", "categories": ["new"]}])),
            said(1, true, serde_json::json!([{"name": "a", "categories": ["old"]}])),
        ]);
        assert_eq!(derived.categories_of("a"), ["new"].into());
    }
}
