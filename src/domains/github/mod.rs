//! GitHub: repositories, commits, files, issues, pull requests.

pub mod commit;
pub mod enums;

use super::domain::Domain;

/// The domain's table of contents.
pub fn domain() -> Domain {
    Domain::new("github", "Repositories, commits, files, issues and pull requests.")
        .resource::<commit::GitCommit>()
}
