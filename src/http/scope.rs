//! Scopes: what a token may do.

use std::{fmt, str::FromStr};

/// A scope a handler needs.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Scope {
    /// `read`: reads; open to all unless `read_auth` is `required`.
    Read,
    /// `read:pii`: e-mail addresses and private channels.
    ReadPii,
    /// `read:raw`: the archive.
    ReadRaw,
    /// `identity:write`: joining and parting people.
    IdentityWrite,
    /// `ingest:{domain}`; `ingest:*` covers all.
    Ingest(String),
    /// `admin`: covers everything.
    Admin,
}

impl Scope {
    /// Whether a token with this scope may do what `needed` asks for.
    pub fn covers(&self, needed: &Self) -> bool {
        match (self, needed) {
            (Self::Admin, _) => true,
            (Self::Ingest(have), Self::Ingest(need)) => have == "*" || have == need,
            (have, need) => have == need,
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read => f.write_str("read"),
            Self::ReadPii => f.write_str("read:pii"),
            Self::ReadRaw => f.write_str("read:raw"),
            Self::IdentityWrite => f.write_str("identity:write"),
            Self::Ingest(domain) => write!(f, "ingest:{domain}"),
            Self::Admin => f.write_str("admin"),
        }
    }
}

impl FromStr for Scope {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "read" => Self::Read,
            "read:pii" => Self::ReadPii,
            "read:raw" => Self::ReadRaw,
            "identity:write" => Self::IdentityWrite,
            "admin" => Self::Admin,
            other => match other.strip_prefix("ingest:") {
                Some(domain) if !domain.is_empty() => Self::Ingest(domain.to_owned()),
                _ => return Err(format!("unknown scope `{other}`")),
            },
        })
    }
}
