//! Discord payloads: the files of `DiscordChatExporter`.
//!
//! * `export`: what surrounds the messages. * `message`: one of them. * `store`: rows of both.
//! * `listing`: what an export that lists a channel in full says about messages that it lacks.

pub mod export;
pub mod kinds;
pub mod listing;
pub mod message;
pub mod store;

use serde::Serializer;

use crate::ingest::value::Node;

/// The first instant that a snowflake can tell, in milliseconds since 1970.
pub const EPOCH: i64 = 1_420_070_400_000;

/// A positive 64-bit id, exact; anything else is `invalid_snowflake`.
fn snowflake(node: Node<'_>) -> Option<i64> {
    let id = node.maybe_id();
    if id.is_none() {
        node.fault("invalid_snowflake", "This is not a positive 64-bit integer.");
    }
    id
}

/// The same where there may be none: missing, null and `''` say so.
fn maybe_snowflake(node: Node<'_>) -> Option<i64> {
    let is_none = node.is_blank() || node.str().is_some_and(|text| text.trim().is_empty());
    if is_none { None } else { snowflake(node) }
}

/// Whether this is the id 0, which Discord gives to nothing: direct messages have no server, and a
/// deleted author no account.
fn is_zero(node: Node<'_>) -> bool {
    node.raw().is_some_and(|id| id.as_i64() == Some(0)) || node.str().map(str::trim) == Some("0")
}

/// Ids go into digests as text: canonical JSON has no exact 64-bit integers.
pub fn as_text<S: Serializer>(id: &i64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(id)
}

/// See [`as_text`].
pub fn maybe_as_text<S: Serializer>(id: &Option<i64>, serializer: S) -> Result<S::Ok, S::Error> {
    match id {
        Some(id) => serializer.collect_str(id),
        None => serializer.serialize_none(),
    }
}
