//! Bodies of requests.

use serde::{Deserialize, Deserializer};
use utoipa::ToSchema;

/// A new identity.
#[derive(Debug, Deserialize, ToSchema)]
pub struct NewIdentity {
    /// The person's name.
    #[schema(example = "Jane Roe", max_length = 300)]
    pub display_name: String,
    /// Free text about the person.
    #[serde(default)]
    #[schema(max_length = 10_000)]
    pub description: String,
    /// Profiles that belong to it, `base_profile.id`; they leave the identities they belonged to.
    #[serde(default)]
    pub profiles: Vec<i64>,
}

/// What is to be changed of an identity. A member that is left out, or null, stays.
#[derive(Debug, Deserialize, ToSchema)]
pub struct IdentityEdit {
    /// The person's name.
    #[schema(max_length = 300)]
    pub display_name: Option<String>,
    /// Free text about the person.
    #[schema(max_length = 10_000)]
    pub description: Option<String>,
    /// Whether it is never merged.
    pub is_locked: Option<bool>,
}

/// Where a profile belongs.
#[derive(Debug, Deserialize, ToSchema)]
pub struct ProfileIdentity {
    /// The identity, or null to unlink the profile.
    #[serde(deserialize_with = "present")]
    #[schema(required = true)]
    pub identity_id: Option<i64>,
}

/// A member that may be null but not left out: an empty body must not unlink anything.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    Option::deserialize(deserializer)
}

/// Identities that are merged away.
#[derive(Debug, Deserialize, ToSchema)]
pub struct Merge {
    /// Their ids.
    pub from: Vec<i64>,
}

/// Profiles that leave an identity for a new one.
#[derive(Debug, Deserialize, ToSchema)]
pub struct Split {
    /// `base_profile.id`s of the identity.
    pub profiles: Vec<i64>,
    /// The new identity's name; without it, that of the first profile that has one.
    #[schema(max_length = 300)]
    pub display_name: Option<String>,
    /// Free text about the new identity.
    #[schema(max_length = 10_000)]
    pub description: Option<String>,
}

/// A new address of a profile.
#[derive(Debug, Deserialize, ToSchema)]
pub struct NewEmail {
    /// The address.
    #[schema(example = "jane@example.org")]
    pub email: String,
    /// Whether it is the main one; the others are not then.
    #[serde(default)]
    pub is_primary: bool,
    /// Whether it is in use.
    #[serde(default = "yes")]
    pub is_active: bool,
}

const fn yes() -> bool {
    true
}

/// What is to be changed of an address. A member that is left out, or null, stays.
#[derive(Debug, Deserialize, ToSchema)]
pub struct EmailEdit {
    /// Another address, or the same spelt otherwise.
    pub email: Option<String>,
    /// `true` makes it the main one; `false` leaves the choice to the rule again: the newest address
    /// that somebody reads.
    pub is_primary: Option<bool>,
    /// Whether it is in use.
    pub is_active: Option<bool>,
}

/// A new temporary identity.
#[derive(Debug, Deserialize, ToSchema)]
pub struct NewTmpIdentity {
    /// The proposed name.
    #[schema(example = "Jane Roe", max_length = 300)]
    pub display_name: String,
    /// Free text about the proposal.
    #[serde(default)]
    #[schema(max_length = 10_000)]
    pub description: String,
    /// Profiles that are proposed for it, `base_profile.id`.
    #[serde(default)]
    pub profiles: Vec<i64>,
}

/// A proposal.
#[derive(Debug, Deserialize, ToSchema)]
pub struct NewRelation {
    /// The profile, `base_profile.id`.
    pub base_profile_id: i64,
    /// The temporary identity, `tmp_identity.id`.
    pub target_identity_id: i64,
}

/// Where the profiles of a temporary identity go.
#[derive(Debug, Deserialize, ToSchema)]
pub struct Promotion {
    /// The identity they join; without it a new one with the temporary one's name.
    pub identity_id: Option<i64>,
}

/// How suggestions are computed.
#[derive(Debug, Deserialize, ToSchema)]
pub struct Computation {
    /// Whether all profiles are compared again, and not only those with new addresses. Suggestions
    /// that no evidence supports any more are taken away then.
    #[serde(default)]
    pub full: bool,
}
