//! The table `base_profile`.

use super::enums::ProfileType;
use crate::resource;

resource! {
    /// A person or account on one platform. The row of the same id in the platform's own table says
    /// the rest.
    pub struct BaseProfile, table base_profile, path "/users/profiles";
    /// Surrogate key.
    id: i64 = base_profile::id, indexed;
    /// The identity it was joined to, `identity.id`; null while unlinked. Ingest never sets it.
    identity_id: Option<i64> = base_profile::identity_id -> identity, indexed;
    /// The platform, which names the table of the row's other half.
    r#type: ProfileType = base_profile::type_;
}
