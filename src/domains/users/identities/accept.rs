//! What becomes of a suggestion.

use serde_json::json;

use super::{
    changes::{self, Image, Key, Table, integer, text},
    operation::About,
    people,
    suggestions::find::{self, Which},
    world::{At, Stop, World},
};

type Planned = Result<Option<Key>, Stop>;

/// Joins the two profiles, if what spoke for it still does: in a new identity if neither has one, in
/// the one that one of them has, or by merging the younger identity into the older.
pub async fn accept(world: &mut World<'_>, suggestion: i64) -> Planned {
    let row = suggestion_row(world, suggestion, "").await?;
    let pair: Vec<i64> =
        ["profile_id", "other_profile_id"].iter().filter_map(|it| integer(&row, it)).collect();
    let homes = world.homes(&pair).await?;
    world.hold(homes).await?;
    let profiles = world.profiles(&pair, |_| At::Nowhere).await?;
    let row = suggestion_row(world, suggestion, "for update").await?;
    if text(&row, "status") == "accepted" {
        return Ok(Some((Table::Suggestion, suggestion)));
    }
    open(&row)?;
    let mut homes: Vec<i64> =
        profiles.iter().filter_map(|profile| integer(profile, "identity_id")).collect();
    homes.sort_unstable();
    homes.dedup();
    let is_joined = homes.len() == 1
        && profiles.iter().all(|profile| integer(profile, "identity_id").is_some());
    if let ([one, other], false) = (&pair[..], is_joined)
        && find::pairs(world.conn, Which::Of(*one, *other)).await?.is_empty()
    {
        let detail = "No address joins the two any more: compute the suggestions anew.";
        return Err(people::conflict("evidence_gone", detail.to_owned()));
    }
    match homes[..] {
        [older, younger] => {
            let survivor = world.mergeable(older, At::Nowhere).await?;
            let gone = world.mergeable(younger, At::Nowhere).await?;
            people::absorb(world, &survivor, older, &[gone]).await?;
        }
        [identity] => {
            let alone = profiles.iter().any(|row| integer(row, "identity_id").is_none());
            if alone {
                world.mergeable(identity, At::Nowhere).await?;
            }
            world.assign_all(&profiles, Some(identity));
        }
        _ => {
            let display_name = people::name_after(world, &pair).await?;
            let about = About { display_name, ..About::default() };
            let identity = people::make(world, &about, false).await?;
            world.assign_all(&profiles, Some(identity));
        }
    }
    world.edit(Table::Suggestion, &row, [("status", json!("accepted"))]);
    Ok(Some((Table::Suggestion, suggestion)))
}

/// Remembers that the two are not one person.
pub async fn reject(world: &mut World<'_>, suggestion: i64) -> Planned {
    let row = suggestion_row(world, suggestion, "for update").await?;
    if text(&row, "status") != "rejected" {
        open(&row)?;
        world.edit(Table::Suggestion, &row, [("status", json!("rejected"))]);
    }
    Ok(Some((Table::Suggestion, suggestion)))
}

async fn suggestion_row(world: &mut World<'_>, id: i64, lock: &str) -> Result<Image, Stop> {
    let mut found = changes::read(world.conn, Table::Suggestion, "id", [id], lock).await?;
    found.remove(&id).ok_or_else(|| {
        At::Path.refuse("no_such_suggestion", format!("There is no suggestion {id}.")).into()
    })
}

fn open(row: &Image) -> Result<(), Stop> {
    match text(row, "status") {
        "open" => Ok(()),
        status => {
            let detail = format!("The suggestion is {status}: undo that operation first.");
            Err(people::conflict("suggestion_decided", detail))
        }
    }
}
