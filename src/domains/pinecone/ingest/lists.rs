//! Making the fail lists of app types what is said.

use std::collections::{BTreeMap, BTreeSet};

use diesel::QueryResult;

use crate::{
    db::sql::{SqlType, Statement, Value},
    ingest::{given::Given, tx::Tx},
};

/// The most rows of one statement.
const CHUNK: usize = 10_000;

/// Replaces the lists of app types; gives those of which one id came or went. The app types are
/// locked already.
pub async fn replace<'s>(
    tx: &mut Tx<'_>,
    lists: &BTreeMap<&'s str, (usize, &BTreeSet<String>)>,
) -> QueryResult<BTreeSet<&'s str>> {
    let mut changed = BTreeSet::new();
    if lists.is_empty() {
        return Ok(changed);
    }
    let mut stored: BTreeMap<(String, String), i64> = BTreeMap::new();
    let mut select = Statement::new(
        "select app_type, failed_id, id from pinecone_fail_list where app_type = any(",
    );
    let names = lists.keys().map(|name| Value::Text((*name).to_owned()));
    select.bind_all(SqlType::Text, names).push(")");
    for row in tx.query(select).await? {
        if let Ok([Value::Text(app_type), Value::Text(failed), Value::BigInt(id)]) =
            <[Value; 3]>::try_from(row.0)
        {
            stored.insert((app_type, failed), id);
        }
    }
    let mut added = Vec::new();
    let mut unchanged = 0;
    for (app_type, (_, failed)) in lists {
        for id in *failed {
            if stored.remove(&((*app_type).to_owned(), id.clone())).is_some() {
                unchanged += 1;
            } else {
                added.push((*app_type, id.as_str()));
                changed.insert(*app_type);
            }
        }
    }
    changed.extend(
        lists.keys().filter(|name| stored.keys().any(|(app_type, _)| app_type == *name)).copied(),
    );
    let count = tx.count("pinecone_fail_list");
    count.unchanged += unchanged;
    count.inserted += added.len() as u64;
    count.deleted += stored.len() as u64;
    if !stored.is_empty() {
        let mut delete = Statement::new("delete from pinecone_fail_list where id = any(");
        delete.bind_all(SqlType::BigInt, stored.into_values().map(Value::BigInt)).push(")");
        tx.execute(delete).await?;
    }
    for chunk in added.chunks(CHUNK) {
        let mut insert = Statement::new(
            "insert into pinecone_fail_list (app_type, failed_id, created_at) \
             select u.app_type, u.failed_id, ",
        );
        insert.bind(SqlType::Timestamptz, Value::Timestamptz(tx.now)).push(" from ");
        Given::default()
            .texts("app_type", chunk.iter().map(|(app_type, _)| *app_type))
            .texts("failed_id", chunk.iter().map(|(_, failed)| *failed))
            .append(&mut insert);
        tx.execute(insert).await?;
    }
    Ok(changed)
}
