//! The native enums of profiles and accounts.

use crate::{pg_enum, schema::sql_types};

pg_enum! {
    /// The platform of a profile.
    pub enum ProfileType: sql_types::ProfileType {
        GitHub = "github",
        Slack = "slack",
        MailingList = "mailing_list",
        Wg21 = "wg21",
        Discord = "discord",
        YouTube = "youtube",
    }
}

pg_enum! {
    /// What a GitHub account is.
    pub enum GitHubAccountType: sql_types::GithubAccountType {
        User = "user",
        Organization = "organization",
        Enterprise = "enterprise",
    }
}
