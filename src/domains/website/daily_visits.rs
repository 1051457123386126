//! The table `website`.

use chrono::NaiveDate;

use crate::resource;

resource! {
    /// The website's visits on a day.
    pub struct Website, table website, path "/website/daily-visits", time stat_date;
    /// Surrogate key.
    id: i64 = website::id, indexed;
    /// The day.
    stat_date: NaiveDate = website::stat_date, indexed;
    /// Visits on that day.
    website_visit_count: i64 = website::website_visit_count;
}
