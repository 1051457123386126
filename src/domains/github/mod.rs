//! Repositories, commits, files, issues and pull requests.

pub mod commit;
pub mod commit_file_change;
pub mod created_repos_by_language;
pub mod enums;
pub mod file;
pub mod ingest;
pub mod issue;
pub mod issue_assignee;
pub mod issue_comment;
pub mod issue_label;
pub mod language;
pub mod license;
pub mod pull_request;
pub mod pull_request_assignee;
pub mod pull_request_comment;
pub mod pull_request_label;
pub mod pull_request_review;
pub mod reads;
pub mod renames;
pub mod repo_language;
pub mod repo_license;
pub mod repository;

use super::domain::Domain;

/// The domain's table of contents.
pub fn domain() -> Domain {
    Domain::new("github", "Repositories, commits, files, issues and pull requests.")
        .resource::<repository::GitHubRepository>()
        .resource::<language::Language>()
        .resource::<license::License>()
        .resource::<repo_language::RepoLanguage>()
        .resource::<repo_license::RepoLicense>()
        .resource::<created_repos_by_language::CreatedReposByLanguage>()
        .resource::<commit::GitCommit>()
        .resource::<file::GitHubFile>()
        .resource::<commit_file_change::GitCommitFileChange>()
        .resource::<issue::Issue>()
        .resource::<issue_comment::IssueComment>()
        .resource::<issue_assignee::IssueAssignee>()
        .resource::<issue_label::IssueLabel>()
        .resource::<pull_request::PullRequest>()
        .resource::<pull_request_review::PullRequestReview>()
        .resource::<pull_request_comment::PullRequestComment>()
        .resource::<pull_request_assignee::PullRequestAssignee>()
        .resource::<pull_request_label::PullRequestLabel>()
        .kinds(ingest::kinds::kinds())
        .routes(reads::routes)
}
