//! Keeps suggestions.

use std::collections::HashSet;

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
pub async fn withdraw(conn: &mut Connection, found: Option<&[Pair]>) -> QueryResult<usize> {
    let joined = Statement::new(
        "delete from identity_suggestion kept using base_profile one, base_profile other \
         where kept.status = 'open' and one.id = kept.profile_id \
         and other.id = kept.other_profile_id and one.identity_id = other.identity_id",
    );
    let mut withdrawn = joined.execute(conn).await?;
    if let Some(found) = found {
        let unsupported = unsupported(conn, found).await?;
        let mut statement =
            Statement::new("delete from identity_suggestion where status = 'open' and id = any(");
        statement.bind_all(SqlType::BigInt, unsupported.into_iter().map(Value::BigInt)).push(")");
        withdrawn += statement.execute(conn).await?;
    }
    Ok(withdrawn)
}

/// The open suggestions that are not among the pairs found.
async fn unsupported(conn: &mut Connection, found: &[Pair]) -> QueryResult<Vec<i64>> {
    let found: HashSet<(i64, i64)> = found.iter().map(|pair| (pair.one, pair.other)).collect();
    let open = Statement::new(
        "select id, profile_id, other_profile_id from identity_suggestion where status = 'open'",
    );
    let rows: Vec<Row> = open.load(conn).await?;
    Ok(rows
        .into_iter()
        .filter_map(|Row(values)| match values[..] {
            [Value::BigInt(id), Value::BigInt(one), Value::BigInt(other)]
                if !found.contains(&(one, other)) =>
            {
                Some(id)
            }
            _ => None,
        })
        .collect())
}

fn given(pairs: &[Pair]) -> Given<'_> {
    Given::default()
        .ids("one", pairs.iter().map(|pair| pair.one))
        .ids("other", pairs.iter().map(|pair| pair.other))
}
