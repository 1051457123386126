//! The change log, in the order of commits.

use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use diesel::QueryResult;
use diesel_async::RunQueryDsl;

use super::cursor::{After, Position};
use crate::{
    db::{
        Connection,
        sql::{Row, SqlType, Statement, Value},
    },
    http::problem::{Problem, Result},
};

/// What holds of the log at one moment: the oldest running transaction, the lineage, the last row that
/// was pruned, the last row that may be read, and whether anything is committed that may not yet.
///
/// The lineage tells databases apart that count their transactions alike: another cluster, one that
/// went on from a backup or in place of another (its timeline), a log that was restored from a dump.
const BOUNDS: &str = "with bounds as materialized (
    select now.xmin, hashtextextended(concat_ws(' ',
            (select system_identifier from pg_control_system()),
            left(pg_walfile_name(pg_current_wal_lsn()), 8), 'change_log'::regclass::oid), 0) as lineage,
        first.xid as pruned_xid, first.seq as pruned_seq, last.xid as last_xid, last.seq as last_seq,
        exists (select from change_log where xid >= now.xmin) as held
    from (select pg_snapshot_xmin(pg_current_snapshot())::text::bigint as xmin) now
    left join (select xid, seq, op from change_log order by xid, seq limit 1) first
        on first.op = 'pruned'
    left join lateral (select xid, seq from change_log where xid < now.xmin
        order by xid desc, seq desc limit 1) last on true)
    select b.xmin, b.lineage, b.pruned_xid, b.pruned_seq, b.last_xid, b.last_seq, b.held";

/// Columns of [`BOUNDS`].
const BOUNDS_WIDTH: usize = 7;

/// What is asked of the log.
#[derive(Debug)]
pub(super) struct Scan<'a> {
    /// Only these tables; all if none are named.
    pub(super) tables: Option<&'a [&'static str]>,
    /// Not these.
    pub(super) hidden: &'a [&'static str],
    /// Whether deletions of rows that were not public are told.
    pub(super) private: bool,
    pub(super) limit: usize,
}

/// A part of the log.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) entries: Vec<Entry>,
    /// What was seen of the log with it.
    pub(super) seen: Position,
    /// Whether there is more behind it already.
    pub(super) more: bool,
    /// Whether something is kept back by a transaction that runs.
    pub(super) held: bool,
    /// The lineage of the database whose log it is.
    pub(super) lineage: i64,
}

/// A key in the log.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) seen: Position,
    pub(super) table: String,
    /// Whether it is told of even if there is no such row to be seen.
    pub(super) is_gone: bool,
    pub(super) key: Value,
    pub(super) changed_at: DateTime<Utc>,
}

/// Reads what comes after `after`.
pub(super) async fn read(
    connection: &mut Connection,
    scan: &Scan<'_>,
    after: After,
) -> Result<Part> {
    let from = match after {
        After::Beginning => Position::default(),
        After::Seen(position, _) => position,
        After::Now => {
            let statement = Statement::new(format!("{BOUNDS} from bounds b"));
            let Row(values) = statement.get_result::<Row>(connection).await?;
            let bounds = Bounds::of(&values).ok_or_else(malformed)?;
            return Ok(bounds.part(Vec::new(), bounds.end(), false));
        }
    };
    let rows: Vec<Row> = statement(scan, from).load(connection).await?;
    let bounds =
        rows[..].first().and_then(|Row(values)| Bounds::of(values)).ok_or_else(malformed)?;
    if let After::Seen(position, lineage) = after {
        bounds.check(position, lineage)?;
    }
    let mut entries: Vec<_> = rows.into_iter().filter_map(|Row(values)| entry(values)).collect();
    let more = entries.len() > scan.limit;
    entries.truncate(scan.limit);
    let seen = match entries.last() {
        Some(last) if more => last.seen,
        // All that may be read yet.
        _ => bounds.end().max(from),
    };
    Ok(bounds.part(entries, seen, more))
}

fn malformed() -> Problem {
    Problem::internal("the change log's bounds cannot be read")
}

struct Bounds {
    xmin: i64,
    lineage: i64,
    pruned: Option<(i64, i64)>,
    last: Option<(i64, i64)>,
    held: bool,
}

impl Bounds {
    fn of(values: &[Value]) -> Option<Self> {
        let [
            Value::BigInt(xmin),
            Value::BigInt(lineage),
            pruned_xid,
            pruned_seq,
            last_xid,
            last_seq,
            Value::Bool(held),
        ] = values.get(..BOUNDS_WIDTH)?
        else {
            return None;
        };
        let row = |xid: &Value, seq: &Value| match (xid, seq) {
            (Value::BigInt(xid), Value::BigInt(seq)) => Some((*xid, *seq)),
            _ => None,
        };
        let (pruned, last) = (row(pruned_xid, pruned_seq), row(last_xid, last_seq));
        Some(Self { xmin: *xmin, lineage: *lineage, pruned, last, held: *held })
    }

    /// Everything that may be read. It counts no further than the log does: a transaction that wrote
    /// nothing to it may be lost in a crash, and its number given to one that does.
    fn end(&self) -> Position {
        self.last.map_or_else(Position::default, |(xid, seq)| Position::behind(xid, seq))
    }

    fn part(&self, entries: Vec<Entry>, seen: Position, more: bool) -> Part {
        Part { entries, seen, more, held: self.held, lineage: self.lineage }
    }

