//! Finds the pairs that addresses join.

use chrono::{DateTime, Utc};
use diesel::QueryResult;
use diesel_async::RunQueryDsl;

use super::{MOST, Skipped};
use crate::{
    db::{
        Connection,
        sql::{Row, SqlType, Statement, Value},
    },
    domains::users::named::NAMES,
};

/// Two profiles and what joins them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The profile with the smaller id.
    pub one: i64,
    /// The other.
    pub other: i64,
    /// What joins them.
    pub by: By,
}

/// What joins two profiles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// A noreply address of one has the other's GitHub id.
    Noreply {
        /// `email.id`.
        email: i64,
        /// `github_account.id`.
        account: i64,
    },
    /// Both have the same address.
    Address {
        /// `email.id` of one.
        email: i64,
        /// `email.id` of the other.
        other: i64,
    },
}

/// The profiles that may be suggested: neither ghost nor bot nor a login that was only mentioned, nor
/// who stands for messages without an author.
fn people() -> String {
    format!(
        "person as materialized (select profile.id, profile.identity_id \
         from base_profile profile{NAMES} where not named.is_bot and not named.is_nobody)"
    )
}

/// The addresses that say who somebody is: no noreply address, no role.
const OWN: &str = "own as materialized (select e.id, e.base_profile_id, e.email_lower, e.created_at \
    from email e join person on person.id = e.base_profile_id \
    where e.email_lower not like '%@users.noreply.github.com' \
    and split_part(e.email_lower, '@', 1) not in ('root', 'noreply', 'no-reply', 'info', 'admin', \
        'webmaster', 'git', 'build', 'user') \
    and split_part(e.email_lower, '@', 2) <> 'localhost')";

/// The addresses that several profiles have, one of them since `since`.
fn shared(statement: &mut Statement, since: Option<DateTime<Utc>>) {
    statement.push(
        "shared as materialized (select email_lower, count(*) as profiles, min(id) as id \
         from own group by email_lower having count(*) > 1",
    );
    if let Some(since) = since {
        statement.push(" and max(created_at) > ");
        statement.bind(SqlType::Timestamptz, Value::Timestamptz(since));
    }
    statement.push(")");
}

/// The pairs of profiles of different identities that addresses join; with `since`, only those of
/// which an address or the account is newer.
pub async fn pairs(conn: &mut Connection, since: Option<DateTime<Utc>>) -> QueryResult<Vec<Found>> {
    let mut statement = Statement::new(format!("with {}, {OWN}, ", people()));
    shared(&mut statement, since);
    statement.push(&format!(
        ", same as (select a.base_profile_id as one, b.base_profile_id as other, true as same, \
             a.id as mine, b.id as theirs from shared \
             join own a on a.email_lower = shared.email_lower \
             join own b on b.email_lower = a.email_lower and b.base_profile_id > a.base_profile_id \
             where shared.profiles <= {MOST}), \
         noreply as (select least(e.base_profile_id, g.id), greatest(e.base_profile_id, g.id), \
             false, e.id, g.id from email e \
             join github_account g on g.github_account_id = \
                 substring(e.email_lower from '^([0-9]{{1,18}})[+]')::bigint \
             where e.email_lower ~ '^[0-9]{{1,18}}[+].+@users[.]noreply[.]github[.]com$' \
             and g.github_account_id > 0 and g.id <> e.base_profile_id",
    ));
    if let Some(since) = since {
        let since = Value::Timestamptz(since);
        statement.push(" and greatest(e.created_at, g.created_at) > ");
        statement.bind(SqlType::Timestamptz, since);
    }
    statement.push(
        // One profile after the other: a condition on both at once would have all joined with all.
        "), met as materialized (select found.*, person.identity_id as home \
             from (select * from same union all select * from noreply) found \
             join person on person.id = found.one) \
         select met.one, met.other, met.same, met.mine, met.theirs from met \
         join person on person.id = met.other \
         where met.home is null or person.identity_id is null or met.home <> person.identity_id \
         order by 1, 2, 3, 4, 5",
    );
    let rows: Vec<Row> = statement.load(conn).await?;
    Ok(rows
        .into_iter()
        .filter_map(|Row(values)| match values[..] {
            [
                Value::BigInt(one),
                Value::BigInt(other),
                Value::Bool(same),
                Value::BigInt(mine),
                Value::BigInt(theirs),
            ] => {
                let by = if same {
                    By::Address { email: mine, other: theirs }
                } else {
                    By::Noreply { email: mine, account: theirs }
                };
                Some(Found { one, other, by })
            }
            _ => None,
        })
        .collect())
}

/// Addresses that too many profiles share, the most shared first; at most a hundred.
pub async fn skipped(
    conn: &mut Connection,
    since: Option<DateTime<Utc>>,
) -> QueryResult<Vec<Skipped>> {
    let mut statement = Statement::new(format!("with {}, {OWN}, ", people()));
    shared(&mut statement, since);
    statement.push(&format!(
        " select id, profiles from shared where profiles > {MOST} \
         order by profiles desc, id limit 100"
    ));
    let rows: Vec<Row> = statement.load(conn).await?;
    Ok(rows
        .into_iter()
        .filter_map(|Row(values)| match values[..] {
            [Value::BigInt(email_id), Value::BigInt(profiles)] => {
                Some(Skipped { email_id, profiles })
            }
            _ => None,
        })
        .collect())
}
