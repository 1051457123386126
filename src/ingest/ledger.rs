//! What the server keeps of a request besides its rows: the receipt, its items, dead letters.

use diesel::QueryResult;
use serde_json::json;

use super::{
    document::Document,
    job::Job,
    kind::Location,
    receipt::{ItemReport, Receipt},
    tx::Tx,
    value::Note,
};
use crate::{
    db::sql::{Json, SqlType, Statement, Value},
    ingest::given::Given,
};

fn text(text: impl Into<String>) -> Value {
    Value::Text(text.into())
}

fn json_value(value: &impl serde::Serialize) -> Value {
    Value::Jsonb(Json(serde_json::to_value(value).unwrap_or_default()))
}

/// The parameters of a job, as its receipt keeps them.
pub(super) fn params(job: &Job) -> Value {
    let mut params: serde_json::Map<String, serde_json::Value> =
        job.context.params.iter().map(|(key, value)| (key.clone(), json!(value))).collect();
    params.remove("dry_run");
    params.remove("mode");
    Value::Jsonb(Json(serde_json::Value::Object(params)))
}

/// Writes the receipt as it stands: running after each batch, concluded with the last.
pub async fn write_receipt(
    tx: &mut Tx<'_>,
    job: &Job,
    receipt: &Receipt,
    response: Option<&str>,
) -> QueryResult<()> {
    let counts = [
        ("received", receipt.received),
        ("inserted", receipt.inserted),
        ("updated", receipt.updated),
        ("unchanged", receipt.unchanged),
        ("stale", receipt.stale),
        ("rejected", receipt.rejected),
    ];
    let (key, digest) = match &job.idempotency {
        Some((key, digest)) => (text(key), Value::Bytea(digest.clone())),
        None => (Value::Null, Value::Null),
    };
    let body = if receipt.finished_at.is_some() { json_value(receipt) } else { Value::Null };
    let mut columns: Vec<(&str, SqlType, Value)> = vec![
        ("number", SqlType::BigInt, Value::BigInt(tx.receipt)),
        ("id", SqlType::Text, text(&receipt.id)),
        ("request_id", SqlType::Text, text(&receipt.request_id)),
        ("domain", SqlType::Text, text(&receipt.domain)),
        ("kind", SqlType::Text, text(&receipt.kind)),
        ("subject", SqlType::Text, text(&job.subject)),
        ("params", SqlType::Jsonb, params(job)),
        ("mode", SqlType::Text, text(job.mode.name())),
        ("idempotency_key", SqlType::Text, key),
        ("body_digest", SqlType::Bytea, digest),
        ("status", SqlType::Text, text(receipt.status.text())),
        ("body", SqlType::Jsonb, body),
        ("response", SqlType::Text, response.map_or(Value::Null, text)),
        ("received_at", SqlType::Timestamptz, Value::Timestamptz(job.context.received_at)),
        ("started_at", SqlType::Timestamptz, Value::Timestamptz(receipt.started_at)),
        (
            "finished_at",
            SqlType::Timestamptz,
            receipt.finished_at.map_or(Value::Null, Value::Timestamptz),
        ),
    ];
    for (name, count) in counts {
        columns.push((name, SqlType::Int, Value::Int(i32::try_from(count).unwrap_or(i32::MAX))));
    }
    let names: Vec<&str> = columns.iter().map(|(name, ..)| *name).collect();
    let mut statement =
        Statement::new(format!("insert into receipt ({}) values (", names.join(", ")));
    for (nth, (_, ty, value)) in columns.into_iter().enumerate() {
        if nth > 0 {
            statement.push(", ");
        }
        statement.bind(ty, value);
    }
    statement.push(
        ") on conflict (number) do update set status = excluded.status, body = excluded.body, \
         response = excluded.response, started_at = excluded.started_at, finished_at = excluded.finished_at, \
         received = excluded.received, inserted = excluded.inserted, updated = excluded.updated, \
         unchanged = excluded.unchanged, stale = excluded.stale, rejected = excluded.rejected",
    );
    tx.execute(statement).await?;
    Ok(())
}

