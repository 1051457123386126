//! `github_account`: finding and making the accounts that a batch mentions.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use chrono::{DateTime, Utc};
use diesel::QueryResult;

use super::{
    person::{GHOST_ID, Person, Who},
    tables,
};
use crate::{
    db::sql::{SqlType, Statement, Value},
    domains::users::{
        enums::GitHubAccountType,
        ingest::email::{self, Mention},
    },
    draft,
    ingest::{
        given::Given,
        join,
        register::Cell,
        stamp::{Stamp, digest},
        tx::Tx,
        upsert::{Action, Done, upsert},
    },
};

draft! {
    /// What a payload says about an account with GitHub's id.
    pub struct AccountDraft, table github_account, extends base_profile as "github",
        key { github_account_id: i64 };
    registers {
        username: String,
        display_name: String [own],
        avatar_url: String,
        type_: GitHubAccountType,
    }
    dates { created_at, updated_at }
}

draft! {
    /// What a payload says about a person without an account.
    pub struct StubDraft, table github_account, extends base_profile as "github",
        key { stub_key: Option<String> };
    registers {
        username: String,
        display_name: String [own],
        avatar_url: String,
        type_: GitHubAccountType,
    }
    dates { created_at, updated_at }
}

/// The advisory lock that orders the making of accounts. Whoever makes a stub from a login, or adopts
/// one, holds it alone: it must see every account that has the login, and nobody may point at a stub
/// that is about to be merged away. All others that make accounts or point at logins share it.
const ACCOUNTS_LOCK: i64 = 0x6163_636f_756e_7473;

/// A mention to resolve.
#[derive(Debug)]
struct Mentioned {
    person: Person,
    stamp: Stamp,
    item: i32,
    addresses: Vec<(String, Option<DateTime<Utc>>)>,
}

/// The accounts that a batch mentions. Filled while items are walked, then stored at once.
#[derive(Debug, Default)]
pub struct Accounts {
    mentions: Vec<Mentioned>,
    index: HashMap<Person, usize>,
}

/// A mentioned account; [`Stored::id`] gives its row once the batch is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Handle(usize);

/// The accounts of a batch, in the database.
#[derive(Debug)]
pub struct Stored {
    done: Vec<Done>,
    /// Accounts of which an address is new or spelt anew.
    reachable: HashSet<i64>,
}

impl Stored {
    /// `github_account.id`.
    pub fn id(&self, handle: Handle) -> i64 {
        self.done[handle.0].id
    }

    /// What became of the account.
    pub fn action(&self, handle: Handle) -> Action {
        let done = &self.done[handle.0];
        match done.action {
            Action::Inserted => Action::Inserted,
            _ if self.reachable.contains(&done.id) => Action::Updated,
            action => action,
        }
    }
}

impl Accounts {
    /// A mention inside an item of time `at`. Equal mentions are one, of the newest time.
    pub fn mention(
        &mut self,
        person: Person,
        at: Option<DateTime<Utc>>,
        as_of: Option<DateTime<Utc>>,
        item: i32,
    ) -> Handle {
        let index = *self.index.entry(person.clone()).or_insert_with(|| {
            self.mentions.push(Mentioned {
                stamp: Stamp { digest: digest(&person), ..Stamp::BOTTOM },
                person,
                item,
                addresses: Vec::new(),
            });
            self.mentions.len() - 1
        });
        let mention = &mut self.mentions[index];
        if (at, as_of) >= (mention.stamp.source_at, mention.stamp.as_of) {
            (mention.stamp.source_at, mention.stamp.as_of, mention.item) = (at, as_of, item);
        }
        Handle(index)
    }

    /// The account of deleted users.
    pub fn ghost(&mut self, item: i32) -> Handle {
        let index = *self.index.entry(Person::ghost()).or_insert_with(|| {
            self.mentions.push(Mentioned {
                person: Person::ghost(),
                stamp: Stamp::BOTTOM,
                item,
                addresses: Vec::new(),
            });
            self.mentions.len() - 1
        });
        Handle(index)
    }

