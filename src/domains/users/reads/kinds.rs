//! What a person does, kind by kind: where the rows are, when they happened, what they are called.
//!
//! The timeline and the totals are both written from this list, so they agree.

use crate::domains::{discord, slack};

/// A kind of entry in a timeline. Every text is SQL over `from` and, if it names one, `joins`.
#[derive(Debug)]
pub(super) struct Kind {
    /// Its name, which also orders entries of one instant.
    pub name: &'static str,
    /// The table that an entry's row is of.
    pub table: &'static str,
    /// The rows, with what is needed to tell whose and when they are.
    pub from: &'static str,
    /// The row's id.
    pub id: &'static str,
    /// The profile that did it.
    pub profile: &'static str,
    /// The type of such profiles.
    pub profile_type: &'static str,
    /// When it happened. A row without a time is no entry.
    pub at: &'static str,
    /// Which rows are entries; empty if all are.
    pub only: &'static str,
    /// Which of them are public; empty if all are.
    pub public: &'static str,
    /// What the rest needs besides `from`.
    pub joins: &'static str,
    /// What it is about, at most 200 characters.
    pub title: &'static str,
    /// The repository it belongs to.
    pub repository: &'static str,
    /// Where it is; if it belongs to a repository, below that one's address.
    pub url: &'static str,
    /// Where it belongs: a list, a channel. Empty if that is the repository.
    pub scope: &'static str,
}

/// What most kinds have in common.
const NOTHING: Kind = Kind {
    name: "",
    table: "",
    from: "",
    id: "",
    profile: "",
    profile_type: "github",
    at: "",
    only: "",
    public: "",
    joins: "",
    title: "",
    repository: "null::bigint",
    url: "",
    scope: "''",
};

/// Two profiles of one person can have written one paper: it is an entry once.
const FIRST_AUTHOR: &str = "not exists (select from wg21_paper_author other \
    where other.paper_id = author.paper_id and other.profile_id < author.profile_id \
    and other.profile_id in (select id from profile))";
/// And can speak in one video.
const FIRST_SPEAKER: &str = "not exists (select from youtube_video_speaker other \
    where other.video_id = speaker.video_id and other.speaker_id < speaker.speaker_id \
    and other.speaker_id in (select id from profile))";
/// The mailings of papers whose month is not known are called `unknown`.
const PAPER_AT: &str = "coalesce(paper.document_date, case \
    when mailing.mailing_date ~ '^[0-9]{4}-(0[1-9]|1[0-2])$' \
    then to_date(mailing.mailing_date, 'YYYY-MM') end)::timestamp at time zone 'UTC'";