/// The most items of one row: a page of them is read from few rows, and none is large.
const ITEMS: usize = 5_000;

/// Writes what became of each item of a batch.
pub async fn write_items(
    tx: &mut Tx<'_>,
    mut items: impl Iterator<Item = ItemReport>,
) -> QueryResult<()> {
    loop {
        let chunk: Vec<ItemReport> = items.by_ref().take(ITEMS).collect();
        let Some(first) = chunk.first() else { return Ok(()) };
        let mut statement = Statement::new(
            "insert into receipt_items (receipt_number, first_index, items) values (",
        );
        statement.bind(SqlType::BigInt, Value::BigInt(tx.receipt)).push(", ");
        statement.bind(SqlType::Int, Value::Int(first.index)).push(", ");
        // As text: a tree of so many items would be several times as large.
        let json = serde_json::to_string(&chunk).unwrap_or_default();
        drop(chunk);
        statement.bind(SqlType::Text, Value::Text(json)).push("::jsonb)");
        tx.execute(statement).await?;
    }
}

/// A rejected item, with the document it came in.
#[derive(Debug)]
pub struct Dead<'d> {
    /// The document.
    pub document: &'d Document,
    /// Which of its items it is.
    pub part: Option<usize>,
    /// Where it stands among those of its kind.
    pub location: &'d Location,
    /// The item's index in the body.
    pub index: i32,
    /// Why it was rejected; at least one.
    pub faults: &'d [Note],
    /// Where the document is archived.
    pub raw: Option<&'d str>,
}

/// Keeps rejected items until they are stored or deleted.
pub async fn write_dead_letters(tx: &mut Tx<'_>, job: &Job, dead: &[Dead<'_>]) -> QueryResult<()> {
    if dead.is_empty() {
        return Ok(());
    }
    let spec = job.kind.spec();
    let mut statement = Statement::new(
        "insert into dead_letter (receipt_number, domain, kind, params, content_type, received_at, \
         index, code, pointer, detail, errors, body, raw_path, scope, position) select ",
    );
    statement.bind(SqlType::BigInt, Value::BigInt(tx.receipt)).push(", ");
    statement.bind(SqlType::Text, text(spec.domain)).push(", ");
    statement.bind(SqlType::Text, text(spec.name)).push(", ");
    statement.bind(SqlType::Jsonb, params(job)).push(", ");
    statement.bind(SqlType::Text, text(&job.content_type)).push(", ");
    statement.bind(SqlType::Timestamptz, Value::Timestamptz(job.context.received_at));
    statement.push(
        ", u.index, u.code, u.pointer, u.detail, u.errors, u.body, u.raw, u.scope, \
         u.position from ",
    );
    Given::default()
        .with("index", SqlType::Int, dead.iter().map(|dead| Value::Int(dead.index)))
        .texts("code", dead.iter().map(|dead| dead.faults[0].code.as_str()))
        .texts("pointer", dead.iter().map(|dead| dead.faults[0].pointer.as_str()))
        .texts("detail", dead.iter().map(|dead| dead.faults[0].detail.as_str()))
        .with("errors", SqlType::Jsonb, dead.iter().map(|dead| json_value(&dead.faults)))
        .with(
            "body",
            SqlType::Bytea,
            dead.iter().map(|dead| Value::Bytea(dead.document.excerpt(dead.part.as_slice()))),
        )
        .with(
            "scope",
            SqlType::Text,
            dead.iter().map(|dead| dead.location.scope.as_deref().map_or(Value::Null, text)),
        )
        .with(
            "position",
            SqlType::BigInt,
            dead.iter().map(|dead| dead.location.position.map_or(Value::Null, Value::BigInt)),
        )
        .with("raw", SqlType::Text, dead.iter().map(|dead| dead.raw.map_or(Value::Null, text)))
        .append(&mut statement);
    tx.execute(statement).await?;
    Ok(())
}
