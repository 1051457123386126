//! Takes operations back.

use std::collections::BTreeSet;

use diesel::{OptionalExtension, QueryResult};
use diesel_async::RunQueryDsl;

use super::{
    changes::{self, Changes, Key, Table},
    journal, people,
    world::{At, Stop, World},
};
use crate::{
    db::{
        Connection,
        sql::{Row, SqlType, Statement, Value},
    },
    http::problem::{Fault, Problem},
};

/// Puts the inverse of an operation into the world's changes, or says what is in the way.
pub async fn plan(world: &mut World<'_>, operation: i64) -> Result<Option<Key>, Stop> {
    // What an operation did never changes; whether it is in effect is looked at under the locks.
    let changes = journal::changes_of(world.conn, operation).await?;
    hold(world, &changes).await?;
    let undone_by = lock(world.conn, operation).await?.ok_or_else(|| {
        At::Path.refuse("no_such_operation", format!("There is no operation {operation}."))
    })?;
    if let Some(by) = undone_by {
        let detail = format!("Operation {operation} is undone: operation {by} did that.");
        return Err(people::conflict("already_undone", detail));
    }
    let later = in_the_way(world.conn, operation).await?;
    if !later.is_empty() {
        return Err(refusal(operation, &later).into());
    }
    world.changes = changes.inverse();
    Ok(None)
}

/// Locks every row that is to be written, in the order in which all operations do.
async fn hold(world: &mut World<'_>, changes: &Changes) -> Result<(), Stop> {
    let of = |table| -> BTreeSet<i64> {
        changes.rows.keys().filter(|key| key.0 == table).map(|key| key.1).collect()
    };
    let homes = changes.used.iter().filter(|key| key.0 == Table::Identity).map(|key| key.1);
    world.hold(of(Table::Identity).into_iter().chain(homes)).await?;
    // Who writes the addresses of a profile relies on the profile, and holds it.
    let mut profiles = of(Table::BaseProfile);
    profiles.extend(changes.used.iter().filter(|key| key.0 == Table::BaseProfile).map(|key| key.1));
    for (table, ids, lock) in [
        (Table::TmpIdentity, of(Table::TmpIdentity), "for update"),
        (Table::BaseProfile, profiles, "for no key update"),
        (Table::Relation, of(Table::Relation), "for update"),
        (Table::Email, of(Table::Email), "for update"),
        (Table::Suggestion, of(Table::Suggestion), "for update"),
    ] {
        if !ids.is_empty() {
            changes::read(world.conn, table, "id", ids, lock).await?;
        }
    }
    Ok(())
}

/// Locks an operation. Gives which operation undid it, if there is such an operation at all.
async fn lock(conn: &mut Connection, operation: i64) -> QueryResult<Option<Option<i64>>> {
    let mut statement = Statement::new("select undone_by from identity_operation where id = ");
    statement.bind(SqlType::BigInt, Value::BigInt(operation)).push(" for update");
    let row = statement.get_result::<Row>(conn).await.optional()?;
    Ok(row.map(|Row(values)| match values[..] {
        [Value::BigInt(by)] => Some(by),
        _ => None,
    }))
}

/// A later operation that is in effect and has to do with the same row.
#[derive(Debug)]
struct Later {
    operation: i64,
    kind: String,
    table: String,
    row: i64,
}

/// The later operations in effect that must be undone first, the last first, each with one of the
/// rows it shares. An operation and its undo that are both later cancel out.
async fn in_the_way(conn: &mut Connection, operation: i64) -> QueryResult<Vec<Later>> {
    let mut statement = Statement::new(
        "select * from (select distinct on (later.id) later.id, later.kind, theirs.table_name, \
         theirs.row_id from identity_operation_row ours \
         join identity_operation_row theirs on theirs.row_id = ours.row_id \
             and theirs.table_name = ours.table_name and theirs.operation_id > ours.operation_id \
         join identity_operation later on later.id = theirs.operation_id \
         where later.undone_by is null \
             and (later.undoes is null or later.undoes < ours.operation_id) \
             and case when ours.role = 'used' then theirs.role in ('made', 'ended') \
                 when theirs.role = 'used' then ours.role in ('made', 'ended') else true end \
             and ours.operation_id = ",
    );
    statement.bind(SqlType::BigInt, Value::BigInt(operation)).push(
        " order by later.id, theirs.table_name, theirs.row_id) found order by id desc limit 10",
    );
    let rows: Vec<Row> = statement.load(conn).await?;
    Ok(rows
        .into_iter()
        .filter_map(|Row(values)| match <[Value; 4]>::try_from(values) {
            Ok(
                [
                    Value::BigInt(operation),
                    Value::Text(kind),
                    Value::Text(table),
                    Value::BigInt(row),
                ],
            ) => Some(Later { operation, kind, table, row }),
            _ => None,
        })
        .collect())
}

/// 409, naming what has to be undone first.
fn refusal(operation: i64, later: &[Later]) -> Problem {
    let said = |later: &Later| {
        let Later { operation, kind, table, row } = later;
        format!("Operation {operation} ({kind}) has to do with row {row} of `{table}`.")
    };
    let first = later.first().map_or_else(String::new, said);
    let detail = format!("Operation {operation} cannot be undone before later ones. {first}");
    later.iter().fold(Problem::conflict("operation_in_the_way", detail), |problem, later| {
        problem.with(Fault {
            pointer: None,
            parameter: Some("id".to_owned()),
            code: "operation_in_the_way".into(),
            detail: said(later),
            suggestion: Some(later.operation.to_string()),
        })
    })
}

/// Notes that `by` took `undone` back. If that was an undo, what it had taken back is in effect again;
/// if that was an undo in turn, what it had taken back is not; and so on.
pub async fn mark(conn: &mut Connection, undone: i64, by: i64) -> QueryResult<()> {
    let (mut operation, mut by) = (Some(undone), Some(by));
    while let Some(id) = operation {
        let mut statement = Statement::new("update identity_operation set undone_by = ");
        statement.bind(SqlType::BigInt, by.map_or(Value::Null, Value::BigInt)).push(" where id = ");
        statement.bind(SqlType::BigInt, Value::BigInt(id)).push(" returning undoes");
        let Row(values) = statement.get_result(conn).await?;
        let undoes = match values[..] {
            [Value::BigInt(undoes)] => Some(undoes),
            _ => None,
        };
        by = if by.is_some() { None } else { Some(id) };
        operation = undoes;
    }
    Ok(())
}
