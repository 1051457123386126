//! Talks on YouTube, their speakers and tags.

pub mod channel;
pub mod ingest;
pub mod tag;
pub mod transcript;
pub mod video;
pub mod video_speaker;
pub mod video_tag;

use super::domain::Domain;

/// The domain's table of contents.
pub fn domain() -> Domain {
    Domain::new("youtube", "Talks on YouTube, their speakers and tags.")
        .resource::<channel::YouTubeChannel>()
        .resource::<video::YouTubeVideo>()
        .resource::<video_speaker::YouTubeVideoSpeaker>()
        .resource::<tag::CppaTag>()
        .resource::<video_tag::YouTubeVideoTag>()
        .kinds(ingest::kinds::kinds())
        .routes(transcript::routes)
}
