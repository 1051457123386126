//! Which row a repository is: by GitHub's id when it is known, else by name. Renames, transfers and
//! names that are used again are settled here, before anything is written under a repository.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use diesel::{QueryResult, result::Error};

use super::{accounts::Stored, repositories::Mentioned, tables};
use crate::{
    db::sql::{SqlType, Statement, Value},
    ingest::{
        given::Given,
        join,
        register::Draft,
        repo_name::RepoName,
        stamp::Stamp,
        tx::Tx,
        upsert::{self},
    },
};

/// A row of `github_repository`, as far as its identity goes.
#[derive(Debug, Clone)]
struct Known {
    id: i64,
    github_id: Option<i64>,
    /// When it had the name that it was found by, if it does not have it any more.
    former: Option<DateTime<Utc>>,
}

/// The rows of a batch's repositories, by GitHub's id and by name.
#[derive(Debug)]
pub struct Found {
    by_id: HashMap<i64, Known>,
    by_name: HashMap<RepoName, Known>,
}

impl Found {
    /// Looks them up.
    pub async fn of(tx: &mut Tx<'_>, mentions: &[Mentioned<'_>]) -> QueryResult<Self> {
        let ids: Vec<i64> = mentions.iter().filter_map(|m| m.repository.id).collect();
        let names = mentions.iter().map(|m| &m.repository.name);
        Ok(Self { by_id: find_ids(tx, &ids).await?, by_name: find_names(tx, names).await? })
    }
}

/// A settled repository.
#[derive(Debug, Clone, Copy)]
pub struct Settled {
    /// `github_repository.id`.
    pub id: i64,
    /// Whether this batch made the row.
    pub created: bool,
    /// Whether the row may have the payload's name; else it is called by name and id.
    pub may_name: bool,
}

