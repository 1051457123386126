//! The table `youtube_channel`.

use chrono::{DateTime, Utc};

use crate::resource;

resource! {
    /// A YouTube channel.
    pub struct YouTubeChannel, table youtube_channel, path "/youtube/channels", time created_at, example "UCEfngwe09zvd9KAL33YJSQQ";
    /// YouTube's id of the channel, the key.
    channel_id: String = youtube_channel::channel_id, indexed;
    /// The title.
    channel_title: String = youtube_channel::channel_title;
    /// When the row was made here.
    created_at: DateTime<Utc> = youtube_channel::created_at;
    /// When a stored value last changed here.
    updated_at: DateTime<Utc> = youtube_channel::updated_at;
}
