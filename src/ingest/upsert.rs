//! Storing drafts: a constant number of statements a table, whatever the number of rows.
//!
//! 1. Read the stamps of the rows that exist. A draft whose stamps are stored already can never
//!    change anything again (stamps only grow), so a re-sent batch ends here, without a lock.
//! 2. Insert the rest in key order. Rows that exist after all are locked by the same statement, in
//!    the same order: every transaction locks a table's rows in one order, so none can deadlock.
//! 3. Read the rows that existed, apply the drafts, write back those that changed.

use std::sync::Arc;

use diesel::{QueryResult, result::Error};

use super::{
    given::Given,
    merge::{Absorbed, Packed, Row, settled},
    register::{Draft, RawDraft, Register, Table},
    stamp::Stamp,
    stored::{decode, ranks, read, stored},
    tx::Tx,
};
use crate::db::sql::{Json, SqlType, Statement, Value};

/// What became of a draft.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Its row did not exist.
    Inserted,
    /// It changed a value.
    Updated,
    /// Everything it states was stored.
    Unchanged,
    /// It differs from what is stored, which is newer.
    Stale,
}

/// What became of a draft, and the row it is about.
#[derive(Debug, Clone)]
pub struct Done {
    /// The row's id.
    pub id: i64,
    /// What happened.
    pub action: Action,
    /// For each child set of the table: whether this draft's members are the ones to keep.
    pub sets: Vec<bool>,
    /// The stamps of the row's sets once all drafts of the batch were applied.
    pub set_stamps: Vec<Arc<Stamp>>,
    /// Whether the row was made by this batch, so that it cannot have children yet.
    pub fresh: bool,
}

/// Stores drafts; the answer has one entry a draft, in the same order.
pub async fn upsert<D: Draft>(tx: &mut Tx<'_>, drafts: Vec<D>) -> QueryResult<Vec<Done>> {
    store(tx, D::table(), drafts.into_iter().map(Draft::erase).collect(), &[]).await
}

/// Like [`upsert`]; `locks` names the drafts whose rows are locked even if they do not change,
/// because something that hangs on them is about to.
pub async fn upsert_locking<D: Draft>(
    tx: &mut Tx<'_>,
    drafts: Vec<D>,
    locks: &[bool],
) -> QueryResult<Vec<Done>> {
    store(tx, D::table(), drafts.into_iter().map(Draft::erase).collect(), locks).await
}

/// The drafts of one key, in the order they came, and the row they are about.
struct Group {
    /// Indexes of the drafts.
    drafts: Vec<usize>,
    id: Option<i64>,
    /// The row before, if it existed.
    before: Option<Row>,
    row: Row,
}

async fn store(
    tx: &mut Tx<'_>,
    table: &'static Table,
    drafts: Vec<RawDraft>,
    locks: &[bool],
) -> QueryResult<Vec<Done>> {
    if drafts.is_empty() {
        return Ok(Vec::new());
    }
    let mut groups = group(&drafts, table);
    let keys: Vec<&[Value]> = groups.iter().map(|g| &*drafts[g.drafts[0]].key).collect();
    let mut done: Vec<Option<Done>> = vec![None; drafts.len()];

    let mut open = Vec::new();
    let mut known = vec![None; groups.len()];
    for record in tx.query(read(table, &keys, false)).await? {
        let (group, id, packed, _) = decode(table, record, false)?;
        known[group] = Some((id, Row::unpack(&packed, table)));
    }
    for (index, found) in known.into_iter().enumerate() {
        match found {
            Some((id, stamps))
                if groups[index].drafts.iter().all(|draft| {
                    settled(&drafts[*draft], &stamps) && locks.get(*draft) != Some(&true)
                }) =>
            {
                let sets = &stamps[table.registers.len()..];
                for draft in &groups[index].drafts {
                    done[*draft] = Some(unchanged(id, sets));
                }
                tx.count(table.name).unchanged += 1;
            }
            _ => open.push(index),
        }
    }
    if open.is_empty() {
        return finish(done);
    }

    let mut verdicts: Vec<Absorbed> = vec![Absorbed::default(); drafts.len()];
    for index in &open {
        absorb(&mut groups[*index], &drafts, table, &mut verdicts);
    }
    let existing = insert(tx, table, &drafts, &mut groups, &open).await?;
    if !existing.is_empty() {
        reread(tx, table, &drafts, &mut groups, &existing).await?;
        for index in &existing {
            absorb(&mut groups[*index], &drafts, table, &mut verdicts);
        }
        update(tx, table, &groups, &existing).await?;
    }

    for index in open {
        let group = &groups[index];
        let fresh = group.before.is_none();
        let id = group.id.ok_or(Error::NotFound)?;
        let count = tx.count(table.name);
        match &group.before {
            None => count.inserted += 1,
            Some(before) if before.values == group.row.values => count.unchanged += 1,
            Some(_) => count.updated += 1,
        }
        for (nth, draft) in group.drafts.iter().enumerate() {
            let verdict = std::mem::take(&mut verdicts[*draft]);
            done[*draft] = Some(Done {
                id,
                action: match &verdict {
                    _ if fresh && nth == 0 => Action::Inserted,
                    verdict if verdict.changed => Action::Updated,
                    verdict if verdict.stale => Action::Stale,
                    _ => Action::Unchanged,
                },
                sets: verdict.sets,
                set_stamps: group.row.stamps[table.registers.len()..].to_vec(),
                fresh,
            });
        }
    }
    finish(done)
}

