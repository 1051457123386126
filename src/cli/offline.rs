//! The application without a listener: for commands that work on the database and the archive.

use anyhow::Context;
use uuid::Uuid;

use super::{database::Database, serve};
use crate::{app::App, config::Settings};

/// The application, and the PostgreSQL that was started for it.
#[derive(Debug)]
pub struct Offline {
    /// The application. A server may run on the same database and workspace meanwhile.
    pub app: App,
    database: Database,
}

impl Offline {
    /// Opens the database, migrates it, and opens the archive.
    pub async fn open(mut settings: Settings) -> anyhow::Result<Self> {
        // Whoever may run a command on this database needs no token, so no key has to be at hand;
        // nobody ever sees what this secret could sign.
        if settings.database_url.is_some() {
            settings.jwt_keys.clear();
            settings.jwt_secret = Some(format!("{}{}", Uuid::now_v7(), Uuid::now_v7()).into());
        }
        let database = Database::open(&settings).await.context("cannot open the database")?;
        match serve::assemble(&database, settings).await {
            Ok(app) => Ok(Self { app, database }),
            Err(error) => {
                database.close().await;
                Err(error)
            }
        }
    }

    /// Ends it, and the PostgreSQL that was started for it.
    pub async fn close(self) {
        self.app.pool.close();
        self.database.close().await;
    }
}
