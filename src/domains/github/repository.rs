//! The table `github_repository`.

use chrono::{DateTime, Utc};

use crate::{query::column::IdText, resource};

resource! {
    /// A GitHub repository. Boost's own and those that use Boost are among them.
    pub struct GitHubRepository, table github_repository,
        path "/github/repositories", time repo_created_at;
    /// Surrogate key.
    id: i64 = github_repository::id, indexed;
    /// The owner, `github_account.id`.
    owner_account_id: i64 = github_repository::owner_account_id -> github_account, indexed;
    /// The name without its owner, in the spelling of its newest payload; compared without case.
    repo_name: String = github_repository::repo_name, indexed;
    /// Stargazers.
    stars: i32 = github_repository::stars;
    /// Forks.
    forks: i32 = github_repository::forks;
    /// The description on GitHub; empty if there is none.
    description: String = github_repository::description;
    /// Time of the last push, from GitHub.
    repo_pushed_at: Option<DateTime<Utc>> = github_repository::repo_pushed_at, indexed;
    /// When it was created on GitHub.
    repo_created_at: Option<DateTime<Utc>> = github_repository::repo_created_at, indexed;
    /// When GitHub last changed the repository's own data.
    repo_updated_at: Option<DateTime<Utc>> = github_repository::repo_updated_at, indexed;
    /// GitHub's id, which survives a rename; null until the repository's own payload was seen.
    github_repo_id: Option<IdText> = github_repository::github_repo_id, indexed;
    /// When it was found to be deleted or private; null while it is public.
    removed_at: Option<DateTime<Utc>> = github_repository::removed_at;
}
