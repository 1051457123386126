//! Takes operations back.

use std::collections::BTreeSet;

use diesel::{OptionalExtension, QueryResult};
use diesel_async::RunQueryDsl;

use super::{
    changes::{self, Change, Changes, Image, Key, Table, flag, integer},
    emails, journal, people,
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
    let inverse = changes.inverse();
    let mut later = in_the_way(world.conn, operation).await?;
    later.extend(hidden_since(world, operation, &inverse).await?);
    later.sort_by_key(|later| std::cmp::Reverse(later.operation));
    if !later.is_empty() {
        return Err(refusal(operation, &later).into());
    }
    if joins_again(world.conn, operation).await? {
        // As when it was asked for: who was locked since is not joined by the way of an undo.
        let held = inverse.keys().filter(|key| key.0 == Table::Identity).map(|key| key.1);
        for identity in held.filter(|id| world.is_held(*id)).collect::<BTreeSet<_>>() {
            world.mergeable(identity, At::Nowhere).await?;
        }
    }
    world.changes = inverse;
    // What was mentioned since takes part in the choice of the primary address.
    emails::elect_again(world).await?;
    Ok(None)
}

/// Whether to undo an operation is to merge, promote or accept once more.
async fn joins_again(conn: &mut Connection, operation: i64) -> QueryResult<bool> {
    let mut statement = Statement::new(
        "with recursive chain (kind, undoes, depth) as (\
             select kind, undoes, 0 from identity_operation where id = ",
    );
    statement.bind(SqlType::BigInt, Value::BigInt(operation)).push(
        " union all select o.kind, o.undoes, depth + 1 from chain \
             join identity_operation o on o.id = chain.undoes) \
         select 1::bigint from chain where undoes is null and depth % 2 = 1 \
         and kind in ('merge', 'promote', 'accept')",
    );
    Ok(!statement.load::<Row>(conn).await?.is_empty())
}

/// The operations that hid an identity whose profiles would go back to where they are seen: half a
/// person would show who the other half is.
async fn hidden_since(
    world: &mut World<'_>,
    operation: i64,
    inverse: &Changes,
) -> Result<Vec<Later>, Stop> {
    let is_hidden = |id: i64| match inverse.rows.get(&(Table::Identity, id)) {
        Some(Change::Made(image)) => flag(image, "is_hidden"),
        Some(Change::Changed(_, after)) if after.contains_key("is_hidden") => {
            flag(after, "is_hidden")
        }
        _ => world.is_hidden(id),
    };
    let home = |image: &Image| integer(image, "identity_id");
    let left = inverse.rows.iter().filter_map(|(key, change)| match change {
        Change::Changed(now, then) if key.0 == Table::BaseProfile => {
            let from = home(now).filter(|from| world.is_hidden(*from))?;
            (!home(then).is_some_and(is_hidden)).then_some(from)
        }
        _ => None,
    });
    let left: BTreeSet<i64> = left.collect();
    if left.is_empty() {
        return Ok(Vec::new());
    }
    let operation = || Value::BigInt(operation);
    let mut statement = Statement::new(
        "select distinct on (r.row_id) o.id, o.kind, r.table_name, r.row_id \
         from identity_operation_row r join identity_operation o on o.id = r.operation_id \
         where r.table_name = 'identity' and (r.after ->> 'is_hidden')::boolean and r.row_id = any(",
    );
    statement.bind_all(SqlType::BigInt, left.into_iter().map(Value::BigInt));
    statement.push(") and o.undone_by is null and o.id > ").bind(SqlType::BigInt, operation());
    statement.push(" and (o.undoes is null or o.undoes < ").bind(SqlType::BigInt, operation());
    statement.push(") order by r.row_id, o.id desc");
    Ok(later(statement.load(world.conn).await?))
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

/// The later operations in effect that have to do with a row that an operation has to do with.
const SAME_ROW: &str = "(select distinct on (later.id) later.id, later.kind, theirs.table_name, \
    theirs.row_id from identity_operation_row ours \
    join identity_operation_row theirs on theirs.row_id = ours.row_id \
        and theirs.table_name = ours.table_name and theirs.operation_id > ours.operation_id \
    join identity_operation later on later.id = theirs.operation_id \
    where later.undone_by is null \
        and (later.undoes is null or later.undoes < ours.operation_id) \
        and case when ours.role = 'used' then theirs.role in ('made', 'ended') \
            when theirs.role = 'used' then ours.role in ('made', 'ended') else true end \
        and ours.operation_id = ";
const SAME_ROW_ORDER: &str = " order by later.id, theirs.table_name, theirs.row_id)";

/// The last operation that made a row of the same key as one that is to come back: a profile is
/// proposed for a temporary identity once.
const SAME_PROPOSAL: &str = "(select distinct on (theirs.row_id) later.id, later.kind, \
    theirs.table_name, theirs.row_id from identity_operation_row ours \
    join temp_profile_identity_relation there \
        on there.base_profile_id = (ours.before ->> 'base_profile_id')::bigint \
        and there.target_identity_id = (ours.before ->> 'target_identity_id')::bigint \
        and there.id <> ours.row_id \
    join identity_operation_row theirs on theirs.table_name = ours.table_name \
        and theirs.row_id = there.id and theirs.role = 'made' \
    join identity_operation later on later.id = theirs.operation_id \
    where ours.table_name = 'temp_profile_identity_relation' and ours.role = 'ended' \
        and ours.operation_id = ";

/// The same of addresses, which a profile has once each.
const SAME_ADDRESS: &str = "(select distinct on (theirs.row_id) later.id, later.kind, \
    theirs.table_name, theirs.row_id from identity_operation_row ours \
    left join email self on self.id = ours.row_id \
    join email there on there.email_lower = ours.before ->> 'email_lower' \
        and there.id <> ours.row_id and there.base_profile_id = \
            coalesce(self.base_profile_id, (ours.before ->> 'base_profile_id')::bigint) \
    join identity_operation_row theirs on theirs.table_name = ours.table_name \
        and theirs.row_id = there.id and theirs.after ? 'email_lower' \
    join identity_operation later on later.id = theirs.operation_id \
    where ours.table_name = 'email' and ours.role in ('ended', 'changed') \
        and ours.operation_id = ";
const SAME_PLACE_ORDER: &str = " order by theirs.row_id, later.id desc)";

/// The later operations in effect that must be undone first, the last first, each with one of the
/// rows it shares. An operation and its undo that are both later cancel out.
async fn in_the_way(conn: &mut Connection, operation: i64) -> QueryResult<Vec<Later>> {
    let operation = || Value::BigInt(operation);
    let mut statement = Statement::new(format!("select * from ({SAME_ROW}"));
    statement.bind(SqlType::BigInt, operation()).push(SAME_ROW_ORDER);
    for place in [SAME_PROPOSAL, SAME_ADDRESS] {
        statement.push(" union ").push(place).bind(SqlType::BigInt, operation());
        statement.push(SAME_PLACE_ORDER);
    }
    statement.push(") found order by id desc limit 10");
    Ok(later(statement.load(conn).await?))
}

fn later(rows: Vec<Row>) -> Vec<Later> {
    rows.into_iter()
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
        .collect()
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
