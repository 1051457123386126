//! The website's visits and searches by day.

pub mod daily_visits;
pub mod ingest;
pub mod visit_count;
pub mod word_count;

use super::domain::Domain;

/// The domain's table of contents.
pub fn domain() -> Domain {
    Domain::new("website", "The website's visits and searches by day.")
        .resource::<daily_visits::Website>()
        .resource::<visit_count::WebsiteVisitCount>()
        .resource::<word_count::WebsiteWordCount>()
        .kinds(ingest::kinds::kinds())
}
