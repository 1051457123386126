//! The database a command works on: the one that settings name, the embedded one of a server that
//! runs on the same data folder, or the embedded one, started for the command.

use std::{
    fs,
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

use crate::{
    config::Settings,
    db::{
        self,
        embedded::{self, Embedded, Flavour},
        pool::{self, PoolSettings},
    },
};

/// In the data folder: the URL of the embedded PostgreSQL, while a server runs it. It holds no
/// secret; the socket's folder is what guards the cluster.
const URL_FILE: &str = "database-url";

/// A database, and the PostgreSQL that was started for it.
#[derive(Debug)]
pub struct Database {
    url: String,
    embedded: Option<(Embedded, PathBuf)>,
}

impl Database {
    /// Opens the database, starting the embedded PostgreSQL if there is no other.
    pub async fn open(settings: &Settings) -> anyhow::Result<Self> {
        match Self::running(settings).await {
            Some(database) => Ok(database),
            None => Self::start(settings).await,
        }
    }

    /// The database that settings name, or the embedded one of a running server.
    pub async fn running(settings: &Settings) -> Option<Self> {
        if let Some(url) = &settings.database_url {
            return Some(Self { url: url.expose().to_owned(), embedded: None });
        }
        let url = fs::read_to_string(settings.data_dir.join(URL_FILE)).ok()?;
        // A server that was killed has left the file behind.
        let reachable = pool::connect(url.trim()).await.is_ok();
        reachable.then(|| Self { url: url.trim().to_owned(), embedded: None })
    }

    /// The database that `serve` runs on: the one that settings name, or an embedded one of its
    /// own, never another server's.
    pub async fn to_serve(settings: &Settings) -> anyhow::Result<Self> {
        match &settings.database_url {
            Some(url) => Ok(Self { url: url.expose().to_owned(), embedded: None }),
            None => Self::start(settings).await,
        }
    }

    async fn start(settings: &Settings) -> anyhow::Result<Self> {
        let pg_bin = settings.pg_bin.as_deref();
        let server = embedded::start(&settings.data_dir, pg_bin, Flavour::Serve).await?;
        let url = server.url().to_owned();
        let file = settings.data_dir.join(URL_FILE);
        write(&file, &url)?;
        Ok(Self { url, embedded: Some((server, file)) })
    }

    /// Where it is.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// A pool on it, as settings want it.
    pub fn pool(&self, settings: &Settings) -> anyhow::Result<db::Pool> {
        let wait = Duration::from_millis(settings.pool_wait_ms);
        let pool_settings = PoolSettings {
            size: settings.pool_size,
            statement_timeout: Duration::from_millis(settings.statement_timeout_ms),
            wait_timeout: wait,
            connect_timeout: wait,
            ..PoolSettings::default()
        };
        pool::build(&self.url, &pool_settings)
    }

    /// Waits until the embedded PostgreSQL is gone; for ever, if there is none.
    pub async fn gone(&mut self) {
        match &mut self.embedded {
            Some((server, _)) => server.exited().await,
            None => std::future::pending().await,
        }
    }

    /// Stops what was started.
    pub async fn close(self) {
        if let Some((server, file)) = self.embedded {
            let _ = fs::remove_file(file);
            server.stop().await;
        }
    }
}

fn write(file: &Path, text: &str) -> std::io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    options.open(file)?.write_all(text.as_bytes())
}
