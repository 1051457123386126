//! The table `boost_external_repository`.

use chrono::{DateTime, Utc};

use crate::{
    query::column::IdText,
    resource,
    schema::{boost_external_repository, github_repository},
};

resource! {
    /// A repository outside Boost that was scanned for its use of Boost.
    pub struct BoostExternalRepository, table boost_external_repository,
        path "/usage/external-repositories", time repo_created_at, example "3";
    /// Key, the same as `github_repository.id`.
    id: i64 = boost_external_repository::id, indexed;
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
    /// The Boost version it names, `boost-X.Y.Z` where readable; empty if not known.
    boost_version: String = boost_external_repository::boost_version, prefix_indexed;
    /// Whether it carries a copy of Boost.
    is_boost_embedded: bool = boost_external_repository::is_boost_embedded;
    /// Whether it includes a Boost header.
    is_boost_used: bool = boost_external_repository::is_boost_used;
    /// When the row was made here.
    created_at: DateTime<Utc> = boost_external_repository::created_at;
    /// When a stored value last changed here.
    updated_at: DateTime<Utc> = boost_external_repository::updated_at;
    /// Time of the newest scan.
    last_scan_at: Option<DateTime<Utc>> = boost_external_repository::last_scan_at, indexed;
}

diesel::allow_tables_to_appear_in_same_query!(boost_external_repository, github_repository);