/// Groups drafts by key, sorted by key; within a key they keep their order.
fn group(drafts: &[RawDraft], table: &Table) -> Vec<Group> {
    let mut order: Vec<usize> = (0..drafts.len()).collect();
    order.sort_by(|a, b| {
        drafts[*a].key.partial_cmp(&drafts[*b].key).unwrap_or(std::cmp::Ordering::Equal)
    });
    let mut groups: Vec<Group> = Vec::new();
    for index in order {
        match groups.last_mut() {
            Some(group) if drafts[group.drafts[0]].key == drafts[index].key => {
                group.drafts.push(index);
            }
            _ => groups.push(Group {
                drafts: vec![index],
                id: None,
                before: None,
                row: Row::new(&drafts[index], table),
            }),
        }
    }
    groups
}

/// Applies a group's drafts to its row. Only the newest statement of a set counts.
fn absorb(group: &mut Group, drafts: &[RawDraft], table: &Table, verdicts: &mut [Absorbed]) {
    for (nth, draft) in group.drafts.iter().enumerate() {
        verdicts[*draft] = group.row.absorb(&drafts[*draft], table);
        for set in 0..table.sets.len() {
            if verdicts[*draft].sets[set] {
                for earlier in &group.drafts[..nth] {
                    verdicts[*earlier].sets[set] = false;
                }
            }
        }
    }
}

fn unchanged(id: i64, sets: &[Arc<Stamp>]) -> Done {
    Done {
        id,
        action: Action::Unchanged,
        sets: vec![false; sets.len()],
        set_stamps: sets.to_vec(),
        fresh: false,
    }
}

fn finish(done: Vec<Option<Done>>) -> QueryResult<Vec<Done>> {
    done.into_iter().collect::<Option<_>>().ok_or(Error::NotFound)
}

/// The columns that both inserts and updates write: registers, stamps, provenance.
fn written<'a>(table: &'a Table, groups: &[&Group], receipt: i64) -> Given<'a> {
    let mut given = Given::default();
    for (nth, register) in table.registers.iter().enumerate() {
        given.push(register.name, register.ty, groups.iter().map(|g| g.row.values[nth].clone()));
    }
    let packed: Vec<Packed> = groups.iter().map(|group| group.row.pack(table)).collect();
    for (nth, rank) in ranks(table).enumerate() {
        given.push(rank, SqlType::SmallInt, packed.iter().map(|p| Value::SmallInt(p.ranks[nth])));
    }
    let time = |at: Option<_>| at.map_or(Value::Null, Value::Timestamptz);
    for (nth, column) in table.times().into_iter().enumerate() {
        given.push(column, SqlType::Timestamptz, packed.iter().map(|p| time(p.times[nth])));
    }
    given
        .with("source_at", SqlType::Timestamptz, packed.iter().map(|p| time(p.row.source_at)))
        .with("source_rank", SqlType::SmallInt, packed.iter().map(|p| Value::SmallInt(p.row.rank)))
        .with("source_as_of", SqlType::Timestamptz, packed.iter().map(|p| time(p.row.as_of)))
        .with(
            "source_digest",
            SqlType::Bytea,
            packed.iter().map(|p| Value::Bytea(p.row.digest.clone())),
        )
        .with(
            "column_stamps",
            SqlType::Jsonb,
            packed.iter().map(|p| {
                p.map
                    .clone()
                    .map_or(Value::Null, |map| Value::Jsonb(Json(serde_json::Value::Object(map))))
            }),
        )
        .with(
            "source_receipt",
            SqlType::BigInt,
            groups.iter().map(|g| g.row.item.map_or(Value::Null, |_| Value::BigInt(receipt))),
        )
        .with(
            "source_item",
            SqlType::Int,
            groups.iter().map(|g| g.row.item.map_or(Value::Null, Value::Int)),
        )
}

