//! What was written, as feeds: of one table, of all, as pages, by waiting, as an event stream.
//!
//! Triggers write the change log, a row a statement (migration 22). The [`listener`] hears of it,
//! counts ([`versions`]) and wakes whoever waits. [`log`] reads the log in the order of commits,
//! [`page`] adds the rows as they are now, [`stream`] goes on with it. [`cursor`] names a place in the
//! log, [`prune`] forgets its beginning, [`routes`] is the door and [`docs`] the sign beside it.
//!
//! The order is by transaction, and only what is older than every running transaction is read. So
//! what a long transaction commits late still comes after everything that was handed out before; but
//! as long as it runs, what others commit waits for it.

mod cursor;
mod docs;
mod listener;
mod log;
mod page;
mod prune;
pub mod routes;
mod stream;
pub mod versions;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    task::JoinHandle,
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use crate::{
    app::App,
    domains::domain::Domain,
    http::problem::{Problem, Result},
    query::view::View,
};

pub use listener::{announce, written};
pub use prune::prune;

/// How long one waits that is told of changes, before it looks by itself.
const LOOK: Duration = Duration::from_secs(10);
/// The same while nobody can be told.
const LOOK_UNTOLD: Duration = Duration::from_secs(1);
/// The same while a running transaction keeps back what others have committed, at first and at last.
const LOOK_HELD: [Duration; 2] = [Duration::from_millis(100), Duration::from_secs(2)];

/// A table as the feeds show it.
#[derive(Debug)]
struct Feed {
    domain: &'static str,
    view: Arc<View>,
}

/// Those who follow the changes of this server.
#[derive(Debug)]
pub struct Changes {
    /// By table.
    feeds: BTreeMap<&'static str, Feed>,
    told: watch::Sender<()>,
    closed: CancellationToken,
    places: Arc<Semaphore>,
    /// Those who may read at once: whoever follows is woken together with all others, and must not
    /// have every connection.
    readers: Semaphore,
}

impl Changes {
    /// Feeds of every table of the domains, for at most `subscribers` that wait at once, of whom
    /// `readers` read at once.
    pub fn new(domains: &[Domain], subscribers: usize, readers: usize) -> Self {
        let feeds = domains.iter().flat_map(|domain| {
            domain.resources.iter().map(|resource| {
                let view = Arc::new(View::new(resource.clone()));
                (resource.table, Feed { domain: domain.name, view })
            })
        });
        Self {
            feeds: feeds.collect(),
            told: watch::Sender::new(()),
            closed: CancellationToken::new(),
            places: Arc::new(Semaphore::new(subscribers.min(Semaphore::MAX_PERMITS))),
            readers: Semaphore::new(readers.clamp(1, Semaphore::MAX_PERMITS)),
        }
    }

    /// Wakes everyone who waits.
    fn tell(&self) {
        self.told.send_replace(());
    }

    /// Begins to follow.
    fn follow(&self) -> Result<Follower> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| {
            let detail = "As many follow the changes as the server takes. Ask without `wait`.";
            Problem::unavailable("too_many_subscribers", detail)
        })?;
        let (told, closed) = (self.told.subscribe(), self.closed.clone());
        Ok(Follower { told, closed, looks: 0, _place: place })
    }
}

/// One who waits for changes.
#[derive(Debug)]
struct Follower {
    told: watch::Receiver<()>,
    closed: CancellationToken,
    /// Looks in a row that found something held back.
    looks: u32,
    _place: OwnedSemaphorePermit,
}

impl Follower {
    /// To be called before a look, so that what is told during it is not lost.
    fn begin_look(&mut self) {
        self.told.mark_unchanged();
    }

    /// Whether the server stops.
    fn is_closed(&self) -> bool {
        self.closed.is_cancelled()
    }

    /// Waits until there may be more to see, at most until `until`. `held`: the last look found that
    /// something is kept back.
    async fn wait(&mut self, held: bool, is_told: bool, until: Instant) {
        let pause = if held {
            let pause = LOOK_HELD[0].saturating_mul(1 << self.looks.min(8));
            self.looks += 1;
            pause.min(LOOK_HELD[1])
        } else {
            self.looks = 0;
            if is_told { LOOK } else { LOOK_UNTOLD }
        };
        let until = until.min(Instant::now() + pause);
        tokio::select! {
            _ = self.told.changed() => {}
            () = self.closed.cancelled() => {}
            () = tokio::time::sleep_until(until) => {}
        }
    }
}

/// Starts to listen and to prune; both end when `stop` says so, and with them whoever waits.
pub fn start(app: &App, stop: &CancellationToken) -> JoinHandle<()> {
    let (app, stop) = (app.clone(), stop.clone());
    tokio::spawn(async move {
        tokio::join!(listener::listen(&app, &stop), prune::keep_pruning(&app, &stop), async {
            stop.cancelled().await;
            app.changes.closed.cancel();
        });
    })
}
