//! The table `temp_profile_identity_relation`.

use chrono::{DateTime, Utc};

use crate::resource;

resource! {
    /// A proposal that a profile belongs to a proposed identity.
    pub struct TempProfileIdentityRelation, table temp_profile_identity_relation,
        path "/users/temp-profile-identity-relations", time created_at;
    /// Surrogate key.
    id: i64 = temp_profile_identity_relation::id, indexed;
    /// The profile, `base_profile.id`.
    base_profile_id: i64 = temp_profile_identity_relation::base_profile_id -> base_profile, indexed;
    /// The proposed identity, `tmp_identity.id`.
    target_identity_id: i64 =
        temp_profile_identity_relation::target_identity_id -> tmp_identity, indexed;
    /// When the row was made here.
    created_at: DateTime<Utc> = temp_profile_identity_relation::created_at;
    /// When a stored value last changed here.
    updated_at: DateTime<Utc> = temp_profile_identity_relation::updated_at;
}
