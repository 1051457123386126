//! The sample data of `demo`: real payloads of every domain, in an order that a scraper could have.

/// A file of sample data.
#[derive(Debug)]
pub struct Sample {
    /// The kind it is posted as.
    pub kind: &'static str,
    /// Its name, which tells the media type and the content-coding.
    pub name: &'static str,
    /// The context parameters it is posted with.
    pub params: &'static [(&'static str, &'static str)],
    /// Its bytes.
    pub bytes: &'static [u8],
}

macro_rules! samples {
    ($($kind:literal: $name:literal $(? $($param:ident = $value:literal)&+)?,)*) => {
        &[$(Sample {
            kind: $kind,
            name: $name,
            params: &[$($((stringify!($param), $value)),+)?],
            bytes: include_bytes!(concat!("../../demo/", $name)),
        },)*]
    };
}

/// The sample data; `demo/README.md` says where it comes from.
pub const SAMPLES: &[Sample] = samples! {
    "github/repositories": "repositories.ndjson",
    "github/repo-languages": "repo-languages.ndjson",
    "github/created-repos-by-language": "created-repos-by-language.ndjson",
    "github/accounts": "accounts.ndjson",
    "github/commits": "commits-json.ndjson.gz",
    "github/commits": "commits-mp11.ndjson.gz",
    "github/issues": "issues.ndjson",
    "github/pull-requests": "pull-requests.ndjson",
    "clang/commits": "clang/commits.ndjson",
    "clang/issues": "clang/issues.ndjson",
    "clang/pull-requests": "clang/pull-requests.ndjson",
    "website/days": "website/days.ndjson" ? as_of = "2025-03-12T00:00:00Z",
    "pinecone/acks": "pinecone/acks.ndjson",
    "pinecone/fail-lists": "pinecone/fail-lists.ndjson",
    "youtube/videos": "youtube/videos.ndjson",
    "youtube/transcripts": "youtube/McUhgUD7n3A.en.vtt" ? video = "McUhgUD7n3A" & lang = "en",
    "boost/versions": "boost/versions.ndjson",
    "boost/libraries": "boost/libraries.ndjson",
    "boost/dependencies": "boost/dependencies-1.73.0.txt.gz" ? version = "1.73.0",
    "boost/dependencies": "boost/dependencies-1.79.0.txt.gz" ? version = "1.79.0",
    "boost/headers": "boost/headers.csv",
    "usage/external-repositories": "usage/external-repositories.csv",
    "usage/files": "usage/files.csv",
    "usage/usages": "usage/usages.csv",
    "usage/repository-scans": "usage/repository-scans.ndjson",
    "mailing-list/messages": "mailing-list/messages.ndjson",
    "slack/teams": "slack/teams.ndjson",
    "slack/users": "slack/users.ndjson" ? team = "T0QVSH4420",
    "slack/channels": "slack/channels.ndjson" ? team = "T0QVSH4420",
    "slack/channel-members": "slack/channel-members.ndjson" ? team = "T0QVSH4420",
    "slack/messages": "slack/messages.ndjson",
    "wg21/mailings": "wg21/mailings.ndjson",
    "wg21/papers": "wg21/papers.json",
    "wg21/metadata": "wg21/metadata.csv",
    "docs/pages": "docs/pages-iostreams-1.74.0.json",
    "docs/pages": "docs/pages-iostreams-1.81.0.json",
    "discord/exports": "discord/dev-games.json",
};
