//! Identities that were merged away.

use diesel::{OptionalExtension, QueryResult};
use diesel_async::RunQueryDsl;

use crate::db::{
    Connection,
    sql::{Row, SqlType, Statement, Value},
};

/// The identity that a merged-away one ended up in; none if `id` was not merged away, or if what it
/// ended up in was deleted.
pub async fn survivor(conn: &mut Connection, id: i64) -> QueryResult<Option<i64>> {
    let mut statement = Statement::new(
        "with recursive followed (id) as (select target_id from identity_redirect where id = ",
    );
    statement.bind(SqlType::BigInt, Value::BigInt(id)).push(
        " union select redirect.target_id from followed \
         join identity_redirect redirect on redirect.id = followed.id) \
         select identity.id from followed join identity on identity.id = followed.id",
    );
    let found = statement.get_result::<Row>(conn).await.optional()?;
    Ok(found.and_then(|Row(values)| match values[..] {
        [Value::BigInt(id)] => Some(id),
        _ => None,
    }))
}
