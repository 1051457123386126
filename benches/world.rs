//! A PostgreSQL of our own, and the release binary serving on it.

use std::{
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use boost_dashboard::db::{
    embedded::{self, Embedded, Flavour},
    migrate,
};
use tempfile::TempDir;

use crate::slow::Slow;

/// The secret of both webhooks.
pub(crate) const SECRET: &str = "the secret of the benches' webhooks";

/// The world a measurement runs in.
pub(crate) struct World {
    /// PostgreSQL's address for tokio-postgres and the server.
    pub(crate) url: String,
    /// PostgreSQL's process.
    pub(crate) postgres: u32,
    /// The server's process.
    pub(crate) server: u32,
    /// Where the server listens.
    pub(crate) address: String,
    /// A token for everything.
    pub(crate) token: String,
    child: Child,
    embedded: Option<Embedded>,
    folder: TempDir,
    /// What stands between the server and PostgreSQL, if something does.
    slow: Option<Slow>,
}

impl World {
    pub(crate) async fn start() -> anyhow::Result<Self> {
        Self::slow(1).await
    }

    /// A world whose server gets each of PostgreSQL's answers after `times` as long.
    pub(crate) async fn slow(times: u32) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("boost-bench").tempdir()?;
        let embedded = embedded::start(&folder.path().join("data"), None, Flavour::Serve).await?;
        let url = embedded.url().to_owned();
        migrate::run(&url).await?;
        let address = {
            let free = TcpListener::bind("127.0.0.1:0")?;
            free.local_addr()?.to_string()
        };
        let slow = match times {
            1 => None,
            // At most: what waits for a lock that another slow connection holds would wait ten times
            // as long as that, and who waits for it a hundred times.
            _ => Some(Slow::before(&url, times, Duration::from_millis(250)).await?),
        };
        let seen = slow.as_ref().map_or(url.as_str(), Slow::url);
        let child = command(seen, &address, folder.path())
            .arg("serve")
            .stdout(Stdio::null())
            .spawn()
            .context("starting the server")?;
        let token = command(&url, &address, folder.path())
            .args(["token", "issue", "--subject", "bench", "--scope", "admin", "--ttl", "1d"])
            .output()?;
        let token = String::from_utf8(token.stdout)?.trim().to_owned();
        let world = Self {
            postgres: embedded.pid(),
            server: child.id(),
            url,
            address,
            token,
            child,
            embedded: Some(embedded),
            folder,
            slow,
        };
        let begun = Instant::now();
        while std::net::TcpStream::connect(&world.address).is_err() {
            if begun.elapsed() > Duration::from_secs(30) {
                bail!("the server does not listen");
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(world)
    }

    /// How long PostgreSQL's answers were held back, all together.
    pub(crate) fn held_back(&self) -> Duration {
        self.slow.as_ref().map_or(Duration::ZERO, Slow::held_back)
    }

    pub(crate) fn workspace(&self) -> std::path::PathBuf {
        self.folder.path().join("workspace")
    }

    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        self.end_server();
        if let Some(embedded) = self.embedded.take() {
            embedded.stop().await;
        }
        Ok(())
    }
}

impl World {
    fn end_server(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.end_server();
    }
}

fn command(url: &str, address: &str, folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_boost-dashboard"));
    command
        .env("DATABASE_URL", url)
        .env("BOOST_DASHBOARD_LISTEN", address)
        .env("BOOST_DASHBOARD_WORKSPACE", folder.join("workspace"))
        .env("BOOST_DASHBOARD_DATA_DIR", folder.join("server"))
        .env("BOOST_DASHBOARD_JWT_SECRET", "a secret of the benches, long enough")
        .env("BOOST_DASHBOARD_GITHUB_WEBHOOK_SECRETS", SECRET)
        .env("BOOST_DASHBOARD_SLACK_SIGNING_SECRETS", SECRET)
        .env("BOOST_DASHBOARD_LOG", "warn")
        .stderr(Stdio::inherit());
    command
}
