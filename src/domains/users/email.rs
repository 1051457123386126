//! The table `email`.

use chrono::{DateTime, Utc};

use crate::resource;

resource! {
    /// An e-mail address of a profile. Personal data: reading it needs the scope `read:pii`.
    pub struct Email, table email, path "/users/emails", time created_at, scope ReadPii;
    /// Surrogate key.
    id: i64 = email::id, indexed;
    /// The profile, `base_profile.id`.
    base_profile_id: i64 = email::base_profile_id -> base_profile, indexed;
    /// The address in the spelling of its newest mention; matched without case.
    email: String = email::email_, indexed;
    /// Whether it is the profile's main address: exactly one of a profile's addresses is.
    is_primary: bool = email::is_primary;
    /// Whether it is in use. True when made by ingest, then left alone.
    is_active: bool = email::is_active;
    /// When the row was made here.
    created_at: DateTime<Utc> = email::created_at;
    /// When a stored value last changed here.
    updated_at: DateTime<Utc> = email::updated_at;
}
