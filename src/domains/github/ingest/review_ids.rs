//! Which number a review has here: GitHub counts reviews and review comments apart.

use std::collections::BTreeSet;

use diesel::QueryResult;

use super::{
    removals,
    reviews::{Review, ReviewKind},
};
use crate::{
    db::sql::{SqlType, Statement, Value},
    ingest::{given::Given, tx::Tx},
};

/// Where both are stored.
const TABLE: &str = "pull_request_review";

/// The key of each: a review whose number a review comment has too takes the negated number; the
/// comment always has the plain one, whichever came first.
pub async fn settle<'r>(
    tx: &mut Tx<'_>,
    reviews: impl Iterator<Item = &'r Review> + Clone,
) -> QueryResult<Vec<i64>> {
    let (mut comments, mut verdicts) = (BTreeSet::new(), BTreeSet::new());
    for review in reviews.clone() {
        match review.kind {
            ReviewKind::Comment => comments.insert(review.id),
            ReviewKind::Review => verdicts.insert(review.id),
        };
    }
    if !verdicts.is_empty() {
        // A number that a deleted comment had stays a comment's.
        let keys = verdicts.iter().map(i64::to_string);
        let mut gone = Given::default().texts("key", keys).statement(
            "select t.natural_key from",
            "join tombstone t on t.natural_key = u.key and t.remembered where t.table_name = ",
        );
        gone.bind(SqlType::Text, Value::Text(TABLE.to_owned()));
        for row in tx.query(gone).await? {
            if let [Value::Text(key)] = row.0.as_slice() {
                comments.extend(key.parse::<i64>());
            }
        }
    }
    if !comments.is_empty() {
        removals::clear_numbers(tx, &comments).await?;
    }
    if !verdicts.is_empty() {
        // A review that had to give way keeps its number when the comment is removed.
        let mut taken = Statement::new(
            "select abs(pr_review_id) from pull_request_review \
             where kind = 'comment' and pr_review_id = any(",
        );
        taken.bind_all(SqlType::BigInt, verdicts.iter().copied().map(Value::BigInt));
        taken.push(") or kind = 'review' and pr_review_id = any(");
        taken.bind_all(SqlType::BigInt, verdicts.iter().map(|id| Value::BigInt(-id))).push(")");
        comments.extend(tx.ids(taken).await?);
    }
    Ok(reviews
        .map(|review| match review.kind {
            ReviewKind::Review if comments.contains(&review.id) => -review.id,
            _ => review.id,
        })
        .collect())
}
