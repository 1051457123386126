//! The table `wg21_mailing`.

use chrono::{DateTime, Utc};

use crate::resource;

resource! {
    /// A mailing of the C++ committee.
    pub struct WG21Mailing, table wg21_mailing, path "/wg21/mailings", time created_at;
    /// Surrogate key.
    id: i64 = wg21_mailing::id, indexed;
    /// The month, `YYYY-MM`, or `unknown`.
    mailing_date: String = wg21_mailing::mailing_date, indexed;
    /// The title; the month while not known.
    title: String = wg21_mailing::title;
    /// When the row was made here.
    created_at: DateTime<Utc> = wg21_mailing::created_at;
    /// When a stored value last changed here.
    updated_at: DateTime<Utc> = wg21_mailing::updated_at;
}
