//! `boost/versions`: tags, releases, and rows of ours as versions.

use chrono::{DateTime, Utc};
use diesel::QueryResult;
use serde::Serialize;
use serde_json::Value;

use super::{
    TRACKER, graph,
    version::{self, Spelling, Version, VersionDraft},
};
use crate::ingest::{
    archive::Folder,
    kind::{Accepted, Context, Outcome, Read},
    register::Cell,
    stamp::{Stamp, digest},
    tx::Tx,
    upsert::Action,
    value::Node,
};

/// A tag or release of Boost.
#[derive(Debug)]
pub struct Release {
    /// The version; none where the item is a beta, a draft, a branch.
    pub version: Option<Version>,
    /// When it was released, if the item says so.
    pub released_at: Option<DateTime<Utc>>,
    /// The statement's stamp.
    pub stamp: Stamp,
}

/// What a statement's digest is made of.
#[derive(Serialize)]
struct Said {
    version: i32,
    released_at: Option<DateTime<Utc>>,
}

/// Reads `{"name": tag}`, `{"tag_name"}` of a release, `{"version"}`, or a bare text or number. What
/// is no release is accepted and ignored.
pub fn read(node: Node<'_>, context: &Context) -> Option<Read<Release>> {
    let (name, place) = name_of(node)?;
    let is_unfinished = ["draft", "prerelease"]
        .into_iter()
        .any(|key| node.get(key).raw().and_then(Value::as_bool) == Some(true));
    let version = match Spelling::of(&name) {
        Spelling::Release(version) if !is_unfinished => Some(version),
        Spelling::OutOfRange => {
            place.fault(
                "invalid_version",
                format!("`{name}` is outside 1.0.0 to 21473.999.99, minor ≤ 999, patch ≤ 99."),
            );
            return None;
        }
        _ => {
            place.warn("not_a_release", format!("`{name}` is no release of Boost; it is ignored."));
            None
        }
    };
    let released_at = [
        node.get("version_created_at"),
        node.get("date"),
        node.get("commit").get("commit").get("author").get("date"),
        node.get("published_at"),
    ]
    .into_iter()
    .filter(|at| at.raw().is_some_and(|value| value.as_str().is_none_or(|s| !s.trim().is_empty())))
    .find_map(|at| at.instant().value());
    let said = Said { version: version.map_or(0, Version::key), released_at };
    let stamp = Stamp {
        source_at: Some(context.stated_at()),
        rank: 0,
        as_of: context.as_of,
        digest: digest(&said),
    };
    let key = version.map_or_else(|| name.clone(), |version| version.to_string());
    let accepted = Accepted {
        path: Folder::of(TRACKER).fixed("versions").file(&key, "json"),
        key,
        stamp: stamp.clone(),
    };
    Some(Read { item: Release { version, released_at, stamp }, accepted })
}

/// The name of a tag or release, and where it stands.
fn name_of(node: Node<'_>) -> Option<(String, Node<'_>)> {
    let text = |node: Node<'_>| match node.raw()? {
        Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    if let Some(name) = text(node) {
        return Some((name, node));
    }
    if !node.raw().is_some_and(Value::is_object) {
        node.fault("unknown_shape", "A version is an object, a text or a number.");
        return None;
    }
    // A release's `name` is its title, and a tag has no other.
    let named = ["version", "tag_name", "ref", "name"].into_iter().find_map(|key| {
        let place = node.get(key);
        Some((text(place)?, place))
    });
    if named.is_none() {
        node.get("version").fault("missing_field", "The version is missing.");
    }
    named
}

/// Stores releases; one outcome for each, in order. The log of dependencies is dated by them.
pub async fn store(tx: &mut Tx<'_>, items: &[(i32, &Release)]) -> QueryResult<Vec<Outcome>> {
    super::lock(tx).await?;
    let mut drafts = Vec::new();
    for (index, release) in items {
        let Some(version) = release.version else { continue };
        drafts.push(VersionDraft {
            version: version.to_string(),
            // The number says nothing new, but that the release is one: a stub is only named.
            version_key: Cell::Stated(version.key()),
            version_created_at: match release.released_at {
                Some(at) => Cell::Stated(Some(at)),
                None => Cell::Unstated(None),
            },
            stamp: release.stamp.clone(),
            item: *index,
        });
    }
    let mut done = version::store(tx, drafts).await?.into_iter();
    let outcomes: Vec<Outcome> = items
        .iter()
        .map(|(_, release)| match release.version.and_then(|_| done.next()) {
            Some(done) => {
                Outcome { action: done.action, table: "boost_version", row_id: Some(done.id) }
            }
            None => Outcome { action: Action::Unchanged, table: "boost_version", row_id: None },
        })
        .collect();
    if outcomes.iter().any(|outcome| matches!(outcome.action, Action::Inserted | Action::Updated)) {
        graph::derive_log(tx).await?;
    }
    Ok(outcomes)
}
