//! A database that answers slowly: a proxy in front of PostgreSQL that holds each answer back.
//!
//! The benches use this file as well.

use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::Context as _;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream, UnixStream},
    task::AbortHandle,
};
use tokio_postgres::config::Host;

/// PostgreSQL behind a proxy; new connections are refused once it is dropped.
#[derive(Debug)]
pub(crate) struct Slow {
    url: String,
    held_back: Arc<AtomicU64>,
    listening: AbortHandle,
}

impl Slow {
    /// Puts a proxy in front of the database at `url`, each of whose answers takes `times` as long, but
    /// is held back for `most` at most.
    pub(crate) async fn before(url: &str, times: u32, most: Duration) -> anyhow::Result<Self> {
        let config: tokio_postgres::Config = url.parse()?;
        let port = config.get_ports().first().copied().unwrap_or(5432);
        let to = match config.get_hosts().first().context("the URL names no host")? {
            Host::Tcp(host) => To::Tcp(host.clone(), port),
            Host::Unix(folder) => To::Unix(folder.join(format!(".s.PGSQL.{port}"))),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let user = config.get_user().context("the URL names no user")?;
        let database = config.get_dbname().unwrap_or(user);
        let url = format!("postgres://{user}@{}/{database}", listener.local_addr()?);
        let held_back = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&held_back);
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (to, count) = (to.clone(), Arc::clone(&count));
                // A connection that breaks ends; its other side notices.
                tokio::spawn(async move { to.serve(client, (times, most), &count).await });
            }
        });
        Ok(Self { url, held_back, listening: task.abort_handle() })
    }

    /// The database, slow.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// How long answers were held back, all together.
    pub(crate) fn held_back(&self) -> Duration {
        Duration::from_micros(self.held_back.load(Ordering::Relaxed))
    }
}

impl Drop for Slow {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

#[derive(Debug, Clone)]
enum To {
    Tcp(String, u16),
    Unix(PathBuf),
}

impl To {
    async fn serve(
        &self,
        client: TcpStream,
        slowness: (u32, Duration),
        count: &AtomicU64,
    ) -> anyhow::Result<()> {
        client.set_nodelay(true)?;
        let (from_client, to_client) = client.into_split();
        match self {
            Self::Tcp(host, port) => {
                let server = TcpStream::connect((host.as_str(), *port)).await?;
                server.set_nodelay(true)?;
                let (from_server, to_server) = server.into_split();
                both(from_client, to_server, from_server, to_client, slowness, count).await
            }
            Self::Unix(path) => {
                let (from_server, to_server) = UnixStream::connect(path).await?.into_split();
                both(from_client, to_server, from_server, to_client, slowness, count).await
            }
        }
    }
}

/// Carries requests to the server at once, and answers back late.
async fn both(
    mut from_client: impl AsyncRead + Unpin,
    mut to_server: impl AsyncWrite + Unpin,
    mut from_server: impl AsyncRead + Unpin,
    mut to_client: impl AsyncWrite + Unpin,
    (times, most): (u32, Duration),
    count: &AtomicU64,
) -> anyhow::Result<()> {
    // When the server was last asked, or last answered.
    let since = Mutex::new(Instant::now());
    let now = || {
        if let Ok(mut since) = since.lock() {
            *since = Instant::now();
        }
    };
    let requests = async {
        let mut buffer = vec![0; 64 << 10];
        loop {
            let read = from_client.read(&mut buffer).await?;
            if read == 0 {
                // Half a connection is none: dropping both ends it for the server.
                anyhow::bail!("the client is done");
            }
            now();
            to_server.write_all(&buffer[..read]).await?;
        }
    };
    let answers = async {
        let mut buffer = vec![0; 64 << 10];
        loop {
            let read = from_server.read(&mut buffer).await?;
            if read == 0 {
                anyhow::bail!("the server is done");
            }
            let took = since.lock().map(|since| since.elapsed()).unwrap_or_default();
            let late = took.saturating_mul(times.saturating_sub(1)).min(most);
            tokio::time::sleep(late).await;
            count.fetch_add(u64::try_from(late.as_micros())?, Ordering::Relaxed);
            to_client.write_all(&buffer[..read]).await?;
            now();
        }
    };
    tokio::try_join!(requests, answers).map(|((), ())| ())
}
