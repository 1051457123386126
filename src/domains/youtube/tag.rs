//! The table `cppa_tags`.

use crate::resource;

resource! {
    /// A tag of videos.
    pub struct CppaTag, table cppa_tags, path "/youtube/tags";
    /// Surrogate key.
    id: i64 = cppa_tags::id, indexed;
    /// The tag, lower-case.
    tag_name: String = cppa_tags::tag_name, indexed;
}
