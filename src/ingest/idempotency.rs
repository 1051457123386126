//! Idempotency keys: one key is one request, however often and wherever it is sent.
//!
//! The key stands in the receipt, so it commits with the rows. Who runs the request holds an
//! advisory lock of the key; others wait for the receipt. If the holder dies, the lock is free and
//! the next one runs the request again, which changes nothing that was stored.

use std::{path::PathBuf, time::Duration};

use axum::http::StatusCode;
use diesel::QueryResult;
use diesel_async::RunQueryDsl;
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use uuid::Uuid;

use super::kind::Spec;
use crate::{
    db::{
        Connection, Pool,
        sql::{Row, SqlType, Statement, Value},
    },
    http::{
        coding::Reader,
        problem::{Problem, Result},
    },
};

/// How long a duplicate waits for the request that runs.
const PATIENCE: Duration = Duration::from_mins(1);
/// How often it looks.
const LOOK: Duration = Duration::from_millis(25);

/// A body on disk: its digest is known before anything is done with it.
#[derive(Debug)]
pub struct Spooled {
    path: PathBuf,
    /// SHA-256 of the decoded body and of the parameters.
    pub digest: Vec<u8>,
}

impl Spooled {
    /// Writes a body to the workspace's queue.
    pub async fn write(
        workspace: &std::path::Path,
        mut body: Reader,
        params: &str,
    ) -> Result<Self> {
        let folder = workspace.join("queue");
        let failed = |error: std::io::Error| {
            tracing::error!(%error, "the queue cannot be written");
            Problem::unavailable("queue_away", "The body cannot be kept; send it again.")
        };
        tokio::fs::create_dir_all(&folder).await.map_err(failed)?;
        let mut spooled =
            Self { path: folder.join(format!("{}.body", Uuid::now_v7())), digest: Vec::new() };
        let mut file = tokio::fs::File::create(&spooled.path).await.map_err(failed)?;
        let mut hash = Sha256::new_with_prefix(params);
        let mut chunk = vec![0; 64 << 10];
        loop {
            let read =
                body.read(&mut chunk).await.map_err(|error| super::body::unreadable(&error))?;
            if read == 0 {
                break;
            }
            hash.update(&chunk[..read]);
            file.write_all(&chunk[..read]).await.map_err(failed)?;
        }
        file.flush().await.map_err(failed)?;
        spooled.digest = hash.finalize().to_vec();
        Ok(spooled)
    }

    /// Puts it where the queue looks for it, on disk for good. Gives its path there.
    pub async fn keep(self, receipt: &str) -> Result<PathBuf> {
        let kept = self.path.with_file_name(receipt);
        let (from, to) = (self.path.clone(), kept.clone());
        let moved = tokio::task::spawn_blocking(move || {
            std::fs::File::open(&from)?.sync_all()?;
            std::fs::rename(&from, &to)?;
            let folder = to.parent().unwrap_or(std::path::Path::new("."));
            std::fs::File::open(folder)?.sync_all()
        });
        match moved.await {
            Ok(Ok(())) => Ok(kept),
            failed => {
                tracing::error!(?failed, "the queue cannot be written");
                Err(Problem::unavailable("queue_away", "The body cannot be kept; send it again."))
            }
        }
    }

    /// Reads it back.
    pub async fn read(&self) -> Result<Reader> {
        let file = tokio::fs::File::open(&self.path).await.map_err(Problem::internal)?;
        Ok(Box::pin(file))
    }
}

impl Drop for Spooled {
    fn drop(&mut self) {
        // Left behind only if the server dies; the queue is swept when it starts.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// The answer of an earlier request.
#[derive(Debug)]
pub struct Earlier {
    /// `rejected` is answered 422.
    pub status: String,
    /// The bytes.
    pub response: String,
    /// The receipt that will tell, if the request is queued and not done yet.
    pub queued: Option<String>,
}

/// Waits until this request is the one that runs, or another one has run. The connection holds the
/// key's lock when there is no earlier answer; [`release`] gives it back.
pub async fn claim(
    pool: &Pool,
    spec: &Spec,
    key: &str,
    digest: &[u8],
) -> Result<(diesel_async::pooled_connection::deadpool::Object<Connection>, Option<Earlier>)> {
    let begun = tokio::time::Instant::now();
    loop {
        let mut conn = pool.get().await?;
        if let Some(earlier) = find(&mut conn, spec, key, digest).await? {
            return Ok((conn, Some(earlier)));
        }
        if try_lock(&mut conn, spec, key).await? {
            // It may have been answered between the two.
            let earlier = find(&mut conn, spec, key, digest).await?;
            if earlier.is_some() {
                release(&mut conn).await?;
            } else {
                forget_abandoned(&mut conn, spec, key).await?;
            }
            return Ok((conn, earlier));
        }
        drop(conn);
        if begun.elapsed() > PATIENCE {
            return Err(Problem::unavailable(
                "in_progress",
                "A request with this idempotency key is still running.",
            ));
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Gives the locks of a connection back.
pub async fn release(conn: &mut Connection) -> QueryResult<()> {
    Statement::new("select pg_advisory_unlock_all()::text").execute(conn).await?;
    Ok(())
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn of_key(mut statement: Statement, spec: &Spec, key: &str) -> Statement {
    statement.push(" where domain = ").bind(SqlType::Text, text(spec.domain));
    statement.push(" and kind = ").bind(SqlType::Text, text(spec.name));
    statement.push(" and idempotency_key = ").bind(SqlType::Text, text(key));
    statement
}

async fn find(
    conn: &mut Connection,
    spec: &Spec,
    key: &str,
    digest: &[u8],
) -> Result<Option<Earlier>> {
    let select = Statement::new(
        "select body_digest, response, status, id, \
         exists (select from queued_request q where q.receipt_number = number) from receipt",
    );
    let rows: Vec<Row> = of_key(select, spec, key).load(conn).await?;
    let Some(Ok([Value::Bytea(stored), response, Value::Text(status), Value::Text(id), queued])) =
        rows.into_iter().next().map(|row| <[Value; 5]>::try_from(row.0))
    else {
        return Ok(None);
    };
    if stored != digest {
        return Err(Problem::new(
            StatusCode::CONFLICT,
            "idempotency_key_reused",
            "The idempotency key was used with another body or other parameters.",
        ));
    }
    Ok(match response {
        Value::Text(response) => Some(Earlier { status, response, queued: None }),
        _ if queued == Value::Bool(true) => {
            Some(Earlier { status, response: String::new(), queued: Some(id) })
        }
        _ => None,
    })
}

async fn try_lock(conn: &mut Connection, spec: &Spec, key: &str) -> QueryResult<bool> {
    let name = format!("{}/{}/{key}", spec.domain, spec.name);
    let hash = Sha256::digest(name.as_bytes());
    let number = hash.iter().take(8).fold(0_i64, |all, byte| all << 8 | i64::from(*byte));
    let mut statement = Statement::new("select pg_try_advisory_lock(");
    statement.bind(SqlType::BigInt, Value::BigInt(number)).push(")");
    let row: Row = diesel_async::RunQueryDsl::get_result(statement, conn).await?;
    Ok(row.0 == [Value::Bool(true)])
}

/// A request that died in the middle gives its key up to the one that runs it again.
async fn forget_abandoned(conn: &mut Connection, spec: &Spec, key: &str) -> QueryResult<()> {
    let update = Statement::new("update receipt set idempotency_key = null");
    of_key(update, spec, key).execute(conn).await?;
    Ok(())
}
