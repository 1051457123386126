//! The eight sections.

use std::fmt;

use diesel::QueryResult;

use super::{
    accounts, answer::Answer, commits, issues_and_pulls, mailing_list, period::Period, slack,
    totals, website, wg21,
};
use crate::db::Connection;

/// A section of the overview.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Section {
    Totals,
    Accounts,
    Commits,
    IssuesAndPulls,
    Wg21,
    Slack,
    MailingList,
    Website,
}

impl Section {
    /// All of them, in the front end's order.
    pub(super) const ALL: [Self; 8] = [
        Self::Totals,
        Self::Accounts,
        Self::Commits,
        Self::IssuesAndPulls,
        Self::Wg21,
        Self::Slack,
        Self::MailingList,
        Self::Website,
    ];

    /// Its name in a path.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Totals => "totals",
            Self::Accounts => "accounts",
            Self::Commits => "commits",
            Self::IssuesAndPulls => "issues-and-pulls",
            Self::Wg21 => "wg21",
            Self::Slack => "slack",
            Self::MailingList => "mailing-list",
            Self::Website => "website",
        }
    }

    /// Its key in the overview.
    pub(super) const fn key(self) -> &'static str {
        match self {
            Self::IssuesAndPulls => "issues_and_pulls",
            Self::MailingList => "mailing_list",
            other => other.name(),
        }
    }

    /// Works its numbers out.
    pub(super) async fn answer(
        self,
        period: &Period,
        connection: &mut Connection,
    ) -> QueryResult<Answer> {
        match self {
            Self::Totals => totals::answer(period, connection).await,
            Self::Accounts => accounts::answer(period, connection).await,
            Self::Commits => commits::answer(period, connection).await,
            Self::IssuesAndPulls => issues_and_pulls::answer(period, connection).await,
            Self::Wg21 => wg21::answer(period, connection).await,
            Self::Slack => slack::answer(period, connection).await,
            Self::MailingList => mailing_list::answer(period, connection).await,
            Self::Website => website::answer(period, connection).await,
        }
    }
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