/// The names of [`written`]'s columns, and how each is read from `u`.
fn written_columns(table: &Table) -> Vec<(&str, String)> {
    let mut columns: Vec<(&str, String)> =
        table.registers.iter().map(|register| (register.name, from_u(register))).collect();
    columns.extend(
        ranks(table)
            .chain(table.times())
            .chain([
                "source_at",
                "source_rank",
                "source_as_of",
                "source_digest",
                "column_stamps",
                "source_receipt",
                "source_item",
            ])
            .map(|name| (name, format!("u.{name}"))),
    );
    columns
}

fn from_u(register: &Register) -> String {
    match &register.cast {
        Some(cast) => format!("u.\"{}\"::{cast}", register.name),
        None => format!("u.\"{}\"", register.name),
    }
}

/// Inserts the open groups in key order and gives those that existed, which are now locked.
async fn insert(
    tx: &mut Tx<'_>,
    table: &'static Table,
    drafts: &[RawDraft],
    groups: &mut [Group],
    open: &[usize],
) -> QueryResult<Vec<usize>> {
    let rows: Vec<&Group> = open.iter().map(|index| &groups[*index]).collect();
    let mut given = written(table, &rows, tx.receipt);
    for (nth, key) in table.keys.iter().enumerate() {
        let values = rows.iter().map(|group| drafts[group.drafts[0]].key[nth].clone());
        given.push(key.name, key.ty, values);
    }

    let mut columns = written_columns(table);
    columns.extend(table.keys.iter().map(|key| (key.name, from_u(key))));
    let mut statement = Statement::default();
    let dates = [("created_at", table.created_at), ("updated_at", table.updated_at)];
    if let Some((base, kind)) = table.base {
        // The shared id comes from the base's sequence. Both rows are made by one statement, the
        // base's only where the key is new.
        columns.insert(0, ("id", "u.id".to_owned()));
        statement.push(&format!("with u as (select nextval('{base}_id_seq') as id, u.* from "));
        given.append(&mut statement);
        statement.push("), made as (");
        insert_into(&mut statement, table, &columns, &dates, tx.now);
        statement.push(" from u");
        on_conflict_lock(&mut statement, table);
        statement.push(&format!(
            "), based as (insert into {base} (id, type) select id, '{kind}' from made) \
             select * from made"
        ));
    } else {
        insert_into(&mut statement, table, &columns, &dates, tx.now);
        statement.push(" from ");
        given.append(&mut statement);
        on_conflict_lock(&mut statement, table);
    }

    // Rows come back in the order they were given: walk both lists.
    let mut made = tx.query(statement).await?.into_iter().peekable();
    let mut existing = Vec::new();
    for index in open {
        let group = &mut groups[*index];
        let key = &drafts[group.drafts[0]].key;
        match made.next_if(|record| record.0[1..] == key[..]) {
            Some(record) => {
                let Value::BigInt(id) = record.0[0] else { return Err(Error::NotFound) };
                group.id = Some(id);
            }
            None => existing.push(*index),
        }
    }
    if let Some((base, _)) = table.base {
        tx.count(base).inserted += (open.len() - existing.len()) as u64;
    }
    Ok(existing)
}

fn insert_into(
    statement: &mut Statement,
    table: &Table,
    columns: &[(&str, String)],
    dates: &[(&str, bool)],
    now: chrono::DateTime<chrono::Utc>,
) {
    let dates = || dates.iter().filter(|(_, has)| *has);
    let names: Vec<&str> =
        columns.iter().map(|(name, _)| *name).chain(dates().map(|(name, _)| *name)).collect();
    let values: Vec<&str> = columns.iter().map(|(_, value)| value.as_str()).collect();
    statement.push(&format!(
        "insert into {} ({}) select {}",
        table.name,
        names.join(", "),
        values.join(", ")
    ));
    for _ in dates() {
        statement.push(", ").bind(SqlType::Timestamptz, Value::Timestamptz(now));
    }
}

