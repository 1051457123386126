//! A page of rows, and one row: from the connection into the answer's bytes.

use chrono::{DateTime, Utc};
use diesel::{
    QueryResult,
    pg::Pg,
    result::Error,
    row::{Field, Row},
};
// The stream of raw rows is `AsyncConnectionCore::load`: `RunQueryDsl` would first build a value
// of each row, and the bytes are all that is wanted.
use diesel_async::{AsyncConnectionCore, RunQueryDsl};
use futures_util::TryStreamExt;

use super::{
    cursor,
    include::Included,
    plan::{Count, Filter, Plan, Shown},
    render,
    search::Snippets,
    select, value,
    view::View,
};
use crate::db::{
    Connection,
    sql::{Row as Values, Value},
};

/// Bytes that a row is thought to take until it is known. Rather too many: a page that outgrows them
/// is copied.
const ROW_GUESS: usize = 512;

/// A page as it is answered.
#[derive(Debug)]
pub struct Page {
    /// The JSON document.
    pub body: Vec<u8>,
    /// The cursor of the next page, if there is one.
    pub next: Option<String>,
}

/// Reads a page. `as_of` is the time it is read at.
pub async fn page(
    view: &View,
    plan: &Plan,
    as_of: DateTime<Utc>,
    connection: &mut Connection,
) -> QueryResult<Page> {
    let shown = view.shown(plan.fields.as_ref());
    // The sort keys' values make the cursor, so they are read even where they are not shown.
    let keys = plan.sort.iter().map(|key| key.column);
    let related = plan.include.iter().map(|relation| relation.from);
    let extra = hidden(shown, keys.clone().chain(related));
    let mut snippets = Snippets::new(plan.search.as_deref(), position(shown, &extra, 0));
    let mut included =
        Included::new(&plan.include, plan.private, |column| position(shown, &extra, column));
    let mut body = Vec::with_capacity(64 + ROW_GUESS * plan.limit);
    body.extend_from_slice(b"{\"data\":[");

    let (mut rows, mut last, mut next) = (0, None, None);
    for part in select::parts(view, plan) {
        // One row more than asked for tells whether there is a next page.
        let statement = select::page(view, plan, &extra, *part, plan.limit + 1 - rows);
        let mut found = AsyncConnectionCore::load(connection, view.ready(statement)).await?;
        while let Some(row) = found.try_next().await? {
            if rows == plan.limit {
                let positions = keys.clone().map(|key| position(shown, &extra, key));
                next = last.as_ref().map(|last| seal(view, plan, last, positions));
                break;
            }
            if rows > 0 {
                body.push(b',');
            }
            render::row(view, shown, &row, &mut body).map_err(Error::DeserializationError)?;
            included.note(&row, &body);
            snippets.note(&row);
            rows += 1;
            last = Some(row);
        }
        if next.is_some() {
            break;
        }
    }
    let mut body = included.put(body, connection).await?;
    let snippets = snippets.read(view, connection).await?;
    // On a first page that is the last, too, there are all of them.
    let count = match plan.count {
        Count::Exact | Count::Estimated if plan.after.is_none() && next.is_none() => {
            Some(Counted { value: i64::try_from(rows).unwrap_or(i64::MAX), exact: true })
        }
        _ => count(view, plan, connection).await?,
    };
    envelope_tail(&mut body, plan, next.as_deref(), count, snippets.as_deref(), as_of);
    Ok(Page { body, next })
}

/// Reads the one row that passes `filters`, as a JSON object.
pub async fn one(
    view: &View,
    shown: &Shown,
    filters: &[Filter],
    connection: &mut Connection,
) -> QueryResult<Option<Vec<u8>>> {
    let columns = view.shown(shown.fields.as_ref());
    let extra = hidden(columns, shown.include.iter().map(|it| it.from));
    let mut included =
        Included::new(&shown.include, shown.private, |column| position(columns, &extra, column));
    let mut body = Vec::with_capacity(2 * ROW_GUESS);
    let statement = select::one(view, shown.fields.as_ref(), &extra, filters, shown.private);
    let mut found = AsyncConnectionCore::load(connection, view.ready(statement)).await?;
    let Some(row) = found.try_next().await? else { return Ok(None) };
    render::row(view, columns, &row, &mut body).map_err(Error::DeserializationError)?;
    included.note(&row, &body);
    drop((row, found));
    included.put(body, connection).await.map(Some)
}

/// The columns that are read and not shown, each once.
fn hidden(shown: &[usize], read: impl Iterator<Item = usize>) -> Vec<usize> {
    let mut hidden = Vec::new();
    for column in read {
        if !shown.contains(&column) && !hidden.contains(&column) {
            hidden.push(column);
        }
    }
    hidden
}

/// Where a column stands in a row: among those shown, or behind them.
fn position(shown: &[usize], extra: &[usize], column: usize) -> usize {
    let mut selected = shown.iter().chain(extra);
    selected.position(|it| *it == column).unwrap_or_default()
}

fn seal<'a>(
    view: &View,
    plan: &Plan,
    last: &impl Row<'a, Pg>,
    positions: impl Iterator<Item = usize>,
) -> String {
    // A value borrows from its field, so the fields are taken first.
    let fields: Vec<_> = positions.map(|position| last.get(position)).collect();
    let values = fields
        .iter()
        .map(|field| field.as_ref().and_then(|field| field.value().map(|raw| raw.as_bytes())));
    cursor::seal(view, plan, values)
}

/// How many rows pass the filters.
struct Counted {
    value: i64,
    exact: bool,
}

/// Counts the rows that pass the filters, if that is asked for.
async fn count(
    view: &View,
    plan: &Plan,
    connection: &mut Connection,
) -> QueryResult<Option<Counted>> {
    let statement = match plan.count {
        Count::None => return Ok(None),
        Count::Exact => select::count(view, plan),
        Count::Estimated => select::estimate(view, plan),
    };
    let Values(values) = view.ready(statement).get_result::<Values>(connection).await?;
    let (value, exact) = match &values[..] {
        [Value::BigInt(count)] => (Some(*count), true),
        [Value::Text(explained)] => (planned_rows(explained), false),
        _ => (None, false),
    };
    Ok(value.map(|value| Counted { value, exact }))
}

/// The row estimate in the output of `explain (format json)`.
fn planned_rows(explained: &str) -> Option<i64> {
    let explained: serde_json::Value = serde_json::from_str(explained).ok()?;
    explained.pointer("/0/Plan/Plan Rows")?.as_i64()
}

/// Ends the document: `page`, `meta`.
fn envelope_tail(
    body: &mut Vec<u8>,
    plan: &Plan,
    next: Option<&str>,
    count: Option<Counted>,
    snippets: Option<&[u8]>,
    as_of: DateTime<Utc>,
) {
    let next = next.map_or_else(|| "null".to_owned(), |cursor| format!("\"{cursor}\""));
    let count = count.map_or_else(String::new, |Counted { value, exact }| {
        format!("\"count\":{{\"value\":{value},\"exact\":{exact}}},")
    });
    let tail = format!(
        "],\"page\":{{\"next_cursor\":{next},\"limit\":{}}},\"meta\":{{{count}\"as_of\":\"{}\"",
        plan.limit,
        value::rfc3339(as_of),
    );
    body.extend_from_slice(tail.as_bytes());
    if let Some(snippets) = snippets {
        body.extend_from_slice(b",\"snippets\":");
        body.extend_from_slice(snippets);
    }
    body.extend_from_slice(b"}}");
}
