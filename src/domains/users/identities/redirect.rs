//! Identities that were merged away.

use axum::{
    http::{StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use diesel::{OptionalExtension, QueryResult};
use diesel_async::RunQueryDsl;

use crate::{
    app::App,
    db::{
        Connection,
        sql::{Row, SqlType, Statement, Value},
    },
    http::problem::{Problem, Result},
    query::answer::without_cursor,
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

/// 301 to the same address with the survivor's id; a cursor is of the other's pages, and left out.
pub fn moved(uri: &Uri, id: i64, survivor: i64) -> Response {
    let path = uri.path();
    let (before, after) = path.split_once(&format!("/identities/{id}")).unwrap_or((path, ""));
    let mut location = format!("{before}/identities/{survivor}{after}");
    for (nth, pair) in without_cursor(uri).enumerate() {
        location.push(if nth == 0 { '?' } else { '&' });
        location.push_str(pair);
    }
    (StatusCode::MOVED_PERMANENTLY, [(header::LOCATION, location)]).into_response()
}

/// What is answered instead of nothing: none if there is such an identity, the survivor's address if
/// it was merged away, else that there is none.
pub async fn instead(id: i64, uri: &Uri, app: &App) -> Result<Option<Response>> {
    let mut sql = Statement::new("select id from identity where id = ");
    sql.bind(SqlType::BigInt, Value::BigInt(id));
    let mut connection = app.reader().await?;
    let found: Vec<Row> = sql.load(&mut connection).await?;
    if !found.is_empty() {
        return Ok(None);
    }
    match survivor(&mut connection, id).await? {
        Some(survivor) => Ok(Some(moved(uri, id, survivor))),
        None => Err(Problem::not_found("There is no such identity.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_keeps_what_was_asked_for_and_no_cursor() {
        for (asked, expected) in [
            ("/api/v1/users/identities/12", "/api/v1/users/identities/7"),
            (
                "/users/identities/12/timeline?cursor=x&limit=5",
                "/users/identities/7/timeline?limit=5",
            ),
            (
                "/users/identities/12?fields=id&include=profiles",
                "/users/identities/7?fields=id&include=profiles",
            ),
            ("/users/identities/12/timeline?cursor=x", "/users/identities/7/timeline"),
        ] {
            let moved = moved(&asked.parse().unwrap(), 12, 7);
            assert_eq!(moved.headers()[header::LOCATION], expected);
        }
    }
}
