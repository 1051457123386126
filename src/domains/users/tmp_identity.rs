//! The table `tmp_identity`.

use chrono::{DateTime, Utc};

use crate::resource;

resource! {
    /// A proposed identity, not yet confirmed.
    pub struct TmpIdentity, table tmp_identity, path "/users/tmp-identities", time created_at;
    /// Surrogate key.
    id: i64 = tmp_identity::id, indexed;
    /// The proposed name.
    display_name: String = tmp_identity::display_name, prefix_indexed;
    /// Free text about the proposal.
    description: String = tmp_identity::description;
    /// When the row was made here.
    created_at: DateTime<Utc> = tmp_identity::created_at;
    /// When a stored value last changed here.
    updated_at: DateTime<Utc> = tmp_identity::updated_at;
}
