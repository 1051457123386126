//! The fold of a repository's scans: an include is active from when it was last seen until the first
//! scan after that which does not see it.
//!
//! Whatever came before an include was last seen does not matter any more. So of a scan only its time
//! is kept, and the files that it names but did not read, whose includes it leaves as they are; what
//! it saw is in the includes. A scan that comes late is compared with what is stored in the same way
//! as one that comes in order, and includes that come late with the scans that are kept.

use diesel::QueryResult;

use super::SCANS;
use crate::{
    db::sql::{Row, SqlType, Statement, Value},
    ingest::{given::Given, tx::Tx},
};

/// A file of which an include changed, and its repository.
pub type Changed = (i64, i64);

/// Excepts the includes of repositories that kept scans no longer saw; a scan is named by its scope
/// and key.
pub async fn unseen_by(tx: &mut Tx<'_>, scans: &[(String, String)]) -> QueryResult<Vec<Changed>> {
    if scans.is_empty() {
        return Ok(Vec::new());
    }
    let mut statement = Statement::new("with scan as materialized (select ");
    statement.push(SCAN).push(" from ");
    Given::default()
        .texts("scope", scans.iter().map(|(scope, _)| scope.as_str()))
        .texts("key", scans.iter().map(|(_, key)| key.as_str()))
        .append(&mut statement);
    statement.push(" join statement s on s.scope = u.scope and s.key = u.key where s.fold = ");
    statement.bind(SqlType::Text, Value::Text(SCANS.to_owned()));
    statement.push("), ").push(UNREAD).push(
        "late as (select i.id, min(scan.day) as day from scan \
         join github_file f on f.repo_id = scan.repo_id \
         join boost_include i on i.file_path_id = f.id ",
    );
    finish(&mut statement);
    Ok(changed(tx.query(statement.once()).await?))
}

/// Excepts those of the includes that scans after them did not see.
pub async fn seen_before(tx: &mut Tx<'_>, includes: &[i64]) -> QueryResult<Vec<Changed>> {
    let mut all = Vec::new();
    for includes in includes.chunks(10_000) {
        let mut statement = Statement::new(
            "with given as materialized (select i.*, f.repo_id, f.filename from (select unnest(",
        );
        statement.bind_all(SqlType::BigInt, includes.iter().copied().map(Value::BigInt));
        statement.push(
            ") as id) g join boost_include i on i.id = g.id \
             join github_file f on f.id = i.file_path_id), \
             repo as (select repo_id, min(source_at) as since from given group by 1), \
             scan as materialized (select ",
        );
        statement.push(SCAN).push(
            " from repo join statement s on s.scope = repo.repo_id::text \
             and s.source_at >= repo.since where s.fold = ",
        );
        statement.bind(SqlType::Text, Value::Text(SCANS.to_owned()));
        statement.push("), ").push(UNREAD).push(
            "late as (select i.id, min(scan.day) as day from scan \
             join given i on i.repo_id = scan.repo_id \
             join github_file f on f.id = i.file_path_id ",
        );
        finish(&mut statement);
        all.extend(changed(tx.query(statement.once()).await?));
    }
    Ok(all)
}

/// A scan as a row.
const SCAN: &str = "s.scope::bigint as repo_id, s.key, s.source_at, s.source_rank, \
                    s.source_as_of, s.source_digest, s.body, \
                    (s.source_at at time zone 'UTC')::date as day";

/// The files that scans name and did not read.
const UNREAD: &str = "unread as materialized (select scan.repo_id, scan.key, p.filename from scan \
                      cross join lateral jsonb_array_elements_text(scan.body -> 'unread') p(filename) \
                      where p.filename is not null), ";

/// The rule itself: the scan is later than the include, did not leave its file unread, and is the
/// first such one. `not in` is looked up in a hash table, however few unread files PostgreSQL expects:
/// a join of 50,000 with 25,000 it would run as a loop in a loop.
fn finish(statement: &mut Statement) {
    statement.push(
        "where (scan.repo_id, scan.key, f.filename) \
         not in (select repo_id, key, filename from unread) and (i.excepted_at is null or i.excepted_at > scan.day) \
         and (i.source_at, i.source_rank, coalesce(i.source_as_of, '-infinity'), i.source_digest) \
         < (scan.source_at, scan.source_rank, coalesce(scan.source_as_of, '-infinity'), \
         scan.source_digest) group by i.id), \
         moved as (update boost_include i set excepted_at = late.day from late \
         where i.id = late.id returning i.file_path_id) \
         select distinct m.file_path_id, f.repo_id from moved m \
         join github_file f on f.id = m.file_path_id",
    );
}

fn changed(rows: Vec<Row>) -> Vec<Changed> {
    rows.into_iter()
        .filter_map(|row| match row.0.as_slice() {
            [Value::BigInt(file), Value::BigInt(repo)] => Some((*file, *repo)),
            _ => None,
        })
        .collect()
}
