//! Boost versions: their spellings, and the rows of those that payloads name.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use diesel::QueryResult;

use crate::{
    db::sql::{SqlType, Statement, Value},
    draft,
    ingest::{
        kind::Context,
        register::Cell,
        stamp::Stamp,
        tx::Tx,
        upsert::{Done, upsert},
        value::Node,
    },
};

draft! {
    /// What a payload says about a release. The macro number follows from the key.
    pub struct VersionDraft, table boost_version, key { version: String };
    registers { version_key: i32, version_created_at: Option<DateTime<Utc>> }
}

/// A release of Boost, by its macro number `major*100000 + minor*100 + patch`; ordered by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(i32);

/// What a text is that should name a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spelling {
    /// A release.
    Release(Version),
    /// Numbers, but none that Boost's macro can express.
    OutOfRange,
    /// A branch, a beta, a release candidate, or no version at all.
    Other,
}

impl Version {
    /// The release that a text names, in any spelling.
    pub fn parse(text: &str) -> Option<Self> {
        match Spelling::of(text) {
            Spelling::Release(version) => Some(version),
            Spelling::OutOfRange | Spelling::Other => None,
        }
    }

    /// The number of the macro `BOOST_VERSION`.
    pub fn key(self) -> i32 {
        self.0
    }

    fn of_parts(major: i32, minor: i32, patch: i32) -> Option<Self> {
        if major < 1 || !(0..=999).contains(&minor) || !(0..=99).contains(&patch) {
            return None;
        }
        Some(Self(major.checked_mul(100_000)?.checked_add(minor * 100 + patch)?))
    }

    /// What is written of a release that is only named.
    fn stub(self, item: i32) -> VersionDraft {
        VersionDraft {
            version: self.to_string(),
            version_key: Cell::Unstated(self.0),
            version_created_at: Cell::Unstated(None),
            stamp: Stamp::BOTTOM,
            item,
        }
    }
}

/// The canonical form, `boost-1.84.0`.
impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "boost-{}.{}.{}", self.0 / 100_000, self.0 / 100 % 1_000, self.0 % 100)
    }
}

impl Spelling {
    /// Reads `1.84`, `1_84_0`, `boost-1.84.0`, `Boost 1.84.0`, `v1.84.0`, `refs/tags/…`, `108400`.
    pub fn of(text: &str) -> Self {
        let text = text.trim();
        let text = text.strip_prefix("refs/tags/").unwrap_or(text);
        let numbers = without_name(text);
        let parts: Vec<&str> = numbers.split(['.', '_', '-']).collect();
        if !parts.iter().all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit())) {
            return Self::Other;
        }
        let parsed: Option<Vec<i32>> = parts.iter().map(|part| part.parse().ok()).collect();
        let version = match (parts.len(), parsed.as_deref()) {
            (1, Some([number])) if *number < 100_000 => return Self::Other,
            (1, Some([number])) => {
                Version::of_parts(number / 100_000, number / 100 % 1_000, number % 100)
            }
            (2, Some([major, minor])) => Version::of_parts(*major, *minor, 0),
            (3, Some([major, minor, patch])) => Version::of_parts(*major, *minor, *patch),
            (1..=3, None) => None,
            _ => return Self::Other,
        };
        version.map_or(Self::OutOfRange, Self::Release)
    }
}

/// The text without `boost` or `v` and the separator behind it.
fn without_name(text: &str) -> &str {
    for name in ["boost", "v"] {
        if let Some(head) = text.get(..name.len())
            && head.eq_ignore_ascii_case(name)
        {
            let rest = &text[name.len()..];
            return rest.strip_prefix(['-', '_', '.', ' ']).unwrap_or(rest);
        }
    }
    text
}

/// The version of a payload: what `node` says, else `version=`. One that cannot be read is a fault.
pub fn stated(node: Node<'_>, context: &Context) -> Option<Version> {
    let given = context.param("version");
    let said = match node.raw() {
        Some(serde_json::Value::Number(number)) => Some(number.to_string()),
        _ => node.text().value().filter(|text| !text.trim().is_empty()),
    };
    let Some(text) = said.as_deref().or(given) else {
        node.fault(
            "missing_context",
            "The payload does not say of which version it is: add `version=boost-X.Y.Z`.",
        );
        return None;
    };
    let Some(version) = Version::parse(text) else {
        node.fault("invalid_version", format!("`{text}` is no release of Boost."));
        return None;
    };
    if said.is_some() && given.is_some_and(|given| Version::parse(given) != Some(version)) {
        node.warn("context_mismatch", format!("The payload is of {version}; it wins."));
    }
    Some(version)
}

/// Stores what is said about releases; one answer a draft.
pub async fn store(tx: &mut Tx<'_>, drafts: Vec<VersionDraft>) -> QueryResult<Vec<Done>> {
    upsert(tx, drafts).await
}

/// The rows of releases, `boost_version.id`; missing ones are made as stubs.
pub async fn ids(
    tx: &mut Tx<'_>,
    versions: &BTreeSet<Version>,
    item: i32,
) -> QueryResult<BTreeMap<Version, i64>> {
    let mut known = known(tx, versions).await?;
    let missing: Vec<Version> =
        versions.iter().filter(|version| !known.contains_key(version)).copied().collect();
    let drafts = missing.iter().map(|version| version.stub(item)).collect();
    for (version, done) in missing.into_iter().zip(upsert(tx, drafts).await?) {
        known.insert(version, done.id);
    }
    Ok(known)
}

async fn known(
    tx: &mut Tx<'_>,
    versions: &BTreeSet<Version>,
) -> QueryResult<BTreeMap<Version, i64>> {
    let mut select =
        Statement::new("select version_key, id from boost_version where version_key = any(");
    select.bind_all(SqlType::Int, versions.iter().map(|version| Value::Int(version.0))).push(")");
    let rows = tx.query(select).await?;
    Ok(rows
        .into_iter()
        .filter_map(|row| match row.0.as_slice() {
            [Value::Int(key), Value::BigInt(id)] => Some((Version(*key), *id)),
            _ => None,
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_is_one_version() {
        for text in [
            "1.84.0",
            "1_84_0",
            "boost-1.84.0",
            "1.84",
            "108400",
            "Boost 1.84.0",
            "v1.84.0",
            "refs/tags/boost-1.84.0",
            "boost_1_84_0",
            "1-84-0",
            " 1.84 ",
        ] {
            let version = Version::parse(text).map(|version| version.to_string());
            assert_eq!(version.as_deref(), Some("boost-1.84.0"), "{text}");
        }
        assert!(Version::parse("boost-1.100.0") > Version::parse("1.20.0"));
        assert_eq!(Version::parse("1.999.99").map(Version::key), Some(199_999));
    }

    #[test]
    fn what_is_no_release_is_told_apart() {
        for text in ["0.9", "1.1000.0", "1.84.100", "boost-0.7.0", "99999999999"] {
            assert_eq!(Spelling::of(text), Spelling::OutOfRange, "{text}");
        }
        for text in ["boost-1.84.0.beta1", "1.84.0-rc1", "develop", "master", "", "1", "1.84.0.1"] {
            assert_eq!(Spelling::of(text), Spelling::Other, "{text}");
        }
    }
}
