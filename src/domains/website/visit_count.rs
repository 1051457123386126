//! The table `website_visit_count`.

use chrono::NaiveDate;

use crate::resource;

resource! {
    /// The website's visits from a country on a day. Their sum need not be the day's total.
    pub struct WebsiteVisitCount, table website_visit_count,
        path "/website/visit-counts", time stat_date;
    /// Surrogate key.
    id: i64 = website_visit_count::id, indexed;
    /// The day.
    stat_date: NaiveDate = website_visit_count::stat_date, indexed;
    /// The country, two capital letters where the source gives a code; `ZZ` if not known.
    country: String = website_visit_count::country, indexed;
    /// Visits from there on that day.
    count: i64 = website_visit_count::count;
}
