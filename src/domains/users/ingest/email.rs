//! E-mail addresses of profiles, as payloads mention them.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use chrono::{DateTime, Utc};
use diesel::QueryResult;

use crate::{
    db::sql::{SqlType, Statement, Value},
    ingest::{given::Given, tx::Tx},
};

/// The longest address that is recorded, in bytes.
const LONGEST: usize = 320;

/// An address that a payload gives for a profile.
#[derive(Debug, Clone)]
pub struct Mention {
    /// `base_profile.id`.
    pub profile: i64,
    /// As the payload spells it.
    pub address: String,
    /// The time of what it was mentioned in.
    pub at: Option<DateTime<Utc>>,
}

/// The address, if it is one: no blanks, one `@` with something on both sides, at most 320 bytes.
pub fn valid(address: &str) -> Option<&str> {
    let address = address.trim();
    let (local, host) = address.split_once('@')?;
    let part = |part: &str| !part.is_empty() && !part.contains(|c: char| c.is_whitespace());
    (address.len() <= LONGEST && part(local) && part(host) && !host.contains('@'))
        .then_some(address)
}

/// The account that GitHub's noreply address of the form `<id>+<login>@…` proves.
pub fn noreply_account(address: &str) -> Option<(i64, &str)> {
    let local = address.trim().strip_suffix("@users.noreply.github.com")?;
    let (id, login) = local.split_once('+')?;
    let id = id.parse().ok().filter(|id| *id > 0)?;
    (!login.is_empty()).then_some((id, login))
}

/// Whether nobody reads what is sent there: such an address is primary only where there is no other.
pub fn is_noreply(address: &str) -> bool {
    address.ends_with("@users.noreply.github.com")
        || address.starts_with("noreply@")
        || address.starts_with("no-reply@")
}

/// Records addresses: one row per profile and lower-cased address, spelt as in its newest mention,
/// and exactly one primary address for each profile that has any. Gives the profiles of which an
/// address is new or spelt anew.
pub async fn record(tx: &mut Tx<'_>, mentions: Vec<Mention>) -> QueryResult<HashSet<i64>> {
    let mut newest = Newest::new();
    for mention in mentions {
        let Some(address) = valid(&mention.address) else { continue };
        let entry = newest.entry((mention.profile, address.to_lowercase())).or_default();
        *entry = std::mem::take(entry).max((mention.at, address.to_owned()));
    }
    let known = known(tx, &newest).await?;
    newest.retain(|key, mention| known.get(key).is_none_or(|stored| stored < mention));
    let mut changed = HashSet::new();
    if newest.is_empty() {
        return Ok(changed);
    }
    let spelt = |key: &(i64, String)| known.get(key).map(|(_, spelling)| spelling.as_str());
    for (key, (_, spelling)) in &newest {
        if spelt(key) != Some(spelling) {
            changed.insert(key.0);
        }
        let count = tx.count("email");
        match spelt(key) {
            None => count.inserted += 1,
            Some(old) if old == spelling => count.unchanged += 1,
            Some(_) => count.updated += 1,
        }
    }
    let profiles: BTreeSet<i64> = newest.keys().map(|(profile, _)| *profile).collect();
    lock(tx, &profiles).await?;
    store(tx, &newest).await?;
    elect_primary(tx, profiles).await?;
    Ok(changed)
}

/// Gives the addresses of a profile that is merged away to the one that stays, and elects the primary
/// of all. The profile that stays is locked.
pub async fn take_over(tx: &mut Tx<'_>, from: i64, into: i64) -> QueryResult<()> {
    // An address that both have is spelt as in its newest mention.
    let mut newest = Statement::new(
        "update email e set email = f.email, last_seen_at = f.last_seen_at from email f \
         where f.email_lower = e.email_lower \
         and (coalesce(e.last_seen_at, '-infinity'), e.email collate \"C\") \
             < (coalesce(f.last_seen_at, '-infinity'), f.email collate \"C\") \
         and e.base_profile_id = ",
    );
    newest.bind(SqlType::BigInt, Value::BigInt(into)).push(" and f.base_profile_id = ");
    newest.bind(SqlType::BigInt, Value::BigInt(from));
    tx.execute(newest).await?;
    let mut moved = Statement::new("update email e set base_profile_id = ");
    moved.bind(SqlType::BigInt, Value::BigInt(into)).push(" where e.base_profile_id = ");
    moved.bind(SqlType::BigInt, Value::BigInt(from)).push(
        " and not exists (select from email f where f.email_lower = e.email_lower \
         and f.base_profile_id = ",
    );
    moved.bind(SqlType::BigInt, Value::BigInt(into)).push(")");
    tx.execute(moved).await?;
    elect_primary(tx, BTreeSet::from([into])).await
}

/// Locks profiles: which address is primary depends on all that a profile has.
async fn lock(tx: &mut Tx<'_>, profiles: &BTreeSet<i64>) -> QueryResult<()> {
    let mut statement = Statement::new("select id from base_profile where id = any(");
    statement.bind_all(SqlType::BigInt, profiles.iter().copied().map(Value::BigInt));
    statement.push(") order by id for no key update");
    tx.query(statement).await?;
    Ok(())
}

