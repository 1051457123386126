//! The kinds `youtube/videos` and `youtube/transcripts`.

use super::{
    store,
    transcripts::{self, Transcript},
    videos::{self, Video},
};
use crate::ingest::{
    kind::{Content, Context, Kind, Known, Location, Read, Spec, Storing, Watermark},
    read::AnyKind,
    tx::Tx,
    value::Node,
};

/// Videos of talks.
#[derive(Debug)]
pub struct Videos;

static VIDEOS: Spec = Spec {
    wrappers: &["items"],
    // Most payloads say when they were fetched; of the others only the manifest knows.
    source_time: false,
    schema: include_str!("schema/videos.json"),
    example: include_str!("example/videos.json"),
    watermark: Watermark::Of(
        "select s.scope, v.published_at as at, v.video_id as key, \
         (extract(epoch from v.published_at) * 1000000)::bigint as position \
         from youtube_video v \
         cross join lateral (values (v.channel_id), (nullif(v.search_term, ''))) s(scope) \
         where s.scope is not null and v.published_at <= v.updated_at + interval '1 day'",
    ),
    known: Known {
        key: "{video_id}",
        stored: "u join youtube_video v on v.video_id = u.video_id and v.source_at is not null",
        deleted: None,
    },
    ..Spec::new(
        "youtube",
        "videos",
        "Talks: flat, or the resources of the YouTube Data API, also inside `{\"items\": […]}`. \
         Their speakers are derived from titles, descriptions and transcripts.",
    )
};

impl Kind for Videos {
    type Item = Video;

    fn spec(&self) -> &'static Spec {
        &VIDEOS
    }

    fn read(&self, item: Node<'_>, context: &Context) -> Option<Read<Video>> {
        videos::read(item, context)
    }

    fn locate(&self, item: Node<'_>, _: &Context) -> Location {
        videos::locate(item)
    }

    fn store<'a>(
        &'a self,
        tx: &'a mut Tx<'_>,
        items: &'a [(i32, &'a Video)],
        _: &'a Context,
    ) -> Storing<'a> {
        Box::pin(store::store_videos(tx, items))
    }
}

/// Transcripts of talks.
#[derive(Debug)]
pub struct Transcripts;

static TRANSCRIPTS: Spec = Spec {
    takes: &[Content::Vtt, Content::Json],
    params: &["video", "lang"],
    source_time: false,
    schema: include_str!("schema/transcripts.json"),
    example: include_str!("example/transcripts.vtt"),
    watermark: Watermark::None("A transcript has no time of its own; ask which are known."),
    known: Known {
        key: "{video_id}:{lang}",
        stored: "u join statement s on s.fold = 'youtube.transcript' and s.scope = u.video_id \
                 and s.key = u.lang",
        deleted: None,
    },
    ..Spec::new(
        "youtube",
        "transcripts",
        "Transcripts of talks in WebVTT: as they are, with `video=` and `lang=`, or as \
         `{\"video_id\", \"language\", \"vtt\"}`.",
    )
};

impl Kind for Transcripts {
    type Item = Transcript;

    fn spec(&self) -> &'static Spec {
        &TRANSCRIPTS
    }

    fn read(&self, item: Node<'_>, context: &Context) -> Option<Read<Transcript>> {
        transcripts::read(item, context)
    }

    fn store<'a>(
        &'a self,
        tx: &'a mut Tx<'_>,
        items: &'a [(i32, &'a Transcript)],
        _: &'a Context,
    ) -> Storing<'a> {
        Box::pin(store::store_transcripts(tx, items))
    }
}

/// The kinds, as the pipeline takes them.
pub fn kinds() -> Vec<&'static dyn AnyKind> {
    vec![&Videos, &Transcripts]
}
