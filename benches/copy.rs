//! Plain COPY of the rows that ingest made, into the same tables: the practical limit.

use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::{SinkExt, TryStreamExt, pin_mut};
use tokio_postgres::{Client, NoTls};

/// The tables of a commit, parents first.
pub(crate) const COMMITS: &[&str] = &[
    "base_profile",
    "github_account",
    "email",
    "github_repository",
    "github_file",
    "git_commit",
    "git_commit_file_change",
];

/// The tables of usages and of the headers that they mean, parents first.
pub(crate) const USAGES: &[&str] = &[
    "base_profile",
    "github_account",
    "github_repository",
    "boost_library_repository",
    "boost_library",
    "boost_external_repository",
    "github_file",
    "boost_file",
    "boost_include",
    "boost_usage",
    "boost_missing_header_tmp",
];

/// The tables that commits and usages hang on.
pub(crate) const GITHUB: &str = "base_profile, github_repository";

/// Connects to PostgreSQL directly.
pub(crate) async fn connect(url: &str) -> anyhow::Result<Client> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// A table and its rows, as COPY writes them.
type Saved = (&'static str, Vec<Bytes>);

/// A table, its number of rows, and how long COPY needed for them.
pub(crate) type Put = (&'static str, u64, Duration);

/// Takes all rows of tables out, and measures how long COPY needs to put them back in, table by table.
/// `roots` are those that the others hang on.
pub(crate) async fn put_back(
    client: &Client,
    tables: &[&'static str],
    roots: &str,
) -> anyhow::Result<Vec<Put>> {
    let saved = take_out(client, tables, roots).await?;
    put_in(client, saved).await
}

/// Takes all rows of tables out.
pub(crate) async fn take_out(
    client: &Client,
    tables: &[&'static str],
    roots: &str,
) -> anyhow::Result<Vec<Saved>> {
    let mut saved = Vec::new();
    for &table in tables {
        let stream = client.copy_out(&format!("copy {table} to stdout (format binary)")).await?;
        let chunks: Vec<Bytes> = stream.try_collect().await?;
        saved.push((table, chunks));
    }
    client.batch_execute(&format!("truncate {roots} restart identity cascade")).await?;
    Ok(saved)
}

/// Puts rows in, parents first.
pub(crate) async fn put_in(client: &Client, saved: Vec<Saved>) -> anyhow::Result<Vec<Put>> {
    let mut put = Vec::new();
    for (table, chunks) in saved {
        let begun = Instant::now();
        let sink =
            client.copy_in::<_, Bytes>(&format!("copy {table} from stdin (format binary)")).await?;
        pin_mut!(sink);
        for chunk in chunks {
            sink.send(chunk).await?;
        }
        put.push((table, sink.finish().await?, begun.elapsed()));
    }
    Ok(put)
}
