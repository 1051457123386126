//! Tokens that were issued, and the ones that are refused since.

use std::{
    collections::HashSet,
    sync::{PoisonError, RwLock},
    time::Duration,
};

use chrono::{DateTime, Utc};
use diesel::QueryResult;
use diesel_async::RunQueryDsl;

use super::{keys::Issued, scope::Scope};
use crate::db::{
    Connection,
    sql::{Row, SqlType, Statement, Value},
};

/// How often the list is read again: a revoked token is refused within 5 s on every server.
pub const REFRESH: Duration = Duration::from_secs(2);

/// The `jti` of every revoked token that has not expired.
#[derive(Debug, Default)]
pub struct Revocations(RwLock<HashSet<String>>);

impl Revocations {
    /// Whether a token of this `jti` is refused.
    pub fn contains(&self, jti: &str) -> bool {
        self.0.read().unwrap_or_else(PoisonError::into_inner).contains(jti)
    }

    /// Reads the list again.
    pub async fn refresh(&self, conn: &mut Connection) -> QueryResult<()> {
        let statement = Statement::new(
            "select jti from revoked_token where expires_at is null or expires_at > now()",
        );
        let rows: Vec<Row> = statement.load(conn).await?;
        let list = rows
            .into_iter()
            .filter_map(|row| match row.0.into_iter().next() {
                Some(Value::Text(jti)) => Some(jti),
                _ => None,
            })
            .collect();
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = list;
        Ok(())
    }

    /// Revokes a token: at once on this server, within [`REFRESH`] on the others.
    pub async fn revoke(
        &self,
        conn: &mut Connection,
        jti: &str,
        now: DateTime<Utc>,
    ) -> QueryResult<()> {
        revoke(conn, jti, now).await?;
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(jti.to_owned());
        Ok(())
    }
}

/// Writes a `jti` on the revocation list. One that was never recorded here can be revoked too: it
/// may come from another issuer.
pub async fn revoke(conn: &mut Connection, jti: &str, now: DateTime<Utc>) -> QueryResult<()> {
    let text = |text: &str| Value::Text(text.to_owned());
    let mut statement = Statement::new(
        "insert into revoked_token (jti, revoked_at, expires_at, subject) select given.jti, ",
    );
    statement.bind(SqlType::Timestamptz, Value::Timestamptz(now));
    statement.push(", issued.expires_at, issued.subject from (select ");
    statement.bind(SqlType::Text, text(jti));
    statement.push(
        "::text as jti) given left join issued_token issued on issued.jti = given.jti \
         on conflict (jti) do nothing",
    );
    statement.execute(conn).await?;
    Ok(())
}

/// Records a token that was issued, without the token itself.
pub async fn record(
    conn: &mut Connection,
    issued: &Issued,
    subject: &str,
    scopes: &[Scope],
) -> QueryResult<()> {
    let scopes = scopes.iter().map(|scope| Value::Text(scope.to_string()));
    let mut statement = Statement::new(
        "insert into issued_token (jti, subject, issued_at, expires_at, scopes) values (",
    );
    statement.bind(SqlType::Text, Value::Text(issued.jti.clone())).push(", ");
    statement.bind(SqlType::Text, Value::Text(subject.to_owned())).push(", ");
    statement.bind(SqlType::Timestamptz, Value::Timestamptz(issued.issued_at)).push(", ");
    statement.bind(SqlType::Timestamptz, Value::Timestamptz(issued.expires_at)).push(", ");
    statement.bind_all(SqlType::Text, scopes).push(")");
    statement.execute(conn).await?;
    Ok(())
}

/// An issued token as it is listed.
#[derive(Debug, Clone)]
pub struct Listed {
    /// The name it is revoked by.
    pub jti: String,
    /// Who it was given to.
    pub subject: String,
    /// What it may do, separated by spaces.
    pub scope: String,
    /// When it expires.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was revoked.
    pub revoked_at: Option<DateTime<Utc>>,
}

/// Every token that was issued here, newest first.
pub async fn list(conn: &mut Connection) -> QueryResult<Vec<Listed>> {
    let statement = Statement::new(
        "select issued.jti, issued.subject, array_to_string(issued.scopes, ' '), \
         issued.expires_at, revoked.revoked_at \
         from issued_token issued left join revoked_token revoked on revoked.jti = issued.jti \
         order by issued.issued_at desc, issued.jti",
    );
    let rows: Vec<Row> = statement.load(conn).await?;
    let text = |value: Option<Value>| match value {
        Some(Value::Text(text)) => text,
        _ => String::new(),
    };
    let time = |value: Option<Value>| match value {
        Some(Value::Timestamptz(time)) => Some(time),
        _ => None,
    };
    Ok(rows
        .into_iter()
        .map(|row| {
            let mut values = row.0.into_iter();
            Listed {
                jti: text(values.next()),
                subject: text(values.next()),
                scope: text(values.next()),
                expires_at: time(values.next()),
                revoked_at: time(values.next()),
            }
        })
        .collect())
}
