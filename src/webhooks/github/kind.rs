//! `webhooks/github`: the events of GitHub as payloads.

use crate::{
    ingest::{
        kind::{Accepted, Context, Kind, Outcome, Read, Spec, Storing},
        stamp::Stamp,
        tx::Tx,
        upsert::Action,
        value::Node,
    },
    webhooks::{path, spec},
};

/// The kind of GitHub's events.
#[derive(Debug)]
pub struct GitHubEvents;

static SPEC: Spec = Spec {
    params: &["event", "delivery"],
    ..spec("github", "Events of GitHub, by the rules of the github kinds.")
};

/// The events whose meaning we know, also where it is that they make no rows.
const EVENTS: [&str; 17] = [
    "commit_comment",
    "create",
    "delete",
    "fork",
    "issue_comment",
    "issues",
    "label",
    "member",
    "ping",
    "public",
    "pull_request",
    "pull_request_review",
    "pull_request_review_comment",
    "push",
    "release",
    "repository",
    "star",
];

/// Whether an event is one of those.
pub fn is_known(event: &str) -> bool {
    EVENTS.contains(&event)
}

/// What an event says.
#[derive(Debug)]
pub struct Event;

impl Kind for GitHubEvents {
    type Item = Event;

    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn read(&self, item: Node<'_>, context: &Context) -> Option<Read<Event>> {
        let delivery = context.param("delivery").unwrap_or_default().to_owned();
        item.warn("ignored", "The event makes no rows.");
        let accepted = Accepted {
            path: path("github", &delivery, context),
            key: delivery,
            stamp: Stamp { source_at: Some(context.received_at), ..Stamp::BOTTOM },
        };
        Some(Read { item: Event, accepted })
    }

    fn store<'a>(
        &'a self,
        _tx: &'a mut Tx<'_>,
        items: &'a [(i32, &'a Event)],
        _context: &'a Context,
    ) -> Storing<'a> {
        let none = Outcome { action: Action::Unchanged, table: "", row_id: None };
        Box::pin(std::future::ready(Ok(vec![none; items.len()])))
    }
}
