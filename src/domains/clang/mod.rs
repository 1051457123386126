//! Issues and commits of the Clang repository, as the search feed tracks them.

pub mod commit;
pub mod ingest;
pub mod issue_item;

use super::domain::Domain;

/// The domain's table of contents.
pub fn domain() -> Domain {
    Domain::new(
        "clang",
        "Issues and commits of the Clang repository, as the search feed tracks them.",
    )
    .resource::<issue_item::ClangGithubIssueItem>()
    .resource::<commit::ClangGithubCommit>()
    .kinds(ingest::kinds::kinds())
}
