//! Which row an issue or pull request is: by GitHub's id, and by its number in the repository.
//!
//! A number belongs to one id at a time. A newer statement takes the number over; the row that had
//! it is merged into its own.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use diesel::QueryResult;

use super::tables;
use crate::{
    db::sql::{SqlType, Statement, Value},
    ingest::{given::Given, join, stamp::Stamp, tx::Tx},
};

/// The two tables with numbers.
#[derive(Debug, Clone, Copy)]
pub struct Numbered {
    /// The table.
    pub table: &'static str,
    /// GitHub's id.
    pub id: &'static str,
    /// The number.
    pub number: &'static str,
}

/// Issues.
pub const ISSUES: Numbered = Numbered { table: "issue", id: "issue_id", number: "issue_number" };
/// Pull requests.
pub const PULLS: Numbered = Numbered { table: "pull_request", id: "pr_id", number: "pr_number" };

/// What an item says about its place.
#[derive(Debug)]
pub struct Claim<'i> {
    /// `github_repository.id`.
    pub repo_id: i64,
    /// The number.
    pub number: i32,
    /// GitHub's id, if the payload knows it.
    pub id: Option<i64>,
    /// The statement's stamp.
    pub stamp: &'i Stamp,
}

/// Where an item is stored.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    /// GitHub's id of the row: of the item, or of the row that has its number.
    pub key: i64,
    /// Whether that row has another id than the item, because its statement is newer: what the item
    /// says is folded into it.
    pub folded: bool,
}

/// A row that exists.
#[derive(Debug, Clone)]
struct Holder {
    row: i64,
    id: i64,
    stamp: Stamp,
}

