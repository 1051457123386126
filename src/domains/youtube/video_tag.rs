//! The table `youtube_video_tags`.

use crate::resource;

resource! {
    /// A tag that a video has.
    pub struct YouTubeVideoTag, table youtube_video_tags, path "/youtube/video-tags";
    /// Surrogate key.
    id: i64 = youtube_video_tags::id, indexed;
    /// The video, `youtube_video.video_id`.
    youtube_video_id: String = youtube_video_tags::youtube_video_id -> youtube_video, indexed;
    /// The tag, `cppa_tags.id`.
    cppa_tag_id: i64 = youtube_video_tags::cppa_tag_id -> cppa_tags, indexed;
}
