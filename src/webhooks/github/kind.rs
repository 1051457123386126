//! `webhooks/github`: the events of GitHub as payloads.

use super::events::{self, Part};
use crate::{
    domains::{boost::ingest::versions, clang::ingest as clang, github::ingest::store},
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

/// What an event says: the items of its object first. None where it makes no rows.
#[derive(Debug)]
pub struct Event(Vec<Part>);

impl Kind for GitHubEvents {
    type Item = Event;

    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn read(&self, item: Node<'_>, context: &Context) -> Option<Read<Event>> {
        let (event, delivery) = (context.param("event"), context.param("delivery"));
        let (Some(event), Some(delivery)) = (event, delivery) else {
            item.fault("missing_context", "An event has a name and the id of its delivery.");
            return None;
        };
        if item.raw().is_none_or(|value| !value.is_object()) {
            item.fault("unknown_shape", "An event is an object.");
            return None;
        }
        let event = Event(events::read(event, item, context)?);
        let accepted = Accepted {
            path: path("github", delivery, context),
            key: delivery.to_owned(),
            stamp: Stamp { source_at: Some(context.received_at), ..Stamp::BOTTOM },
        };
        Some(Read { item: event, accepted })
    }

    fn store<'a>(
        &'a self,
        tx: &'a mut Tx<'_>,
        items: &'a [(i32, &'a Event)],
        context: &'a Context,
    ) -> Storing<'a> {
        Box::pin(async move {
            let (mut github, mut releases) = (Vec::new(), Vec::new());
            let (mut mirror_commits, mut mirror_items) = (Vec::new(), Vec::new());
            let parts = items.iter().flat_map(|(index, event)| event.0.iter().map(|p| (*index, p)));
            for (index, part) in parts {
                match part {
                    Part::GitHub(item) => github.push((index, item)),
                    Part::Version(release) => releases.push((index, release)),
                    Part::MirrorCommit(commit) => mirror_commits.push((index, commit)),
                    Part::MirrorItem(item) => mirror_items.push((index, item)),
                }
            }
            // The lock of Boost's catalogue comes before every row.
            let releases = match releases.as_slice() {
                [] => Vec::new(),
                releases => versions::store(tx, releases).await?,
            };
            let mut releases = releases.into_iter();
            let mut github = store::store(tx, &github, context).await?.into_iter();
            let mut commits = clang::commits::store(tx, &mirror_commits).await?.into_iter();
            let mut mirrored = clang::items::store(tx, &mirror_items).await?.into_iter();
            let outcomes = items.iter().map(|(_, event)| {
                let parts = event.0.iter().filter_map(|part| match part {
                    Part::GitHub(_) => github.next(),
                    Part::Version(_) => releases.next(),
                    Part::MirrorCommit(_) => commits.next(),
                    Part::MirrorItem(_) => mirrored.next(),
                });
                outcome(&parts.collect::<Vec<_>>())
            });
            Ok(outcomes.collect())
        })
    }
}

/// What became of an event: of its object, and whether anything beside it changed.
fn outcome(parts: &[Outcome]) -> Outcome {
    let Some(first) = parts.first() else {
        return Outcome { action: Action::Unchanged, table: "", row_id: None };
    };
    let of_its_table =
        |action| parts.iter().any(|part| part.table == first.table && part.action == action);
    let changed = |part: &Outcome| matches!(part.action, Action::Inserted | Action::Updated);
    let action = if of_its_table(Action::Inserted) {
        Action::Inserted
    } else if parts.iter().any(changed) {
        Action::Updated
    } else if of_its_table(Action::Stale) {
        Action::Stale
    } else {
        Action::Unchanged
    };
    Outcome { action, ..first.clone() }
}
