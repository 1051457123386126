//! Keeps fresh what is dear to work out and is asked for: so a browser that comes back after five
//! minutes is answered at once, however much was written meanwhile.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use super::{
    OLDEST, Work,
    place::{Place, lock},
};
use crate::http::problem::Result;

/// How many times what it took to work an answer out it is left alone at least, so that no more than a
/// quarter of a connection's time is spent on it.
const REST: u32 = 3;

/// How an answer is kept fresh.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rhythm {
    /// How often it is looked at. Half of the oldest that it may be: so it is not older, unless it is
    /// too dear for that.
    pub(super) look: Duration,
    /// For how long after it was asked for. Clients are told to keep an answer for five minutes, so
    /// those who poll come within ten.
    pub(super) keen: Duration,
}

impl Default for Rhythm {
    fn default() -> Self {
        Self { look: OLDEST / 2, keen: Duration::from_mins(15) }
    }
}

/// Has the answer of a place kept fresh for as long as it is asked for, if it is dear. `turn` is the
/// same for all places: one at a time is worked out that nobody waits for.
pub(super) fn keep_fresh<W: Work>(
    place: &Arc<Place<W::Value>>,
    work: &Arc<W>,
    turn: &Arc<tokio::sync::Mutex<()>>,
    rhythm: Rhythm,
) {
    let mut keeper = lock(&place.keeper);
    if !place.is_dear() || keeper.as_ref().is_some_and(|keeper| !keeper.is_finished()) {
        return;
    }
    // A place that gives way to others ends this, too.
    let kept = Arc::downgrade(place);
    let (work, turn) = (Arc::clone(work), Arc::clone(turn));
    *keeper = Some(tokio::spawn(follow(kept, work, turn, rhythm)).abort_handle());
}

async fn follow<W: Work>(
    place: Weak<Place<W::Value>>,
    work: Arc<W>,
    turn: Arc<tokio::sync::Mutex<()>>,
    rhythm: Rhythm,
) {
    let mut pause = rhythm.look;
    loop {
        tokio::time::sleep(pause).await;
        let Some(place) = place.upgrade() else { return };
        if lock(&place.asked).elapsed() > rhythm.keen {
            return;
        }
        let _turn = turn.lock().await;
        if let Err(problem) = refresh(&place, &*work, rhythm).await {
            // Whoever asks when it is too old will be told of the failure, and have it tried again.
            tracing::warn!(?problem, "an answer of the dashboard stays old");
            return;
        }
        let took = lock(&place.kept).as_ref().map_or(Duration::ZERO, |kept| kept.took);
        pause = rhythm.look.max(took * REST);
    }
}

/// Works the answer out again if something has changed.
async fn refresh<W: Work>(place: &Place<W::Value>, work: &W, rhythm: Rhythm) -> Result<()> {
    let Ok(_working) = place.work.try_lock() else { return Ok(()) };
    let is_young =
        lock(&place.kept).as_ref().is_some_and(|kept| kept.begun.elapsed() < rhythm.look / 2);
    if is_young {
        return Ok(());
    }
    let seen = work.seen().await?;
    let is_true = lock(&place.kept).as_ref().is_some_and(|kept| kept.seen == seen);
    if !is_true {
        place.fill(work).await?;
    }
    Ok(())
}
