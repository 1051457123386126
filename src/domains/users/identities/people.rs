//! Identities and who belongs to them.

use serde_json::json;

use super::{
    changes::{Image, Key, Table, flag, integer},
    operation::{About, Edit},
    world::{At, Stop, World, distinct},
};
use crate::http::problem::Problem;

type Planned = Result<Option<Key>, Stop>;

/// Makes an identity of profiles.
pub async fn create(world: &mut World<'_>, about: &About, profiles: &[i64]) -> Planned {
    let profiles = distinct(profiles);
    let homes = world.homes(&profiles).await?;
    world.hold(homes).await?;
    let rows = world.profiles(&profiles, |index| At::Element("profiles", index)).await?;
    let is_hidden = world.any_is_hidden(&rows);
    let identity = make(world, about, is_hidden).await?;
    world.assign_all(&rows, Some(identity));
    Ok(Some((Table::Identity, identity)))
}

/// Makes an identity without profiles.
pub async fn make(world: &mut World<'_>, about: &About, is_hidden: bool) -> Result<i64, Stop> {
    let image = json!({
        "display_name": about.display_name,
        "description": about.description,
        "is_locked": false,
        "is_hidden": is_hidden,
    });
    Ok(world.make(Table::Identity, image).await?)
}

/// Changes what is said of an identity.
pub async fn edit(
    world: &mut World<'_>,
    identity: i64,
    about: &Edit,
    is_locked: Option<bool>,
) -> Planned {
    world.hold([identity]).await?;
    let row = world.identity(identity, At::Path).await?;
    let texts = [("display_name", &about.display_name), ("description", &about.description)];
    let texts = texts.into_iter().filter_map(|(name, text)| Some((name, json!(text.as_ref()?))));
    let lock = is_locked.map(|is_locked| ("is_locked", json!(is_locked)));
    world.edit(Table::Identity, &row, texts.chain(lock));
    Ok(Some((Table::Identity, identity)))
}

/// Hides an identity, or shows it again.
pub async fn hide(world: &mut World<'_>, identity: i64, is_hidden: bool) -> Planned {
    world.hold([identity]).await?;
    let row = world.identity(identity, At::Path).await?;
    world.edit(Table::Identity, &row, [("is_hidden", json!(is_hidden))]);
    Ok(Some((Table::Identity, identity)))
}

/// Deletes an identity.
pub async fn delete(world: &mut World<'_>, identity: i64) -> Planned {
    world.hold([identity]).await?;
    let row = world.identity(identity, At::Path).await?;
    let members = world.members(&[identity]).await?;
    if flag(&row, "is_hidden") && !members.is_empty() {
        let detail = format!("Identity {identity} is hidden: its profiles would be seen again.");
        return Err(conflict("identity_hidden", detail));
    }
    for profile in members {
        world.assign(&profile, None);
    }
    world.changes.end(Table::Identity, identity, &row);
    Ok(None)
}

/// Links or unlinks a profile.
pub async fn assign(world: &mut World<'_>, profile: i64, identity: Option<i64>) -> Planned {
    let homes = world.homes(&[profile]).await?;
    world.hold(homes.into_iter().chain(identity)).await?;
    let rows = world.profiles(&[profile], |_| At::Path).await?;
    if let Some(identity) = identity {
        world.identity(identity, At::Member("identity_id")).await?;
    }
    world.assign_all(&rows, identity);
    Ok(Some((Table::BaseProfile, profile)))
}

/// Merges identities into one.
pub async fn merge(world: &mut World<'_>, into: i64, from: &[i64]) -> Planned {
    let from = distinct(from);
    if from.is_empty() {
        let detail = "Name at least one identity to merge.".to_owned();
        return Err(At::Member("from").refuse("nothing_to_merge", detail).into());
    }
    if let Some(index) = from.iter().position(|id| *id == into) {
        let detail = format!("Identity {into} cannot be merged into itself.");
        return Err(At::Element("from", index).refuse("same_identity", detail).into());
    }
    world.hold(from.iter().copied().chain([into])).await?;
    let survivor = world.mergeable(into, At::Path).await?;
    let mut gone = Vec::with_capacity(from.len());
    for (index, id) in from.iter().enumerate() {
        gone.push(world.mergeable(*id, At::Element("from", index)).await?);
    }
    absorb(world, &survivor, into, &gone).await?;
    Ok(Some((Table::Identity, into)))
}

/// Moves everybody from identities that are held to `into`, and redirects them. Whoever was hidden
/// stays so.
pub async fn absorb(
    world: &mut World<'_>,
    survivor: &Image,
    into: i64,
    gone: &[Image],
) -> Result<(), Stop> {
    if gone.iter().any(|row| flag(row, "is_hidden")) {
        world.edit(Table::Identity, survivor, [("is_hidden", json!(true))]);
    }
    let ids: Vec<i64> = gone.iter().filter_map(|row| integer(row, "id")).collect();
    for profile in world.members(&ids).await? {
        world.assign(&profile, Some(into));
    }
    world.changes.rely_on(Table::Identity, into);
    for (id, row) in ids.into_iter().zip(gone) {
        world.changes.end(Table::Identity, id, row);
        let mut redirect = Image::new();
        redirect.insert("target_id".to_owned(), json!(into));
        world.changes.make(Table::Redirect, id, redirect);
    }
    Ok(())
}

/// Moves profiles of an identity to a new one.
pub async fn split(
    world: &mut World<'_>,
    identity: i64,
    profiles: &[i64],
    about: &Edit,
) -> Planned {
    let profiles = distinct(profiles);
    if profiles.is_empty() {
        let detail = "Name at least one profile to split off.".to_owned();
        return Err(At::Member("profiles").refuse("nothing_to_split", detail).into());
    }
    let homes = world.homes(&profiles).await?;
    world.hold(homes.into_iter().chain([identity])).await?;
    let whole = world.identity(identity, At::Path).await?;
    let rows = world.profiles(&profiles, |index| At::Element("profiles", index)).await?;
    let stranger = rows.iter().position(|row| integer(row, "identity_id") != Some(identity));
    if let Some(index) = stranger {
        let detail = format!("Profile {} does not belong to identity {identity}.", profiles[index]);
        return Err(At::Element("profiles", index).refuse("not_of_this_identity", detail).into());
    }
    let display_name = match &about.display_name {
        Some(name) => name.clone(),
        None => name_after(world, &profiles).await?,
    };
    let description = about.description.clone().unwrap_or_default();
    // Part of a hidden person is hidden: the name of the new identity may be the person's.
    let is_hidden = flag(&whole, "is_hidden");
    let new = make(world, &About { display_name, description }, is_hidden).await?;
    world.assign_all(&rows, Some(new));
    Ok(Some((Table::Identity, new)))
}

/// What an identity of profiles is called if nobody says it: as the first of them that has a name.
pub async fn name_after(world: &mut World<'_>, profiles: &[i64]) -> Result<String, Stop> {
    Ok(world.names(profiles).await?.into_iter().next().unwrap_or_default())
}

/// A conflict in the words of a problem.
pub fn conflict(code: &'static str, detail: String) -> Stop {
    Problem::conflict(code, detail).into()
}
