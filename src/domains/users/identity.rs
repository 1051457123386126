//! The table `identity`.

use chrono::{DateTime, Utc};

use crate::resource;

resource! {
    /// A person: the profiles that somebody decided belong together.
    pub struct Identity, table identity, path "/users/identities", time created_at;
    /// Surrogate key.
    id: i64 = identity::id, indexed;
    /// The person's name.
    display_name: String = identity::display_name, prefix_indexed;
    /// Free text about the person.
    description: String = identity::description;
    /// When the row was made here.
    created_at: DateTime<Utc> = identity::created_at;
    /// When a stored value last changed here.
    updated_at: DateTime<Utc> = identity::updated_at;
    /// Whether it is never merged.
    is_locked: bool = identity::is_locked;
    /// Whether readers see a pseudonym, `person-<id>`, instead of its names and addresses.
    is_hidden: bool = identity::is_hidden;
}
