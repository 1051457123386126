//! Reading acknowledgements and fail lists.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;

use crate::{
    domains::pinecone::cursor::Cursor,
    ingest::{
        archive::Folder,
        kind::{Accepted, Context, Read},
        stamp::{Stamp, digest},
        value::Node,
    },
};

/// The archive folder of the search index's syncer.
const TRACKER: &str = "cppa_pinecone_sync";
/// The most failed ids of one document.
const FAILED: usize = 200_000;
/// The longest id, in bytes.
const LONGEST: usize = 2_000;

/// How far the index has followed.
#[derive(Debug, Serialize)]
pub struct Progress {
    /// The time in the cursor, or the one given.
    pub at: DateTime<Utc>,
    /// The cursor as it was given back.
    pub cursor: Option<String>,
    /// The position in the cursor.
    #[serde(skip)]
    pub position: Option<i64>,
}

/// What the index says about an app type.
#[derive(Debug, Serialize)]
pub struct Said {
    /// The app type.
    pub app_type: String,
    /// How far it has followed; a fail list alone does not say.
    pub progress: Option<Progress>,
    /// Every document that it failed to take.
    pub failed: Option<BTreeSet<String>>,
    /// The stamp of its progress.
    #[serde(skip)]
    pub stamp: Stamp,
    /// The stamp of its list: between an acknowledgement and a fail list the later one counts.
    #[serde(skip)]
    pub list_stamp: Stamp,
}

/// Reads an acknowledgement.
pub fn read_ack(node: Node<'_>, context: &Context) -> Option<Read<Said>> {
    let app_type = app_type(node, context);
    let progress = progress(node, app_type.as_deref());
    let failed = failed(node.get("failed_ids"));
    let (app_type, progress) = (app_type?, progress?);
    let at = context.source_time(Some(progress.at), node.get("final_sync_at"));
    let position = progress.position;
    let said = Said {
        app_type,
        progress: Some(progress),
        failed,
        stamp: Stamp::BOTTOM,
        list_stamp: Stamp::BOTTOM,
    };
    // Of one time the greater position is the later one.
    let mut order = position.unwrap_or_default().to_be_bytes().to_vec();
    order.extend(digest(&said));
    let stamp = Stamp { source_at: at, rank: 0, as_of: context.as_of, digest: order };
    Some(accept(said, stamp, "acks", context))
}

/// Reads a fail list.
pub fn read_fail_list(node: Node<'_>, context: &Context) -> Option<Read<Said>> {
    let app_type = app_type(node, context);
    let list = node.get("failed_ids");
    if !list.is_stated() {
        list.fault("missing_field", "The list is missing; an empty one empties it.");
    }
    let said = Said {
        failed: failed(list),
        app_type: app_type?,
        progress: None,
        stamp: Stamp::BOTTOM,
        list_stamp: Stamp::BOTTOM,
    };
    let stamp = stated_now(&said, context);
    Some(accept(said, stamp, "fail-lists", context))
}

fn stated_now(said: &Said, context: &Context) -> Stamp {
    Stamp {
        source_at: Some(context.stated_at()),
        rank: 0,
        as_of: context.as_of,
        digest: digest(said),
    }
}

fn accept(said: Said, stamp: Stamp, kind: &'static str, context: &Context) -> Read<Said> {
    let list_stamp = stated_now(&said, context);
    let said = Said { stamp, list_stamp, ..said };
    let day = context.received_at.date_naive().to_string();
    let accepted = Accepted {
        key: said.app_type.clone(),
        path: Folder::of(TRACKER).said(&said.app_type).fixed(kind).file(&day, "json"),
        stamp: said.stamp.clone(),
    };
    Read { item: said, accepted }
}

fn app_type(node: Node<'_>, context: &Context) -> Option<String> {
    let place = node.get("app_type");
    let stated = place.text().value();
    let given = context.param("app_type");
    if let (Some(stated), Some(given)) = (&stated, given)
        && stated.trim() != given
    {
        place.warn("context_mismatch", format!("The payload is of {}; it wins.", stated.trim()));
    }
    let Some(name) = stated.as_deref().map(str::trim).or(given) else {
        place.fault(
            "missing_context",
            "The payload does not say of which app type it is: add `app_type=mailing`.",
        );
        return None;
    };
    let valid = is_app_type(name);
    if !valid {
        place.fault(
            "invalid_app_type",
            "An app type is 1 to 64 letters, digits, blanks or `._+-`, a letter or digit first.",
        );
    }
    valid.then(|| name.to_owned())
}

/// Whether a text is an app type: `[A-Za-z0-9][A-Za-z0-9 ._+-]{0,63}`.
pub fn is_app_type(name: &str) -> bool {
    name.len() <= 64
        && name.starts_with(|first: char| first.is_ascii_alphanumeric())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b" ._+-".contains(&byte))
}

/// The cursor, else the time that the old syncer gives.
fn progress(node: Node<'_>, app_type: Option<&str>) -> Option<Progress> {
    let (cursor, time) = (node.get("cursor"), node.get("final_sync_at"));
    let at = time.instant().value();
    if let Some(text) = cursor.filled_text() {
        let Some(opened) = Cursor::open(app_type?, text.trim()) else {
            cursor.fault(
                "invalid_cursor",
                "The cursor is damaged, or of another app type: give back what the feed gave.",
            );
            return None;
        };
        if at.is_some_and(|at| at != opened.at) {
            time.warn("context_mismatch", "The cursor says another time; it wins.");
        }
        return Some(Progress {
            at: opened.at,
            cursor: Some(text.trim().to_owned()),
            position: Some(opened.position),
        });
    }
    if at.is_none() && time.is_blank() {
        cursor.fault("missing_field", "An acknowledgement has a `cursor`, or a `final_sync_at`.");
    } else if at.is_none() {
        time.fault("missing_time", "This time cannot be read.");
    }
    Some(Progress { at: at?, cursor: None, position: None })
}

/// Ids, trimmed, of a list or of a text with commas.
fn failed(node: Node<'_>) -> Option<BTreeSet<String>> {
    let mut ids = BTreeSet::new();
    let mut add = |place: Node<'_>| match place.raw() {
        Some(Value::String(text)) => {
            for id in text.split(',').map(str::trim).filter(|id| !id.is_empty()) {
                if id.len() > LONGEST {
                    place.fault("too_long", "An id is at most 2,000 bytes.");
                } else {
                    ids.insert(id.to_owned());
                }
            }
        }
        Some(Value::Number(number)) => {
            ids.insert(number.to_string());
        }
        Some(Value::Null) | None => {}
        Some(_) => place.fault("invalid_type", "This is not an id."),
    };
    match node.elements() {
        Some(elements) => elements.for_each(&mut add),
        None if !node.is_stated() => return None,
        None => add(node),
    }
    if ids.len() > FAILED {
        node.fault("too_many_items", format!("There are at most {FAILED} ids."));
    }
    Some(ids)
}

#[cfg(test)]
mod tests {
    use super::is_app_type;

    #[test]
    fn app_types_are_plain_names() {
        for name in ["mailing", "discord-together-c-cpp", "slack-T1", "0", "C++ x_y.z"] {
            assert!(is_app_type(name), "{name}");
        }
        for name in ["", "-x", " x", "ä", "a/b", &"x".repeat(65)] {
            assert!(!is_app_type(name), "{name}");
        }
    }
}
