//! `migrate`: applies the migrations.

use super::database::Database;
use crate::{config::Settings, db::migrate};

/// Applies what the database lacks and prints its name.
pub async fn run(settings: &Settings) -> anyhow::Result<()> {
    let database = Database::open(settings).await?;
    let applied = migrate::run(database.url()).await;
    database.close().await;
    for name in applied? {
        println!("{name}");
    }
    Ok(())
}
