//! The table `identity_suggestion`.

use chrono::{DateTime, Utc};

use crate::resource;

resource! {
    /// Two profiles that may be one person, with the evidence. Names alone are never enough.
    pub struct IdentitySuggestion, table identity_suggestion,
        path "/users/identity-suggestions", time created_at;
    /// Surrogate key.
    id: i64 = identity_suggestion::id, indexed;
    /// The profile with the smaller id, `base_profile.id`.
    profile_id: i64 = identity_suggestion::profile_id, indexed;
    /// The other profile, `base_profile.id`.
    other_profile_id: i64 = identity_suggestion::other_profile_id, indexed;
    /// How likely they are one person, between 0.6 and 1: one minus the product of what each piece of
    /// evidence leaves open.
    score: f64 = identity_suggestion::score, indexed;
    /// The evidence: `kind`, `weight`, and the `rows` (table and id) that it rests on.
    evidence: serde_json::Value = identity_suggestion::evidence;
    /// `open`, `accepted` or `rejected`. What was decided is remembered.
    status: String = identity_suggestion::status, indexed;
    /// When it was first computed.
    created_at: DateTime<Utc> = identity_suggestion::created_at;
    /// When a stored value last changed here.
    updated_at: DateTime<Utc> = identity_suggestion::updated_at;
}
