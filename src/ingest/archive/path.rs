//! Names of the layout: what a payload says becomes a path that cannot escape `raw/` and that no
//! other name shares.

use std::{borrow::Cow, fmt};

use chrono::NaiveDate;
use sha2::{Digest, Sha256};
use unicode_normalization::UnicodeNormalization;

/// A longer segment is cut.
const SEGMENT_MAX: usize = 120;
/// What is left of a segment that is cut.
const SEGMENT_CUT: usize = 80;
/// The longest path, `raw/` and the version's suffix included.
const PATH_MAX: usize = 512;
/// `@` and 16 hexadecimal digits.
const VERSION_SUFFIX: usize = 17;

#[derive(Debug, Clone)]
enum Part<'a> {
    Fixed(&'static str),
    Said(&'a str),
}

/// A folder of the layout, part by part; [`Folder::file`] ends it.
#[derive(Debug, Clone)]
pub struct Folder<'a>(Vec<Part<'a>>);

impl<'a> Folder<'a> {
    /// Begins at a tracker's folder, e.g. `github_activity_tracker`.
    #[must_use]
    pub fn of(tracker: &'static str) -> Self {
        Self(vec![Part::Fixed(tracker)])
    }

    /// Adds a folder that the layout names.
    #[must_use]
    pub fn fixed(mut self, name: &'static str) -> Self {
        self.0.push(Part::Fixed(name));
        self
    }

    /// Adds a folder that a payload names; it is made safe.
    #[must_use]
    pub fn said(mut self, name: &'a str) -> Self {
        self.0.push(Part::Said(name));
        self
    }

    /// The file in this folder whose stem a payload names; the extension is kept whatever happens
    /// to the stem.
    #[must_use]
    pub fn file(&self, stem: &str, extension: &'static str) -> RawPath {
        let mut longest = SEGMENT_MAX;
        loop {
            let path = self.file_within(stem, extension, longest);
            let length = path.folder.len() + path.stem.len() + VERSION_SUFFIX + extension.len() + 2;
            if length <= PATH_MAX || longest < 8 {
                return path;
            }
            longest = if longest > SEGMENT_CUT { SEGMENT_CUT } else { longest / 2 };
        }
    }

    fn file_within(&self, stem: &str, extension: &'static str, longest: usize) -> RawPath {
        let mut folder = String::with_capacity(96);
        folder.push_str("raw");
        for part in &self.0 {
            folder.push('/');
            match part {
                Part::Fixed(name) => folder.push_str(name),
                Part::Said(name) => folder.push_str(&segment(name, longest, false)),
            }
        }
        RawPath { folder, stem: segment(stem, longest, true).into_owned(), extension }
    }
}

/// The plain name of a document, relative to the workspace: `raw/…/<stem>.<ext>`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RawPath {
    folder: String,
    stem: String,
    extension: &'static str,
}

impl RawPath {
    /// Where a body that cannot be parsed is kept; named by its content, so it has no versions.
    pub(super) fn rejected(
        (domain, kind): (&str, &str),
        day: NaiveDate,
        sha256: &[u8; 32],
        extension: &'static str,
    ) -> Self {
        let day = day.to_string();
        let folder = Folder::of("_rejected").said(domain).said(kind).said(&day);
        folder.file(&hex::encode(sha256), extension)
    }

    /// The name of the version with this content: `<stem>@<first 16 hex of SHA-256>.<ext>`.
    #[must_use]
    pub fn version(&self, sha256: &[u8; 32]) -> String {
        let Self { folder, stem, extension } = self;
        format!("{folder}/{stem}@{}.{extension}", hex::encode(&sha256[..8]))
    }
}

impl fmt::Display for RawPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}.{}", self.folder, self.stem, self.extension)
    }
}

/// The plain name of a version's path, if it is one.
pub(super) fn plain(version: &str) -> Option<String> {
    let (stem, extension) = version.rsplit_once('.')?;
    is_versioned(stem).then(|| format!("{}.{extension}", &stem[..stem.len() - VERSION_SUFFIX]))
}

