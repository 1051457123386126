//! `youtube/videos`: flat, or as the YouTube Data API gives them.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::{KEY_LENGTH, TRACKER, duration, read_video_id, straight};
use crate::{
    domains::github::ingest::text_number_option,
    draft,
    ingest::{
        archive::Folder,
        kind::{Accepted, Context, Location, Read},
        register::Cell,
        stamp::{Stamp, digest},
        value::{Node, instant},
    },
};

/// The most tags of a video.
const TAGS: usize = 1_000;
/// The most speakers that a payload names.
const SPEAKERS: usize = 50;
/// The longest id of a channel, in bytes.
const CHANNEL: usize = 200;

draft! {
    /// What a payload says about a channel.
    pub struct ChannelDraft, table youtube_channel, key { channel_id: String };
    registers { channel_title: String }
    dates { created_at, updated_at }
}

draft! {
    /// What a payload says about a video. What is derived from transcripts is no register.
    pub struct VideoDraft, table youtube_video, key { video_id: String };
    registers {
        channel_id: Option<String>,
        title: String,
        description: String,
        published_at: Option<DateTime<Utc>>,
        duration_seconds: i32,
        view_count: Option<i64>,
        like_count: Option<i64>,
        comment_count: Option<i64>,
        search_term: String,
        scraped_at: Option<DateTime<Utc>>,
        given_speakers: Option<String>,
    }
    sets { tags }
    dates { created_at, updated_at }
}

/// A video. What is `None` is not stated: blank never overwrites.
#[derive(Debug, Serialize)]
pub struct Video {
    /// YouTube's id.
    pub video_id: String,
    /// YouTube's id of the channel.
    pub channel_id: Option<String>,
    /// The channel's title.
    pub channel_title: Option<String>,
    /// The title.
    pub title: Option<String>,
    /// The description.
    pub description: Option<String>,
    /// When it was published.
    pub published_at: Option<DateTime<Utc>>,
    /// Length in seconds.
    pub duration_seconds: Option<i32>,
    /// Views.
    #[serde(serialize_with = "text_number_option")]
    pub view_count: Option<i64>,
    /// Likes.
    #[serde(serialize_with = "text_number_option")]
    pub like_count: Option<i64>,
    /// Comments.
    #[serde(serialize_with = "text_number_option")]
    pub comment_count: Option<i64>,
    /// The search that found it.
    pub search_term: Option<String>,
    /// Every tag, lower-case.
    pub tags: Option<BTreeSet<String>>,
    /// The speakers, where the payload names them.
    pub speakers: Option<Vec<String>>,
    /// The statement's stamp; its time is when the video was fetched.
    #[serde(skip)]
    pub stamp: Stamp,
}

fn nullable<T>(value: Option<T>) -> Cell<Option<T>> {
    match value {
        Some(value) => Cell::Stated(Some(value)),
        None => Cell::Unstated(None),
    }
}

impl Video {
    /// What is written of it.
    pub fn draft(&self, item: i32) -> VideoDraft {
        let given = self.speakers.as_ref().map(|names| serde_json::json!(names).to_string());
        VideoDraft {
            video_id: self.video_id.clone(),
            channel_id: nullable(self.channel_id.clone()),
            title: Cell::of(self.title.clone()),
            description: Cell::of(self.description.clone()),
            published_at: nullable(self.published_at),
            duration_seconds: Cell::of(self.duration_seconds),
            view_count: nullable(self.view_count),
            like_count: nullable(self.like_count),
            comment_count: nullable(self.comment_count),
            search_term: Cell::of(self.search_term.clone()),
            scraped_at: nullable(self.stamp.source_at),
            given_speakers: nullable(given),
            tags: if self.tags.is_some() { Cell::Stated(()) } else { Cell::Unstated(()) },
            stamp: self.stamp.clone(),
            item,
        }
    }

    /// What is written of its channel.
    pub fn channel(&self, item: i32) -> Option<ChannelDraft> {
        Some(ChannelDraft {
            channel_id: self.channel_id.clone()?,
            channel_title: Cell::of(self.channel_title.clone()),
            stamp: self.stamp.clone(),
            item,
        })
    }
}

/// A video of which only a transcript was seen.
pub fn stub(video_id: &str, item: i32) -> VideoDraft {
    VideoDraft {
        video_id: video_id.to_owned(),
        channel_id: Cell::Unstated(None),
        title: Cell::Unstated(String::new()),
        description: Cell::Unstated(String::new()),
        published_at: Cell::Unstated(None),
        duration_seconds: Cell::Unstated(0),
        view_count: Cell::Unstated(None),
        like_count: Cell::Unstated(None),
        comment_count: Cell::Unstated(None),
        search_term: Cell::Unstated(String::new()),
        scraped_at: Cell::Unstated(None),
        given_speakers: Cell::Unstated(None),
        tags: Cell::Unstated(()),
        stamp: Stamp::BOTTOM,
        item,
    }
}

