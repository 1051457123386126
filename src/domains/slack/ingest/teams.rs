//! `slack/teams`: workspaces.

use chrono::{DateTime, Utc};

use super::{Envelope, Item, TRACKER, id};
use crate::{
    draft,
    ingest::{
        archive::Folder,
        kind::{Context, Seen},
        register::Cell,
        stamp::{Stamp, digest},
        value::Node,
    },
};

draft! {
    /// What a payload says about a team.
    pub struct TeamDraft, table slack_team, key { team_id: String };
    registers { team_name: String }
    dates { created_at, updated_at }
}

/// A team.
#[derive(Debug)]
pub struct Team {
    /// Slack's id.
    pub id: String,
    /// Its name, if it is said.
    pub name: Option<String>,
    /// The statement's stamp.
    pub stamp: Stamp,
}

impl Team {
    /// What it says, as a draft.
    pub fn draft(&self, item: i32) -> TeamDraft {
        TeamDraft {
            team_name: match &self.name {
                Some(name) => Cell::Stated(name.clone()),
                None => Cell::Unstated(self.id.clone()),
            },
            team_id: self.id.clone(),
            stamp: self.stamp.clone(),
            item,
        }
    }

    /// A team of which something was said at a time.
    pub fn named(
        id: String,
        name: Option<String>,
        at: Option<DateTime<Utc>>,
        context: &Context,
    ) -> Self {
        let stamp = Stamp { source_at: at, rank: 0, as_of: context.as_of, digest: digest(&name) };
        Self { id, name, stamp }
    }
}

/// A team that something names.
pub fn stub(id: &str, item: i32) -> TeamDraft {
    TeamDraft {
        team_id: id.to_owned(),
        team_name: Cell::Unstated(id.to_owned()),
        stamp: Stamp::BOTTOM,
        item,
    }
}

/// Reads `team.info`, its `team`, or `{"team_id", "team_name"}`.
pub fn read(node: Node<'_>, envelope: &mut Envelope, context: &Context) -> Option<Seen<Item>> {
    let inner = node.get("team");
    let team = if inner.is_filled() { inner } else { node };
    if team.raw().is_none_or(|value| !value.is_object()) {
        node.fault("unknown_shape", "A team is an object.");
        return None;
    }
    let id = id(team.first(&["id", "team_id"]))?;
    let name = team.first(&["name", "team_name"]);
    // `auth.test` gives the name as `team`.
    let name = if name.is_blank() && inner.str().is_some() { inner } else { name };
    let team = Team::named(id, name.filled_text(), Some(context.stated_at()), context);
    let path = Folder::of(TRACKER).said(&team.id).file("team", "json");
    envelope.path = Some((path, team.stamp.clone()));
    Some(Seen { key: team.id.clone(), stamp: team.stamp.clone(), item: Item::Team(team) })
}
