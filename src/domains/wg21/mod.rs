//! Mailings and papers of the C++ committee.

pub mod ingest;
pub mod mailing;
pub mod paper;
pub mod paper_author;
pub mod revisions;

use super::domain::Domain;

/// The domain's table of contents.
pub fn domain() -> Domain {
    Domain::new("wg21", "Mailings and papers of the C++ committee.")
        .resource::<mailing::WG21Mailing>()
        .resource::<paper::WG21Paper>()
        .resource::<paper_author::WG21PaperAuthor>()
        .kinds(ingest::kinds::kinds())
        .routes(revisions::routes)
}
