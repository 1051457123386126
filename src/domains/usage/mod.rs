//! Repositories that use Boost, and which headers they include.

pub mod external_repository;
pub mod header_usage;
pub mod ingest;
pub mod missing_header;
pub mod missing_summary;

use super::domain::Domain;

/// The domain's table of contents.
pub fn domain() -> Domain {
    Domain::new("usage", "Repositories that use Boost, and which headers they include.")
        .resource::<external_repository::BoostExternalRepository>()
        .resource::<header_usage::BoostUsage>()
        .resource::<missing_header::BoostMissingHeaderTmp>()
        .kinds(ingest::kinds::kinds())
        .routes(missing_summary::routes)
}
