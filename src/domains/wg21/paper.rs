//! The table `wg21_paper`.

use chrono::{DateTime, NaiveDate, Utc};

use crate::resource;

resource! {
    /// A paper of the C++ committee.
    pub struct WG21Paper, table wg21_paper, path "/wg21/papers", time document_date, prose [title];
    /// Surrogate key.
    id: i64 = wg21_paper::id, indexed;
    /// The paper's number with its revision, lower-case, such as `p1234r0`.
    paper_id: String = wg21_paper::paper_id, indexed;
    /// The year of its mailing, else of its date; 0 while not known.
    year: i32 = wg21_paper::year, indexed;
    /// Where it is published.
    url: String = wg21_paper::url;
    /// The title; the number while not known.
    title: String = wg21_paper::title, prefix_indexed;
    /// The date on the paper.
    document_date: Option<NaiveDate> = wg21_paper::document_date, indexed;
    /// The mailing, `wg21_mailing.id`.
    mailing_id: i64 = wg21_paper::mailing_id -> wg21_mailing, indexed;
    /// The subgroup it is meant for, such as `LEWG`; empty if not stated.
    subgroup: String = wg21_paper::subgroup, indexed;
    /// Whether its text has been fetched.
    is_downloaded: bool = wg21_paper::is_downloaded, indexed;
    /// When the row was made here.
    created_at: DateTime<Utc> = wg21_paper::created_at;
    /// When a stored value last changed here.
    updated_at: DateTime<Utc> = wg21_paper::updated_at;
}
