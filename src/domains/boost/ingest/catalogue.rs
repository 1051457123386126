//! The catalogue of libraries, and which of them a reference means.
//!
//! References are names of boostdep, names of CSV files, keys of documentation. What one means is a
//! function of the catalogue alone.

use std::collections::HashMap;

use diesel::QueryResult;
use diesel_async::RunQueryDsl;

use super::OWNER;
use crate::db::{
    Connection,
    sql::{Row, Statement, Value},
};

/// A library that is known from its own metadata.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Library {
    /// `boost_library.id`.
    pub id: i64,
    /// Its repository, `github_repository.id`.
    pub repo_id: i64,
    /// The repository's owner.
    pub owner: String,
    /// The repository's name.
    pub repo: String,
    /// Its name.
    pub name: String,
    /// Whether the newest release that has libraries has it.
    pub is_present: bool,
    /// Its keys in all releases.
    pub keys: Vec<String>,
}

/// Every library but stubs, found by what references may say.
#[derive(Debug, Default)]
pub struct Catalogue {
    libraries: Vec<Library>,
    by_name: HashMap<String, usize>,
    by_key: HashMap<String, usize>,
    by_folded: HashMap<String, usize>,
    by_repo: HashMap<String, usize>,
}

/// References that are no library's name, and the names they stand for, best first.
const ALIASES: &[(&str, &[&str])] = &[
    ("logic", &["Tribool"]),
    ("numeric/ublas", &["uBLAS"]),
    ("ublas", &["uBLAS"]),
    ("numeric/interval", &["Interval"]),
    ("interval", &["Interval"]),
    ("numeric/odeint", &["Odeint"]),
    ("odeint", &["Odeint"]),
    ("in_place_factory", &["In Place Factory", "Typed In Place Factory"]),
    ("string_algo", &["String Algo"]),
    ("functional_overloaded_function", &["Functional/Overloaded Function"]),
];

impl Catalogue {
    /// Reads it.
    pub async fn load(conn: &mut Connection) -> QueryResult<Self> {
        let statement = Statement::new(
            "with newest as (select v.id from boost_version v \
             where exists (select from boost_library_version lv where lv.version_id = v.id) \
             order by v.version_key desc limit 1) \
             select l.id, l.repo_id, a.username, r.repo_name, l.name, \
             exists (select from boost_library_version lv, newest n \
                     where lv.library_id = l.id and lv.version_id = n.id), \
             coalesce((select to_jsonb(array_agg(distinct lv.key)) from boost_library_version lv \
                       where lv.library_id = l.id and lv.key <> ''), '[]') \
             from boost_library l join github_repository r on r.id = l.repo_id \
             join github_account a on a.id = r.owner_account_id where not l.is_stub",
        );
        let rows: Vec<Row> = statement.load(conn).await?;
        Ok(Self::of(rows.into_iter().filter_map(library).collect()))
    }

    /// The catalogue of these libraries.
    pub fn of(mut libraries: Vec<Library>) -> Self {
        // The best of several matches is the first.
        libraries.sort_by(|a, b| {
            let rank = |l: &Library| (!l.is_present, format!("{}/{}", l.owner, l.repo));
            (rank(a), &a.name).cmp(&(rank(b), &b.name))
        });
        let mut found = Self::default();
        let mut of_repo: HashMap<String, Vec<usize>> = HashMap::new();
        for (index, library) in libraries.iter().enumerate() {
            found.by_name.entry(library.name.clone()).or_insert(index);
            found.by_folded.entry(fold(&library.name)).or_insert(index);
            for key in &library.keys {
                found.by_key.entry(key.clone()).or_insert(index);
            }
            if library.owner.eq_ignore_ascii_case(OWNER) {
                of_repo.entry(library.repo.to_lowercase()).or_default().push(index);
            }
        }
        found.by_repo = of_repo
            .into_iter()
            .filter_map(|(repo, libraries)| match libraries[..] {
                [only] => Some((repo, only)),
                _ => None,
            })
            .collect();
        found.libraries = libraries;
        found
    }

    /// The library that a reference means.
    pub fn resolve(&self, reference: &str) -> Option<&Library> {
        let reference = reference.trim();
        let path = reference.replace('~', "/");
        let alias = || {
            let (_, names) = ALIASES.iter().find(|(alias, _)| *alias == path)?;
            names.iter().find_map(|name| self.by_name.get(*name))
        };
        let index = self
            .by_name
            .get(reference)
            .or_else(|| self.by_key.get(&path))
            .or_else(alias)
            .or_else(|| self.by_folded.get(&fold(reference)))
            .or_else(|| self.by_repo.get(&repository_of(reference).to_lowercase()))?;
        self.libraries.get(*index)
    }

