//! `youtube/transcripts`: `WebVTT`, as it is or in an object.

use serde_json::Value;

use super::{TRACKER, read_video_id, speakers::INTRODUCTION, video_id, vtt};
use crate::ingest::{
    archive::{Folder, RawPath},
    clean,
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
    let (video, lang, vtt_text) = match node.raw() {
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
    let text = vtt_text.str();
    if vtt_text.is_blank() {
        vtt_text.fault("missing_field", "The transcript is missing.");
    } else if text.is_none_or(|text| !vtt::is_vtt(text)) {
        vtt_text.fault("invalid_vtt", "A transcript begins with `WEBVTT`.");
    } else if text.is_some_and(|text| text.len() > LONGEST) {
        vtt_text.fault("too_long", "A transcript is at most 16 MiB.");
    }
    let (video_id, lang) = (video?, lang?);
    let text = text.filter(|text| vtt::is_vtt(text) && text.len() <= LONGEST)?;
    let path = archived(&video_id, &lang);
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
    let is_tag = is_language(lang);
    if !is_tag {
        stated.fault("invalid_type", "A language is a BCP 47 tag such as `en` or `pt-BR`.");
    }
    is_tag.then(|| lang.to_owned())
}

/// Whether a text has the form of a BCP 47 tag.
pub fn is_language(text: &str) -> bool {
    let is_part =
        |part: &str| !part.is_empty() && part.bytes().all(|it| it.is_ascii_alphanumeric());
    text.len() <= 64 && text.split('-').all(is_part)
}

/// Where the archive has the transcript of a video in a language.
pub fn archived(video_id: &str, lang: &str) -> RawPath {
    Folder::of(TRACKER).fixed("transcripts").file(&format!("{video_id}.{lang}"), "vtt")
}

/// The `WebVTT` in an archived document, which is that or an object that holds it.
pub fn text_of(document: Vec<u8>) -> Option<String> {
    if let Ok(text) = std::str::from_utf8(&document)
        && vtt::is_vtt(text)
    {
        return String::from_utf8(document).ok();
    }
    let lossy = String::from_utf8_lossy(&document);
    if vtt::is_vtt(&lossy) {
        return Some(lossy.into_owned());
    }
    let (object, _) = clean::parse(&document).ok()?;
    let text = ["vtt", "content"].into_iter().find_map(|key| object.get(key)?.as_str())?;
    vtt::is_vtt(text).then(|| text.to_owned())
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
