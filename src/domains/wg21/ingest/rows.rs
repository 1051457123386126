//! Writing the rows that a fold makes.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use diesel::{QueryResult, result::Error};

use super::{author, fold::Derived, mailing, paper::Said};
use crate::{
    db::sql::{SqlType, Statement, Value},
    ingest::{
        given::Given,
        sets::{self, Column, Listed, MemberKey, Mode, Set},
        tx::Tx,
    },
};

/// The authors of a paper.
static AUTHORS: Set = Set {
    table: "wg21_paper_author",
    parent: "paper_id",
    key: Column::new("profile_id", SqlType::BigInt),
    values: &[Column::new("author_order", SqlType::Int)],
    created_at: true,
    updated_at: false,
};

/// The columns that a fold decides, in the order of [`cells`].
const COLUMNS: [(&str, SqlType); 6] = [
    ("url", SqlType::Text),
    ("title", SqlType::Text),
    ("document_date", SqlType::Date),
    ("mailing_id", SqlType::BigInt),
    ("subgroup", SqlType::Text),
    ("is_downloaded", SqlType::Bool),
];

/// A paper's row: its number and its year.
pub type Key<'s> = (&'s str, i32);

/// What became of a row.
#[derive(Debug, Clone, Copy)]
pub struct Written {
    /// `wg21_paper.id`.
    pub id: i64,
    /// Whether it was made.
    pub is_new: bool,
    /// Whether a value, its year or an author changed.
    pub is_changed: bool,
}

/// A row as it is stored.
struct Stored {
    id: i64,
    cells: Vec<Value>,
    is_promoted: bool,
}

fn cells(paper_id: &str, said: &Said, mailings: &HashMap<String, i64>) -> QueryResult<Vec<Value>> {
    let mailing = said.mailing.as_deref().unwrap_or(mailing::UNKNOWN);
    Ok(vec![
        Value::Text(said.url.clone()),
        Value::Text(said.title.clone().unwrap_or_else(|| paper_id.to_owned())),
        said.document_date.map_or(Value::Null, Value::Date),
        Value::BigInt(*mailings.get(mailing).ok_or(Error::NotFound)?),
        Value::Text(said.subgroup.clone().unwrap_or_default()),
        Value::Bool(said.is_downloaded.unwrap_or_default()),
    ])
}

/// Makes the rows of numbers what their folds say. The numbers' scopes are locked.
pub async fn write<'s>(
    tx: &mut Tx<'_>,
    folds: &'s BTreeMap<String, BTreeMap<i32, Derived>>,
) -> QueryResult<HashMap<Key<'s>, Written>> {
    let rows: Vec<(Key<'s>, &Said, i32)> = folds
        .iter()
        .flat_map(|(paper_id, years)| years.iter().map(move |row| (paper_id.as_str(), row)))
        .filter_map(|(paper_id, (year, row))| {
            Some(((paper_id, *year), row.said.as_ref()?, row.item))
        })
        .collect();
    let dates: BTreeSet<&str> = rows
        .iter()
        .map(|(_, said, _)| said.mailing.as_deref().unwrap_or(mailing::UNKNOWN))
        .collect();
    let mailings = mailing::ids(tx, dates).await?;
    let stored = stored(tx, folds).await?;

    let (mut added, mut altered) = (Vec::new(), Vec::new());
    let mut written: HashMap<Key<'s>, Written> = HashMap::with_capacity(rows.len());
    for (key, said, item) in &rows {
        let cells = cells(key.0, said, &mailings)?;
        match stored.get(key) {
            None => added.push((*key, cells, *item)),
            Some(old) => {
                let is_changed = old.is_promoted || old.cells != cells;
                written.insert(*key, Written { id: old.id, is_new: false, is_changed });
                if is_changed {
                    altered.push((old.id, key.1, cells, *item));
                }
            }
        }
    }
    for ((paper_id, year), id) in insert(tx, &added).await? {
        let Some((paper_id, _)) = folds.get_key_value(&paper_id) else { continue };
        let row = Written { id, is_new: true, is_changed: true };
        written.insert((paper_id, year), row);
    }
    update(tx, &altered).await?;
    for parent in write_authors(tx, &rows, &written).await? {
        for row in written.values_mut().filter(|row| row.id == parent) {
            row.is_changed = true;
        }
    }
    let count = tx.count("wg21_paper");
    for row in written.values() {
        match row {
            Written { is_new: true, .. } => count.inserted += 1,
            Written { is_changed: true, .. } => count.updated += 1,
            Written { .. } => count.unchanged += 1,
        }
    }
    Ok(written)
}