    /// The library of every file of a repository that nothing else is said about: its only one, else
    /// the one with the repository's name.
    pub fn default_of(&self, repo_id: i64) -> Option<&Library> {
        let mut libraries = self.libraries.iter().filter(|library| library.repo_id == repo_id);
        let first = libraries.next()?;
        if libraries.next().is_none() {
            return Some(first);
        }
        self.libraries
            .iter()
            .filter(|library| library.repo_id == repo_id)
            .filter(|library| fold(&library.name) == fold(&library.repo))
            .min_by(|a, b| a.name.cmp(&b.name))
    }

    /// Every library, best first.
    pub fn libraries(&self) -> &[Library] {
        &self.libraries
    }
}

/// The form that names are compared in: without case, separators as one `_`.
pub fn fold(name: &str) -> String {
    let mut folded = String::with_capacity(name.len());
    for c in name.trim().to_lowercase().chars() {
        if c.is_whitespace() || matches!(c, '~' | '/' | '_' | '-' | ',') {
            if !folded.ends_with('_') {
                folded.push('_');
            }
        } else {
            folded.push(c);
        }
    }
    folded
}

/// The repository that a reference would have if it were a library's of its own.
pub fn repository_of(reference: &str) -> String {
    reference
        .trim()
        .chars()
        .map(
            |c| if matches!(c, '~' | '/') || c.is_whitespace() || c.is_control() { '_' } else { c },
        )
        .collect()
}

fn library(row: Row) -> Option<Library> {
    match <[Value; 7]>::try_from(row.0) {
        Ok(
            [
                Value::BigInt(id),
                Value::BigInt(repo_id),
                Value::Text(owner),
                Value::Text(repo),
                Value::Text(name),
                Value::Bool(is_present),
                Value::Jsonb(keys),
            ],
        ) => Some(Library {
            id,
            repo_id,
            owner,
            repo,
            name,
            is_present,
            keys: serde_json::from_value(keys.0).unwrap_or_default(),
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn library(id: i64, repo: &str, name: &str, keys: &[&str]) -> Library {
        let (owner, repo) = repo.split_once('/').unwrap();
        Library {
            id,
            repo_id: i64::try_from(repo.len()).unwrap(),
            owner: owner.to_owned(),
            repo: repo.to_owned(),
            name: name.to_owned(),
            is_present: true,
            keys: keys.iter().map(|&key| key.to_owned()).collect(),
        }
    }

    #[test]
    fn a_reference_is_resolved_step_by_step() {
        let catalogue = Catalogue::of(vec![
            library(1, "boostorg/timer", "timer", &["timer"]),
            library(2, "boostorg/logic", "Tribool", &["logic/tribool"]),
            library(3, "boostorg/ublas", "uBLAS", &["numeric/ublas"]),
            library(
                4,
                "boostorg/numeric_conversion",
                "Numeric Conversion",
                &["numeric/conversion"],
            ),
            library(5, "boostorg/functional", "Functional/Forward", &["functional/forward"]),
            library(6, "boostorg/container_hash", "Hash", &[]),
            library(7, "acme/own", "own", &[]),
        ]);
        for (reference, id) in [
            ("timer", Some(1)),
            ("logic", Some(2)),
            ("numeric~ublas", Some(3)),
            ("ublas", Some(3)),
            ("numeric~conversion", Some(4)),
            ("functional-forward", Some(5)),
            ("container_hash", Some(6)),
            ("own", Some(7)),
            ("nothing", None),
        ] {
            let found = catalogue.resolve(reference).map(|library| library.id);
            assert_eq!(found, id, "{reference}");
        }
    }

    #[test]
    fn of_two_matches_the_first_of_the_newest_release_wins() {
        let gone = Library { is_present: false, ..library(1, "a/x", "same", &[]) };
        let catalogue = Catalogue::of(vec![
            gone,
            library(2, "c/x", "same", &[]),
            library(3, "b/x", "same", &[]),
        ]);
        assert_eq!(catalogue.resolve("same").map(|library| library.id), Some(3));
    }

    #[test]
    fn names_are_folded() {
        assert_eq!(fold("Functional/Overloaded Function"), "functional_overloaded_function");
        assert_eq!(fold(" a - b,c~d "), "a_b_c_d");
    }
}
