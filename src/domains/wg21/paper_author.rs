//! The table `wg21_paper_author`.

use chrono::{DateTime, Utc};

use crate::resource;

resource! {
    /// An author of a paper.
    pub struct WG21PaperAuthor, table wg21_paper_author,
        path "/wg21/paper-authors", time created_at;
    /// Surrogate key.
    id: i64 = wg21_paper_author::id, indexed;
    /// The paper, `wg21_paper.id` (not its number).
    paper_id: i64 = wg21_paper_author::paper_id -> wg21_paper, indexed;
    /// The author, `wg21_paper_author_profile.id`.
    profile_id: i64 = wg21_paper_author::profile_id -> wg21_paper_author_profile, indexed;
    /// The place among the authors, from 1.
    author_order: Option<i32> = wg21_paper_author::author_order;
    /// When the row was made here.
    created_at: DateTime<Utc> = wg21_paper_author::created_at;
}