/// Finds or makes the row of every mentioned repository; one answer for each, in order.
pub async fn settle(
    tx: &mut Tx<'_>,
    mentions: &[Mentioned<'_>],
    found: Found,
    accounts: &Stored,
) -> QueryResult<Vec<Settled>> {
    let Found { mut by_id, mut by_name } = found;
    let mut may_name = vec![true; mentions.len()];
    let names: Vec<RepoName> = mentions.iter().map(|m| m.repository.name.folded()).collect();

    // A payload with GitHub's id may give, take or change names. One by one: names collide rarely,
    // and each decision stands on the one before.
    for (index, mention) in mentions.iter().enumerate() {
        let Some(github_id) = mention.repository.id else { continue };
        let name = &names[index];
        let holder = by_name.get(name).cloned();
        let own = by_id.get(&github_id).cloned();
        let stamp = &mention.repository.stamp;
        match (own, holder) {
            (Some(own), Some(holder)) if own.id == holder.id => {
                if holder.former.is_some() {
                    let had = name_stamp(tx, own.id).await?;
                    if *stamp > had {
                        remember_present_name(tx, own.id, had.source_at).await?;
                    }
                }
            }
            (Some(own), holder) => {
                let holder = match holder {
                    // Whoever was only ever seen by this name is this repository.
                    Some(Known { id, github_id: None, former: None }) => {
                        join::merge(tx, &tables(), "github_repository", id, own.id).await?;
                        None
                    }
                    holder => holder,
                };
                let had = name_stamp(tx, own.id).await?;
                let newer = *stamp > had;
                may_name[index] = claims(tx, mention, holder.as_ref()).await?;
                if newer {
                    remember_present_name(tx, own.id, had.source_at).await?;
                }
                if newer && may_name[index] {
                    by_name.insert(name.clone(), own);
                } else {
                    remember_name(tx, own.id, name, stamp.source_at).await?;
                    if may_name[index] {
                        let former = Some(stamp.source_at.unwrap_or_default());
                        by_name.insert(name.clone(), Known { former, ..own });
                    }
                }
            }
            (None, Some(holder)) if holder.github_id.is_none() && holder.former.is_none() => {
                adopt_id(tx, holder.id, github_id).await?;
                let adopted = Known { github_id: Some(github_id), ..holder };
                by_id.insert(github_id, adopted.clone());
                by_name.insert(name.clone(), adopted);
            }
            (None, Some(holder)) => {
                may_name[index] = claims(tx, mention, Some(&holder)).await?;
                if may_name[index] {
                    by_name.remove(name);
                }
            }
            (None, None) => {}
        }
    }

    let created =
        create(tx, mentions, &names, &may_name, accounts, &mut by_id, &mut by_name).await?;
    mentions
        .iter()
        .enumerate()
        .map(|(index, mention)| {
            let own = mention.repository.id.and_then(|id| by_id.get(&id));
            let known = own.or_else(|| by_name.get(&names[index])).ok_or(Error::NotFound)?;
            Ok(Settled {
                id: known.id,
                created: created.contains(&known.id),
                may_name: may_name[index],
            })
        })
        .collect()
}

/// The advisory lock of whoever makes or names repositories: the rest of a batch cannot know their
/// rows, so there is no order to lock them in.
const NAMES_LOCK: i64 = 0x7265_706f_6e61_6d65;

/// Takes that lock if the batch may make or name a repository, and locks the rows that it is about in
/// the order in which batches that do not will. Call it before [`settle`].
pub async fn hold(
    tx: &mut Tx<'_>,
    mentions: &[Mentioned<'_>],
    contended: bool,
) -> QueryResult<Found> {
    let found = Found::of(tx, mentions).await?;
    let may_rename = mentions.iter().any(|Mentioned { repository, .. }| {
        let holder = found.by_name.get(&repository.name.folded());
        match repository.id {
            Some(id) => holder.is_none_or(|h| h.former.is_some() || h.github_id != Some(id)),
            None => holder.is_none(),
        }
    });
    if !contended && !may_rename {
        return Ok(found);
    }
    let mut lock = Statement::new("select pg_advisory_xact_lock(");
    lock.bind(SqlType::BigInt, Value::BigInt(NAMES_LOCK)).push(")::text");
    tx.query(lock).await?;
    let found = Found::of(tx, mentions).await?;
    let known = found.by_id.values().chain(found.by_name.values());
    let mut rows = Statement::new("select id from github_repository where id = any(");
    rows.bind_all(SqlType::BigInt, known.map(|known| Value::BigInt(known.id)));
    rows.push(") order by id for no key update");
    tx.query(rows).await?;
    Ok(found)
}

/// Whether the payload may take its name from whoever has it; makes room if so.
async fn claims(
    tx: &mut Tx<'_>,
    mention: &Mentioned<'_>,
    holder: Option<&Known>,
) -> QueryResult<bool> {
    let Some(Known { id: holder, github_id: Some(held_by), former }) = holder else {
        return Ok(true);
    };
    if former.is_some() {
        // It went on to another name: whoever came after may have this one, whoever was before not.
        return Ok(mention.repository.stamp.source_at > *former);
    }
    if mention.repository.stamp <= name_stamp(tx, *holder).await? {
        return Ok(false);
    }
    let mut displace = Statement::new("update github_repository set repo_name = repo_name || ");
    displace.bind(SqlType::Text, Value::Text(format!("~{held_by}")));
    // The name keeps its stamp: only a newer payload of its own gives the row another one.
    displace.push(" where id = ");
    displace.bind(SqlType::BigInt, Value::BigInt(*holder));
    tx.execute(displace).await?;
    Ok(true)
}

async fn name_stamp(tx: &mut Tx<'_>, id: i64) -> QueryResult<Stamp> {
    let table = super::repositories::RepositoryDraft::table();
    let position = table.names().position(|name| name == "repo_name").unwrap_or_default();
    let row = upsert::read_row(tx, table, id).await?;
    Ok(row.map_or(Stamp::BOTTOM, |row| (*row.stamps[position]).clone()))
}

/// The name a row has now answers for it also after it is renamed.
async fn remember_present_name(
    tx: &mut Tx<'_>,
    id: i64,
    at: Option<DateTime<Utc>>,
) -> QueryResult<()> {
    let mut present = Statement::new(
        "select a.username, r.repo_name from github_repository r \
         join github_account a on a.id = r.owner_account_id \
         where r.repo_name not like '%~%' and r.id = ",
    );
    present.bind(SqlType::BigInt, Value::BigInt(id));
    for row in tx.query(present).await? {
        if let Ok([Value::Text(owner), Value::Text(name)]) = <[Value; 2]>::try_from(row.0) {
            remember_name(tx, id, &RepoName { owner, name }, at).await?;
        }
    }
    Ok(())
}

/// A name that a row had once answers for it, as long as nobody has the name now.
async fn remember_name(
    tx: &mut Tx<'_>,
    id: i64,
    name: &RepoName,
    at: Option<DateTime<Utc>>,
) -> QueryResult<()> {
    let RepoName { owner, name } = name.folded();
    let mut statement = Statement::new(
        "insert into former_repository_name (owner_lower, name_lower, repo_id, seen_at) values (",
    );
    statement.bind(SqlType::Text, Value::Text(owner)).push(", ");
    statement.bind(SqlType::Text, Value::Text(name)).push(", ");
    statement.bind(SqlType::BigInt, Value::BigInt(id)).push(", ");
    statement.bind(SqlType::Timestamptz, Value::Timestamptz(at.unwrap_or(tx.now)));
    statement.push(
        ") on conflict (owner_lower, name_lower) do update \
         set repo_id = excluded.repo_id, seen_at = excluded.seen_at \
         where former_repository_name.seen_at <= excluded.seen_at",
    );
    tx.execute(statement).await?;
    Ok(())
}

async fn adopt_id(tx: &mut Tx<'_>, id: i64, github_id: i64) -> QueryResult<()> {
    let mut statement = Statement::new("update github_repository set github_repo_id = ");
    statement.bind(SqlType::BigInt, Value::BigInt(github_id)).push(" where id = ");
    statement.bind(SqlType::BigInt, Value::BigInt(id));
    tx.execute(statement).await?;
    Ok(())
}

async fn find_ids(tx: &mut Tx<'_>, ids: &[i64]) -> QueryResult<HashMap<i64, Known>> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let mut statement = Statement::new(
        "select github_repo_id, id from github_repository where github_repo_id = any(",
    );
    statement.bind_all(SqlType::BigInt, ids.iter().copied().map(Value::BigInt)).push(")");
    Ok(tx
        .query(statement)
        .await?
        .into_iter()
        .filter_map(|row| match row.0.as_slice() {
            [Value::BigInt(github_id), Value::BigInt(id)] => {
                let known = Known { id: *id, github_id: Some(*github_id), former: None };
                Some((*github_id, known))
            }
            _ => None,
        })
        .collect())
}

/// The rows that have a name now, else the rows that had it, by folded name. The names that rows have
/// are folded by the database alone: it and we may differ in what is upper case beyond ASCII.
async fn find_names<'n>(
    tx: &mut Tx<'_>,
    names: impl Iterator<Item = &'n RepoName>,
) -> QueryResult<HashMap<RepoName, Known>> {
    let names: BTreeMap<RepoName, &RepoName> = names.map(|name| (name.folded(), name)).collect();
    let mut found = HashMap::new();
    for (select, join) in [
        (
            "select distinct on (u.ord) u.ord, r.id, r.github_repo_id, null::timestamptz from",
            "join github_account a on lower(a.username) = lower(u.owner) \
             join github_repository r on r.owner_account_id = a.id \
                 and lower(r.repo_name) = lower(u.name) \
             order by u.ord, a.github_account_id > 0 desc, a.source_at desc nulls last, r.id",
        ),
        (
            "select u.ord, r.id, r.github_repo_id, f.seen_at from",
            "join former_repository_name f \
                 on f.owner_lower = u.folded_owner and f.name_lower = u.folded_name \
             join github_repository r on r.id = f.repo_id",
        ),
    ] {
        let wanted: Vec<(&RepoName, &RepoName)> = names
            .iter()
            .filter(|(folded, _)| !found.contains_key(*folded))
            .map(|(folded, name)| (folded, *name))
            .collect();
        if wanted.is_empty() {
            break;
        }
        let statement = Given::default()
            .texts("owner", wanted.iter().map(|(_, name)| name.owner.as_str()))
            .texts("name", wanted.iter().map(|(_, name)| name.name.as_str()))
            .texts("folded_owner", wanted.iter().map(|(folded, _)| folded.owner.as_str()))
            .texts("folded_name", wanted.iter().map(|(folded, _)| folded.name.as_str()))
            .statement(select, join);
        for row in tx.query(statement).await? {
            if let [Value::BigInt(ord), Value::BigInt(id), github_id, former] = row.0.as_slice() {
                let github_id = match github_id {
                    Value::BigInt(id) => Some(*id),
                    _ => None,
                };
                let former = match former {
                    Value::Timestamptz(at) => Some(*at),
                    _ => None,
                };
                let name = usize::try_from(ord - 1).ok().and_then(|n| wanted.get(n));
                if let Some((folded, _)) = name {
                    found.insert((*folded).clone(), Known { id: *id, github_id, former });
                }
            }
        }
    }
    Ok(found)
}

