//! Who uses Boost, which versions and which libraries: the document of the usage dashboard.
//!
//! [`world`] reads the tables in one snapshot, a file per group of metrics; [`document`] makes of it
//! what depends on the running year. Both are kept for as long as they are true, and not much longer
//! ([`memory`](super::memory)).

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
use chrono::{DateTime, Datelike, SubsecRound, Utc};

pub use routes::routes;

use self::{activity::Weights, document::Written, world::World};
use super::memory::{Asked, Memory, Seen, Work};
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
    /// What the database was like.
    seen: Seen,
    world: Arc<World>,
    years: Memory<i32, Arc<Written>>,
}

/// What there is to say as of an instant.
struct Answer {
    as_of: DateTime<Utc>,
    /// The instant, if it is not the client's: then it changes with every reading, and the answer's
    /// tag must not.
    kept_at: Option<Extension<AsOf>>,
    kept: Arc<Kept>,
    written: Arc<Written>,
}

impl Default for BoostUsage {
    fn default() -> Self {
        Self(Memory::fresh(1))
    }
}

impl BoostUsage {
    /// Reads the tables before anybody asks: the first who does need not wait for it.
    pub async fn warm(app: &App) {
        if let Err(problem) = Self::answer(app, None).await {
            tracing::warn!(
                ?problem,
                "the dashboard of the use of Boost is read when it is asked for"
            );
        }
    }

    /// What there is to say as of an instant; of none, as of now, or of when the tables were read if
    /// they have changed since.
    async fn answer(app: &App, as_of: Option<DateTime<Utc>>) -> Result<Answer> {
        let now = app.clock.now().trunc_subsecs(0);
        let asked = Asked::now(app).await?;
        let kept = app.boost_usage.0.get((), &asked, Reading(app.clone())).await?;
        let current = if kept.seen == asked.seen { now } else { kept.world.read_at };
        let kept_at = as_of.is_none().then_some(Extension(AsOf(current)));
        let as_of = as_of.unwrap_or(current);
        let written = kept.as_of(as_of, app).await?;
        Ok(Answer { as_of, kept_at, kept, written })
    }
}

/// The work of reading the tables.
struct Reading(App);

impl Work for Reading {
    type Value = Arc<Kept>;

    async fn seen(&self) -> Result<Seen> {
        Seen::now(&self.0).await
    }

    async fn answer(&self, seen: &Seen) -> Result<Arc<Kept>> {
        let Self(app) = self;
        let world = Arc::new(World::read(app).await?);
        let read_at = world.read_at;
        let kept = Kept { seen: seen.clone(), world, years: Memory::new(YEARS) };
        // What almost everybody asks for.
        kept.as_of(read_at, app).await?;
        Ok(Arc::new(kept))
    }
}

impl Kept {
    /// What there is to say as of an instant.
    async fn as_of(&self, as_of: DateTime<Utc>, app: &App) -> Result<Arc<Written>> {
        let (running, weights) = (as_of.year(), Weights::of(&app.settings));
        let writing = Writing { world: Arc::clone(&self.world), running, weights };
        self.years.get(running, &Asked::of_nothing(), writing).await
    }
}

/// The work of writing the document as of a running year. It depends on no more than what was read.
struct Writing {
    world: Arc<World>,
    running: i32,
    weights: Weights,
}

impl Work for Writing {
    type Value = Arc<Written>;

    async fn seen(&self) -> Result<Seen> {
        Ok(Seen::default())
    }

    async fn answer(&self, _: &Seen) -> Result<Arc<Written>> {
        let Self { world, running, weights } = self;
        let (world, running, weights) = (Arc::clone(world), *running, *weights);
        let write = move || Written::of(&world, running, &weights).map(Arc::new);
        let written = tokio::task::spawn_blocking(write).await.map_err(Problem::internal)?;
        written.map_err(Problem::internal)
    }
}
