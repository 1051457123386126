//! What a handler may hold: settings, the pool, keys, the archive, the clock.

use std::{
    ops::Deref,
    sync::{Arc, Weak, atomic::AtomicUsize},
};

use anyhow::Context;
use chrono::{DateTime, Utc};
use metrics_exporter_prometheus::PrometheusHandle;

use crate::{
    changes::{Changes, versions::Versions},
    config::Settings,
    db::{self, reader::Reader},
    domains::{self, dashboard::boost_usage::BoostUsage, domain::Domain},
    http::{keys::Keys, limits::RateLimits, problem, tags::Tags, tokens},
    ingest::{archive::Archive, background::Wakeups},
    query::{export::Exports, hidden::Hidden},
    telemetry,
};

/// Everything a handler may hold; cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Shared>);

/// What [`App`] shares.
pub struct Shared {
    /// The settings, read once.
    pub settings: Settings,
    /// Connections to PostgreSQL.
    pub pool: db::Pool,
    /// Verifies and issues tokens.
    pub keys: Keys,
    /// Tokens that are refused.
    pub revoked: tokens::Revocations,
    /// What was sent, byte for byte.
    pub archive: Archive,
    /// The clock.
    pub clock: Clock,
    /// Every domain.
    pub domains: Vec<Domain>,
    /// Renders `/metrics`.
    pub metrics: PrometheusHandle,
    /// Requests being served.
    pub in_flight: Arc<AtomicUsize>,
    /// The tags of answers that were given lately.
    pub tags: Tags,
    /// Places for exports.
    pub exports: Exports,
    /// How fast each client may send.
    pub rates: RateLimits,
    /// Wakes what works in the background.
    pub wakeups: Wakeups,
    /// What the dashboard of the use of Boost read last.
    pub boost_usage: BoostUsage,
    /// Those who follow the changes.
    pub changes: Changes,
    /// How often each table was changed.
    pub versions: Versions,
    /// Whether any identity is hidden.
    pub hidden: Hidden,
}

impl App {
    /// The application: `serve` and the tests make it alike. Starts its upkeep, so it must be
    /// called on a runtime.
    pub fn assemble(settings: Settings, pool: db::Pool, clock: Clock) -> anyhow::Result<Self> {
        let keys = Keys::load(&settings).context("cannot load the token keys")?;
        let domains = domains::all();
        let app = Self(Arc::new(Shared {
            keys,
            changes: Changes::new(&domains, settings.max_subscribers, settings.pool_size / 4),
            versions: Versions::new(&domains),
            archive: Archive::open(&settings.workspace, &server_name())
                .context("cannot open the archive")?,
            pool,
            clock,
            revoked: tokens::Revocations::default(),
            domains,
            metrics: telemetry::metrics(),
            in_flight: Arc::default(),
            tags: Tags::default(),
            exports: Exports::new(&settings),
            rates: RateLimits::new(settings.rate_limit),
            wakeups: Wakeups::default(),
            boost_usage: BoostUsage::default(),
            hidden: Hidden::default(),
            settings,
        }));
        tokio::spawn(upkeep(Arc::downgrade(&app.0)));
        Ok(app)
    }

    /// A connection to read what is answered with: of hidden identities it sees the pseudonyms. Who
    /// writes, or decides what to write, takes one of the [`pool`](Shared::pool).
    pub async fn reader(&self) -> problem::Result<Reader> {
        Reader::take(&self.pool, self.hidden.any()).await
    }

    /// Reads the list of revoked tokens.
    pub async fn refresh_revocations(&self) -> anyhow::Result<()> {
        let mut conn = self.pool.get().await?;
        Ok(self.revoked.refresh(&mut conn).await?)
    }
}

impl Deref for App {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// This server's name in the archive, where several may share a workspace.
fn server_name() -> String {
    std::fs::read_to_string("/etc/hostname")
        .map(|name| name.trim().to_owned())
        .ok()
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "server".to_owned())
}

/// What has to be done every two seconds, for as long as the application is held by anyone.
async fn upkeep(shared: Weak<Shared>) {
    let mut away = false;
    while let Some(shared) = shared.upgrade() {
        let app = App(shared);
        match app.refresh_revocations().await {
            Ok(()) => away = false,
            // Said once: it lasts as long as the database is away.
            Err(error) if !away => {
                away = true;
                tracing::warn!(error = format!("{error:#}"), "cannot read the revoked tokens");
            }
            Err(_) => {}
        }
        app.rates.forget_idle();
        app.metrics.run_upkeep();
        drop(app);
        tokio::time::sleep(tokens::REFRESH).await;
    }
}

/// The clock, passed in so that tests and replay decide what time it is.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>);

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        #[expect(clippy::disallowed_methods, reason = "the one place that asks the machine")]
        Self(Arc::new(Utc::now))
    }

    /// A clock that tells what `tell` says.
    pub fn new(tell: impl Fn() -> DateTime<Utc> + Send + Sync + 'static) -> Self {
        Self(Arc::new(tell))
    }

    /// The time now, in whole microseconds, as PostgreSQL keeps it.
    pub fn now(&self) -> DateTime<Utc> {
        let now = (self.0)();
        DateTime::from_timestamp_micros(now.timestamp_micros()).unwrap_or(now)
    }
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Clock({})", self.now())
    }
}