/// Locks the repositories of numbers that are new or change hands, so that two transactions never
/// make rows for one number. Call it before any issue or pull request is locked.
pub async fn reserve(
    tx: &mut Tx<'_>,
    issues: &[Claim<'_>],
    pulls: &[Claim<'_>],
) -> QueryResult<()> {
    let mut repositories = BTreeSet::new();
    for (numbered, claims) in [(ISSUES, issues), (PULLS, pulls)] {
        if claims.is_empty() {
            continue;
        }
        let by_number = find(tx, numbered, claims, true).await?;
        let open = claims.iter().enumerate().filter(|(index, claim)| {
            by_number.get(index).is_none_or(|holder| claim.id.is_some_and(|id| id != holder.id))
        });
        repositories.extend(open.map(|(_, claim)| claim.repo_id));
    }
    if repositories.is_empty() {
        return Ok(());
    }
    let mut lock = Statement::new("select id from github_repository where id = any(");
    lock.bind_all(SqlType::BigInt, repositories.into_iter().map(Value::BigInt));
    lock.push(") order by id for no key update");
    tx.query(lock).await?;
    Ok(())
}

/// Settles the place of every item; one answer for each, in order.
pub async fn settle(
    tx: &mut Tx<'_>,
    numbered: Numbered,
    claims: &[Claim<'_>],
) -> QueryResult<Vec<Place>> {
    if claims.is_empty() {
        return Ok(Vec::new());
    }
    let by_number = find(tx, numbered, claims, true).await?;
    let by_id = find(tx, numbered, claims, false).await?;
    let mut groups: BTreeMap<(i64, i32), Vec<usize>> = BTreeMap::new();
    let mut newest: HashMap<i64, &Stamp> = HashMap::new();
    for (index, claim) in claims.iter().enumerate() {
        groups.entry((claim.repo_id, claim.number)).or_default().push(index);
        if let Some(id) = claim.id {
            let newest = newest.entry(id).or_insert(claim.stamp);
            *newest = (*newest).max(claim.stamp);
        }
    }
    // A statement that is older than another one of its id does not claim the number it names.
    let outdated = |index: usize, id: i64| {
        let stamp = claims[index].stamp;
        newest.get(&id).is_some_and(|newest| stamp < *newest)
            || by_id.get(&index).is_some_and(|own| *stamp < own.stamp)
    };
    let mut places = vec![Place { key: 0, folded: false }; claims.len()];
    for (_, members) in groups {
        let holder = by_number.get(&members[0]).cloned();
        let best = members
            .iter()
            .filter_map(|index| Some((claims[*index].stamp, claims[*index].id?, *index)))
            .filter(|(_, id, index)| !outdated(*index, *id))
            .max_by(|a, b| a.0.cmp(b.0));
        let held = holder.as_ref().filter(|holder| holder.id > 0);
        let key = match (best, held) {
            (Some((stamp, id, _)), Some(held)) if *stamp > held.stamp || id == held.id => id,
            (_, Some(held)) => held.id,
            (Some((_, id, _)), None) => id,
            (None, None) => match &holder {
                Some(stub) => stub.id,
                None => stub_id(tx, claims, &members).await?,
            },
        };
        if let Some(holder) = holder.as_ref().filter(|holder| holder.id != key) {
            let own = members
                .iter()
                .find_map(|index| by_id.get(index).filter(|own| own.id == key).map(|own| own.row));
            take_over(tx, numbered, holder.row, own, key).await?;
        }
        for index in members {
            places[index] = match claims[index].id {
                // It belongs to its own row, which stands elsewhere.
                Some(id) if id != key && outdated(index, id) => Place { key: id, folded: false },
                Some(id) => Place { key, folded: id != key },
                None => Place { key, folded: false },
            };
        }
    }
    Ok(places)
}

/// Gives the number's row another id, or merges it into the row that has that id.
async fn take_over(
    tx: &mut Tx<'_>,
    numbered: Numbered,
    holder: i64,
    own: Option<i64>,
    key: i64,
) -> QueryResult<()> {
    if let Some(own) = own.filter(|own| *own != holder) {
        return join::merge(tx, &tables(), numbered.table, holder, own).await;
    }
    let mut statement = Statement::new(format!("update {} set {} = ", numbered.table, numbered.id));
    statement.bind(SqlType::BigInt, Value::BigInt(key)).push(" where id = ");
    statement.bind(SqlType::BigInt, Value::BigInt(holder));
    tx.execute(statement).await?;
    Ok(())
}

/// An id for a pull request of which only the number is known.
async fn stub_id(tx: &mut Tx<'_>, claims: &[Claim<'_>], members: &[usize]) -> QueryResult<i64> {
    // A statement with an id that is older than its own row stands elsewhere; see `settle`.
    if let Some(id) = members.iter().find_map(|index| claims[*index].id) {
        return Ok(id);
    }
    let rows = tx.query(Statement::new("select nextval('github_stub_pr_id_seq')")).await?;
    match rows.first().map(|row| row.0.as_slice()) {
        Some([Value::BigInt(id)]) => Ok(*id),
        _ => Err(diesel::result::Error::NotFound),
    }
}

/// The rows that stand at the claims' numbers, or that have their ids; by index of the claim.
async fn find(
    tx: &mut Tx<'_>,
    numbered: Numbered,
    claims: &[Claim<'_>],
    by_number: bool,
) -> QueryResult<HashMap<usize, Holder>> {
    let Numbered { table, id, number } = numbered;
    let mut given = Given::default();
    let on = if by_number {
        given = given.ids("repo", claims.iter().map(|claim| claim.repo_id)).with(
            "number",
            SqlType::Int,
            claims.iter().map(|claim| Value::Int(claim.number)),
        );
        format!("t.repo_id = u.repo and t.{number} = u.number")
    } else {
        given = given.with(
            "id",
            SqlType::BigInt,
            claims.iter().map(|claim| claim.id.map_or(Value::Null, Value::BigInt)),
        );
        format!("t.{id} = u.id")
    };
    let statement = given.statement(
        &format!(
            "select u.ord, t.id, t.{id}, t.source_at, t.source_rank, t.source_as_of, \
             t.source_digest from"
        ),
        &format!("join {table} t on {on}"),
    );
    let mut found = HashMap::new();
    for row in tx.query(statement).await? {
        let Ok(
            [
                Value::BigInt(ord),
                Value::BigInt(row),
                Value::BigInt(id),
                source_at,
                Value::SmallInt(rank),
                as_of,
                Value::Bytea(digest),
            ],
        ) = <[Value; 7]>::try_from(row.0)
        else {
            continue;
        };
        let time = |value| match value {
            Value::Timestamptz(at) => Some(at),
            _ => None,
        };
        let stamp = Stamp { source_at: time(source_at), rank, as_of: time(as_of), digest };
        found.insert(usize::try_from(ord - 1).unwrap_or_default(), Holder { row, id, stamp });
    }
    Ok(found)
}
