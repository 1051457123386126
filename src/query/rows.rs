//! Rows by their keys: for whoever has keys and shows rows.

use std::collections::HashMap;

use diesel::{
    QueryResult,
    result::Error,
    row::{Field, Row},
};
use diesel_async::AsyncConnectionCore;
use futures_util::TryStreamExt;

use super::{operator::Operator, plan::Filter, render, select, view::View};
use crate::db::{Connection, sql::Value};

/// The rows whose column `by` is one of these keys, no two of which share one: as the list shows
/// them, each by its key as PostgreSQL sends it ([`key_bytes`]). Rows that are not public are among
/// them only if `private`. One statement.
pub async fn by_key(
    view: &View,
    by: usize,
    keys: Vec<Value>,
    private: bool,
    connection: &mut Connection,
) -> QueryResult<HashMap<Vec<u8>, Vec<u8>>> {
    let filters = [Filter { column: by, operator: Operator::In, values: keys }];
    let statement = select::one(view, None, &[], &filters, private);
    let mut found = AsyncConnectionCore::load(connection, view.ready(statement)).await?;
    let mut rows = HashMap::new();
    while let Some(row) = found.try_next().await? {
        let mut body = Vec::new();
        render::row(view, view.shown(None), &row, &mut body)
            .map_err(Error::DeserializationError)?;
        let field = row.get(by);
        let key = field.as_ref().and_then(|field| field.value().map(|raw| raw.as_bytes().to_vec()));
        rows.insert(key.unwrap_or_default(), body);
    }
    Ok(rows)
}

/// A key as PostgreSQL sends it.
pub fn key_bytes(key: &Value) -> Vec<u8> {
    match key {
        Value::BigInt(id) => id.to_be_bytes().to_vec(),
        Value::Text(text) => text.clone().into_bytes(),
        _ => Vec::new(),
    }
}
