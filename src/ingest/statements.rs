//! Folds: rows that are a function of the statements kept about their scope.
//!
//! Scans of a repository, dependencies of a version, owners of files, papers without a year: what
//! such a payload means depends on what was said before and after it. So the statements are kept,
//! and the scope's rows are derived from them, in stamp order, whenever one is added. A late
//! statement needs no rule of its own.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use diesel::QueryResult;
use serde_json::Value as Body;

use super::{given::Given, stamp::Stamp, tx::Tx};
use crate::db::sql::{Json, Row, SqlType, Statement as Sql, Value};

/// What is said about a scope.
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    /// What it is about: the repository, the version, the paper.
    pub scope: String,
    /// What tells statements of one scope apart. Of one key only the newest counts; a fold that needs
    /// every statement puts its time and digest into the key.
    pub key: String,
    /// When it was said.
    pub stamp: Stamp,
    /// What it says, normalised.
    pub body: Body,
    /// The item's index in the body.
    pub item: i32,
}

/// What became of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// It is the newest of its key, and there was none.
    First,
    /// It is the newest of its key, and says something else than the one before.
    Newer,
    /// It was kept already, or says the same as the one before.
    Same,
    /// A newer one of its key was kept before.
    Older,
}

/// Holds scopes until the transaction ends: the statements of a scope are folded one transaction
/// after the other.
pub async fn lock<'s>(
    tx: &mut Tx<'_>,
    fold: &str,
    scopes: impl IntoIterator<Item = &'s str>,
) -> QueryResult<()> {
    let scopes: BTreeSet<&str> = scopes.into_iter().collect();
    if scopes.is_empty() {
        return Ok(());
    }
    let mut statement = Sql::new(
        "select count(pg_advisory_xact_lock(l.key)) from (select distinct hashtextextended(",
    );
    statement.bind(SqlType::Text, Value::Text(fold.to_owned()));
    // Scopes share locks: PostgreSQL's table of them is small, and a file may name thousands.
    statement.push(", 0) # (hashtextextended(u.scope, 0) & 1023) as key from ");
    Given::default().texts("scope", scopes).append(&mut statement);
    statement.push(" order by 1) l");
    tx.query(statement).await?;
    Ok(())
}

/// Keeps statements; the answer has one entry a statement, in the same order. Locks their scopes.
pub async fn keep(
    tx: &mut Tx<'_>,
    fold: &'static str,
    statements: &[Statement],
) -> QueryResult<Vec<Kept>> {
    if statements.is_empty() {
        return Ok(Vec::new());
    }
    lock(tx, fold, statements.iter().map(|statement| statement.scope.as_str())).await?;
    let mut stored = Given::default()
        .texts("scope", statements.iter().map(|statement| statement.scope.as_str()))
        .texts("key", statements.iter().map(|statement| statement.key.as_str()))
        .statement(
            &format!("select distinct {COLUMNS} from"),
            "join statement s on s.scope = u.scope and s.key = u.key where s.fold = ",
        );
    stored.bind(SqlType::Text, Value::Text(fold.to_owned()));
    let mut newest: HashMap<(String, String), Statement> = HashMap::new();
    for row in tx.query(stored).await? {
        let statement = decode(row)?;
        newest.insert((statement.scope.clone(), statement.key.clone()), statement);
    }
    let mut written: BTreeMap<(String, String), Statement> = BTreeMap::new();
    let mut kept = Vec::with_capacity(statements.len());
    for statement in statements {
        let place = (statement.scope.clone(), statement.key.clone());
        let known = newest.get(&place);
        let fate = match known {
            None => Kept::First,
            Some(known) if known.stamp == statement.stamp => Kept::Same,
            Some(known) if known.stamp > statement.stamp && known.body == statement.body => {
                Kept::Same
            }
            Some(known) if known.stamp > statement.stamp => Kept::Older,
            Some(known) if known.body == statement.body => Kept::Same,
            Some(_) => Kept::Newer,
        };
        if known.is_none_or(|known| known.stamp < statement.stamp) {
            newest.insert(place.clone(), statement.clone());
            written.insert(place, statement.clone());
        }
        kept.push(fate);
    }
    write(tx, fold, written.into_values().collect()).await?;
    Ok(kept)
}

