//! How a row's stamps and registers stand in the database, and how they are read.

use diesel::{QueryResult, result::Error};

use super::{
    given::Given,
    merge::Packed,
    register::{Follows, Table},
    stamp::Stamp,
};
use crate::db::sql::{Json, Row as Record, Statement, Value};

/// The rank columns of a table.
pub fn ranks(table: &Table) -> impl Iterator<Item = &'static str> {
    table.registers.iter().filter_map(|register| match register.follows {
        Follows::Rank(column) => Some(column),
        _ => None,
    })
}

/// The stored form of a row: stamps, and the registers where `values` asks for them.
pub fn stored(table: &Table, values: bool) -> String {
    let registers = table.registers.iter().map(|register| register.name).filter(|_| values);
    ["source_at", "source_rank", "source_as_of", "source_digest", "column_stamps"]
        .into_iter()
        .chain(ranks(table))
        .chain(table.times())
        .chain(registers)
        .map(|name| format!("t.{name}"))
        .collect::<Vec<_>>()
        .join(", ")
}

/// Selects the rows of keys: position, id, stored form.
pub fn read(table: &Table, keys: &[&[Value]], values: bool) -> Statement {
    let mut given = Given::default();
    for (nth, key) in table.keys.iter().enumerate() {
        given.push(key.name, key.ty, keys.iter().map(|values| values[nth].clone()));
    }
    let on: Vec<String> =
        table.keys.iter().map(|key| format!("t.{0} = u.\"{0}\"", key.name)).collect();
    given.statement(
        &format!("select u.ord, t.id, {} from", stored(table, values)),
        &format!("join {} t on {}", table.name, on.join(" and ")),
    )
}

/// Reads a record of [`read`]: group, id, stamps, values.
pub fn decode(
    table: &Table,
    record: Record,
    values: bool,
) -> QueryResult<(usize, i64, Packed, Vec<Value>)> {
    let odd = || Error::DeserializationError("a stamped row has another shape".into());
    let mut cells = record.0.into_iter();
    let mut next = || cells.next().ok_or_else(odd);
    let group = match next()? {
        Value::BigInt(ord) => usize::try_from(ord - 1).map_err(|_| odd())?,
        _ => return Err(odd()),
    };
    let Value::BigInt(id) = next()? else { return Err(odd()) };
    let time = |value| match value {
        Value::Timestamptz(at) => Some(at),
        _ => None,
    };
    let row = Stamp {
        source_at: time(next()?),
        rank: match next()? {
            Value::SmallInt(rank) => rank,
            _ => 0,
        },
        as_of: time(next()?),
        digest: match next()? {
            Value::Bytea(digest) => digest,
            _ => Vec::new(),
        },
    };
    let map = match next()? {
        Value::Jsonb(Json(serde_json::Value::Object(map))) => Some(map),
        _ => None,
    };
    let mut rank_values = Vec::new();
    for _ in ranks(table) {
        rank_values.push(match next()? {
            Value::SmallInt(rank) => rank,
            _ => 0,
        });
    }
    let mut times = Vec::new();
    for _ in table.times() {
        times.push(time(next()?));
    }
    let rest = if values { cells.collect() } else { Vec::new() };
    Ok((group, id, Packed { row, ranks: rank_values, times, map }, rest))
}
