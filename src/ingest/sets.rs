//! Child sets: rows that a payload lists in full under their parent (labels, assignees, languages,
//! the files of a commit).

use std::collections::{BTreeMap, BTreeSet, HashMap};

use diesel::QueryResult;

use super::{
    given::Given,
    tx::{Count, Tx},
};
use crate::db::sql::{SqlType, Statement, Value};

/// A column of a set's members.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// The column.
    pub name: &'static str,
    /// The type it is bound as.
    pub ty: SqlType,
    /// The native enum it is cast to.
    pub cast: Option<&'static str>,
}

impl Column {
    /// A column that is bound as it is.
    pub const fn new(name: &'static str, ty: SqlType) -> Self {
        Self { name, ty, cast: None }
    }
}

/// A table whose rows are members of their parent.
#[derive(Debug)]
pub struct Set {
    /// The table.
    pub table: &'static str,
    /// The column that names the parent.
    pub parent: &'static str,
    /// The column that tells the members of one parent apart.
    pub key: Column,
    /// The other columns.
    pub values: &'static [Column],
    /// Whether the table has `created_at` and `updated_at` of our clock.
    pub created_at: bool,
    /// See [`Self::created_at`].
    pub updated_at: bool,
}

/// What to do with members that are stored and not listed, or listed and stored otherwise.
#[derive(Debug, Clone, Copy)]
pub enum Mode {
    /// The list is the set: what it lacks is removed, what differs is overwritten.
    Replace,
    /// The list adds to the set: a member is overwritten only where `newer(stored, listed)`.
    Unite(fn(&[Value], &[Value]) -> bool),
}

/// A parent and the members a payload lists, by key; the last of one key wins.
#[derive(Debug)]
pub struct Listed {
    /// The parent's id.
    pub parent: i64,
    /// Whether the parent was made by this batch, so that nothing is stored under it yet.
    pub fresh: bool,
    /// The members' values by key.
    pub members: BTreeMap<MemberKey, Vec<Value>>,
}

/// A member's key, in an order that is total.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MemberKey {
    /// A surrogate id.
    Id(i64),
    /// A text.
    Text(String),
}

impl MemberKey {
    fn value(&self) -> Value {
        match self {
            Self::Id(id) => Value::BigInt(*id),
            Self::Text(text) => Value::Text(text.clone()),
        }
    }

    fn of(value: Value) -> Option<Self> {
        match value {
            Value::BigInt(id) => Some(Self::Id(id)),
            Value::Text(text) => Some(Self::Text(text)),
            _ => None,
        }
    }
}

/// Makes the members of each parent what is listed, and gives the parents of which one changed.
///
/// The parents' rows are locked already (their stamps decided that these lists apply), so nobody
/// else changes these sets meanwhile.
pub async fn apply(
    tx: &mut Tx<'_>,
    set: &'static Set,
    mode: Mode,
    lists: &[Listed],
) -> QueryResult<BTreeSet<i64>> {
    let mut stored = stored(tx, set, lists).await?;
    let mut changed = BTreeSet::new();
    let mut count = Count::default();
    let (mut added, mut altered, mut removed) = (Vec::new(), Vec::new(), Vec::new());
    for list in lists {
        for (key, values) in &list.members {
            match stored.remove(&(list.parent, key.clone())) {
                None => added.push((list.parent, key, values)),
                Some((_, old)) if old == *values => {
                    count.unchanged += 1;
                    continue;
                }
                Some((_, old)) if matches!(mode, Mode::Unite(newer) if !newer(&old, values)) => {
                    count.unchanged += 1;
                    continue;
                }
                Some((id, _)) => altered.push((id, values)),
            }
            changed.insert(list.parent);
        }
    }
    if matches!(mode, Mode::Replace) {
        for ((parent, _), (id, _)) in stored {
            removed.push(id);
            changed.insert(parent);
        }
    }
    count.inserted = added.len() as u64;
    count.updated = altered.len() as u64;
    count.deleted = removed.len() as u64;
    insert(tx, set, added).await?;
    update(tx, set, altered).await?;
    if !removed.is_empty() {
        let mut statement = Statement::new(format!("delete from {} where id = any(", set.table));
        statement.bind_all(SqlType::BigInt, removed.into_iter().map(Value::BigInt)).push(")");
        tx.execute(statement).await?;
    }
    *tx.count(set.table) += count;
    Ok(changed)
}

