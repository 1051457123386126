//! `github/accounts`: users and organisations as their own payloads.

use super::{
    Item, TRACKER,
    person::{Person, Who, address},
};
use crate::ingest::{
    archive::Folder,
    kind::{Accepted, Context, Read},
    stamp::Stamp,
    value::Node,
};

/// An account's own payload.
#[derive(Debug)]
pub struct Account {
    /// What it says.
    pub person: Person,
    /// Its address, if it shows one.
    pub address: Option<String>,
    /// Time and `as_of` of the statement.
    pub stamp: Stamp,
}

/// Reads a user object, bare or as `owner`, or our columns.
pub fn read(node: Node<'_>, context: &Context) -> Option<Read<Item>> {
    let owner = node.get("owner");
    let user = if owner.is_filled() { owner } else { node };
    if user.raw().is_none_or(|value| !value.is_object()) {
        user.fault("unknown_shape", "An account is an object.");
        return None;
    }
    let id = user.get("github_account_id");
    let id = if id.is_stated() { id } else { user.get("id") }.id()?;
    let person = Person::read(user)?;
    let updated_at = user.get("updated_at");
    let source_at = context.source_time(updated_at.instant().value(), updated_at);
    let account = Account {
        person: Person { who: Who::Id(id), ..person },
        address: address(user.get("email")),
        stamp: Stamp { source_at, as_of: context.as_of, ..Stamp::BOTTOM },
    };
    let accepted = Accepted {
        key: id.to_string(),
        path: Folder::of(TRACKER).fixed("_accounts").file(&id.to_string(), "json"),
        stamp: account.stamp.clone(),
    };
    Some(Read { item: Item::Account(Box::new(account)), accepted })
}
