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
};