/// Makes the rows that are missing, in key order, and gives the ids of those it made.
async fn create(
    tx: &mut Tx<'_>,
    mentions: &[Mentioned<'_>],
    names: &[RepoName],
    may_name: &[bool],
    accounts: &Stored,
    by_id: &mut HashMap<i64, Known>,
    by_name: &mut HashMap<RepoName, Known>,
) -> QueryResult<Vec<i64>> {
    // By owner and lower-cased spelling: that, and GitHub's id if a payload has it.
    let mut missing: BTreeMap<(i64, String), (String, Option<i64>, RepoName)> = BTreeMap::new();
    for (index, mention) in mentions.iter().enumerate() {
        let repository = mention.repository;
        let known = match repository.id {
            Some(id) => by_id.contains_key(&id),
            None => by_name.contains_key(&names[index]),
        };
        if known {
            continue;
        }
        let spelling = repository.spelling(may_name[index]);
        let key = (accounts.id(mention.owner), spelling.to_lowercase());
        let name = &repository.name;
        let entry = missing.entry(key).or_insert_with(|| (spelling, None, name.clone()));
        entry.1 = entry.1.or(repository.id);
    }
    if missing.is_empty() {
        return Ok(Vec::new());
    }
    let mut statement = Statement::new(
        "insert into github_repository (owner_account_id, repo_name, github_repo_id) \
         select u.owner, u.name, u.github from ",
    );
    Given::default()
        .ids("owner", missing.keys().map(|(owner, _)| *owner))
        .texts("name", missing.values().map(|(spelling, ..)| spelling.as_str()))
        .with(
            "github",
            SqlType::BigInt,
            missing.values().map(|(_, id, _)| id.map_or(Value::Null, Value::BigInt)),
        )
        .append(&mut statement);
    statement.push(
        " on conflict (owner_account_id, lower(repo_name)) do update \
         set source_rank = github_repository.source_rank where false \
         returning id, owner_account_id, repo_name",
    );
    let mut created = Vec::new();
    for row in tx.query(statement).await? {
        let Ok([Value::BigInt(id), Value::BigInt(owner), Value::Text(spelling)]) =
            <[Value; 3]>::try_from(row.0)
        else {
            continue;
        };
        created.push(id);
        if let Some((_, github_id, name)) = missing.remove(&(owner, spelling.to_lowercase())) {
            let known = Known { id, github_id, former: None };
            if let Some(github_id) = github_id {
                by_id.insert(github_id, known.clone());
            }
            by_name.insert(name.folded(), known);
        }
    }
    tx.count("github_repository").inserted += created.len() as u64;
    if !missing.is_empty() {
        // Somebody else made them meanwhile.
        by_name.extend(find_names(tx, missing.values().map(|(.., name)| name)).await?);
        if mentions.iter().any(|m| m.repository.id.is_some_and(|id| !by_id.contains_key(&id))) {
            return Err(Error::RollbackTransaction);
        }
    }
    Ok(created)
}