    /// Refuses a position behind which something may be missing.
    fn check(&self, position: Position, lineage: i64) -> Result<()> {
        let pruned = self.pruned.is_some_and(|pruned| (position.xid, position.seq) <= pruned);
        // A database that was restored to an earlier state counts its transactions anew.
        if pruned || lineage != self.lineage || position.xid > self.xmin {
            let detail = if pruned {
                "What was changed after this cursor is no longer kept. Export again, and go on from \
                 `after=now`, taken before the export."
            } else {
                "The database was replaced since this cursor was given. Export again, and go on from \
                 `after=now`, taken before the export."
            };
            return Err(Problem::new(StatusCode::GONE, "cursor_expired", detail));
        }
        Ok(())
    }
}

/// The log behind `from`: one key more than the limit tells whether there are more. The bounds are
/// read in the same statement, so that nothing can be pruned between the two. The limit is a bind, so
/// that there are few such statements to keep prepared.
fn statement(scan: &Scan<'_>, from: Position) -> Statement {
    let mut statement = Statement::new(BOUNDS);
    statement
        .push(
            ", e.xid, e.seq, e.place, e.amount, e.table_name, e.op, e.id, e.key, e.changed_at
             from bounds b left join lateral (
                 select l.xid, l.seq, l.skip + k.nth as place, l.amount, l.table_name, l.op, k.id,
                     k.key, l.changed_at
                 from (select w.*, case when (w.xid, w.seq) = (",
        )
        .bind(SqlType::BigInt, Value::BigInt(from.xid))
        .push(", ")
        .bind(SqlType::BigInt, Value::BigInt(from.seq))
        .push(") then ")
        .bind(SqlType::BigInt, Value::BigInt(from.place))
        .push("::integer else 0 end as skip from (select c.*, ")
        .bind(SqlType::BigInt, keys(scan, 1))
        .push(
            "::integer as wanted, sum(c.amount) over (order by c.xid, c.seq) - c.amount as before from (",
        );
    rows(&mut statement, scan, from);
    statement
        .push(") c) w where w.before <= w.wanted + ")
        .bind(SqlType::BigInt, Value::BigInt(from.place))
        .push(
            ") l cross join lateral unnest(l.ids[l.skip + 1 : l.skip + l.wanted],
                 l.keys[l.skip + 1 : l.skip + l.wanted]) with ordinality as k (id, key, nth)
             order by l.xid, l.seq, k.nth limit ",
        )
        .bind(SqlType::BigInt, keys(scan, 1))
        .push(") e on true order by e.xid, e.seq, e.place");
    statement
}

/// So many more than the limit.
fn keys(scan: &Scan<'_>, more: usize) -> Value {
    Value::BigInt(i64::try_from(scan.limit + more).unwrap_or(i64::MAX))
}

/// Appends the select of the log's rows that may hold the keys.
fn rows(statement: &mut Statement, scan: &Scan<'_>, from: Position) {
    let texts = |names: &[&str]| -> Vec<Value> {
        names.iter().map(|name| Value::Text((*name).to_owned())).collect()
    };
    match scan.tables {
        // The beginning of each table's part, from its own index, and of these the beginning.
        Some(tables) => {
            let shown = tables.iter().filter(|table| !scan.hidden.contains(table)).copied();
            statement
                .push("select own.* from unnest(")
                .bind_all(SqlType::Text, texts(&shown.collect::<Vec<_>>()))
                .push(
                    ") as wanted (name) cross join lateral (
                         select * from change_log where table_name = wanted.name",
                );
        }
        None => {
            statement
                .push("select * from change_log where table_name <> all(")
                .bind_all(SqlType::Text, texts(scan.hidden))
                .push(")");
        }
    }
    // Nothing may be left of two of them: the row that `from` is in, and the one marked as pruned.
    let most = || keys(scan, 3);
    statement
        .push(if scan.private { "" } else { " and op <> 'conceal'" })
        .push(" and (xid, seq) >= (")
        .bind(SqlType::BigInt, Value::BigInt(from.xid))
        .push(", ")
        .bind(SqlType::BigInt, Value::BigInt(from.seq))
        .push(") and xid < b.xmin order by xid, seq limit ")
        .bind(SqlType::BigInt, most());
    if scan.tables.is_some() {
        statement.push(") own order by own.xid, own.seq limit ").bind(SqlType::BigInt, most());
    }
}

/// The entry in a row of the statement, if there is one.
fn entry(values: Vec<Value>) -> Option<Entry> {
    let values: [Value; 9] =
        values.into_iter().skip(BOUNDS_WIDTH).collect::<Vec<_>>().try_into().ok()?;
    let [
        Value::BigInt(xid),
        Value::BigInt(seq),
        Value::BigInt(place),
        Value::Int(amount),
        Value::Text(table),
        Value::Text(op),
        id,
        key,
        Value::Timestamptz(changed_at),
    ] = values
    else {
        return None;
    };
    let key = if id == Value::Null { key } else { id };
    let is_last = place >= i64::from(amount);
    let seen = if is_last { Position::behind(xid, seq) } else { Position { xid, seq, place } };
    Some(Entry { seen, table, is_gone: op != "upsert", key, changed_at })
}

/// Removes what the log has of transactions that this cluster has not come to yet: it was restored
/// from a dump of another, and would be read among what is written when it has.
pub(super) async fn forget_foreign(connection: &mut Connection) -> QueryResult<usize> {
    let sql = "delete from change_log \
               where xid >= pg_snapshot_xmax(pg_current_snapshot())::text::bigint";
    Statement::new(sql).execute(connection).await
}
