//! Where the things that happen are stored, when each happened, who did it, and which of them count.

use chrono::{DateTime, Utc};

use super::period::{Period, bind};
use crate::{
    db::sql::{SqlType, Statement, Value},
    domains::{discord::message::DiscordMessage, slack::message::SlackMessage},
    query::resource::{Resource, Served},
};

/// A kind of thing that happens.
#[derive(Debug, Clone, Copy)]
pub(super) struct Source {
    /// The table, with others that it cannot do without.
    from: &'static str,
    /// When it happened: a `timestamptz`, or a `date`.
    pub(super) at: &'static str,
    /// Whether that is a date.
    pub(super) is_date: bool,
    /// Who did it: a profile.
    pub(super) who: &'static str,
    /// Of what happens in repositories: what must be joined to know which, and the column.
    repository: Option<(&'static str, &'static str)>,
    /// Which of the rows count.
    counts: Option<&'static str>,
    /// The resource that says which of the rows are public.
    public: Option<fn() -> Resource>,
}

/// What a source has that says nothing else.
const NOTHING: Source = Source {
    from: "",
    at: "",
    is_date: false,
    who: "",
    repository: None,
    counts: None,
    public: None,
};

pub(super) const COMMITS: Source = Source {
    from: "git_commit",
    at: "git_commit.commit_at",
    who: "git_commit.account_id",
    repository: Some(("", "git_commit.repo_id")),
    ..NOTHING
};
pub(super) const ISSUES_OPENED: Source = Source {
    from: "issue",
    at: "issue.issue_created_at",
    who: "issue.account_id",
    repository: Some(("", "issue.repo_id")),
    ..NOTHING
};
pub(super) const ISSUES_CLOSED: Source = Source { at: "issue.issue_closed_at", ..ISSUES_OPENED };
pub(super) const ISSUE_COMMENTS: Source = Source {
    from: "issue_comment",
    at: "issue_comment.issue_comment_created_at",
    who: "issue_comment.account_id",
    repository: Some((" join issue on issue.id = issue_comment.issue_id", "issue.repo_id")),
    ..NOTHING
};
pub(super) const PULLS_OPENED: Source = Source {
    from: "pull_request",
    at: "pull_request.pr_created_at",
    who: "pull_request.account_id",
    repository: Some(("", "pull_request.repo_id")),
    ..NOTHING
};
pub(super) const PULLS_MERGED: Source = Source { at: "pull_request.pr_merged_at", ..PULLS_OPENED };
pub(super) const PULLS_CLOSED_UNMERGED: Source = Source {
    at: "pull_request.pr_closed_at",
    counts: Some("pull_request.pr_merged_at is null"),
    ..PULLS_OPENED
};
pub(super) const PULL_COMMENTS: Source = Source {
    from: "pull_request_comment",
    at: "pull_request_comment.pr_comment_created_at",
    who: "pull_request_comment.account_id",
    repository: Some((
        " join pull_request on pull_request.id = pull_request_comment.pr_id",
        "pull_request.repo_id",
    )),
    ..NOTHING
};
/// Reviews and the comments in them.
pub(super) const ALL_REVIEWS: Source = Source {
    from: "pull_request_review",
    at: "pull_request_review.pr_review_created_at",
    who: "pull_request_review.account_id",
    repository: Some((
        " join pull_request on pull_request.id = pull_request_review.pr_id",
        "pull_request.repo_id",
    )),
    ..NOTHING
};
pub(super) const REVIEWS: Source =
    Source { counts: Some("pull_request_review.kind = 'review'"), ..ALL_REVIEWS };
pub(super) const REVIEW_COMMENTS: Source =
    Source { counts: Some("pull_request_review.kind = 'comment'"), ..ALL_REVIEWS };

