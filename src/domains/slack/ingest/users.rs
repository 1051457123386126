//! `slack/users`: people and bots.

use serde::Serialize;

use super::{Envelope, Item, TRACKER, id, maybe_id, payload_first};
use crate::{
    domains::users::ingest::email,
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
    /// What a payload says about a user.
    pub struct UserDraft, table slack_user, extends base_profile as "slack",
        key { slack_user_id: String };
    registers {
        username: String,
        display_name: String,
        avatar_url: String,
        is_restricted: Option<bool>,
    }
    dates { created_at, updated_at }
}

/// A user.
#[derive(Debug, Serialize)]
pub struct User {
    /// Slack's id.
    #[serde(skip)]
    pub id: String,
    /// The handle.
    pub username: Option<String>,
    /// The name that is shown.
    pub display_name: Option<String>,
    /// The picture.
    pub avatar_url: Option<String>,
    /// Whether the user is a guest, if it is said.
    pub is_restricted: Option<bool>,
    /// The address, if it is one.
    pub address: Option<String>,
    /// The statement's stamp.
    #[serde(skip)]
    pub stamp: Stamp,
}

impl User {
    /// What it says, as a draft.
    pub fn draft(&self, item: i32) -> UserDraft {
        let cell = |said: &Option<String>| match said {
            Some(text) => Cell::Stated(text.clone()),
            None => Cell::Unstated(self.id.clone()),
        };
        UserDraft {
            username: cell(&self.username),
            display_name: cell(&self.display_name),
            avatar_url: Cell::of(self.avatar_url.clone()),
            is_restricted: match self.is_restricted {
                Some(flag) => Cell::Stated(Some(flag)),
                None => Cell::Unstated(None),
            },
            slack_user_id: self.id.clone(),
            stamp: self.stamp.clone(),
            item,
        }
    }
}

/// A user that something names.
pub fn stub(id: &str, item: i32) -> UserDraft {
    UserDraft {
        slack_user_id: id.to_owned(),
        username: Cell::Unstated(id.to_owned()),
        display_name: Cell::Unstated(id.to_owned()),
        avatar_url: Cell::Unstated(String::new()),
        is_restricted: Cell::Unstated(None),
        stamp: Stamp::BOTTOM,
        item,
    }
}

/// Reads a member of `users.list`, or `users.info`.
pub fn read(node: Node<'_>, envelope: &mut Envelope, context: &Context) -> Option<Seen<Item>> {
    let inner = node.get("user");
    let user = user(if inner.is_filled() { inner } else { node }, context)?;
    let said = if inner.is_filled() { inner.get("team_id") } else { node.get("team_id") };
    let team = payload_first(maybe_id(said), said, context.param("team"));
    let folder = Folder::of(TRACKER);
    let folder = match &team {
        Some(team) => folder.said(team),
        None => folder.fixed("_"),
    };
    let path = folder.fixed("users").file(&user.id, "json");
    envelope.path = Some((path, user.stamp.clone()));
    let (key, stamp) = (user.id.clone(), user.stamp.clone());
    Some(Seen { item: Item::User(Box::new(user)), key, stamp })
}

/// Reads a user object.
pub fn user(node: Node<'_>, context: &Context) -> Option<User> {
    if node.raw().is_none_or(|value| !value.is_object()) {
        node.fault("unknown_shape", "A user is an object.");
        return None;
    }
    let id = id(node.get("id"));
    let profile = node.get("profile");
    let names = [
        node.get("real_name"),
        profile.get("real_name"),
        profile.get("display_name"),
        node.get("name"),
    ];
    let flag = |key| node.get(key).boolean().or_default();
    let flags = [flag("is_restricted"), flag("is_ultra_restricted")];
    let is_said = flags.iter().any(Option::is_some);
    let address = profile.get("email");
    let updated = node.get("updated");
    let source_at = context.source_time(updated.instant_or_unix().value(), updated);
    let mut user = User {
        id: id?,
        username: node.get("name").filled_text(),
        display_name: names.into_iter().find_map(Node::filled_text),
        avatar_url: profile.get("image_72").filled_text(),
        is_restricted: is_said.then(|| flags.contains(&Some(true))),
        address: address.filled_text().filter(|text| {
            let is_valid = email::valid(text).is_some();
            if !is_valid {
                address.warn("bad_address", "This is not an e-mail address; it is not recorded.");
            }
            is_valid
        }),
        stamp: Stamp::BOTTOM,
    };
    user.stamp = Stamp { source_at, rank: 0, as_of: context.as_of, digest: digest(&user) };
    Some(user)
}