/// The rows of numbers; a row of year 0 stands under the year that it is promoted to.
async fn stored<'s>(
    tx: &mut Tx<'_>,
    folds: &'s BTreeMap<String, BTreeMap<i32, Derived>>,
) -> QueryResult<HashMap<Key<'s>, Stored>> {
    let names = COLUMNS.map(|(name, _)| format!("p.{name}")).join(", ");
    let statement = Given::default().texts("paper_id", folds.keys().map(String::as_str)).statement(
        &format!("select p.paper_id, p.year, p.id, {names} from"),
        "join wg21_paper p on p.paper_id = u.paper_id",
    );
    let mut found: HashMap<Key<'s>, Stored> = HashMap::new();
    for row in tx.query(statement).await? {
        let mut cells = row.0.into_iter();
        let (Some(Value::Text(paper_id)), Some(Value::Int(year)), Some(Value::BigInt(id))) =
            (cells.next(), cells.next(), cells.next())
        else {
            return Err(Error::NotFound);
        };
        let Some((paper_id, _)) = folds.get_key_value(&paper_id) else { continue };
        let row = Stored { id, cells: cells.collect(), is_promoted: false };
        found.insert((paper_id, year), row);
    }
    for (paper_id, years) in folds {
        let Some(owner) = years.keys().next().copied().filter(|owner| *owner != 0) else {
            continue;
        };
        if !found.contains_key(&(paper_id.as_str(), owner))
            && let Some(row) = found.remove(&(paper_id.as_str(), 0))
        {
            found.insert((paper_id, owner), Stored { is_promoted: true, ..row });
        }
    }
    Ok(found)
}

type Added<'s> = (Key<'s>, Vec<Value>, i32);

async fn insert(tx: &mut Tx<'_>, rows: &[Added<'_>]) -> QueryResult<Vec<((String, i32), i64)>> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let mut given = Given::default()
        .texts("paper_id", rows.iter().map(|((paper_id, _), ..)| *paper_id))
        .with("year", SqlType::Int, rows.iter().map(|((_, year), ..)| Value::Int(*year)))
        .with("item", SqlType::Int, rows.iter().map(|(.., item)| Value::Int(*item)));
    for (nth, (name, ty)) in COLUMNS.into_iter().enumerate() {
        given.push(name, ty, rows.iter().map(|(_, cells, _)| cells[nth].clone()));
    }
    let names = COLUMNS.map(|(name, _)| name).join(", ");
    let values = COLUMNS.map(|(name, _)| format!("u.{name}")).join(", ");
    let mut statement = Statement::new(format!(
        "insert into wg21_paper (paper_id, year, {names}, source_item, source_receipt, created_at, \
         updated_at) select u.paper_id, u.year, {values}, u.item, "
    ));
    statement.bind(SqlType::BigInt, Value::BigInt(tx.receipt)).push(", ");
    statement.bind(SqlType::Timestamptz, Value::Timestamptz(tx.now)).push(", ");
    statement.bind(SqlType::Timestamptz, Value::Timestamptz(tx.now)).push(" from ");
    given.append(&mut statement);
    statement.push(" returning paper_id, year, id");
    let mut made = Vec::with_capacity(rows.len());
    for row in tx.query(statement).await? {
        if let Ok([Value::Text(paper_id), Value::Int(year), Value::BigInt(id)]) =
            <[Value; 3]>::try_from(row.0)
        {
            made.push(((paper_id, year), id));
        }
    }
    Ok(made)
}

async fn update(tx: &mut Tx<'_>, rows: &[(i64, i32, Vec<Value>, i32)]) -> QueryResult<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let mut given = Given::default()
        .ids("id", rows.iter().map(|(id, ..)| *id))
        .with("year", SqlType::Int, rows.iter().map(|(_, year, ..)| Value::Int(*year)))
        .with("item", SqlType::Int, rows.iter().map(|(.., item)| Value::Int(*item)));
    for (nth, (name, ty)) in COLUMNS.into_iter().enumerate() {
        given.push(name, ty, rows.iter().map(|(_, _, cells, _)| cells[nth].clone()));
    }
    let assign = COLUMNS.map(|(name, _)| format!("{name} = u.{name}")).join(", ");
    let mut statement = Statement::new(format!(
        "update wg21_paper p set year = u.year, {assign}, source_item = u.item, source_receipt = "
    ));
    statement.bind(SqlType::BigInt, Value::BigInt(tx.receipt)).push(", updated_at = ");
    statement.bind(SqlType::Timestamptz, Value::Timestamptz(tx.now)).push(" from ");
    given.append(&mut statement);
    statement.push(" where p.id = u.id");
    tx.execute(statement).await?;
    Ok(())
}

/// Makes the authors of each row what its fold says; gives the rows of which one changed.
async fn write_authors(
    tx: &mut Tx<'_>,
    rows: &[(Key<'_>, &Said, i32)],
    written: &HashMap<Key<'_>, Written>,
) -> QueryResult<HashSet<i64>> {
    let keys: BTreeSet<&str> = rows
        .iter()
        .flat_map(|(_, said, _)| said.authors.iter().flatten())
        .map(String::as_str)
        .collect();
    let profiles = author::ids(tx, keys).await?;
    let mut lists = Vec::with_capacity(rows.len());
    for (key, said, _) in rows {
        let row = written.get(key).ok_or(Error::NotFound)?;
        let mut members = BTreeMap::new();
        for (author, order) in said.authors.iter().flatten().zip(1..) {
            let profile = *profiles.get(author).ok_or(Error::NotFound)?;
            members.insert(MemberKey::Id(profile), vec![Value::Int(order)]);
        }
        lists.push(Listed { parent: row.id, fresh: row.is_new, members });
    }
    Ok(sets::apply(tx, &AUTHORS, Mode::Replace, &lists).await?.into_iter().collect())
}
