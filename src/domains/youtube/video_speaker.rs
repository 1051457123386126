//! The table `youtube_video_speaker`.

use chrono::{DateTime, Utc};

use crate::resource;

resource! {
    /// A speaker of a video.
    pub struct YouTubeVideoSpeaker, table youtube_video_speaker,
        path "/youtube/video-speakers", time created_at;
    /// Surrogate key.
    id: i64 = youtube_video_speaker::id, indexed;
    /// The video, `youtube_video.video_id`.
    video_id: String = youtube_video_speaker::video_id -> youtube_video, indexed;
    /// The speaker, `youtube_speaker.id`.
    speaker_id: i64 = youtube_video_speaker::speaker_id -> youtube_speaker, indexed;
    /// When the row was made here.
    created_at: DateTime<Utc> = youtube_video_speaker::created_at;
}
