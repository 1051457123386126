//! The feed as `text/event-stream`: what was missed, then what comes, for as long as both sides want.

use std::{collections::VecDeque, convert::Infallible, time::Duration};

use axum::{
    http::{HeaderName, HeaderValue},
    response::{
        IntoResponse, Response,
        sse::{Event, Sse},
    },
};
use futures_util::{Stream, stream};
use tokio::time::Instant;

use super::{
    Follower,
    cursor::{self, After},
    page::{self, Page, Wanted},
};
use crate::{
    app::App,
    http::{
        access::{Allowed, Reads},
        problem::{Problem, Result},
    },
};

/// How long nothing is sent before a sign of life is.
const QUIET: Duration = Duration::from_secs(15);
/// How often it is looked whether the client's token is still good.
const CHECK: Duration = Duration::from_secs(2);
/// The least time between two looks that found everything: what comes in a rush is read together.
const BREATH: Duration = Duration::from_millis(100);
/// How long after a failure of the database it is asked again.
const PAUSE: Duration = Duration::from_secs(1);
/// When a client that lost the stream should come back, in milliseconds.
const RETRY: Duration = Duration::from_secs(1);

/// Answers with the stream. What is wrong with where it should begin is still a problem document.
pub(super) async fn answer(
    app: App,
    caller: Allowed<Reads>,
    wanted: Wanted,
    after: After,
) -> Result<Response> {
    let mut follower = app.changes.follow()?;
    follower.begin_look();
    let first = page::read(&app, &wanted, after).await?;
    let mut state = Following {
        app,
        caller,
        wanted,
        follower,
        after: first.next(),
        ready: VecDeque::new(),
        held: false,
        looked: Instant::now(),
        sent: Instant::now(),
        again: false,
    };
    // The client knows where it stands even before anything is changed.
    let begin = match after {
        After::Seen(position, lineage) => cursor::seal(position, lineage),
        After::Now => first.cursor(),
        After::Beginning => String::new(),
    };
    state.ready.push_back(Event::default().retry(RETRY).id(begin).comment("following"));
    state.take(first);
    let stream = Sse::new(events(state));
    // Proxies that collect answers would hold the events back.
    let header = (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    Ok(([header], stream).into_response())
}

/// A stream and the one who follows it.
struct Following {
    app: App,
    caller: Allowed<Reads>,
    wanted: Wanted,
    follower: Follower,
    after: After,
    /// Events to be sent.
    ready: VecDeque<Event>,
    /// Whether a transaction keeps something back.
    held: bool,
    /// Whether there is more to be read already.
    again: bool,
    looked: Instant,
    sent: Instant,
}

fn events(following: Following) -> impl Stream<Item = Result<Event, Infallible>> {
    stream::unfold(following, |mut following| async move {
        following.next().await.map(|event| (Ok(event), following))
    })
}

impl Following {
    /// The next event; none when the stream ends. No connection is held while it waits.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                self.sent = Instant::now();
                return Some(event);
            }
            if self.follower.is_closed() || !self.caller.is_still_good(&self.app) {
                return None;
            }
            let now = Instant::now();
            if now >= self.sent + QUIET {
                let event = Event::default().comment("nothing new");
                self.ready.push_back(match self.after {
                    After::Seen(position, lineage) => event.id(cursor::seal(position, lineage)),
                    _ => event,
                });
                continue;
            }
            if !self.again {
                let is_told = self.app.versions.is_listening();
                let until = (now + CHECK).min(self.sent + QUIET);
                self.follower.wait(self.held, is_told, until).await;
                // Whoever still has to catch up is not held up.
                tokio::time::sleep_until(self.looked + BREATH).await;
            }
            self.follower.begin_look();
            self.looked = Instant::now();
            match page::read(&self.app, &self.wanted, self.after).await {
                Ok(page) => self.take(page),
                Err(problem) if is_passing(&problem) => tokio::time::sleep(PAUSE).await,
                // The client comes back, and is told then.
                Err(_) => return None,
            }
        }
    }

    fn take(&mut self, page: Page) {
        self.after = page.next();
        (self.held, self.again) = (page.held, page.more);
        for change in page.changes {
            // JSON as it is written here has no line breaks.
            let data = String::from_utf8_lossy(&change.body);
            self.ready.push_back(Event::default().id(change.cursor).data(data));
        }
    }
}

fn is_passing(problem: &Problem) -> bool {
    problem.status == axum::http::StatusCode::SERVICE_UNAVAILABLE
}
