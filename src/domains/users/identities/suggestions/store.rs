//! Keeps suggestions.

use chrono::{DateTime, Utc};
use diesel::QueryResult;
use diesel_async::RunQueryDsl;

use super::evidence::Pair;
use crate::{
    db::{
        Connection,
        sql::{Json, Row, SqlType, Statement, Value},
    },
    ingest::given::Given,
};

/// Puts pairs among the suggestions; what was decided stays as it is. Gives how many are new, and how
/// many open ones changed.
pub async fn put(
    conn: &mut Connection,
    pairs: &[Pair],
    now: DateTime<Utc>,
) -> QueryResult<(usize, usize)> {
    if pairs.is_empty() {
        return Ok((0, 0));
    }
    let mut statement = Statement::new(
        "insert into identity_suggestion as kept (profile_id, other_profile_id, score, evidence, \
         created_at, updated_at) select u.one, u.other, u.score, u.evidence, ",
    );
    let now = Value::Timestamptz(now);
    statement.bind(SqlType::Timestamptz, now.clone()).push(", ");
    statement.bind(SqlType::Timestamptz, now).push(" from ");
    let evidence = pairs.iter().map(|pair| Value::Jsonb(Json(pair.evidence.clone())));
    given(pairs)
        .with("score", SqlType::Double, pairs.iter().map(|pair| Value::Double(pair.score)))
        .with("evidence", SqlType::Jsonb, evidence)
        .append(&mut statement);
    statement.push(
        " on conflict (profile_id, other_profile_id) do update set score = excluded.score, \
         evidence = excluded.evidence, updated_at = excluded.updated_at \
         where kept.status = 'open' \
         and (kept.score, kept.evidence) is distinct from (excluded.score, excluded.evidence) \
         returning xmax = 0",
    );
    let rows: Vec<Row> = statement.load(conn).await?;
    let made = rows.iter().filter(|Row(values)| values[..] == [Value::Bool(true)]).count();
    Ok((made, rows.len() - made))
}

/// Takes away open suggestions of which both profiles are one identity, and if everybody was compared
/// also those that are not among the pairs found.
pub async fn withdraw(conn: &mut Connection, found: Option<&Vec<Pair>>) -> QueryResult<usize> {
    let mut statement = Statement::new(
        "delete from identity_suggestion kept using base_profile one, base_profile other \
         where kept.status = 'open' and one.id = kept.profile_id \
         and other.id = kept.other_profile_id and (one.identity_id = other.identity_id",
    );
    if let Some(pairs) = found {
        statement.push(" or not exists (select from ");
        given(pairs).append(&mut statement);
        statement.push(" where u.one = kept.profile_id and u.other = kept.other_profile_id)");
    }
    statement.push(")");
    statement.execute(conn).await
}

fn given(pairs: &[Pair]) -> Given<'_> {
    Given::default()
        .ids("one", pairs.iter().map(|pair| pair.one))
        .ids("other", pairs.iter().map(|pair| pair.other))
}
