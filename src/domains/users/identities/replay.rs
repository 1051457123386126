//! Does the journal again, where nothing of it is done: after the rows were lost, or to prove that
//! the journal holds everything.

use diesel_async::{AnsiTransactionManager as Manager, RunQueryDsl, TransactionManager};

use super::{changes::Table, journal, world::Stop};
use crate::{
    db::{
        Connection,
        sql::{Row, Statement, Value},
    },
    http::problem::{Problem, Result},
};

/// Writes what every operation of the journal wrote, in its order, in one transaction; gives their
/// number. The profiles and what ingest wrote must be there, and nothing that an operation made.
pub async fn replay(conn: &mut Connection) -> Result<usize> {
    Manager::begin_transaction_sql(conn, "begin; set local timezone = 'UTC'").await?;
    match replay_all(conn).await {
        Ok(count) => {
            Manager::commit_transaction(conn).await?;
            Ok(count)
        }
        Err(stop) => {
            let _ = Manager::rollback_transaction(conn).await;
            Err(match stop {
                Stop::Refused(problem) => problem,
                Stop::Race => Problem::internal("a replay raced with itself"),
                Stop::Database(error) => error.into(),
            })
        }
    }
}

async fn replay_all(conn: &mut Connection) -> Result<usize, Stop> {
    let ids = Statement::new("select id from identity_operation order by id");
    let ids: Vec<Row> = ids.load(conn).await?;
    let ids = ids.into_iter().filter_map(|Row(values)| match values[..] {
        [Value::BigInt(id)] => Some(id),
        _ => None,
    });
    let mut count = 0;
    for id in ids {
        let mut changes = journal::changes_of(conn, id).await?;
        changes.write(conn).await?;
        count += 1;
    }
    // Ids are never used again, those that ended included.
    for table in [Table::Identity, Table::TmpIdentity, Table::Email, Table::Relation] {
        let statement = Statement::new(format!(
            "select setval(pg_get_serial_sequence('{0}', 'id'), greatest((select max(row_id) from \
             identity_operation_row where table_name = '{0}'), (select max(id) from {0}), 1))",
            table.name()
        ));
        statement.execute(conn).await?;
    }
    Ok(count)
}