/// Every kind, by name.
pub(super) static KINDS: [Kind; 13] = [
    Kind {
        name: "commit",
        table: "git_commit",
        from: "git_commit",
        id: "git_commit.id",
        profile: "git_commit.account_id",
        at: "git_commit.commit_at",
        title: "rtrim(split_part(ltrim(git_commit.comment, E'\\r\\n '), E'\\n', 1), E'\\r ')",
        repository: "git_commit.repo_id",
        url: "'/commit/' || git_commit.commit_hash",
        ..NOTHING
    },
    Kind {
        name: "discord",
        table: "discord_message",
        from: "discord_message",
        id: "discord_message.id",
        profile: "discord_message.author_id",
        profile_type: "discord",
        at: "discord_message.message_created_at",
        only: "not discord_message.is_deleted",
        public: discord::message::PUBLIC,
        joins: " join discord_channel channel on channel.id = discord_message.channel_id \
            join discord_server server on server.id = channel.server_id",
        title: "discord_message.content",
        url: "'https://discord.com/channels/' || case server.server_id when 0 then '@me' \
            else server.server_id::text end || '/' || channel.channel_id || '/' \
            || discord_message.message_id",
        scope: "server.server_id || '/' || channel.channel_id",
        ..NOTHING
    },
    Kind {
        name: "issue",
        table: "issue",
        from: "issue",
        id: "issue.id",
        profile: "issue.account_id",
        at: "issue.issue_created_at",
        title: "issue.title",
        repository: "issue.repo_id",
        url: "'/issues/' || issue.issue_number",
        ..NOTHING
    },
    Kind {
        name: "issue_comment",
        table: "issue_comment",
        from: "issue_comment",
        id: "issue_comment.id",
        profile: "issue_comment.account_id",
        at: "issue_comment.issue_comment_created_at",
        joins: " join issue on issue.id = issue_comment.issue_id",
        title: "issue.title",
        repository: "issue.repo_id",
        url: "'/issues/' || issue.issue_number || '#issuecomment-' \
            || issue_comment.issue_comment_id",
        ..NOTHING
    },
    Kind {
        name: "library_role",
        table: "boost_library_role_relationship",
        from: "boost_library_role_relationship role \
            join boost_library_version edition on edition.id = role.library_version_id \
            join boost_version version on version.id = edition.version_id",
        id: "role.id",
        profile: "role.account_id",
        at: "version.version_created_at",
        joins: " join boost_library library on library.id = edition.library_id",
        title: "concat_ws(' and ', case when role.is_author then 'Author' end, \
            case when role.is_maintainer then 'Maintainer' end) || ' of ' || library.name \
            || ' in ' || version.version",
        repository: "library.repo_id",
        url: "'/tree/' || version.version",
        scope: "library.name",
        ..NOTHING
    },
    Kind {
        name: "mail",
        table: "mailing_list_message",
        from: "mailing_list_message",
        id: "mailing_list_message.id",
        profile: "mailing_list_message.sender_id",
        profile_type: "mailing_list",
        at: "mailing_list_message.sent_at",
        title: "mailing_list_message.subject",
        // What ids may hold and a path may not is escaped.
        url: "'https://lists.boost.org/archives/list/' || mailing_list_message.list_name \
            || '/message/' || replace(replace(replace(replace(replace(mailing_list_message.msg_id, \
            '%', '%25'), '/', '%2F'), '?', '%3F'), '#', '%23'), ' ', '%20') || '/'",
        scope: "mailing_list_message.list_name",
        ..NOTHING
    },
    Kind {
        name: "paper",
        table: "wg21_paper",
        from: "wg21_paper_author author join wg21_paper paper on paper.id = author.paper_id \
            join wg21_mailing mailing on mailing.id = paper.mailing_id",
        id: "paper.id",
        profile: "author.profile_id",
        profile_type: "wg21",
        at: PAPER_AT,
        only: FIRST_AUTHOR,
        title: "upper(paper.paper_id) || ' ' || paper.title",
        url: "paper.url",
        scope: "mailing.mailing_date",
        ..NOTHING
    },
    Kind {
        name: "pull_request",
        table: "pull_request",
        from: "pull_request",
        id: "pull_request.id",
        profile: "pull_request.account_id",
        at: "pull_request.pr_created_at",
        ..PULL_REQUEST
    },
    Kind {
        name: "pull_request_comment",
        table: "pull_request_comment",
        from: "pull_request_comment",
        id: "pull_request_comment.id",
        profile: "pull_request_comment.account_id",
        at: "pull_request_comment.pr_comment_created_at",
        joins: " join pull_request on pull_request.id = pull_request_comment.pr_id",
        url: "'/pull/' || pull_request.pr_number || '#issuecomment-' \
            || pull_request_comment.pr_comment_id",
        ..PULL_REQUEST
    },
    Kind {
        name: "pull_request_merged",
        table: "pull_request",
        from: "pull_request",
        id: "pull_request.id",
        profile: "pull_request.account_id",
        at: "pull_request.pr_merged_at",
        ..PULL_REQUEST
    },
    Kind {
        name: "review",
        table: "pull_request_review",
        from: "pull_request_review review",
        id: "review.id",
        profile: "review.account_id",
        at: "review.pr_review_created_at",
        joins: " join pull_request on pull_request.id = review.pr_id",
        // A review whose number a review comment has too is stored under the negative one.
        url: "'/pull/' || pull_request.pr_number || case review.kind when 'comment' then '#discussion_r' \
            else '#pullrequestreview-' end || abs(review.pr_review_id)",
        ..PULL_REQUEST
    },
    Kind {
        name: "slack",
        table: "slack_message",
        from: "slack_message",
        id: "slack_message.id",
        profile: "slack_message.slack_user_id",
        profile_type: "slack",
        at: "slack_message.slack_message_created_at",
        public: slack::message::PUBLIC,
        joins: " join slack_channel channel on channel.id = slack_message.channel_id \
            join slack_team team on team.id = channel.team_id",
        title: "slack_message.message",
        url: "'https://slack.com/archives/' || channel.channel_id || '/p' \
            || replace(slack_message.ts, '.', '')",
        scope: "team.team_id || '/' || channel.channel_id",
        ..NOTHING
    },
    Kind {
        name: "talk",
        table: "youtube_video_speaker",
        from: "youtube_video_speaker speaker join youtube_video video using (video_id)",
        id: "speaker.id",
        profile: "speaker.speaker_id",
        profile_type: "youtube",
        at: "video.published_at",
        only: FIRST_SPEAKER,
        joins: " left join youtube_channel channel on channel.channel_id = video.channel_id",
        title: "video.title",
        url: "'https://www.youtube.com/watch?v=' || speaker.video_id",
        scope: "coalesce(nullif(channel.channel_title, ''), video.channel_id, '')",
        ..NOTHING
    },
];

/// What all entries about pull requests have in common.
const PULL_REQUEST: Kind = Kind {
    title: "pull_request.title",
    repository: "pull_request.repo_id",
    url: "'/pull/' || pull_request.pr_number",
    ..NOTHING
};

impl Kind {
    /// The condition of the rows that are entries, as ` and …`.
    pub(super) fn condition(&self, private: bool) -> String {
        let public = if private { "" } else { self.public };
        let conditions = [self.only, public].into_iter().filter(|it| !it.is_empty());
        let known = format!(" and {} is not null", self.at);
        conditions.fold(known, |all, one| format!("{all} and {one}"))
    }
}

#[cfg(test)]
mod tests {
    use super::KINDS;

    #[test]
    fn kinds_are_in_the_order_of_their_names() {
        assert!(KINDS.is_sorted_by(|a, b| a.name < b.name));
    }
}
