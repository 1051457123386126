//! The pool, and single connections beside it.

use std::{fmt, ops::Deref, sync::Arc, time::Duration};

use anyhow::Context as _;
use deadpool::{
    Runtime,
    managed::{Hook, HookError, QueueMode, TimeoutType},
};
use diesel::{ConnectionError, ConnectionResult};
use diesel_async::{
    SimpleAsyncConnection as _,
    pooled_connection::{
        AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod,
        deadpool::{self as managed, PoolError},
    },
};
use futures_util::FutureExt as _;
use tokio_postgres::{CancelToken, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::{Connection, tls};
use crate::http::problem::Problem;

/// How long a single connection outside the pool may take to come up.
const SINGLE_CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a connection is used. It keeps what it has prepared, so it must not live for ever.
pub const LIFETIME: Duration = Duration::from_hours(1);

/// How a pool is built. A request waits at most `wait_timeout` and then `connect_timeout`.
#[derive(Debug, Clone)]
pub struct PoolSettings {
    /// The most connections at once.
    pub size: usize,
    /// The longest a statement may run; zero is no limit.
    pub statement_timeout: Duration,
    /// The longest a request waits for a free connection.
    pub wait_timeout: Duration,
    /// The longest a new connection may take to come up.
    pub connect_timeout: Duration,
    /// How long a connection is used; whoever comes later gets another.
    pub lifetime: Duration,
    /// What `pg_stat_activity` shows, unless the URL names it.
    pub application_name: String,
}

impl Default for PoolSettings {
    fn default() -> Self {
        Self {
            size: 16,
            statement_timeout: Duration::from_secs(10),
            wait_timeout: Duration::from_millis(900),
            connect_timeout: Duration::from_millis(900),
            lifetime: LIFETIME,
            application_name: "boost-dashboard".to_owned(),
        }
    }
}

/// The pool, and how what its connections run is cancelled.
#[derive(Clone)]
pub struct Pool {
    connections: managed::Pool<Connection>,
    target: Arc<Target>,
}

impl Pool {
    /// Where the connections go.
    pub(super) fn target(&self) -> &Arc<Target> {
        &self.target
    }
}

impl Deref for Pool {
    type Target = managed::Pool<Connection>;

    fn deref(&self) -> &Self::Target {
        &self.connections
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("status", &self.connections.status()).finish_non_exhaustive()
    }
}

/// The pool of connections to `url`. Connects to nothing yet: a database that is away is a matter
/// of each request, and of the readiness check.
pub fn build(url: &str, settings: &PoolSettings) -> anyhow::Result<Pool> {
    let target = Target::new(url, &settings.application_name, settings.connect_timeout)?;
    let target = Arc::new(target);
    let used = Arc::clone(&target);
    let setup: Arc<str> = format!(
        "set statement_timeout = {}; set jit = off; set timezone = 'UTC'",
        settings.statement_timeout.as_millis()
    )
    .into();

    let mut config = ManagerConfig::default();
    // A connection knows by itself when its socket was closed, so no query a checkout is needed.
    config.recycling_method = RecyclingMethod::Fast;
    config.custom_setup = Box::new(move |_| {
        let (target, setup) = (Arc::clone(&used), Arc::clone(&setup));
        async move { target.connect(&setup).await }.boxed()
    });
    let lifetime = settings.lifetime;
    let manager = AsyncDieselConnectionManager::new_with_config(url, config);
    let connections = managed::Pool::builder(manager)
        .pre_recycle(Hook::sync_fn(move |_, connection| {
            let is_old = connection.age() >= lifetime;
            if is_old { Err(HookError::message("it has lived long enough")) } else { Ok(()) }
        }))
        .max_size(settings.size)
        .runtime(Runtime::Tokio1)
        // The connection that was used last: what its session needs is still in the processor's cache.
        .queue_mode(QueueMode::Lifo)
        .wait_timeout(Some(settings.wait_timeout))
        .create_timeout(Some(settings.connect_timeout))
        .recycle_timeout(Some(settings.connect_timeout))
        .build()
        .context("the connection pool cannot be built")?;
    Ok(Pool { connections, target })
}

/// One connection outside the pool, without a statement timeout: for migrations and commands.
pub async fn connect(url: &str) -> anyhow::Result<Connection> {
    let target = Target::new(url, "boost-dashboard", SINGLE_CONNECT_TIMEOUT)?;
    Ok(target.connect("set jit = off; set timezone = 'UTC'").await?)
}

/// Where connections go, and how.
pub(super) struct Target {
    config: tokio_postgres::Config,
    tls: Option<MakeRustlsConnect>,
}

impl Target {
    fn new(url: &str, application_name: &str, connect_timeout: Duration) -> anyhow::Result<Self> {
        let (url, tls) = tls::split(url)?;
        let mut config: tokio_postgres::Config =
            url.parse().context("the database URL is not valid")?;
        if config.get_application_name().is_none() {
            config.application_name(application_name);
        }
        config
            .connect_timeout(connect_timeout)
            // A host that vanishes is noticed in seconds, not after the kernel's quarter of an hour.
            .tcp_user_timeout(Duration::from_secs(10))
            .keepalives_idle(Duration::from_secs(30));
        let tls = tls.prepare(&mut config)?;
        Ok(Self { config, tls })
    }

    /// Connects, and runs `setup` in one round trip.
    async fn connect(&self, setup: &str) -> ConnectionResult<Connection> {
        let mut connection = if let Some(tls) = &self.tls {
            let (client, driver) = self.config.connect(tls.clone()).await.map_err(away)?;
            Connection::try_from_client_and_connection(client, driver).await?
        } else {
            let (client, driver) = self.config.connect(NoTls).await.map_err(away)?;
            Connection::try_from_client_and_connection(client, driver).await?
        };
        connection
            .batch_execute(setup)
            .await
            .map_err(ConnectionError::CouldntSetupConfiguration)?;
        Ok(connection)
    }

    /// Has PostgreSQL stop what a connection runs. That it was told does not mean that it has.
    pub(super) async fn cancel(&self, token: &CancelToken) -> Result<(), tokio_postgres::Error> {
        match &self.tls {
            Some(tls) => token.cancel_query(tls.clone()).await,
            None => token.cancel_query(NoTls).await,
        }
    }
}

/// The whole chain: the outer error says only `error connecting to server`.
fn away(error: tokio_postgres::Error) -> ConnectionError {
    ConnectionError::BadConnection(format!("{:#}", anyhow::Error::new(error)))
}

impl From<PoolError> for Problem {
    fn from(error: PoolError) -> Self {
        match error {
            PoolError::Timeout(TimeoutType::Wait) => {
                tracing::warn!("no database connection was free in time");
                Self::unavailable("overloaded", "The server is busy. Try again in a moment.")
            }
            PoolError::Timeout(_) | PoolError::Backend(_) | PoolError::Closed => {
                tracing::warn!(%error, "the database cannot be reached");
                Self::unavailable("database_away", "The database cannot be reached.")
            }
            PoolError::NoRuntimeSpecified | PoolError::PostCreateHook(_) => Self::internal(error),
        }
    }
}
