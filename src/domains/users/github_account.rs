//! The table `github_account`.

use chrono::{DateTime, Utc};

use super::enums::{GitHubAccountType, ProfileType};
use crate::{
    query::column::IdText,
    resource,
    schema::{base_profile, github_account},
};

resource! {
    /// A GitHub user or organization.
    pub struct GitHubAccount, table github_account, path "/users/github-accounts", time created_at;
    /// Key, the same as `base_profile.id`.
    id: i64 = github_account::id, indexed;
    /// The identity it was joined to, `identity.id`; null while unlinked. Ingest never sets it.
    identity_id: Option<i64> = base_profile::identity_id -> identity, indexed;
    /// The platform, which names the table of the row's other half.
    profile_type: ProfileType = base_profile::type_;
    /// GitHub's id. Negative while the account is known by login, e-mail or name only.
    github_account_id: IdText = github_account::github_account_id, indexed;
    /// The login, compared without case; empty for an unregistered committer.
    username: String = github_account::username, indexed;
    /// The name shown on GitHub, or of an unregistered committer the name in the newest commit.
    display_name: String = github_account::display_name, prefix_indexed;
    /// URL of the avatar.
    avatar_url: String = github_account::avatar_url;
    /// User, organization or enterprise. Bots count as users.
    account_type: GitHubAccountType = github_account::type_;
    /// When the row was made here.
    created_at: DateTime<Utc> = github_account::created_at;
    /// When a stored value last changed here.
    updated_at: DateTime<Utc> = github_account::updated_at;
}

diesel::allow_tables_to_appear_in_same_query!(github_account, base_profile);
