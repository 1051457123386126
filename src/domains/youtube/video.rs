//! The table `youtube_video`.

use chrono::{DateTime, Utc};

use crate::resource;

resource! {
    /// A video of a talk.
    pub struct YouTubeVideo, table youtube_video,
        path "/youtube/videos", time published_at, prose [title, description], example "McUhgUD7n3A";
    /// YouTube's id of the video, the key.
    video_id: String = youtube_video::video_id, indexed;
    /// The channel, `youtube_channel.channel_id`.
    channel_id: Option<String> = youtube_video::channel_id -> youtube_channel, indexed;
    /// The title; empty while only a transcript was seen.
    title: String = youtube_video::title;
    /// The description.
    description: String = youtube_video::description;
    /// When it was published.
    published_at: Option<DateTime<Utc>> = youtube_video::published_at, indexed;
    /// Length in seconds.
    duration_seconds: i32 = youtube_video::duration_seconds;
    /// Views when last fetched; null if never shown.
    view_count: Option<i64> = youtube_video::view_count;
    /// Likes when last fetched; null if hidden.
    like_count: Option<i64> = youtube_video::like_count;
    /// Comments when last fetched; null if hidden.
    comment_count: Option<i64> = youtube_video::comment_count;
    /// The search that found it.
    search_term: String = youtube_video::search_term;
    /// Whether a transcript is stored.
    has_transcript: bool = youtube_video::has_transcript;
    /// Where the transcript is, relative to the workspace; empty if there is none.
    transcript_path: String = youtube_video::transcript_path;
    /// When it was last fetched.
    scraped_at: Option<DateTime<Utc>> = youtube_video::scraped_at;
    /// When the row was made here.
    created_at: DateTime<Utc> = youtube_video::created_at;
    /// When a stored value last changed here.
    updated_at: DateTime<Utc> = youtube_video::updated_at;
    /// Language tag of the transcript at `transcript_path`, such as `en`.
    transcript_lang: Option<String> = youtube_video::transcript_lang;
}
