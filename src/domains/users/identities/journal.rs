//! The journal: operations as they were done.

use chrono::{DateTime, Utc};
use diesel::QueryResult;
use diesel_async::RunQueryDsl;
use serde_json::Value as Json;

use super::{
    changes::{Change, Changes, Image, Table},
    perform::Who,
};
use crate::{
    db::{
        Connection,
        sql::{Json as Jsonb, Row, SqlType, Statement, Value},
    },
    ingest::given::Given,
};

/// An entry that is to be written.
#[derive(Debug)]
pub struct Entry<'a> {
    /// The operation's name.
    pub kind: &'a str,
    /// What was asked for.
    pub what: Json,
    /// Who asked.
    pub who: &'a Who<'a>,
    /// When.
    pub at: DateTime<Utc>,
    /// The operation that it takes back.
    pub undoes: Option<i64>,
}

impl Entry<'_> {
    /// Writes the entry with its images; gives the operation's id.
    pub async fn write(self, changes: &Changes, conn: &mut Connection) -> QueryResult<i64> {
        let mut statement = Statement::new(
            "insert into identity_operation (kind, subject, request_id, at, what, undoes) values (",
        );
        let text = |text: &str| Value::Text(text.to_owned());
        statement.bind(SqlType::Text, text(self.kind)).push(", ");
        statement.bind(SqlType::Text, text(self.who.subject)).push(", ");
        statement.bind(SqlType::Text, text(self.who.request_id)).push(", ");
        statement.bind(SqlType::Timestamptz, Value::Timestamptz(self.at)).push(", ");
        statement.bind(SqlType::Jsonb, Value::Jsonb(Jsonb(self.what))).push(", ");
        let undoes = self.undoes.map_or(Value::Null, Value::BigInt);
        statement.bind(SqlType::BigInt, undoes).push(") returning id");
        let Row(values) = statement.get_result(conn).await?;
        let [Value::BigInt(id)] = values[..] else {
            return Err(diesel::result::Error::NotFound);
        };
        write_rows(id, changes, conn).await?;
        Ok(id)
    }
}

async fn write_rows(id: i64, changes: &Changes, conn: &mut Connection) -> QueryResult<()> {
    let image = |image: &Image| Value::Jsonb(Jsonb(Json::Object(image.clone())));
    let written = changes.rows.iter().map(|(key, change)| match change {
        Change::Made(after) => (*key, "made", Value::Null, image(after)),
        Change::Changed(before, after) => (*key, "changed", image(before), image(after)),
        Change::Ended(before) => (*key, "ended", image(before), Value::Null),
    });
    let used = changes.used.iter().filter(|key| !changes.rows.contains_key(key));
    let used = used.map(|key| (*key, "used", Value::Null, Value::Null));
    let rows: Vec<_> = written.chain(used).collect();
    let mut statement = Statement::new(
        "insert into identity_operation_row (operation_id, table_name, row_id, role, before, \
         after) select ",
    );
    statement
        .bind(SqlType::BigInt, Value::BigInt(id))
        .push(", u.table_name, u.row_id, u.role, u.before, u.after from ");
    Given::default()
        .texts("table_name", rows.iter().map(|((table, _), ..)| table.name()))
        .ids("row_id", rows.iter().map(|((_, id), ..)| *id))
        .texts("role", rows.iter().map(|(_, role, ..)| *role))
        .with("before", SqlType::Jsonb, rows.iter().map(|(.., before, _)| before.clone()))
        .with("after", SqlType::Jsonb, rows.iter().map(|(.., after)| after.clone()))
        .append(&mut statement);
    statement.execute(conn).await?;
    Ok(())
}

/// What an operation did.
pub async fn changes_of(conn: &mut Connection, operation: i64) -> QueryResult<Changes> {
    let mut statement = Statement::new(
        "select table_name, row_id, before, after from identity_operation_row \
         where operation_id = ",
    );
    statement.bind(SqlType::BigInt, Value::BigInt(operation));
    let rows: Vec<Row> = statement.load(conn).await?;
    let mut changes = Changes::default();
    for Row(values) in rows {
        let Ok([Value::Text(table), Value::BigInt(id), before, after]) =
            <[Value; 4]>::try_from(values)
        else {
            continue;
        };
        let Some(table) = Table::named(&table) else { continue };
        let change = match (image(before), image(after)) {
            (None, Some(after)) => Change::Made(after),
            (Some(before), Some(after)) => Change::Changed(before, after),
            (Some(before), None) => Change::Ended(before),
            (None, None) => {
                changes.rely_on(table, id);
                continue;
            }
        };
        changes.rows.insert((table, id), change);
    }
    Ok(changes)
}

fn image(value: Value) -> Option<Image> {
    match value {
        Value::Jsonb(Jsonb(Json::Object(image))) => Some(image),
        _ => None,
    }
}
