//! Issues and pull requests: opened, closed, merged, and what was said about them.

use diesel::QueryResult;
use diesel_async::RunQueryDsl;

use super::{
    answer::{Answer, Counts},
    period::Period,
    source::{
        ISSUE_COMMENTS, ISSUES_CLOSED, ISSUES_OPENED, PULL_COMMENTS, PULLS_CLOSED_UNMERGED,
        PULLS_MERGED, PULLS_OPENED, REVIEW_COMMENTS, REVIEWS, Source, counted,
    },
};
use crate::db::Connection;

const MEASURES: [(&str, &[Source]); 8] = [
    ("issues_opened", &[ISSUES_OPENED]),
    ("issues_closed", &[ISSUES_CLOSED]),
    ("pull_requests_opened", &[PULLS_OPENED]),
    ("pull_requests_merged", &[PULLS_MERGED]),
    ("pull_requests_closed_unmerged", &[PULLS_CLOSED_UNMERGED]),
    ("comments", &[ISSUE_COMMENTS, PULL_COMMENTS]),
    ("reviews", &[REVIEWS]),
    ("review_comments", &[REVIEW_COMMENTS]),
];

pub(super) async fn answer(period: &Period, connection: &mut Connection) -> QueryResult<Answer> {
    let mut counts = Counts::of(&MEASURES.map(|(measure, _)| measure));
    counts.extend(counted(period, &MEASURES).load(connection).await?);
    Ok(counts.answer())
}