type Newest = BTreeMap<(i64, String), (Option<DateTime<Utc>>, String)>;

async fn known(tx: &mut Tx<'_>, wanted: &Newest) -> QueryResult<Newest> {
    if wanted.is_empty() {
        return Ok(Newest::new());
    }
    let statement = Given::default()
        .ids("profile", wanted.keys().map(|(profile, _)| *profile))
        .texts("lower", wanted.keys().map(|(_, lower)| lower.as_str()))
        .statement(
            "select e.base_profile_id, e.email_lower, e.last_seen_at, e.email from",
            "join email e on e.base_profile_id = u.profile and e.email_lower = u.lower",
        );
    let rows = tx.query(statement).await?;
    Ok(rows
        .into_iter()
        .filter_map(|row| match <[Value; 4]>::try_from(row.0) {
            Ok([Value::BigInt(profile), Value::Text(lower), at, Value::Text(spelling)]) => {
                let at = match at {
                    Value::Timestamptz(at) => Some(at),
                    _ => None,
                };
                Some(((profile, lower), (at, spelling)))
            }
            _ => None,
        })
        .collect())
}

async fn store(tx: &mut Tx<'_>, newest: &Newest) -> QueryResult<()> {
    let mut statement = Statement::new(
        "insert into email (base_profile_id, email_lower, email, last_seen_at, is_primary, \
         is_active, created_at, updated_at) select u.profile, u.lower, u.spelling, u.at, false, \
         true, ",
    );
    let now = Value::Timestamptz(tx.now);
    statement.bind(SqlType::Timestamptz, now.clone()).push(", ");
    statement.bind(SqlType::Timestamptz, now).push(" from ");
    Given::default()
        .ids("profile", newest.keys().map(|(profile, _)| *profile))
        .texts("lower", newest.keys().map(|(_, lower)| lower.as_str()))
        .texts("spelling", newest.values().map(|(_, spelling)| spelling.as_str()))
        .with(
            "at",
            SqlType::Timestamptz,
            newest.values().map(|(at, _)| at.map_or(Value::Null, Value::Timestamptz)),
        )
        .append(&mut statement);
    statement.push(
        " on conflict (base_profile_id, email_lower) do update set email = excluded.email, \
         last_seen_at = excluded.last_seen_at, updated_at = case when email.email = excluded.email \
         then email.updated_at else excluded.updated_at end \
         where (coalesce(email.last_seen_at, '-infinity'), email.email collate \"C\") \
             < (coalesce(excluded.last_seen_at, '-infinity'), excluded.email collate \"C\")",
    );
    tx.execute(statement).await?;
    Ok(())
}

/// Exactly one address of a profile is primary: one set by hand stays; else the newest that somebody
/// reads, ties to the smaller in byte order.
async fn elect_primary(tx: &mut Tx<'_>, profiles: BTreeSet<i64>) -> QueryResult<()> {
    let mut select = Statement::new(
        "select base_profile_id, id, email_lower, last_seen_at, is_primary, is_manual from email \
         where base_profile_id = any(",
    );
    select.bind_all(SqlType::BigInt, profiles.into_iter().map(Value::BigInt));
    select.push(") order by id for no key update");
    let mut elected: BTreeMap<i64, (Rank, i64)> = BTreeMap::new();
    let mut primary: Vec<(i64, i64)> = Vec::new();
    for row in tx.query(select).await? {
        let Ok(
            [
                Value::BigInt(profile),
                Value::BigInt(id),
                Value::Text(lower),
                at,
                Value::Bool(is_primary),
                Value::Bool(is_manual),
            ],
        ) = <[Value; 6]>::try_from(row.0)
        else {
            continue;
        };
        let at = match at {
            Value::Timestamptz(at) => Some(at),
            _ => None,
        };
        let rank = rank(is_manual && is_primary, lower, at);
        if is_primary {
            primary.push((profile, id));
        }
        let best = elected.entry(profile).or_insert_with(|| (rank.clone(), id));
        if rank > best.0 {
            *best = (rank, id);
        }
    }
    let winners: Vec<i64> = elected.values().map(|(_, id)| *id).collect();
    let deposed: Vec<i64> = primary
        .iter()
        .filter(|(profile, id)| elected.get(profile).is_some_and(|(_, best)| best != id))
        .map(|(_, id)| *id)
        .collect();
    for (ids, value) in [(deposed, false), (winners, true)] {
        let mut update = Statement::new(format!(
            "update email set is_primary = {value} where is_primary <> {value} and id = any("
        ));
        update.bind_all(SqlType::BigInt, ids.into_iter().map(Value::BigInt)).push(")");
        tx.execute(update).await?;
    }
    Ok(())
}

/// How good an address is as the primary one.
pub type Rank = (bool, bool, Option<DateTime<Utc>>, std::cmp::Reverse<String>);

/// How good an address is as the primary one: whether it was chosen by hand, the address in lower
/// case, the time of its newest mention.
pub fn rank(is_chosen: bool, lower: String, seen: Option<DateTime<Utc>>) -> Rank {
    (is_chosen, !is_noreply(&lower), seen, std::cmp::Reverse(lower))
}
