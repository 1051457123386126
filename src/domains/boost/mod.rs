//! Boost libraries, releases, and what depends on what.

pub mod dependency;
pub mod dependency_change_log;
pub mod file;
pub mod ingest;
pub mod library;
pub mod library_category;
pub mod library_category_relationship;
pub mod library_repository;
pub mod library_role_relationship;
pub mod library_version;
pub mod reads;
pub mod version;

use super::domain::Domain;

/// The domain's table of contents.
pub fn domain() -> Domain {
    Domain::new("boost", "Boost libraries, releases, and what depends on what.")
        .resource::<library_repository::BoostLibraryRepository>()
        .resource::<library::BoostLibrary>()
        .resource::<file::BoostFile>()
        .resource::<version::BoostVersion>()
        .resource::<library_version::BoostLibraryVersion>()
        .resource::<dependency::BoostDependency>()
        .resource::<dependency_change_log::DependencyChangeLog>()
        .resource::<library_role_relationship::BoostLibraryRoleRelationship>()
        .resource::<library_category::BoostLibraryCategory>()
        .resource::<library_category_relationship::BoostLibraryCategoryRelationship>()
        .kinds(ingest::kinds::kinds())
        .routes(reads::routes)
}
