//! The addresses of a profile, by hand.
//!
//! Ingest and hand go by one rule: exactly one of a profile's addresses is primary, one chosen by hand
//! before the newest that somebody reads.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::{Value as Json, json};

use super::{
    changes::{self, Change, Image, Key, Table, flag, integer, text},
    people,
    world::{At, Stop, World},
};
use crate::{
    domains::users::ingest::email::{self, Rank},
    http::problem::{Fault, Problem},
};

type Planned = Result<Option<Key>, Stop>;

/// What is to be changed of an address.
#[derive(Debug, Clone, Copy)]
pub struct Edit<'a> {
    /// Its new spelling, or another address.
    pub address: Option<&'a str>,
    /// Whether it is the main one.
    pub is_primary: Option<bool>,
    /// Whether it is in use.
    pub is_active: Option<bool>,
}

/// Adds an address.
pub async fn add(
    world: &mut World<'_>,
    profile: i64,
    address: &str,
    is_primary: bool,
    is_active: bool,
) -> Planned {
    let address = valid(address)?;
    let rows = addresses(world, profile).await?;
    unknown(&rows, address, None)?;
    let image = json!({
        "base_profile_id": profile,
        "email": address,
        "email_lower": address.to_lowercase(),
        "is_primary": is_primary,
        "is_active": is_active,
        "is_manual": is_primary,
        "last_seen_at": null,
    });
    let id = world.make(Table::Email, image.clone()).await?;
    let mut wanted = rows.clone();
    if let Json::Object(image) = image {
        wanted.insert(id, image);
    }
    if is_primary {
        choose(&mut wanted, id);
    }
    settle(world, &rows, wanted, Some(id));
    Ok(Some((Table::Email, id)))
}

/// Changes an address.
pub async fn edit(world: &mut World<'_>, profile: i64, id: i64, edit: Edit<'_>) -> Planned {
    let rows = addresses(world, profile).await?;
    let mut wanted = rows.clone();
    let row = wanted.get_mut(&id).ok_or_else(|| missing(profile, id))?;
    if let Some(address) = edit.address {
        let address = valid(address)?;
        unknown(&rows, address, Some(id))?;
        row.insert("email".to_owned(), json!(address));
        row.insert("email_lower".to_owned(), json!(address.to_lowercase()));
    }
    if let Some(is_active) = edit.is_active {
        row.insert("is_active".to_owned(), json!(is_active));
    }
    match edit.is_primary {
        Some(true) => choose(&mut wanted, id),
        Some(false) => {
            row.insert("is_manual".to_owned(), json!(false));
        }
        None => {}
    }
    settle(world, &rows, wanted, None);
    Ok(Some((Table::Email, id)))
}

/// Removes an address. A later mention brings it back: one that is not to be used is better set
/// inactive.
pub async fn remove(world: &mut World<'_>, profile: i64, id: i64) -> Planned {
    let rows = addresses(world, profile).await?;
    let mut wanted = rows.clone();
    let row = wanted.remove(&id).ok_or_else(|| missing(profile, id))?;
    world.changes.end(Table::Email, id, &row);
    settle(world, &rows, wanted, None);
    Ok(None)
}

/// Elects the primary addresses of the profiles whose addresses the world's changes write, as the rows
/// are with these changes.
pub async fn elect_again(world: &mut World<'_>) -> Result<(), Stop> {
    let profiles: Vec<i64> = world
        .changes
        .used
        .iter()
        .filter(|key| key.0 == Table::BaseProfile)
        .map(|key| key.1)
        .collect();
    if !world.changes.rows.keys().any(|key| key.0 == Table::Email) {
        return Ok(());
    }
    for profile in profiles {
        let lock = "for update";
        let rows =
            changes::read(world.conn, Table::Email, "base_profile_id", [profile], lock).await?;
        let mut wanted = rows.clone();
        for ((table, id), change) in &world.changes.rows {
            match change {
                _ if *table != Table::Email => {}
                Change::Made(image) if integer(image, "base_profile_id") == Some(profile) => {
                    wanted.insert(*id, image.clone());
                }
                Change::Changed(_, after) => {
                    if let Some(row) = wanted.get_mut(id) {
                        row.extend(after.clone());
                    }
                }
                Change::Made(_) => {}
                Change::Ended(_) => {
                    wanted.remove(id);
                }
            }
        }
        let elected = elected(&wanted);
        for (id, row) in wanted {
            let is_primary = json!(Some(id) == elected);
            if row.get("is_primary") == Some(&is_primary) {
                continue;
            }
            let now = rows.get(&id).and_then(|row| row.get("is_primary")).cloned();
            match world.changes.rows.get_mut(&(Table::Email, id)) {
                Some(Change::Made(image)) => {
                    image.insert("is_primary".to_owned(), is_primary);
                }
                Some(Change::Changed(before, after)) => {
                    before.insert("is_primary".to_owned(), now.unwrap_or_default());
                    after.insert("is_primary".to_owned(), is_primary);
                }
                _ => world.edit(Table::Email, &row, [("is_primary", is_primary)]),
            }
        }
    }
    Ok(())
}