pub(super) const MAILS: Source = Source {
    from: "mailing_list_message",
    at: "mailing_list_message.sent_at",
    who: "mailing_list_message.sender_id",
    ..NOTHING
};
/// Messages that were deleted are gone.
pub(super) const SLACK: Source = Source {
    from: "slack_message",
    at: "slack_message.slack_message_created_at",
    who: "slack_message.slack_user_id",
    public: Some(SlackMessage::resource),
    ..NOTHING
};
pub(super) const DISCORD: Source = Source {
    from: "discord_message",
    at: "discord_message.message_created_at",
    who: "discord_message.author_id",
    counts: Some("not discord_message.is_deleted"),
    public: Some(DiscordMessage::resource),
    ..NOTHING
};
pub(super) const PAPERS: Source = Source {
    from: "wg21_paper join wg21_mailing on wg21_mailing.id = wg21_paper.mailing_id",
    at: "coalesce(wg21_paper.document_date, \
         case when wg21_mailing.mailing_date ~ '^[1-9][0-9]{3}-(0[1-9]|1[0-2])$' \
         then (wg21_mailing.mailing_date || '-01')::date end)",
    is_date: true,
    ..NOTHING
};
pub(super) const PAPER_AUTHORS: Source = Source {
    from: "wg21_paper_author join wg21_paper on wg21_paper.id = wg21_paper_author.paper_id \
           join wg21_mailing on wg21_mailing.id = wg21_paper.mailing_id",
    who: "wg21_paper_author.profile_id",
    ..PAPERS
};
pub(super) const VIDEOS: Source =
    Source { from: "youtube_video", at: "youtube_video.published_at", ..NOTHING };
pub(super) const SPEAKERS: Source = Source {
    from: "youtube_video_speaker \
           join youtube_video on youtube_video.video_id = youtube_video_speaker.video_id",
    who: "youtube_video_speaker.speaker_id",
    ..VIDEOS
};
pub(super) const VISITS: Source =
    Source { from: "website", at: "website.stat_date", is_date: true, ..NOTHING };
pub(super) const COUNTRIES: Source = Source {
    from: "website_visit_count",
    at: "website_visit_count.stat_date",
    is_date: true,
    ..NOTHING
};
pub(super) const WORDS: Source = Source {
    from: "website_word_count",
    at: "website_word_count.stat_date",
    is_date: true,
    ..NOTHING
};

impl Source {
    /// Appends `from … where …`: what counts, whenever it happened.
    pub(super) fn all(&self, period: &Period, sql: &mut Statement) {
        sql.push(" from ").push(self.from);
        let owned = period.owner.as_ref().zip(self.repository);
        if let Some((_, (join, _))) = owned {
            sql.push(join);
        }
        sql.push(" where true");
        if let Some((owner, (_, repository))) = owned {
            sql.push(" and ").push(repository).push(
                " in (select r.id from github_repository r \
                 join github_account a on a.id = r.owner_account_id where lower(a.username) = ",
            );
            sql.bind(SqlType::Text, Value::Text(owner.clone())).push(")");
        }
        if let Some(counts) = self.counts {
            sql.push(" and ").push(counts);
        }
        let public = self.public.filter(|_| !period.private).and_then(|of| of().public);
        if let Some(public) = public {
            sql.push(" and ").push(public);
        }
    }

    /// Appends the same, from one instant to another.
    pub(super) fn between(
        &self,
        period: &Period,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
        sql: &mut Statement,
    ) {
        self.all(period, sql);
        sql.push(" and ").push(self.at).push(" >= ");
        bind(sql, from, self.is_date);
        sql.push(" and ").push(self.at).push(" < ");
        bind(sql, to, self.is_date);
    }

    /// Appends the same, in the window.
    pub(super) fn within(&self, period: &Period, sql: &mut Statement) {
        self.between(period, period.from, period.to, sql);
    }

    /// Appends a select of measure, bucket, count over the window and the one before. `measure` is
    /// an expression, `count` an aggregate.
    pub(super) fn counted(&self, period: &Period, measure: &str, count: &str, sql: &mut Statement) {
        sql.push("select ").push(measure).push(", ");
        period.bucket_of(self.at, self.is_date, sql);
        sql.push(", ").push(count);
        self.between(period, period.before, period.to, sql);
        sql.push(" group by 1, 2");
    }
}

/// One statement of measure, bucket, count for things that are just counted.
pub(super) fn counted(period: &Period, measures: &[(&str, &[Source])]) -> Statement {
    let mut sql = Statement::default();
    let all =
        measures.iter().flat_map(|(measure, sources)| sources.iter().map(move |it| (measure, it)));
    for (position, (measure, source)) in all.enumerate() {
        if position > 0 {
            sql.push(" union all ");
        }
        source.counted(period, &format!("'{measure}'"), "count(*)", &mut sql);
    }
    sql
}
