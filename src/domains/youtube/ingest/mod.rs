//! Talks on YouTube: videos, transcripts, and the speakers that are derived from both.

pub mod duration;
pub mod kinds;
pub mod names;
pub mod people;
pub mod speakers;
pub mod store;
pub mod transcripts;
pub mod videos;
pub mod vtt;

use crate::ingest::value::Node;

/// The archive folder of the collector of talks.
const TRACKER: &str = "cppa_youtube_script_tracker";
/// The longest text that is part of a key, in bytes.
const KEY_LENGTH: usize = 2_000;

/// A video's id, if a text is one: `[A-Za-z0-9_-]{1,64}`.
pub(super) fn video_id(text: &str) -> Option<&str> {
    let is_id = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    let id = text.trim();
    ((1..=64).contains(&id.len()) && id.bytes().all(is_id)).then_some(id)
}

/// The id at a node; one that is none is a fault.
fn read_video_id(node: Node<'_>) -> Option<String> {
    let id = node.str().and_then(video_id);
    if id.is_none() {
        node.fault("invalid_id", "A video's id is 1 to 64 letters, digits, `_` or `-`.");
    }
    id.map(str::to_owned)
}

/// A title or name with straight apostrophes.
fn straight(text: &str) -> String {
    text.replace('\u{2019}', "'")
}