fn on_conflict_lock(statement: &mut Statement, table: &Table) {
    let keys: Vec<&str> = table.keys.iter().map(|key| key.name).collect();
    // Naming a column that is no key takes the weaker lock, which lets others point at the row.
    statement.push(&format!(
        " on conflict ({}) do update set source_rank = excluded.source_rank where false \
         returning id, {}",
        table.conflict,
        keys.join(", "),
    ));
}

/// Reads the values of rows that existed and makes them what the drafts are applied to.
async fn reread(
    tx: &mut Tx<'_>,
    table: &'static Table,
    drafts: &[RawDraft],
    groups: &mut [Group],
    existing: &[usize],
) -> QueryResult<()> {
    let keys: Vec<&[Value]> =
        existing.iter().map(|index| &*drafts[groups[*index].drafts[0]].key).collect();
    for record in tx.query(read(table, &keys, true)).await? {
        let (nth, id, packed, values) = decode(table, record, true)?;
        let group = &mut groups[existing[nth]];
        let row = Row { values, stamps: Row::unpack(&packed, table), item: None };
        group.id = Some(id);
        group.before = Some(row.clone());
        group.row = row;
    }
    Ok(())
}

/// Writes back the rows of which a value or a stamp changed.
async fn update(
    tx: &mut Tx<'_>,
    table: &'static Table,
    groups: &[Group],
    existing: &[usize],
) -> QueryResult<()> {
    let changed: Vec<&Group> = existing
        .iter()
        .map(|index| &groups[*index])
        .filter(|group| group.before.as_ref().is_some_and(|b| b.stamps != group.row.stamps))
        .collect();
    if changed.is_empty() {
        return Ok(());
    }
    let touched = |group: &&Group| {
        group.before.as_ref().is_some_and(|before| before.values != group.row.values)
    };
    let ids = changed.iter().filter_map(|group| group.id);
    let given = written(table, &changed, tx.receipt).ids("id", ids).with(
        "touched",
        SqlType::Bool,
        changed.iter().map(|group| Value::Bool(touched(group))),
    );
    let set: Vec<String> = written_columns(table)
        .iter()
        .map(|(name, value)| match *name {
            // A row that another was folded into still comes from where it came from.
            "source_receipt" | "source_item" => format!("{name} = coalesce({value}, t.{name})"),
            _ => format!("{name} = {value}"),
        })
        .collect();
    let mut statement = Statement::new(format!("update {} t set {}", table.name, set.join(", ")));
    if table.updated_at {
        statement.push(", updated_at = case when u.touched then ");
        statement.bind(SqlType::Timestamptz, Value::Timestamptz(tx.now));
        statement.push("::timestamptz else t.updated_at end");
    }
    statement.push(" from ");
    given.append(&mut statement);
    statement.push(" where t.id = u.id");
    tx.execute(statement).await?;
    Ok(())
}

/// Folds the registers of a row that is gone into row `into`: of each the greater stamp wins.
pub async fn fold_row(
    tx: &mut Tx<'_>,
    table: &'static Table,
    theirs: &Row,
    into: i64,
) -> QueryResult<()> {
    let Some(before) = read_row(tx, table, into).await? else { return Ok(()) };
    let mut row = before.clone();
    for index in 0..row.stamps.len() {
        if theirs.stamps[index] > row.stamps[index] {
            if let Some(value) = theirs.values.get(index) {
                row.values[index] = value.clone();
            }
            row.stamps[index] = Arc::clone(&theirs.stamps[index]);
        }
    }
    let group = Group { drafts: Vec::new(), id: Some(into), before: Some(before), row };
    update(tx, table, &[group], &[0]).await
}

/// Reads and locks a row by its id.
pub async fn read_row(tx: &mut Tx<'_>, table: &'static Table, id: i64) -> QueryResult<Option<Row>> {
    let mut statement = Statement::new(format!("select 1::bigint, t.id, {}", stored(table, true)));
    statement.push(&format!(" from {} t where t.id = ", table.name));
    statement.bind(SqlType::BigInt, Value::BigInt(id)).push(" for no key update");
    let Some(record) = tx.query(statement).await?.pop() else { return Ok(None) };
    let (_, _, packed, values) = decode(table, record, true)?;
    Ok(Some(Row { values, stamps: Row::unpack(&packed, table), item: None }))
}