/// The segments below `raw/` of a path that a client names, or none if the layout cannot hold it.
pub(super) fn segments(path: &str) -> Option<Vec<&str>> {
    let path = path.strip_prefix("raw/").unwrap_or(path);
    let segments: Vec<&str> = path.split('/').collect();
    let safe = |segment: &&str| {
        !segment.is_empty()
            && !segment.starts_with('.')
            && segment.chars().all(|c| is_allowed(c) || c == '~')
    };
    (path.len() <= PATH_MAX && segments.iter().all(safe)).then_some(segments)
}

/// Makes a server's name safe.
pub(super) fn name(server: &str) -> String {
    segment(server, SEGMENT_CUT, false).replace('.', "_")
}

/// Makes one segment safe. A change of any kind adds a hash of the original, and `~` never passes
/// unchanged, so two names never share a file.
fn segment(said: &str, longest: usize, is_stem: bool) -> Cow<'_, str> {
    // Most names are as they should be; NFC is not cheap.
    if said.is_ascii()
        && (1..=longest).contains(&said.len())
        && !said.starts_with('.')
        && said.chars().all(is_allowed)
        && !(is_stem && is_versioned(said))
    {
        return Cow::Borrowed(said);
    }
    let mut name: String = said.nfc().map(|c| if is_allowed(c) { c } else { '_' }).collect();
    if name.is_empty() || name.starts_with('.') {
        name.insert(0, '_');
    }
    if name.len() > longest {
        name.truncate(name.floor_char_boundary(SEGMENT_CUT.min(longest)));
    }
    // A stem that ends like a version (a Message-ID may) would be taken for a version of another.
    if name == said && !(is_stem && is_versioned(&name)) {
        return Cow::Borrowed(said);
    }
    name.push('~');
    name.push_str(&hex::encode(&Sha256::digest(said)[..4]));
    Cow::Owned(name)
}

fn is_allowed(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '.' | '_' | '@' | '+' | '=' | ',' | '-')
}

fn is_versioned(stem: &str) -> bool {
    stem.len().checked_sub(VERSION_SUFFIX).and_then(|at| stem.get(at..)).is_some_and(|suffix| {
        suffix.starts_with('@') && suffix[1..].bytes().all(|b| b.is_ascii_hexdigit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_follow_the_rules() {
        assert_eq!(segment("json", 120, false), "json");
        assert_eq!(segment("a+b=c,d-e_f@g.h", 120, false), "a+b=c,d-e_f@g.h");
        assert_eq!(segment("Größe", 120, false), "Größe");
        assert_eq!(segment("a/b", 120, false), "a_b~c14cddc0");
        assert!(segment("", 120, false).starts_with("_~"));
        assert!(segment(".", 120, false).starts_with("_.~"));
        assert!(segment("..", 120, false).starts_with("_..~"));
        assert!(segment(".git", 120, false).starts_with("_.git~"));
        // Decomposed: composed by NFC, hence changed.
        assert!(segment("u\u{308}", 120, false).starts_with("ü~"));
        assert_eq!(segment(&"x".repeat(120), 120, false), "x".repeat(120));
        let cut = segment(&"ü".repeat(61), 120, false).into_owned();
        assert_eq!(cut.split('~').next().map(str::len), Some(80));
        assert!(segment("601@9f2c61d07be4a315", 120, true).contains('~'));
        assert_eq!(segment("601@9f2c61d07be4a315", 120, false), "601@9f2c61d07be4a315");
    }

    #[test]
    fn versions_lead_back_to_plain_names() {
        let path = Folder::of("t").said("boostorg").fixed("issues").file("601", "json");
        let version = path.version(&[0x9f; 32]);
        assert_eq!(version, "raw/t/boostorg/issues/601@9f9f9f9f9f9f9f9f.json");
        assert_eq!(plain(&version), Some(path.to_string()));
        assert_eq!(plain("raw/t/boostorg/issues/601.json"), None);
    }
}