/// Where a payload's id stands: flat, of a video, or of a search result.
fn id_of(node: Node<'_>) -> Node<'_> {
    let flat = node.get("video_id");
    let id = node.get("id");
    match () {
        () if flat.is_stated() => flat,
        () if id.get("videoId").is_stated() => id.get("videoId"),
        () => id,
    }
}

/// Reads a video.
pub fn read(node: Node<'_>, context: &Context) -> Option<Read<Video>> {
    let resource = node.get("kind").str().unwrap_or("youtube#video");
    if node.raw().is_none_or(|value| !value.is_object())
        || !matches!(resource, "youtube#video" | "youtube#searchResult")
    {
        node.fault(
            "unknown_shape",
            "This is no video: neither flat nor one of YouTube's resources.",
        );
        return None;
    }
    let video_id = read_video_id(id_of(node));
    let snippet = node.get("snippet");
    let statistics = node.get("statistics");
    // The first of a flat member and YouTube's own that says something.
    let either = |flat: &'static str, of: Node<'_>, own: &'static str| {
        let (flat, own) = (node.get(flat), of.get(own));
        if flat.is_blank() && own.is_stated() { own.filled_text() } else { flat.filled_text() }
    };
    let count = |flat: &'static str, own: &'static str| {
        let (flat, own) = (node.get(flat), statistics.get(own));
        let place = if flat.is_blank() { own } else { flat };
        if place.str().is_some_and(|text| text.trim().is_empty()) {
            return None;
        }
        place.count64().value()
    };
    let published = node.get("published_at");
    let published = if published.is_blank() { snippet.get("publishedAt") } else { published };
    let scraped = node.get("scraped_at");
    let scraped_at = context.source_time(scraped.instant().value(), scraped);
    let channel_id = either("channel_id", snippet, "channelId").map(|id| id.trim().to_owned());
    if channel_id.as_ref().is_some_and(|id| id.len() > CHANNEL) {
        node.get("channel_id").fault("too_long", "A channel's id is at most 200 bytes.");
    }
    let tags = node.get("tags");
    let mut video = Video {
        channel_id,
        channel_title: either("channel_title", snippet, "channelTitle"),
        title: either("title", snippet, "title").map(|title| straight(&title)),
        description: either("description", snippet, "description"),
        published_at: published.instant().value(),
        duration_seconds: read_duration(node),
        view_count: count("view_count", "viewCount"),
        like_count: count("like_count", "likeCount"),
        comment_count: count("comment_count", "commentCount"),
        search_term: node.get("search_term").filled_text(),
        tags: read_tags(if tags.is_blank() { snippet.get("tags") } else { tags }),
        speakers: read_speakers(node.get("speakers")),
        video_id: video_id?,
        stamp: Stamp::BOTTOM,
    };
    video.stamp = Stamp {
        source_at: Some(scraped_at.unwrap_or_else(|| context.stated_at())),
        rank: 0,
        as_of: context.as_of,
        digest: digest(&video),
    };
    let accepted = Accepted {
        key: video.video_id.clone(),
        path: Folder::of(TRACKER).fixed("metadata").file(&video.video_id, "json"),
        stamp: video.stamp.clone(),
    };
    Some(Read { item: video, accepted })
}

/// Seconds, or a duration in ISO 8601.
fn read_duration(node: Node<'_>) -> Option<i32> {
    let flat = node.get("duration_seconds");
    let place = if flat.is_blank() { node.get("contentDetails").get("duration") } else { flat };
    match place.str().map(str::trim) {
        Some("") => None,
        Some(text) if text.starts_with('P') => {
            let seconds = duration::seconds(text).map(i32::try_from);
            match seconds {
                Some(Ok(seconds)) => return Some(seconds),
                Some(Err(_)) => place.fault("out_of_range", "The duration does not fit."),
                None => place.warn("bad_time", "This is no duration such as `PT1H2M3S`."),
            }
            None
        }
        _ => place.count32().value(),
    }
}

fn read_tags(node: Node<'_>) -> Option<BTreeSet<String>> {
    let mut tags = BTreeSet::new();
    for tag in node.elements()? {
        let Some(text) = tag.str() else {
            tag.fault("invalid_type", "A tag is a text.");
            continue;
        };
        let text = text.trim().to_lowercase();
        if text.len() > KEY_LENGTH {
            tag.fault("too_long", "A tag is at most 2,000 bytes.");
        } else if !text.is_empty() {
            tags.insert(text);
        }
    }
    if tags.len() > TAGS {
        node.fault("too_many_items", format!("A video has at most {TAGS} tags."));
    }
    Some(tags)
}

/// Names, as a list of texts or of objects with one.
fn read_speakers(node: Node<'_>) -> Option<Vec<String>> {
    let names: Vec<String> = node
        .elements()?
        .filter_map(|speaker| {
            let name = if speaker.str().is_some() { speaker } else { speaker.get("display_name") };
            name.filled_text()
        })
        .collect();
    if names.len() > SPEAKERS {
        node.fault("too_many_items", format!("A video has at most {SPEAKERS} speakers."));
    }
    Some(names)
}

/// Where a rejected video stands.
pub fn locate(node: Node<'_>) -> Location {
    let text = |flat: &'static str, own: &'static str| {
        node.get(flat).str().or_else(|| node.get("snippet").get(own).str())
    };
    Location {
        scope: text("channel_id", "channelId").map(str::to_owned),
        position: text("published_at", "publishedAt")
            .and_then(instant)
            .map(|at| at.timestamp_micros()),
    }
}
