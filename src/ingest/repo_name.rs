//! `owner/name` of a GitHub repository, in every spelling that sources use.

use serde::Serialize;

/// A repository's name. Compared case-insensitively; shown as its newest payload spells it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct RepoName {
    /// The owner's login.
    pub owner: String,
    /// The repository's name.
    pub name: String,
}

impl RepoName {
    /// Reads `owner/name`, a GitHub web or API address, or a git address.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let rest = ["https://api.github.com/repos/", "https://github.com/", "http://github.com/"]
            .iter()
            .find_map(|prefix| strip_prefix_ignore_case(text, prefix))
            .or_else(|| strip_prefix_ignore_case(text, "git@github.com:"));
        let mut parts = rest.unwrap_or(text).split('/');
        let (owner, name) = (parts.next()?, parts.next()?);
        if rest.is_none() && (parts.next().is_some() || text.contains(':')) {
            return None;
        }
        let name = name.split(['?', '#']).next().unwrap_or(name);
        let name = if rest.is_some() { name.strip_suffix(".git").unwrap_or(name) } else { name };
        let valid = |part: &str| {
            !part.is_empty()
                && part.len() <= 200
                && !part.chars().any(|c| c.is_whitespace() || c.is_control())
        };
        (valid(owner) && valid(name))
            .then(|| Self { owner: owner.to_owned(), name: name.to_owned() })
    }

    /// The form that names are compared in.
    #[must_use]
    pub fn folded(&self) -> Self {
        Self { owner: self.owner.to_lowercase(), name: self.name.to_lowercase() }
    }

    /// Whether two spellings mean one repository.
    pub fn same(&self, other: &Self) -> bool {
        self.folded() == other.folded()
    }
}

impl std::fmt::Display for RepoName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.owner, self.name)
    }
}

fn strip_prefix_ignore_case<'t>(text: &'t str, prefix: &str) -> Option<&'t str> {
    let head = text.get(..prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then(|| &text[prefix.len()..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_is_read() {
        for text in [
            "boostorg/json",
            "https://github.com/boostorg/json",
            "https://github.com/boostorg/json.git",
            "https://github.com/boostorg/json/issues/3#issuecomment-1",
            "https://api.github.com/repos/boostorg/json/commits/abc",
            "git@github.com:boostorg/json.git",
        ] {
            let name = RepoName::parse(text).map(|name| name.to_string());
            assert_eq!(name.as_deref(), Some("boostorg/json"), "{text}");
        }
        for text in ["", "json", "a/b/c", "https://example.org/a/b", "a b/c", "/x"] {
            assert_eq!(RepoName::parse(text), None, "{text}");
        }
    }
}
