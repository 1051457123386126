//! GitHub payloads: how each kind is read, and how a batch of any of them is stored.
//!
//! Each kind has a file that holds what a payload says (its item), how it is read, and what is
//! written of it (its draft). [`store`] puts a batch into the database, parents first.

pub mod account_item;
pub mod accounts;
pub mod catalogue;
pub mod children;
pub mod comments;
pub mod commits;
pub mod created_repos;
pub mod edited;
pub mod files;
pub mod issues;
pub mod kinds;
pub mod label_edits;
pub mod library_names;
pub mod named;
pub mod numbers;
pub mod person;
pub mod pulls;
pub mod removals;
pub mod repositories;
pub mod review_ids;
pub mod reviews;
pub mod settle;
pub mod store;
pub mod threads;
pub mod transfers;

use serde::Serializer;

use crate::{
    domains::boost::ingest::headers::HeaderDraft,
    ingest::{
        kind::Context,
        register::{Draft, Table},
        repo_name::RepoName,
        value::Node,
    },
};

/// The archive folder of the GitHub collector.
const TRACKER: &str = "github_activity_tracker";

/// The longest text that is part of a natural key, in bytes.
pub const KEY_LENGTH: usize = 2_000;

/// An item of any GitHub kind.
#[derive(Debug)]
pub enum Item {
    /// `github_account`.
    Account(Box<account_item::Account>),
    /// `github_repository`, its licence, its languages.
    Repository(Box<repositories::Repository>),
    /// `created_repos_by_language`.
    CreatedRepos(Box<created_repos::CreatedRepos>),
    /// `git_commit` and its file changes.
    Commit(Box<commits::Commit>),
    /// `issue` and what hangs on it.
    Issue(Box<issues::Issue>),
    /// `pull_request` and what hangs on it.
    Pull(Box<pulls::Pull>),
    /// An issue or a comment that was deleted.
    Removal(removals::Removal),
    /// An issue that went to another repository.
    Transfer(transfers::Transfer),
    /// A label that was renamed or deleted in a repository.
    LabelEdit(Box<label_edits::LabelEdit>),
}

/// The tables whose rows have registers, for merging rows.
pub fn tables() -> [&'static Table; 10] {
    [
        accounts::AccountDraft::table(),
        repositories::RepositoryDraft::table(),
        commits::CommitDraft::table(),
        files::FileDraft::table(),
        issues::IssueDraft::table(),
        comments::IssueCommentDraft::table(),
        pulls::PullDraft::table(),
        comments::PullCommentDraft::table(),
        reviews::ReviewDraft::table(),
        HeaderDraft::table(),
    ]
}

/// The repository that an item names: in its own addresses, or its `repository` object.
pub fn stated_repository(node: Node<'_>) -> Option<RepoName> {
    let address = ["repository_url", "url", "html_url", "issue_url"]
        .into_iter()
        .find_map(|key| RepoName::parse(node.get(key).str().filter(|url| url.contains("://"))?));
    address
        .or_else(|| RepoName::parse(node.get("repository").get("full_name").str()?))
        .or_else(|| RepoName::parse(node.get("repo").str()?))
}

/// The repository of an item: the one it names, or `repo=`.
pub fn repository_of(node: Node<'_>, context: &Context) -> Option<RepoName> {
    match (stated_repository(node), &context.repo) {
        (Some(stated), Some(given)) => {
            if !stated.same(given) {
                node.warn("context_mismatch", format!("The payload is of {stated}; it wins."));
            }
            Some(stated)
        }
        (Some(stated), None) => Some(stated),
        (None, _) => given_repository(node, context),
    }
}

/// The repository of a payload that does not name one: `repo=`.
pub fn given_repository(node: Node<'_>, context: &Context) -> Option<RepoName> {
    if context.repo.is_none() {
        node.fault(
            "missing_context",
            "The payload does not say of which repository it is: add `repo=owner/name`.",
        );
    }
    context.repo.clone()
}

/// Ids go into digests as text: canonical JSON has no exact 64-bit integers.
pub fn text_number<S: Serializer>(number: &i64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(number)
}

/// Names go into digests as they are compared.
pub fn folded_name<S: Serializer>(name: &RepoName, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&name.folded())
}

/// See [`text_number`].
pub fn text_number_option<S: Serializer>(
    number: &Option<i64>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match number {
        Some(number) => serializer.collect_str(number),
        None => serializer.serialize_none(),
    }
}
