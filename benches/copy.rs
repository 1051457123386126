//! Plain COPY of the rows that ingest made, into the same tables: the practical limit.

use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::{SinkExt, TryStreamExt, pin_mut};
use tokio_postgres::{Client, NoTls};

/// The tables of a commit, parents first.
const TABLES: [&str; 7] = [
    "base_profile",
    "github_account",
    "email",
    "github_repository",
    "github_file",
    "git_commit",
    "git_commit_file_change",
];

/// Connects to PostgreSQL directly.
pub(crate) async fn connect(url: &str) -> anyhow::Result<Client> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// Takes all rows out, and measures how long COPY needs to put them back in, `batches` commits each
/// with a commit of their own (of the big tables; the small ones go in whole).
pub(crate) async fn put_back(client: &Client) -> anyhow::Result<(u64, Duration)> {
    put_back_tables(client, &TABLES, "base_profile, github_repository").await
}

/// The same for other tables, parents first; `roots` are those that the others hang on.
pub(crate) async fn put_back_tables(
    client: &Client,
    tables: &[&str],
    roots: &str,
) -> anyhow::Result<(u64, Duration)> {
    let mut saved = Vec::new();
    for table in tables {
        let stream = client.copy_out(&format!("copy {table} to stdout (format binary)")).await?;
        let chunks: Vec<Bytes> = stream.try_collect().await?;
        saved.push((table, chunks));
    }
    client.batch_execute(&format!("truncate {roots} restart identity cascade")).await?;
    let begun = Instant::now();
    let mut rows = 0;
    for (table, chunks) in saved {
        let sink =
            client.copy_in::<_, Bytes>(&format!("copy {table} from stdin (format binary)")).await?;
        pin_mut!(sink);
        for chunk in chunks {
            sink.send(chunk).await?;
        }
        rows += sink.finish().await?;
    }
    Ok((rows, begun.elapsed()))
}
