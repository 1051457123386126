//! Merging one row into another: an adopted account, a renamed repository, a number that moved.
//!
//! Which rows have to move is read from the database's own catalogue of foreign keys and unique
//! indexes, so a new table is covered without being named here. Merges are rare and small; they go
//! row by row.

use std::{future::Future, pin::Pin};

use diesel::QueryResult;

use super::{register::Table, tx::Tx, upsert};
use crate::db::sql::{SqlType, Statement, Value};

type Step<'a> = Pin<Box<dyn Future<Output = QueryResult<()>> + Send + 'a>>;

/// A foreign key that points at the table.
struct Child {
    table: String,
    column: String,
}

/// Merges row `from` of a table into row `into`: of each register the greater stamp wins, children
/// move, those that collide on a natural key are merged by the same rule, and `from` is deleted.
///
/// `stamped` are the tables that have registers.
pub fn merge<'a>(
    tx: &'a mut Tx<'_>,
    stamped: &'a [&'static Table],
    table: &'a str,
    from: i64,
    into: i64,
) -> Step<'a> {
    Box::pin(async move {
        for child in children(tx, table).await? {
            if child.column == "id" {
                merge_subtype(tx, stamped, &child.table, from, into).await?;
                continue;
            }
            for (theirs, ours) in collisions(tx, &child, from, into).await? {
                if theirs != ours {
                    merge(tx, stamped, &child.table, theirs, ours).await?;
                }
            }
            let Child { table, column } = &child;
            let mut statement = Statement::new(format!("update {table} set {column} = "));
            statement.bind(SqlType::BigInt, Value::BigInt(into));
            statement.push(&format!(" where {column} = "));
            statement.bind(SqlType::BigInt, Value::BigInt(from));
            tx.execute(statement).await?;
        }
        let registers = stamped.iter().find(|registers| registers.name == table);
        let theirs = match registers {
            Some(registers) => upsert::read_row(tx, registers, from).await?,
            None => None,
        };
        // It goes first: the row that stays may take over its name or number.
        tx.execute(by_id(&format!("delete from {table} where id = "), from)).await?;
        if let (Some(registers), Some(theirs)) = (registers, theirs) {
            upsert::fold_row(tx, registers, &theirs, into).await?;
        }
        tx.count(table).deleted += 1;
        Ok(())
    })
}

/// A subtype shares its base's id: the row is copied to the new id if there is none, then merged.
async fn merge_subtype(
    tx: &mut Tx<'_>,
    stamped: &[&'static Table],
    table: &str,
    from: i64,
    into: i64,
) -> QueryResult<()> {
    if tx.query(by_id(&format!("select id from {table} where id = "), from)).await?.is_empty() {
        return Ok(());
    }
    if tx.query(by_id(&format!("select id from {table} where id = "), into)).await?.is_empty() {
        let mut columns =
            Statement::new("select attname::text from pg_attribute where attrelid = to_regclass(");
        columns.bind(SqlType::Text, Value::Text(table.to_owned()));
        columns.push(") and attnum > 0 and not attisdropped and attname <> 'id' order by attnum");
        let columns: Vec<String> = tx.query(columns).await?.into_iter().filter_map(text).collect();
        let columns: Vec<String> = columns.iter().map(|column| format!(", \"{column}\"")).collect();
        let columns = columns.concat();
        let mut copy = Statement::new(format!("insert into {table} (id{columns}) select "));
        copy.bind(SqlType::BigInt, Value::BigInt(into));
        copy.push(&format!("{columns} from {table} where id = "));
        copy.bind(SqlType::BigInt, Value::BigInt(from));
        tx.execute(copy).await?;
    }
    merge(tx, stamped, table, from, into).await
}

/// Every foreign key to a table.
async fn children(tx: &mut Tx<'_>, table: &str) -> QueryResult<Vec<Child>> {
    let mut statement = Statement::new(
        "select c.conrelid::regclass::text, a.attname::text from pg_constraint c \
         join pg_attribute a on a.attrelid = c.conrelid and a.attnum = c.conkey[1] \
         where c.contype = 'f' and c.confrelid = to_regclass(",
    );
    statement.bind(SqlType::Text, Value::Text(table.to_owned())).push(") order by 1, 2");
    let rows = tx.query(statement).await?;
    Ok(rows
        .into_iter()
        .filter_map(|row| match <[Value; 2]>::try_from(row.0) {
            Ok([Value::Text(table), Value::Text(column)]) => Some(Child { table, column }),
            _ => None,
        })
        .collect())
}

/// The pairs of a child table's rows that would be equal on a unique index once `from` is `into`.
async fn collisions(
    tx: &mut Tx<'_>,
    child: &Child,
    from: i64,
    into: i64,
) -> QueryResult<Vec<(i64, i64)>> {
    let mut statement = Statement::new(
        "select i.indexrelid::bigint, coalesce(pg_get_expr(i.indpred, i.indrelid), 'true'), k.n::bigint, \
         pg_get_indexdef(i.indexrelid, k.n, true) \
         from pg_index i cross join lateral generate_series(1, i.indnkeyatts::int) k(n) \
         where i.indisunique and i.indrelid = to_regclass(",
    );
    statement
        .bind(SqlType::Text, Value::Text(child.table.clone()))
        .push(") order by i.indexrelid, k.n");
    let mut indexes: Vec<(i64, String, Vec<String>)> = Vec::new();
    for row in tx.query(statement).await? {
        if let Ok([Value::BigInt(index), Value::Text(when), _, Value::Text(key)]) =
            <[Value; 4]>::try_from(row.0)
        {
            match indexes.last_mut().filter(|last| last.0 == index) {
                Some(last) => last.2.push(key),
                None => indexes.push((index, when, vec![key])),
            }
        }
    }
    let mut pairs = Vec::new();
    for (_, when, keys) in indexes {
        if !keys.contains(&child.column) {
            continue;
        }
        let others: Vec<&String> = keys.iter().filter(|key| **key != child.column).collect();
        let select: Vec<String> =
            others.iter().enumerate().map(|(n, key)| format!(", {key} as k{n}")).collect();
        let on: Vec<String> = (0..others.len()).map(|n| format!(" and a.k{n} = b.k{n}")).collect();
        let (select, on) = (select.concat(), on.concat());
        let side = |statement: &mut Statement, id: i64| {
            statement.push(&format!(
                "(select id{select} from {} where ({when}) and {} = ",
                child.table, child.column
            ));
            statement.bind(SqlType::BigInt, Value::BigInt(id)).push(")");
        };
        let mut statement = Statement::new("select b.id, a.id from ");
        side(&mut statement, from);
        statement.push(" b join ");
        side(&mut statement, into);
        statement.push(&format!(" a on true{on} order by 1"));
        for row in tx.query(statement).await? {
            if let Ok([Value::BigInt(theirs), Value::BigInt(ours)]) = <[Value; 2]>::try_from(row.0)
                && !pairs.iter().any(|(known, _)| *known == theirs)
            {
                pairs.push((theirs, ours));
            }
        }
    }
    Ok(pairs)
}

fn by_id(sql: &str, id: i64) -> Statement {
    let mut statement = Statement::new(sql);
    statement.bind(SqlType::BigInt, Value::BigInt(id));
    statement
}

fn text(row: crate::db::sql::Row) -> Option<String> {
    match row.0.into_iter().next() {
        Some(Value::Text(text)) => Some(text),
        _ => None,
    }
}