/// The addresses of a profile, which is held as ingest holds it.
async fn addresses(world: &mut World<'_>, profile: i64) -> Result<BTreeMap<i64, Image>, Stop> {
    let lock = "for no key update";
    let found = changes::read(world.conn, Table::BaseProfile, "id", [profile], lock).await?;
    if found.is_empty() {
        let detail = format!("There is no profile {profile}.");
        return Err(At::Path.refuse("no_such_profile", detail).into());
    }
    world.changes.rely_on(Table::BaseProfile, profile);
    Ok(changes::read(world.conn, Table::Email, "base_profile_id", [profile], "for update").await?)
}

/// Makes an address the one chosen by hand.
fn choose(rows: &mut BTreeMap<i64, Image>, chosen: i64) {
    for (id, row) in rows {
        row.insert("is_manual".to_owned(), json!(*id == chosen));
        row.insert("is_primary".to_owned(), json!(*id == chosen));
    }
}

/// Elects the primary address and says what differs. `new` is a row that is being made.
fn settle(
    world: &mut World<'_>,
    rows: &BTreeMap<i64, Image>,
    mut wanted: BTreeMap<i64, Image>,
    new: Option<i64>,
) {
    let elected = elected(&wanted);
    for (id, row) in &mut wanted {
        row.insert("is_primary".to_owned(), json!(Some(*id) == elected));
    }
    for (id, row) in wanted {
        if Some(id) == new {
            if let Some(Change::Made(image)) = world.changes.rows.get_mut(&(Table::Email, id)) {
                image.extend(row);
            }
            continue;
        }
        let columns = ["email", "email_lower", "is_primary", "is_active", "is_manual"];
        let columns = columns.map(|column| (column, row.get(column).cloned().unwrap_or_default()));
        if let Some(before) = rows.get(&id) {
            world.edit(Table::Email, before, columns);
        }
    }
}

/// The address that is to be the primary one.
fn elected(rows: &BTreeMap<i64, Image>) -> Option<i64> {
    rows.iter().map(|(id, row)| (rank(row), *id)).max().map(|(_, id)| id)
}

/// How good an address is as the primary one.
fn rank(row: &Image) -> Rank {
    let seen = text(row, "last_seen_at");
    let seen = DateTime::parse_from_rfc3339(seen).ok().map(DateTime::<Utc>::from);
    let is_chosen = flag(row, "is_manual") && flag(row, "is_primary");
    email::rank(is_chosen, text(row, "email_lower").to_owned(), seen)
}

fn valid(address: &str) -> Result<&str, Stop> {
    email::valid(address).ok_or_else(|| {
        let detail = "This is not an e-mail address.";
        Problem::invalid(vec![Fault::pointer("/email", "invalid_member", detail)]).into()
    })
}

/// Refuses an address that the profile has in another row.
fn unknown(rows: &BTreeMap<i64, Image>, address: &str, own: Option<i64>) -> Result<(), Stop> {
    let lower = address.to_lowercase();
    let known =
        rows.iter().find(|(id, row)| Some(**id) != own && text(row, "email_lower") == lower);
    match known.and_then(|(_, row)| integer(row, "id")) {
        None => Ok(()),
        Some(id) => {
            let detail = format!("The profile has this address already: e-mail {id}.");
            Err(people::conflict("email_exists", detail))
        }
    }
}

fn missing(profile: i64, id: i64) -> Stop {
    At::Path.refuse("no_such_email", format!("Profile {profile} has no e-mail {id}.")).into()
}
