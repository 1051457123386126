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

/// Which pairs are looked for.
#[derive(Debug, Clone, Copy)]
pub enum Which {
    /// All.
    All,
    /// Those of profiles about which something changed since: an address, the account, or where they
    /// belong.
    Since(DateTime<Utc>),
    /// These two profiles.
    Of(i64, i64),
}

/// The profiles that may be suggested: neither ghost nor bot nor a login that was only mentioned, nor
/// who stands for messages without an author.
fn people(statement: &mut Statement, which: Which) {
    statement.push(&format!(
        "person as materialized (select profile.id, profile.identity_id \
         from base_profile profile{NAMES} where not named.is_bot and not named.is_nobody"
    ));
    if let Which::Of(one, other) = which {
        statement.push(" and profile.id = any(");
        statement.bind_all(SqlType::BigInt, [one, other].map(Value::BigInt)).push(")");
    }
    statement.push(")");
}

/// `, touched as (…)`: the profiles about which something changed.
fn touched(statement: &mut Statement, which: Which) {
    let Which::Since(since) = which else { return };
    let mut begin = ", touched as materialized (";
    for since_then in [
        "select base_profile_id as id from email where greatest(created_at, updated_at) > ",
        "select id from github_account where greatest(created_at, updated_at) > ",
        "select id from discord_profile where greatest(created_at, updated_at) > ",
        "select row.row_id from identity_operation_row row \
         join identity_operation operation on operation.id = row.operation_id \
         where row.table_name = 'base_profile' and operation.at > ",
    ] {
        statement.push(begin).push(since_then);
        statement.bind(SqlType::Timestamptz, Value::Timestamptz(since));
        begin = " union ";
    }
    statement.push(")");
}

/// The addresses that say who somebody is: no noreply address, no role.
const OWN: &str = ", own as materialized (select e.id, e.base_profile_id, e.email_lower \
    from email e join person on person.id = e.base_profile_id \
    where e.email_lower not like '%@users.noreply.github.com' \
    and split_part(e.email_lower, '@', 1) not in ('root', 'noreply', 'no-reply', 'info', 'admin', \
        'webmaster', 'git', 'build', 'user') \
    and split_part(e.email_lower, '@', 2) <> 'localhost')";

/// `with …, shared as (…)`: the addresses that several profiles have, one of which is meant.
fn shared(which: Which) -> Statement {
    let mut statement = Statement::new("with ");
    people(&mut statement, which);
    touched(&mut statement, which);
    statement.push(OWN).push(
        ", shared as materialized (select email_lower, count(*) as profiles, min(id) as id \
         from own group by email_lower having count(*) > 1",
    );
    if let Which::Since(_) = which {
        statement.push(" and bool_or(base_profile_id in (select id from touched))");
    }
    statement.push(")");
    statement
}

/// The pairs of profiles of different identities that addresses join.
pub async fn pairs(conn: &mut Connection, which: Which) -> QueryResult<Vec<Found>> {
    let mut statement = shared(which);
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
    match which {
        Which::All => {}
        Which::Since(_) => {
            statement.push(
                " and (e.base_profile_id in (select id from touched) \
                 or g.id in (select id from touched))",
            );
        }
        Which::Of(one, other) => {
            for profile in ["e.base_profile_id", "g.id"] {
                statement.push(" and ").push(profile).push(" = any(");
                statement.bind_all(SqlType::BigInt, [one, other].map(Value::BigInt)).push(")");
            }
        }
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
pub async fn skipped(conn: &mut Connection, which: Which) -> QueryResult<Vec<Skipped>> {
    let mut statement = shared(which);
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
