//! `youtube/transcripts`: WebVTT, as it is or in an object.

use serde_json::Value;

use super::{TRACKER, read_video_id, speakers::INTRODUCTION, video_id, vtt};
use crate::ingest::{
    archive::{Folder, RawPath},
    kind::{Accepted, Context, Read},
    stamp::{Stamp, digest},
    value::Node,
};

/// The longest transcript, in bytes.
const LONGEST: usize = 16 << 20;
/// The language of a transcript that does not say.
const ENGLISH: &str = "en";

/// A transcript.
#[derive(Debug)]
pub struct Transcript {
    /// The video that it is of.
    pub video_id: String,
    /// Its language, a BCP 47 tag.
    pub lang: String,
    /// What is said at the beginning: enough to know who speaks.
    pub head: String,
    /// Where it is archived.
    pub path: RawPath,
    /// The statement's stamp.
    pub stamp: Stamp,
}

/// Reads a transcript.
pub fn read(node: Node<'_>, context: &Context) -> Option<Read<Transcript>> {
    let (video, lang, content) = match node.raw() {
        Some(Value::String(_)) => (None, None, node),
        Some(Value::Object(_)) => {
            let video = node.first(&["video_id", "video"]);
            let lang = node.first(&["language", "lang"]);
            (Some(video), Some(lang), node.first(&["vtt", "content"]))
        }
        _ => {
            node.fault("unknown_shape", "A transcript is WebVTT, or an object with `vtt`.");
            return None;
        }
    };
    let video = which_video(node, video, context);
    let lang = which_language(lang.unwrap_or(node.get("language")), context);
    let text = content.str();
    if content.is_blank() {
        content.fault("missing_field", "The transcript is missing.");
    } else if text.is_none_or(|text| !vtt::is_vtt(text)) {
        content.fault("invalid_vtt", "A transcript begins with `WEBVTT`.");
    } else if text.is_some_and(|text| text.len() > LONGEST) {
        content.fault("too_long", "A transcript is at most 16 MiB.");
    }
    let (video_id, lang) = (video?, lang?);
    let text = text.filter(|text| vtt::is_vtt(text) && text.len() <= LONGEST)?;
    let stem = format!("{video_id}.{lang}");
    let path = Folder::of(TRACKER).fixed("transcripts").file(&stem, "vtt");
    let stamp = Stamp {
        source_at: Some(context.stated_at()),
        rank: 0,
        as_of: context.as_of,
        digest: digest(&(&video_id, &lang, text)),
    };
    let accepted =
        Accepted { key: format!("{video_id}:{lang}"), path: path.clone(), stamp: stamp.clone() };
    let head = vtt::plain_text(text).chars().take(INTRODUCTION).collect();
    Some(Read { item: Transcript { video_id, lang, head, path, stamp }, accepted })
}

/// The video of the payload, else of the parameter.
fn which_video(node: Node<'_>, stated: Option<Node<'_>>, context: &Context) -> Option<String> {
    let given = context.param("video");
    if let Some(place) = stated.filter(|place| !place.is_blank()) {
        let stated = read_video_id(place)?;
        if given.is_some_and(|given| given != stated) {
            place.warn("context_mismatch", format!("The payload is of {stated}; it wins."));
        }
        return Some(stated);
    }
    let Some(given) = given else {
        let place = stated.unwrap_or(node);
        place.fault("missing_context", "Of which video is this? Add `video=` and its id.");
        return None;
    };
    let valid = video_id(given);
    if valid.is_none() {
        node.fault("invalid_id", "`video` is 1 to 64 letters, digits, `_` or `-`.");
    }
    valid.map(str::to_owned)
}

/// The language of the payload, else of the parameter, else English.
fn which_language(stated: Node<'_>, context: &Context) -> Option<String> {
    let given = context.param("lang");
    let said = stated.str().map(str::trim).filter(|lang| !lang.is_empty());
    if let (Some(said), Some(given)) = (said, given)
        && said != given
    {
        stated.warn("context_mismatch", format!("The payload is in {said}; it wins."));
    }
    let lang = said.or(given).unwrap_or(ENGLISH);
    let is_tag = lang.len() <= 64
        && lang
            .split('-')
            .all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    if !is_tag {
        stated.fault("invalid_type", "A language is a BCP 47 tag such as `en` or `pt-BR`.");
    }
    is_tag.then(|| lang.to_owned())
}

/// The language that is shown: English, else a kind of it, else the first in byte order.
pub fn preferred<'l>(langs: impl IntoIterator<Item = &'l str>) -> Option<&'l str> {
    langs.into_iter().min_by_key(|lang| {
        let lower = lang.to_ascii_lowercase();
        let rank = match lower.strip_prefix(ENGLISH) {
            Some("") => 0,
            Some(region) if region.starts_with('-') => 1,
            _ => 2,
        };
        (rank, *lang)
    })
}

#[cfg(test)]
mod tests {
    use super::preferred;

    #[test]
    fn english_comes_first() {
        assert_eq!(preferred(["de", "en-GB", "en"]), Some("en"));
        assert_eq!(preferred(["de", "en-US", "en-GB", "enm"]), Some("en-GB"));
        assert_eq!(preferred(["fr", "de", "enm"]), Some("de"));
        assert_eq!(preferred([]), None);
    }
}
