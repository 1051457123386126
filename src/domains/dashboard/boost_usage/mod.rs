//! Who uses Boost, which versions and which libraries: the document of the usage dashboard.
//!
//! [`world`] reads the tables in one snapshot, a file per group of metrics; [`document`] makes of it
//! what depends on the running year. Both are kept for at most [`OLDEST`].

pub mod activity;
pub mod base;
pub mod consumers;
pub mod contributions;
pub mod dependents;
pub mod document;
pub mod languages;
pub mod libraries;
pub mod pages;
pub mod parts;
pub mod repositories;
pub mod routes;
pub mod statistics;
pub mod top;
pub mod world;

use std::sync::Arc;

use axum::Extension;
use chrono::{DateTime, Datelike, Utc};

pub use routes::routes;

use self::{activity::Weights, document::Written, world::World};
use super::memory::{self, Asked, Memory, OLDEST};
use crate::{
    app::App,
    http::{
        conditional::AsOf,
        problem::{Problem, Result},
    },
};

/// For how many running years the document is kept: this one, and some that are looked at again.
const YEARS: usize = 4;

/// What was read last, and what was made of it.
#[derive(Debug)]
pub struct BoostUsage(Memory<(), Arc<Kept>>);

/// One reading of the tables.
#[derive(Debug)]
struct Kept {
    world: World,
    years: Memory<i32, Arc<Written>>,
}

/// What there is to say as of an instant.
struct Answer {
    as_of: DateTime<Utc>,
    /// When the tables were read, if that is the instant: then it changes with every reading, and
    /// the answer's tag must not.
    kept_at: Option<Extension<AsOf>>,
    kept: Arc<Kept>,
    written: Arc<Written>,
}

impl Default for BoostUsage {
    fn default() -> Self {
        Self(Memory::new(1, Some(OLDEST)))
    }
}

impl BoostUsage {
    /// What there is to say as of an instant; of none, as of when the tables were read.
    async fn answer(app: &App, as_of: Option<DateTime<Utc>>) -> Result<Answer> {
        let reading = app.clone();
        let read = async move {
            let snapshot = memory::current(&mut *reading.pool.get().await?).await?;
            let world = World::read(&reading).await?;
            Ok((snapshot, Arc::new(Kept { world, years: Memory::new(YEARS, None) })))
        };
        let kept = app.boost_usage.0.get((), &Asked::now(app).await?, read).await?;
        let kept_at = as_of.is_none().then_some(Extension(AsOf(kept.world.read_at)));
        let as_of = as_of.unwrap_or(kept.world.read_at);
        let (running, weights) = (as_of.year(), Weights::of(&app.settings));
        let world = Arc::clone(&kept);
        let write = async move {
            let write = move || Written::of(&world.world, running, &weights).map(Arc::new);
            let written = tokio::task::spawn_blocking(write).await.map_err(Problem::internal)?;
            Ok((String::new(), written.map_err(Problem::internal)?))
        };
        let written = kept.years.get(running, &Asked::of_nothing(), write).await?;
        Ok(Answer { as_of, kept_at, kept, written })
    }
}