    /// An address of an account.
    pub fn address(&mut self, handle: Handle, address: String, at: Option<DateTime<Utc>>) {
        self.mentions[handle.0].addresses.push((address, at));
    }

    /// Stores all of them. Call it first in a transaction, before any row is locked.
    pub async fn store(self, tx: &mut Tx<'_>) -> QueryResult<Stored> {
        let mut done: Vec<Option<Done>> = vec![None; self.mentions.len()];
        let adoptable = self.adoptable();
        order_making(tx, &self.mentions, &adoptable).await?;
        adopt_stubs(tx, &adoptable).await?;
        self.store_with_ids(tx, &mut done).await?;
        self.find_logins(tx, &mut done).await?;
        self.store_stubs(tx, &mut done).await?;
        let done: Vec<Done> =
            done.into_iter().collect::<Option<_>>().ok_or(diesel::result::Error::NotFound)?;
        let mut addresses = Vec::new();
        for (mention, done) in self.mentions.into_iter().zip(&done) {
            addresses.extend(mention.addresses.into_iter().map(|(address, at)| Mention {
                profile: done.id,
                address,
                at,
            }));
        }
        let reachable = email::record(tx, addresses).await?;
        Ok(Stored { done, reachable })
    }

    fn with<'m>(
        &'m self,
        pick: impl Fn(&'m Who) -> bool + 'm,
    ) -> impl Iterator<Item = (usize, &'m Mentioned)> + 'm {
        self.mentions.iter().enumerate().filter(move |(_, mention)| pick(&mention.person.who))
    }

    /// The stubs that would stand for accounts of which a payload shows login and id.
    fn adoptable(&self) -> BTreeMap<String, i64> {
        let mut ids = BTreeMap::new();
        for (_, mention) in self.with(|who| matches!(who, Who::Id(_))) {
            if let (Who::Id(id), Some(login)) = (&mention.person.who, &mention.person.login) {
                ids.insert(stub_key(&login.to_lowercase()), *id);
            }
        }
        ids
    }

    async fn store_with_ids(&self, tx: &mut Tx<'_>, done: &mut [Option<Done>]) -> QueryResult<()> {
        let mut order = Vec::new();
        let mut drafts = Vec::new();
        for (index, mention) in self.with(|who| matches!(who, Who::Id(_))) {
            let Who::Id(id) = mention.person.who else { continue };
            order.push(index);
            let Cells { username, display_name, avatar_url, type_ } = Cells::of(mention);
            drafts.push(AccountDraft {
                github_account_id: id,
                username,
                display_name,
                avatar_url,
                type_,
                stamp: mention.stamp.clone(),
                item: mention.item,
            });
        }
        for (index, stored) in order.into_iter().zip(upsert(tx, drafts).await?) {
            done[index] = Some(stored);
        }
        Ok(())
    }

    /// Finds the accounts of logins: a real one before a stub, then the newest.
    async fn find_logins(&self, tx: &mut Tx<'_>, done: &mut [Option<Done>]) -> QueryResult<()> {
        let wanted: Vec<(usize, &str)> = logins(&self.mentions).collect();
        for ((index, _), found) in wanted.iter().zip(ids_of_logins(tx, &wanted).await?) {
            done[*index] = found.map(|id| Done {
                id,
                action: Action::Unchanged,
                sets: Vec::new(),
                set_stamps: Vec::new(),
                fresh: false,
            });
        }
        Ok(())
    }

    async fn store_stubs(&self, tx: &mut Tx<'_>, done: &mut [Option<Done>]) -> QueryResult<()> {
        let mut order = Vec::new();
        let mut drafts = Vec::new();
        for (index, mention) in self.mentions.iter().enumerate() {
            let (stub_key, stamp) = match &mention.person.who {
                Who::Login(login) if done[index].is_none() => (stub_key(login), Stamp::BOTTOM),
                Who::Unknown(key) => (key.clone(), mention.stamp.clone()),
                _ => continue,
            };
            order.push(index);
            let Cells { username, display_name, avatar_url, type_ } = Cells::of(mention);
            drafts.push(StubDraft {
                stub_key: Some(stub_key),
                username,
                display_name,
                avatar_url,
                type_,
                stamp,
                item: mention.item,
            });
        }
        for (index, stored) in order.into_iter().zip(upsert(tx, drafts).await?) {
            done[index] = Some(stored);
        }
        Ok(())
    }
}

/// The registers of a mention.
struct Cells {
    username: Cell<String>,
    display_name: Cell<String>,
    avatar_url: Cell<String>,
    type_: Cell<GitHubAccountType>,
}

impl Cells {
    fn of(mention: &Mentioned) -> Self {
        let person = &mention.person;
        // The account of deleted users is made whole, whoever names it first.
        let whole = (person.who == Who::Id(GHOST_ID)).then(Person::ghost);
        let (login, name) =
            whole.map(|ghost| (ghost.login, ghost.display_name)).unwrap_or_default();
        let cell = |stated: &Option<String>, whole: Option<String>| match stated {
            Some(text) => Cell::Stated(text.clone()),
            None => Cell::Unstated(whole.unwrap_or_default()),
        };
        Self {
            username: cell(&person.login, login),
            display_name: cell(&person.display_name, name),
            avatar_url: Cell::of(person.avatar_url.clone()),
            type_: person
                .account_type
                .map_or(Cell::Unstated(GitHubAccountType::User), Cell::Stated),
        }
    }
}

/// The accounts of lower-cased logins, in the order asked for.
async fn ids_of_logins(tx: &mut Tx<'_>, logins: &[(usize, &str)]) -> QueryResult<Vec<Option<i64>>> {
    let mut found = vec![None; logins.len()];
    if logins.is_empty() {
        return Ok(found);
    }
    let statement =
        Given::default().texts("login", logins.iter().map(|(_, login)| *login)).statement(
            "select distinct on (u.ord) u.ord, a.id from",
            "join github_account a on lower(a.username) = u.login \
         order by u.ord, a.github_account_id > 0 desc, a.source_at desc nulls last, a.id",
        );
    for row in tx.query(statement).await? {
        if let [Value::BigInt(ord), Value::BigInt(id)] = row.0.as_slice()
            && let Some(slot) = usize::try_from(ord - 1).ok().and_then(|n| found.get_mut(n))
        {
            *slot = Some(*id);
        }
    }
    Ok(found)
}

/// Takes the lock that orders the making of accounts, if the batch makes any or points at a login.
async fn order_making(
    tx: &mut Tx<'_>,
    mentions: &[Mentioned],
    adoptable: &BTreeMap<String, i64>,
) -> QueryResult<()> {
    let logins: Vec<(usize, &str)> = logins(mentions).collect();
    let makes_stub = ids_of_logins(tx, &logins).await?.contains(&None);
    let lock = if makes_stub || any_stub(tx, adoptable).await? {
        "pg_advisory_xact_lock"
    } else if !logins.is_empty() || makes_account(tx, mentions).await? {
        "pg_advisory_xact_lock_shared"
    } else {
        return Ok(());
    };
    let mut statement = Statement::new(format!("select {lock}("));
    statement.bind(SqlType::BigInt, Value::BigInt(ACCOUNTS_LOCK)).push(")::text");
    tx.query(statement).await?;
    Ok(())
}

/// Whether one of the stubs exists: the batch is going to adopt it.
async fn any_stub(tx: &mut Tx<'_>, adoptable: &BTreeMap<String, i64>) -> QueryResult<bool> {
    if adoptable.is_empty() {
        return Ok(false);
    }
    let mut exists = Statement::new("select 1 from github_account where stub_key = any(");
    exists.bind_all(SqlType::Text, adoptable.keys().cloned().map(Value::Text)).push(") limit 1");
    Ok(!tx.query(exists).await?.is_empty())
}

/// Whether one of the mentioned ids is new.
async fn makes_account(tx: &mut Tx<'_>, mentions: &[Mentioned]) -> QueryResult<bool> {
    let ids: BTreeSet<i64> = mentions
        .iter()
        .filter_map(|mention| match mention.person.who {
            Who::Id(id) if id != GHOST_ID => Some(id),
            _ => None,
        })
        .collect();
    let wanted = ids.len();
    let mut known =
        Statement::new("select count(*) from github_account where github_account_id = any(");
    known.bind_all(SqlType::BigInt, ids.into_iter().map(Value::BigInt)).push(")");
    let rows = tx.query(known).await?;
    Ok(match rows.first().map(|row| row.0.as_slice()) {
        Some([Value::BigInt(count)]) => usize::try_from(*count) != Ok(wanted),
        _ => true,
    })
}

/// The lower-cased logins that are mentioned without an id, by the mention's position.
fn logins(mentions: &[Mentioned]) -> impl Iterator<Item = (usize, &str)> {
    mentions.iter().enumerate().filter_map(|(index, mention)| match &mention.person.who {
        Who::Login(login) => Some((index, login.as_str())),
        _ => None,
    })
}

fn stub_key(login: &str) -> String {
    format!("login:{login}")
}

/// Gives stubs that were made from a login their id, now that a payload shows both.
async fn adopt_stubs(tx: &mut Tx<'_>, adoptable: &BTreeMap<String, i64>) -> QueryResult<()> {
    if adoptable.is_empty() {
        return Ok(());
    }
    let statement = Given::default()
        .texts("stub", adoptable.keys().map(String::as_str))
        .ids("real", adoptable.values().copied())
        .statement(
            "select s.id, u.real, r.id from",
            "join github_account s on s.stub_key = u.stub \
             left join github_account r on r.github_account_id = u.real order by s.id",
        );
    // Of an account that was shown under several logins the first stub becomes it.
    let mut adopted: HashMap<i64, i64> = HashMap::new();
    for row in tx.query(statement).await? {
        let Ok([Value::BigInt(stub), Value::BigInt(real), row]) = <[Value; 3]>::try_from(row.0)
        else {
            continue;
        };
        let row = match row {
            Value::BigInt(row) => Some(row),
            _ => adopted.get(&real).copied(),
        };
        if let Some(row) = row {
            keep_identity(tx, stub, row).await?;
            join::merge(tx, &tables(), "github_account", stub, row).await?;
            let mut base = Statement::new("delete from base_profile where id = ");
            base.bind(SqlType::BigInt, Value::BigInt(stub));
            tx.execute(base).await?;
        } else {
            let mut adopt =
                Statement::new("update github_account set stub_key = null, github_account_id = ");
            adopt.bind(SqlType::BigInt, Value::BigInt(real));
            adopt.push(" where id = ").bind(SqlType::BigInt, Value::BigInt(stub));
            tx.execute(adopt).await?;
            adopted.insert(real, stub);
        }
    }
    Ok(())
}

/// Of two accounts that are merged the one that stays keeps its identity, else takes the other's;
/// what hangs on the profile moves with it.
async fn keep_identity(tx: &mut Tx<'_>, from: i64, into: i64) -> QueryResult<()> {
    let mut identity = Statement::new(
        "update base_profile a set identity_id = coalesce(a.identity_id, b.identity_id) \
         from base_profile b where a.id = ",
    );
    identity.bind(SqlType::BigInt, Value::BigInt(into)).push(" and b.id = ");
    identity.bind(SqlType::BigInt, Value::BigInt(from));
    tx.execute(identity).await?;
    email::take_over(tx, from, into).await?;
    let mut moved =
        Statement::new("update temp_profile_identity_relation c set base_profile_id = ");
    moved.bind(SqlType::BigInt, Value::BigInt(into)).push(" where c.base_profile_id = ");
    moved.bind(SqlType::BigInt, Value::BigInt(from)).push(
        " and not exists (select from temp_profile_identity_relation d \
         where d.target_identity_id = c.target_identity_id and d.base_profile_id = ",
    );
    moved.bind(SqlType::BigInt, Value::BigInt(into)).push(")");
    tx.execute(moved).await?;
    Ok(())
}
