//! The table `license`.

use chrono::{DateTime, Utc};

use crate::resource;

resource! {
    /// A license that repositories are under.
    pub struct License, table license, path "/github/licenses", time created_at;
    /// Surrogate key.
    id: i64 = license::id, indexed;
    /// The full name, else the SPDX id.
    name: String = license::name, indexed;
    /// The SPDX identifier; `NOASSERTION` where GitHub recognised none.
    spdx_id: String = license::spdx_id, indexed;
    /// URL of the license at GitHub's API.
    url: String = license::url;
    /// When the row was made here.
    created_at: DateTime<Utc> = license::created_at;
}
