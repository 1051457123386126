//! From an operation to its changes.

use super::{
    accept,
    changes::Key,
    emails,
    operation::Operation,
    people, staging,
    world::{Stop, World},
};

/// Locks what `operation` is about and puts what it does into the world's changes; gives the row it
/// is answered with, if that is left. An undo has a plan of its own.
pub async fn plan(operation: &Operation, world: &mut World<'_>) -> Result<Option<Key>, Stop> {
    match operation {
        Operation::Create { about, profiles } => people::create(world, about, profiles).await,
        Operation::Edit { identity, about, is_locked } => {
            people::edit(world, *identity, about, *is_locked).await
        }
        Operation::Hide { identity, is_hidden } => people::hide(world, *identity, *is_hidden).await,
        Operation::Delete { identity } => people::delete(world, *identity).await,
        Operation::Assign { profile, identity } => people::assign(world, *profile, *identity).await,
        Operation::Merge { into, from } => people::merge(world, *into, from).await,
        Operation::Split { identity, profiles, about } => {
            people::split(world, *identity, profiles, about).await
        }
        Operation::AddEmail { profile, address, is_primary, is_active } => {
            emails::add(world, *profile, address, *is_primary, *is_active).await
        }
        Operation::EditEmail { profile, email, address, is_primary, is_active } => {
            let edit = emails::Edit {
                address: address.as_deref(),
                is_primary: *is_primary,
                is_active: *is_active,
            };
            emails::edit(world, *profile, *email, edit).await
        }
        Operation::RemoveEmail { profile, email } => emails::remove(world, *profile, *email).await,
        Operation::Stage { about, profiles } => staging::stage(world, about, profiles).await,
        Operation::Propose { profile, target } => staging::propose(world, *profile, *target).await,
        Operation::Withdraw { relation } => staging::withdraw(world, *relation).await,
        Operation::Discard { target } => staging::discard(world, *target).await,
        Operation::Promote { target, identity } => {
            staging::promote(world, *target, *identity).await
        }
        Operation::Accept { suggestion } => accept::accept(world, *suggestion).await,
        Operation::Reject { suggestion } => accept::reject(world, *suggestion).await,
        Operation::Undo { .. } => unreachable!("an undo is planned by `undo`"),
    }
}
