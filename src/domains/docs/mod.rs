//! Documentation pages and the libraries they belong to.

pub mod content;
pub mod ingest;
pub mod library_documentation;

use super::domain::Domain;

/// The domain's table of contents.
pub fn domain() -> Domain {
    Domain::new("docs", "Documentation pages and the libraries they belong to.")
        .resource::<content::BoostDocContent>()
        .resource::<library_documentation::BoostLibraryDocumentation>()
        .kinds(ingest::kinds::kinds())
        .routes(ingest::text::routes)
}
