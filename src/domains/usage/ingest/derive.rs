//! `boost_usage` and `boost_missing_header_tmp`, derived of the includes of files.
//!
//! A file's includes that mean one header are one usage; those that no Boost file matches are one
//! placeholder, with a missing header for each text that is still there.
//!
//! What is meant and what is stored are compared by grouping both, not by joining them: while a table
//! is new PostgreSQL expects one row, or two hundred thousand, and would run a join of 5,000 with
//! 5,000 as a loop in a loop. Grouping costs the same whatever it expects.

use diesel::QueryResult;

use crate::{
    db::sql::{Row, SqlType, Statement, Value},
    ingest::tx::Tx,
};

/// The most files of one statement.
const CHUNK: usize = 10_000;

/// Makes the rows of files what their includes say. Whoever calls it keeps others from storing
/// includes of these files.
pub async fn derive(tx: &mut Tx<'_>, files: &[i64]) -> QueryResult<()> {
    for files in files.chunks(CHUNK) {
        derive_usages(tx, files).await?;
        derive_missing(tx, files).await?;
    }
    Ok(())
}

/// The usages that includes became, by `boost_include.id`.
pub async fn usages(tx: &mut Tx<'_>, includes: &[i64]) -> QueryResult<Vec<(i64, i64)>> {
    let mut found = Vec::with_capacity(includes.len());
    for includes in includes.chunks(CHUNK) {
        let mut statement = Statement::new(
            "select i.id, u.id from boost_include i join boost_usage u \
             on u.file_path_id = i.file_path_id \
             and coalesce(u.boost_header_id, 0) = coalesce(i.boost_header_id, 0) where i.id = any(",
        );
        statement.bind_all(SqlType::BigInt, includes.iter().copied().map(Value::BigInt)).push(")");
        found.extend(tx.query(statement.once()).await?.into_iter().filter_map(|row| {
            match row.0.as_slice() {
                [Value::BigInt(include), Value::BigInt(usage)] => Some((*include, *usage)),
                _ => None,
            }
        }));
    }
    Ok(found)
}

/// The first column of rows.
pub fn ids(rows: Vec<Row>) -> Vec<i64> {
    rows.into_iter()
        .filter_map(|row| match row.0.first() {
            Some(Value::BigInt(id)) => Some(*id),
            _ => None,
        })
        .collect()
}

/// Appends an array of files and calls it `given`: planned for as many as there are, because a plan
/// for a few compares every usage with every other.
fn given(files: &[i64]) -> Statement {
    let mut statement = Statement::new("with given as materialized (select unnest(");
    statement.bind_all(SqlType::BigInt, files.iter().copied().map(Value::BigInt));
    statement.push(") as id)");
    statement.once()
}

async fn derive_usages(tx: &mut Tx<'_>, files: &[i64]) -> QueryResult<()> {
    let mut statement = given(files);
    statement.push(
        ", meant as materialized (\
         select f.repo_id, i.file_path_id, i.boost_header_id, max(i.last_commit_date) as last_commit_date, \
         case when bool_or(i.excepted_at is null) then null else max(i.excepted_at) end as excepted_at, \
         max(array[i.source_receipt, i.source_item]) as source \
         from given g join github_file f on f.id = g.id \
         join boost_include i on i.file_path_id = g.id group by 1, 2, 3), \
         sides as (select file_path_id, boost_header_id, null::bigint as stored, repo_id as meant_of, \
         last_commit_date, excepted_at, source from meant \
         union all select u.file_path_id, u.boost_header_id, u.id, null, u.last_commit_date, \
         u.excepted_at, null from given g join boost_usage u on u.file_path_id = g.id), \
         compared as materialized (select file_path_id, boost_header_id, max(stored) as stored, \
         max(meant_of) as meant_of, max(source) as source, \
         max(last_commit_date) filter (where stored is null) as last_commit_date, \
         max(excepted_at) filter (where stored is null) as excepted_at, \
         max(last_commit_date) filter (where stored is not null) as stored_commit_date, \
         max(excepted_at) filter (where stored is not null) as stored_excepted_at \
         from sides group by 1, 2), \
         gone as (delete from boost_usage where id = any(array(\
         select stored from compared where meant_of is null)) returning id), \
         altered as (update boost_usage u set last_commit_date = c.last_commit_date, \
         excepted_at = c.excepted_at, source_receipt = c.source[1], source_item = c.source[2], \
         updated_at = ",
    );
    let now = Value::Timestamptz(tx.now);
    statement.bind(SqlType::Timestamptz, now.clone());
    statement.push(
        " from compared c where u.id = c.stored and c.meant_of is not null \
         and (c.stored_commit_date, c.stored_excepted_at) \
         is distinct from (c.last_commit_date, c.excepted_at) returning u.id), \
         made as (insert into boost_usage (repo_id, boost_header_id, file_path_id, \
         last_commit_date, excepted_at, source_receipt, source_item, created_at, updated_at) \
         select meant_of, boost_header_id, file_path_id, last_commit_date, excepted_at, \
         source[1], source[2], ",
    );
    statement.bind(SqlType::Timestamptz, now.clone()).push(", ");
    statement.bind(SqlType::Timestamptz, now);
    statement.push(
        " from compared where stored is null order by file_path_id, boost_header_id returning id) \
         select (select count(*) from made), (select count(*) from altered), \
         (select count(*) from gone)",
    );
    count(tx, "boost_usage", statement).await
}

async fn derive_missing(tx: &mut Tx<'_>, files: &[i64]) -> QueryResult<()> {
    let mut statement = given(files);
    statement.push(
        ", sides as (select u.id as usage_id, i.header_name, null::bigint as stored \
         from given g join boost_usage u on u.file_path_id = g.id \
         join boost_include i on i.file_path_id = g.id where u.boost_header_id is null \
         and i.boost_header_id is null and i.excepted_at is null \
         union all select t.usage_id, t.header_name, t.id from given g \
         join boost_usage u on u.file_path_id = g.id \
         join boost_missing_header_tmp t on t.usage_id = u.id), \
         compared as materialized (select usage_id, header_name, max(stored) as stored, \
         count(stored) < count(*) as is_meant from sides group by 1, 2), \
         gone as (delete from boost_missing_header_tmp where id = any(array(\
         select stored from compared where not is_meant)) returning id), \
         made as (insert into boost_missing_header_tmp (usage_id, header_name, created_at) \
         select usage_id, header_name, ",
    );
    statement.bind(SqlType::Timestamptz, Value::Timestamptz(tx.now));
    statement.push(
        " from compared where stored is null order by usage_id, header_name returning id) \
         select (select count(*) from made), 0::bigint, (select count(*) from gone)",
    );
    count(tx, "boost_missing_header_tmp", statement).await
}

async fn count(tx: &mut Tx<'_>, table: &str, statement: Statement) -> QueryResult<()> {
    for row in tx.query(statement).await? {
        if let [Value::BigInt(made), Value::BigInt(altered), Value::BigInt(gone)] = row.0.as_slice()
            && (*made, *altered, *gone) != (0, 0, 0)
        {
            let count = tx.count(table);
            count.inserted += made.unsigned_abs();
            count.updated += altered.unsigned_abs();
            count.deleted += gone.unsigned_abs();
        }
    }
    Ok(())
}
