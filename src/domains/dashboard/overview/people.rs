//! Who did most. People are identities; a profile without one counts as a person.

use diesel::QueryResult;
use diesel_async::RunQueryDsl;

use super::{answer::Entry, period::Period, source::Source};
use crate::db::{
    Connection,
    sql::{Row, Statement, Value},
};

/// How a platform calls its profiles.
#[derive(Debug, Clone, Copy)]
pub(super) struct Names {
    /// The table of its profiles.
    table: &'static str,
    /// The name of one.
    name: &'static str,
}

pub(super) const GITHUB: Names =
    Names { table: "github_account", name: "coalesce(nullif(sub.display_name, ''), sub.username)" };
pub(super) const SLACK: Names =
    Names { table: "slack_user", name: "coalesce(nullif(sub.display_name, ''), sub.username)" };
pub(super) const MAILING_LIST: Names =
    Names { table: "mailing_list_profile", name: "sub.display_name" };

/// The people who did most of a thing in the window.
pub(super) async fn top(
    source: &Source,
    names: Names,
    limit: usize,
    period: &Period,
    connection: &mut Connection,
) -> QueryResult<Vec<Entry>> {
    let mut sql = Statement::new("with active as (select ");
    sql.push(source.who).push(" as profile, count(*) as n");
    source.within(period, &mut sql);
    sql.push(" and ").push(source.who).push(" is not null group by 1)");
    let Names { table, name } = names;
    sql.push(&format!(
        ", people as (select p.identity_id, case when p.identity_id is null then p.id end as id, \
         sum(n)::bigint as n, min({name} collate \"C\") as name from active \
         join base_profile p on p.id = active.profile join {table} sub on sub.id = p.id \
         group by 1, 2) \
         select coalesce(nullif(i.display_name, ''), people.name) as shown, people.identity_id, \
         people.id, people.n from people left join identity i on i.id = people.identity_id \
         order by people.n desc, coalesce(nullif(i.display_name, ''), people.name) collate \"C\", \
         people.identity_id, people.id limit {limit}"
    ));
    let rows: Vec<Row> = sql.load(connection).await?;
    Ok(rows.into_iter().filter_map(person).collect())
}

fn person(Row(values): Row) -> Option<Entry> {
    let [Value::Text(name), identity, profile, Value::BigInt(count)] =
        <[Value; 4]>::try_from(values).ok()?
    else {
        return None;
    };
    Some(Entry {
        name,
        identity_id: id(&identity),
        profile_id: id(&profile),
        count,
        ..Entry::default()
    })
}

fn id(value: &Value) -> Option<i64> {
    match value {
        Value::BigInt(id) => Some(*id),
        _ => None,
    }
}
