//! Temporary identities: proposed, reviewed, then promoted or discarded.

use serde_json::json;

use super::{
    changes::{self, Image, Key, Table, integer, text},
    operation::About,
    people,
    world::{At, Stop, World, distinct},
};

type Planned = Result<Option<Key>, Stop>;

/// Makes a temporary identity with proposals.
pub async fn stage(world: &mut World<'_>, about: &About, profiles: &[i64]) -> Planned {
    let profiles = distinct(profiles);
    exist(world, &profiles, |index| At::Element("profiles", index)).await?;
    let image = json!({"display_name": about.display_name, "description": about.description});
    let target = world.make(Table::TmpIdentity, image).await?;
    for profile in profiles {
        relate(world, profile, target).await?;
    }
    Ok(Some((Table::TmpIdentity, target)))
}

/// Proposes a profile. One that is proposed already stays as it is.
pub async fn propose(world: &mut World<'_>, profile: i64, target: i64) -> Planned {
    hold(world, target, At::Member("target_identity_id")).await?;
    exist(world, &[profile], |_| At::Member("base_profile_id")).await?;
    let known = relations(world, target).await?;
    let known = known.iter().find(|row| integer(row, "base_profile_id") == Some(profile));
    let relation = match known.and_then(|row| integer(row, "id")) {
        Some(known) => known,
        None => relate(world, profile, target).await?,
    };
    Ok(Some((Table::Relation, relation)))
}

/// Takes a proposal back.
pub async fn withdraw(world: &mut World<'_>, relation: i64) -> Planned {
    let missing =
        || At::Path.refuse("no_such_relation", format!("There is no relation {relation}."));
    let found = changes::read(world.conn, Table::Relation, "id", [relation], "").await?;
    let target = found.get(&relation).and_then(|row| integer(row, "target_identity_id"));
    let target = target.ok_or_else(missing)?;
    hold(world, target, At::Nowhere).await?;
    world.changes.rely_on(Table::TmpIdentity, target);
    let found = changes::read(world.conn, Table::Relation, "id", [relation], "for update").await?;
    world.changes.end(Table::Relation, relation, found.get(&relation).ok_or_else(missing)?);
    Ok(None)
}

/// Throws a temporary identity away.
pub async fn discard(world: &mut World<'_>, target: i64) -> Planned {
    let row = hold(world, target, At::Path).await?;
    let proposals = relations(world, target).await?;
    dissolve(world, target, &row, &proposals);
    Ok(None)
}

/// Moves the profiles of a temporary identity to an identity.
pub async fn promote(world: &mut World<'_>, target: i64, identity: Option<i64>) -> Planned {
    let profiles = proposed(&relations_of(world, target, "").await?);
    let homes = world.homes(&profiles).await?;
    world.hold(homes.into_iter().chain(identity)).await?;
    let row = hold(world, target, At::Path).await?;
    let joined = match identity {
        Some(identity) => Some(world.mergeable(identity, At::Member("identity_id")).await?),
        None => None,
    };
    let proposals = relations(world, target).await?;
    let profiles = proposed(&proposals);
    let rows = world.profiles(&profiles, |_| At::Nowhere).await?;
    // Nobody is taken out of a locked identity this way: that would join parts of two.
    for home in rows.iter().filter_map(|row| integer(row, "identity_id")) {
        world.mergeable(home, At::Nowhere).await?;
    }
    let is_hidden = world.any_is_hidden(&rows);
    let identity = if let (Some(identity), Some(joined)) = (identity, joined) {
        if is_hidden {
            world.edit(Table::Identity, &joined, [("is_hidden", json!(true))]);
        }
        identity
    } else {
        let about = About {
            display_name: text(&row, "display_name").to_owned(),
            description: text(&row, "description").to_owned(),
        };
        people::make(world, &about, is_hidden).await?
    };
    world.assign_all(&rows, Some(identity));
    dissolve(world, target, &row, &proposals);
    Ok(Some((Table::Identity, identity)))
}

/// Holds a temporary identity, and so its relations: they come and go under its lock.
async fn hold(world: &mut World<'_>, target: i64, at: At<'_>) -> Result<Image, Stop> {
    let lock = "for update";
    let mut found = changes::read(world.conn, Table::TmpIdentity, "id", [target], lock).await?;
    found.remove(&target).ok_or_else(|| {
        let detail = format!("There is no temporary identity {target}.");
        at.refuse("no_such_tmp_identity", detail).into()
    })
}

/// The relations of a temporary identity that is held.
async fn relations(world: &mut World<'_>, target: i64) -> Result<Vec<Image>, Stop> {
    relations_of(world, target, "for update").await
}

async fn relations_of(world: &mut World<'_>, target: i64, lock: &str) -> Result<Vec<Image>, Stop> {
    let column = "target_identity_id";
    let found = changes::read(world.conn, Table::Relation, column, [target], lock).await?;
    Ok(found.into_values().collect())
}

/// The profiles of relations.
fn proposed(relations: &[Image]) -> Vec<i64> {
    relations.iter().filter_map(|row| integer(row, "base_profile_id")).collect()
}

/// Makes sure that profiles are there, and stay.
async fn exist(
    world: &mut World<'_>,
    profiles: &[i64],
    at: impl Fn(usize) -> At<'static>,
) -> Result<(), Stop> {
    let (ids, lock) = (profiles.iter().copied(), "for key share");
    let found = changes::read(world.conn, Table::BaseProfile, "id", ids, lock).await?;
    match profiles.iter().position(|id| !found.contains_key(id)) {
        None => Ok(()),
        Some(index) => {
            let detail = format!("There is no profile {}.", profiles[index]);
            Err(at(index).refuse("no_such_profile", detail).into())
        }
    }
}

async fn relate(world: &mut World<'_>, profile: i64, target: i64) -> Result<i64, Stop> {
    let image = json!({"base_profile_id": profile, "target_identity_id": target});
    world.changes.rely_on(Table::TmpIdentity, target);
    Ok(world.make(Table::Relation, image).await?)
}

/// Ends a temporary identity and its relations.
fn dissolve(world: &mut World<'_>, target: i64, row: &Image, relations: &[Image]) {
    for relation in relations {
        if let Some(id) = integer(relation, "id") {
            world.changes.end(Table::Relation, id, relation);
        }
    }
    world.changes.end(Table::TmpIdentity, target, row);
}