type Stored = HashMap<(i64, MemberKey), (i64, Vec<Value>)>;

async fn stored(tx: &mut Tx<'_>, set: &Set, lists: &[Listed]) -> QueryResult<Stored> {
    let parents: Vec<i64> = lists.iter().filter(|l| !l.fresh).map(|l| l.parent).collect();
    if parents.is_empty() {
        return Ok(Stored::new());
    }
    let mut select = format!("select id, {}, {}", set.parent, set.key.name);
    for column in set.values {
        select.push_str(", ");
        select.push_str(column.name);
    }
    let mut statement =
        Statement::new(format!("{select} from {} where {} = any(", set.table, set.parent));
    statement.bind_all(SqlType::BigInt, parents.into_iter().map(Value::BigInt)).push(")");
    let mut stored = Stored::new();
    for row in tx.query(statement).await? {
        let mut cells = row.0.into_iter();
        if let (Some(Value::BigInt(id)), Some(Value::BigInt(parent)), Some(key)) =
            (cells.next(), cells.next(), cells.next().and_then(MemberKey::of))
        {
            stored.insert((parent, key), (id, cells.collect()));
        }
    }
    Ok(stored)
}

async fn insert(
    tx: &mut Tx<'_>,
    set: &Set,
    mut added: Vec<(i64, &MemberKey, &Vec<Value>)>,
) -> QueryResult<()> {
    if added.is_empty() {
        return Ok(());
    }
    added.sort_by_key(|(parent, key, _)| (*parent, *key));
    let mut given = Given::default()
        .ids(set.parent, added.iter().map(|(parent, ..)| *parent))
        .with(set.key.name, set.key.ty, added.iter().map(|(_, key, _)| key.value()));
    for (nth, column) in set.values.iter().enumerate() {
        given.push(column.name, column.ty, added.iter().map(|(.., values)| values[nth].clone()));
    }
    let mut names = vec![set.parent, set.key.name];
    let mut values = vec![format!("u.\"{}\"", set.parent), cast(&set.key)];
    for column in set.values {
        names.push(column.name);
        values.push(cast(column));
    }
    let mut dates = 0;
    for (date, has) in [("created_at", set.created_at), ("updated_at", set.updated_at)] {
        if has {
            names.push(date);
            dates += 1;
        }
    }
    let mut statement = Statement::new(format!(
        "insert into {} ({}) select {}",
        set.table,
        names.join(", "),
        values.join(", ")
    ));
    for _ in 0..dates {
        statement.push(", ").bind(SqlType::Timestamptz, Value::Timestamptz(tx.now));
    }
    statement.push(" from ");
    given.append(&mut statement);
    tx.execute(statement).await?;
    Ok(())
}

async fn update(
    tx: &mut Tx<'_>,
    set: &Set,
    mut altered: Vec<(i64, &Vec<Value>)>,
) -> QueryResult<()> {
    if altered.is_empty() || set.values.is_empty() {
        return Ok(());
    }
    altered.sort_by_key(|(id, _)| *id);
    let mut given = Given::default().ids("id", altered.iter().map(|(id, _)| *id));
    for (nth, column) in set.values.iter().enumerate() {
        given.push(column.name, column.ty, altered.iter().map(|(_, values)| values[nth].clone()));
    }
    let assign: Vec<String> =
        set.values.iter().map(|column| format!("{} = {}", column.name, cast(column))).collect();
    let mut statement = Statement::new(format!("update {} t set {}", set.table, assign.join(", ")));
    if set.updated_at {
        statement.push(", updated_at = ").bind(SqlType::Timestamptz, Value::Timestamptz(tx.now));
    }
    statement.push(" from ");
    given.append(&mut statement);
    statement.push(" where t.id = u.id");
    tx.execute(statement).await?;
    Ok(())
}

fn cast(column: &Column) -> String {
    match column.cast {
        Some(cast) => format!("u.\"{}\"::{cast}", column.name),
        None => format!("u.\"{}\"", column.name),
    }
}
