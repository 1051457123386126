//! `serve`: the server, from start to stop.

use std::{io::Write, net::SocketAddr, time::Duration};

use anyhow::{Context, anyhow};
use axum::{ServiceExt, extract::Request, serve::ListenerExt};
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use super::{database::Database, signals::Signals};
use crate::{
    app::{App, Clock},
    changes,
    config::Settings,
    db::migrate,
    domains::dashboard::boost_usage::BoostUsage,
    http,
    ingest::background,
};

/// What `serve` takes.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Ingest sample data first; the same as `demo`.
    #[arg(long)]
    pub demo: bool,
}

/// Serves until told to stop.
pub async fn run(settings: Settings) -> anyhow::Result<()> {
    let server = Server::start(settings).await?;
    print!("{}", server.urls());
    std::io::stdout().flush()?;
    server.until_stopped_or(std::future::pending()).await
}

/// A server that accepts requests.
pub struct Server {
    /// The application it serves.
    pub app: App,
    address: SocketAddr,
    database: Database,
    stop: CancellationToken,
    serving: JoinHandle<std::io::Result<()>>,
    background: JoinHandle<()>,
    signals: Signals,
}

impl Server {
    /// Opens the database, migrates it, and listens.
    pub async fn start(settings: Settings) -> anyhow::Result<Self> {
        // First of all: from here on a signal ends the server in good order.
        let signals = Signals::listen()?;
        // Before the database, so that a port that is taken costs nothing.
        let listener = TcpListener::bind(&settings.listen)
            .await
            .with_context(|| format!("cannot listen on {}", settings.listen))?;
        let address = listener.local_addr()?;

        let database = Database::to_serve(&settings).await?;
        let app = match assemble(&database, settings).await {
            Ok(app) => app,
            Err(error) => {
                database.close().await;
                return Err(error);
            }
        };

        let stop = CancellationToken::new();
        let listener = listener.tap_io(|tcp| {
            // Without it the second half of an answer waits for the client's acknowledgement.
            let _ = tcp.set_nodelay(true);
        });
        let service = ServiceExt::<Request>::into_make_service_with_connect_info::<SocketAddr>(
            http::router(app.clone()),
        );
        let serving = axum::serve(listener, service)
            .with_graceful_shutdown(stop.clone().cancelled_owned())
            .into_future();
        let serving = tokio::spawn(serving);
        let (following, working) = (changes::start(&app, &stop), background::start(&app, &stop));
        let background = tokio::spawn(async move {
            let _ = tokio::join!(following, working);
        });
        let (warmed, stopped) = (app.clone(), stop.clone());
        tokio::spawn(async move {
            tokio::select! {
                () = BoostUsage::warm(&warmed) => {}
                () = stopped.cancelled() => {}
            }
        });
        tracing::info!(%address, "listening");
        Ok(Self { app, address, database, stop, serving, background, signals })
    }

    /// `http://` and where it listens.
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where to look, for people.
    pub fn urls(&self) -> String {
        let origin = self.origin();
        format!(
            "API         {origin}/api/v1\n\
             Swagger UI  {origin}/swagger-ui/\n\
             OpenAPI     {origin}{}\n\
             Health      {origin}/health/ready\n",
            http::openapi::PATH
        )
    }

    /// Serves until a signal says stop, then finishes what was accepted, as long as the grace
    /// lasts, and stops the embedded PostgreSQL. Ends with an error when `failure` gives one.
    pub async fn until_stopped_or(
        mut self,
        failure: impl Future<Output = anyhow::Error>,
    ) -> anyhow::Result<()> {
        let outcome = tokio::select! {
            () = self.signals.next() => Ok(()),
            () = self.database.gone() => Err(anyhow!("the embedded PostgreSQL has stopped by itself")),
            _ = &mut self.serving => Err(anyhow!("the listener has failed")),
            error = failure => Err(error),
        };
        self.stop.cancel();
        if let Err(reason) = outcome {
            self.database.close().await;
            return Err(reason);
        }
        tracing::info!("stopping: accepted requests are finished");
        let grace = Duration::from_secs(self.app.settings.shutdown_grace_s);
        // A queued request that is cut is run again at the next start.
        let all = async { tokio::join!(&mut self.serving, &mut self.background) };
        tokio::select! {
            _ = all => tracing::info!("every request was finished"),
            () = tokio::time::sleep(grace) => tracing::warn!("the grace is over; requests are cut"),
            () = self.signals.next() => tracing::warn!("told again to stop; requests are cut"),
        }
        self.serving.abort();
        self.background.abort();
        self.app.pool.close();
        self.database.close().await;
        tracing::info!("stopped");
        Ok(())
    }
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("address", &self.address).finish_non_exhaustive()
    }
}

/// Migrates the database and makes the application on it.
pub(super) async fn assemble(database: &Database, settings: Settings) -> anyhow::Result<App> {
    for name in migrate::run(database.url()).await.context("cannot migrate the database")? {
        tracing::info!(name, "migration applied");
    }
    let pool = database.pool(&settings)?;
    let app = App::assemble(settings, pool, Clock::system())?;
    // A token that was revoked must not slip in before the first look at the list.
    app.refresh_revocations().await.context("cannot read the revoked tokens")?;
    app.hidden.refresh(&mut *app.pool.get().await?).await;
    Ok(app)
}
