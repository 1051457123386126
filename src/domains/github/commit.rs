//! The table `git_commit`.

use chrono::{DateTime, Utc};

use crate::resource;

resource! {
    /// A commit of a GitHub repository.
    pub struct GitCommit, table git_commit, path "/github/commits", time commit_at, prose [comment];
    /// Surrogate key.
    id: i64 = git_commit::id, indexed;
    /// The repository, `github_repository.id`.
    repo_id: i64 = git_commit::repo_id -> github_repository, indexed;
    /// The account of the author (the committer only as a fall-back), `github_account.id`.
    account_id: i64 = git_commit::account_id -> github_account, indexed;
    /// The SHA, lower-case hex.
    commit_hash: String = git_commit::commit_hash, indexed;
    /// The full commit message.
    comment: String = git_commit::comment;
    /// Author date, else committer date, UTC.
    commit_at: DateTime<Utc> = git_commit::commit_at, indexed;
    /// Committer date, else author date, UTC: what GitHub's `since` filters on.
    committed_at: Option<DateTime<Utc>> = git_commit::committed_at;
}
