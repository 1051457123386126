//! What happened on each platform.

use diesel::QueryResult;
use diesel_async::RunQueryDsl;

use super::{
    answer::{Answer, Counts},
    period::Period,
    source::{
        ALL_REVIEWS, COMMITS, DISCORD, ISSUE_COMMENTS, ISSUES_OPENED, MAILS, PAPERS, PULL_COMMENTS,
        PULLS_OPENED, SLACK, Source, VIDEOS, counted,
    },
};
use crate::db::Connection;

const MEASURES: [(&str, &[Source]); 8] = [
    ("commits", &[COMMITS]),
    ("issues", &[ISSUES_OPENED, ISSUE_COMMENTS]),
    ("pull_requests", &[PULLS_OPENED, PULL_COMMENTS, ALL_REVIEWS]),
    ("mails", &[MAILS]),
    ("slack", &[SLACK]),
    ("discord", &[DISCORD]),
    ("papers", &[PAPERS]),
    ("videos", &[VIDEOS]),
];

pub(super) async fn answer(period: &Period, connection: &mut Connection) -> QueryResult<Answer> {
    let mut counts = Counts::of(&MEASURES.map(|(measure, _)| measure));
    counts.extend(counted(period, &MEASURES).load(connection).await?);
    Ok(counts.answer())
}