/// Every statement that is kept about scopes, by scope, in stamp order.
pub async fn of<'s>(
    tx: &mut Tx<'_>,
    fold: &str,
    scopes: impl IntoIterator<Item = &'s str>,
) -> QueryResult<BTreeMap<String, Vec<Statement>>> {
    let scopes: BTreeSet<&str> = scopes.into_iter().collect();
    let mut statement = Sql::new(format!("select {COLUMNS} from statement s where s.fold = "));
    statement.bind(SqlType::Text, Value::Text(fold.to_owned())).push(" and s.scope = any(");
    statement
        .bind_all(SqlType::Text, scopes.into_iter().map(|scope| Value::Text(scope.to_owned())))
        .push(")");
    let mut found: BTreeMap<String, Vec<Statement>> = BTreeMap::new();
    for row in tx.query(statement).await? {
        let statement = decode(row)?;
        found.entry(statement.scope.clone()).or_default().push(statement);
    }
    for statements in found.values_mut() {
        statements.sort_by(|a, b| (&a.stamp, &a.key).cmp(&(&b.stamp, &b.key)));
    }
    Ok(found)
}

/// Forgets statements of a scope.
pub async fn forget(tx: &mut Tx<'_>, fold: &str, statements: &[Statement]) -> QueryResult<()> {
    let mut statement = Sql::new("delete from statement s using ");
    Given::default()
        .texts("scope", statements.iter().map(|statement| statement.scope.as_str()))
        .texts("key", statements.iter().map(|statement| statement.key.as_str()))
        .append(&mut statement);
    statement.push(" where s.scope = u.scope and s.key = u.key and s.fold = ");
    statement.bind(SqlType::Text, Value::Text(fold.to_owned()));
    tx.execute(statement).await?;
    Ok(())
}

const COLUMNS: &str = "s.scope, s.key, s.source_at, s.source_rank, s.source_as_of, \
                       s.source_digest, s.body, s.source_item";

fn decode(row: Row) -> QueryResult<Statement> {
    let time = |value| match value {
        Value::Timestamptz(at) => Some(at),
        _ => None,
    };
    match <[Value; 8]>::try_from(row.0) {
        Ok(
            [
                Value::Text(scope),
                Value::Text(key),
                source_at,
                Value::SmallInt(rank),
                as_of,
                Value::Bytea(digest),
                Value::Jsonb(Json(body)),
                item,
            ],
        ) => Ok(Statement {
            scope,
            key,
            stamp: Stamp { source_at: time(source_at), rank, as_of: time(as_of), digest },
            body,
            item: if let Value::Int(item) = item { item } else { 0 },
        }),
        _ => {
            Err(diesel::result::Error::DeserializationError("a statement has another shape".into()))
        }
    }
}

async fn write(tx: &mut Tx<'_>, fold: &str, statements: Vec<Statement>) -> QueryResult<()> {
    if statements.is_empty() {
        return Ok(());
    }
    let time = |at: Option<_>| at.map_or(Value::Null, Value::Timestamptz);
    let mut statement = Sql::new(
        "insert into statement (fold, scope, key, source_at, source_rank, source_as_of, \
         source_digest, body, source_item, source_receipt) select ",
    );
    statement.bind(SqlType::Text, Value::Text(fold.to_owned())).push(
        "::text, u.scope, u.key, u.source_at, u.source_rank, u.source_as_of, u.source_digest, \
         u.body, u.item, ",
    );
    statement.bind(SqlType::BigInt, Value::BigInt(tx.receipt)).push("::bigint from ");
    let stamps = || statements.iter().map(|statement| &statement.stamp);
    Given::default()
        .texts("scope", statements.iter().map(|statement| statement.scope.as_str()))
        .texts("key", statements.iter().map(|statement| statement.key.as_str()))
        .with("source_at", SqlType::Timestamptz, stamps().map(|stamp| time(stamp.source_at)))
        .with("source_rank", SqlType::SmallInt, stamps().map(|stamp| Value::SmallInt(stamp.rank)))
        .with("source_as_of", SqlType::Timestamptz, stamps().map(|stamp| time(stamp.as_of)))
        .with("source_digest", SqlType::Bytea, stamps().map(|s| Value::Bytea(s.digest.clone())))
        .with(
            "body",
            SqlType::Jsonb,
            statements.iter().map(|statement| Value::Jsonb(Json(statement.body.clone()))),
        )
        .with("item", SqlType::Int, statements.iter().map(|statement| Value::Int(statement.item)))
        .append(&mut statement);
    statement.push(
        " on conflict (fold, scope, key) do update set source_at = excluded.source_at, \
         source_rank = excluded.source_rank, source_as_of = excluded.source_as_of, \
         source_digest = excluded.source_digest, body = excluded.body, \
         source_receipt = excluded.source_receipt, source_item = excluded.source_item",
    );
    tx.execute(statement).await?;
    Ok(())
}
