//! The server's own PostgreSQL, for when no `DATABASE_URL` is set.
//!
//! Server binaries that are on the machine run a private cluster below the data folder, reached by
//! a Unix socket only. [`start`] prepares a cluster (`cluster`, `leftover`) with the binaries it
//! finds (`find`, `archive`, `download`), under an account that may run them (`account`), and
//! supervises the server (`server`).

mod account;
mod archive;
mod cluster;
mod download;
mod find;
mod leftover;
mod server;

use std::path::Path;

use anyhow::Context as _;
use tokio_postgres::NoTls;

use cluster::Cluster;
use server::Server;

/// The role the server connects as.
const ROLE: &str = "app";
/// The database the server keeps its tables in.
const DATABASE: &str = "boost_dashboard";
/// The role `initdb` makes.
const SUPERUSER: &str = "postgres";

/// What a cluster is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flavour {
    /// Keeps every acknowledged row, through a crash and a power cut.
    Serve,
    /// Fast, and worth nothing after a crash; its role may do anything. For tests only.
    Test,
}

/// A PostgreSQL of our own. It stops when this is dropped; [`Embedded::stop`] waits without
/// blocking the runtime.
#[derive(Debug)]
pub struct Embedded {
    url: String,
    server: Server,
    // Held until the server is gone: fields are dropped in this order.
    _cluster: Cluster,
}

/// Starts the PostgreSQL of `data_dir`, making its cluster at the first time.
///
/// `pg_bin` is a folder with `initdb` and `postgres`, or an archive of such a folder; without it
/// the machine is searched.
pub async fn start(
    data_dir: &Path,
    pg_bin: Option<&Path>,
    flavour: Flavour,
) -> anyhow::Result<Embedded> {
    let (data_dir, pg_bin) = (data_dir.to_owned(), pg_bin.map(Path::to_owned));
    let cluster = tokio::task::spawn_blocking(move || {
        Cluster::prepare(&data_dir, pg_bin.as_deref(), flavour)
    })
    .await??;
    let mut server = Server::spawn(&cluster, flavour)?;
    let admin = cluster.url(SUPERUSER, "postgres");
    server.ready(&admin).await?;
    make_database(&admin, flavour).await.context("the database cannot be prepared")?;
    let url = cluster.url(ROLE, DATABASE);
    tracing::info!(
        version = cluster.installation.version,
        binaries = %cluster.installation.folder.display(),
        data = %cluster.data.display(),
        "embedded PostgreSQL started"
    );
    Ok(Embedded { url, server, _cluster: cluster })
}

impl Embedded {
    /// The URL of the server's database.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The process id of the database server.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.server.pid()
    }

    /// Waits until the database server is gone, asked to or not.
    pub async fn exited(&mut self) {
        self.server.exited().await;
    }

    /// Stops the database server: running statements end, what was committed is on disk.
    pub async fn stop(mut self) {
        self.server.stop().await;
    }
}

/// Makes the role and the database, as far as they are missing.
async fn make_database(admin: &str, flavour: Flavour) -> anyhow::Result<()> {
    let (client, driver) = tokio_postgres::connect(admin, NoTls).await?;
    let driver = tokio::spawn(driver);
    let role = client.query_opt("select from pg_roles where rolname = $1", &[&ROLE]).await?;
    if role.is_none() {
        let power = if flavour == Flavour::Test { "superuser" } else { "" };
        client.batch_execute(&format!("create role {ROLE} login {power}")).await?;
    }
    let found = "select from pg_database where datname = $1";
    if client.query_opt(found, &[&DATABASE]).await?.is_none() {
        client.batch_execute(&format!("create database {DATABASE} owner {ROLE}")).await?;
    }
    drop(client);
    driver.await??;
    Ok(())
}
