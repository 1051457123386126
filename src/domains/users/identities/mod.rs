//! Identities: who joined which profiles, and how that is taken back.
//!
//! There is one mechanism. An [`Operation`](operation::Operation) is a value: create, edit, delete,
//! assign, merge, split, the e-mails of a profile, staging, suggestions, undo. [`perform`] runs it in
//! one transaction:
//!
//! 1. [`plan`] locks what the operation is about and says what becomes of each row, as
//!    [`Changes`](changes::Changes): a row's image before and after, of a changed row only the
//!    columns that differ. It writes nothing.
//! 2. [`Changes::write`](changes::Changes::write) writes them, each only over the image it expects.
//! 3. [`journal`] keeps them: who, when, what, and every image.
//!
//! So the journal holds the exact inverse of every operation, and three things are the same code:
//! doing (the images after), undoing (the images before; [`undo`]) and replaying the journal into
//! empty tables (the images after, operation by operation; [`replay`]).
//!
//! **Undo** is an operation too, and can be undone, which is redo. It is refused, naming the operation
//! in the way, if a later one that is still in effect
//! * wrote a row that this one wrote, or
//! * relied on a row that this one made or ended, or made or ended one that this one relied on (a
//!   profile relies on the identity it leaves and the one it joins), or
//! * made a row that has the place of one that would come back: the same address of a profile, the same
//!   proposal.
//!
//! An operation and its undo that are both later cancel out. It is also refused
//! * if ingest changed a value since that would be lost,
//! * if an identity was hidden since, and a profile would go from it to where it is seen,
//! * if it would merge, promote or accept once more (redo) while one of these people is locked.
//!
//! Which address of a profile is primary is elected anew, as ever: what was mentioned since takes part.
//!
//! **Merged-away identities** are gone from `identity` and redirected in `identity_redirect`; a
//! redirect may lead to another, and is followed to the end ([`redirect`]). A read of a merged-away id
//! answers 301 to the survivor, or 404 if that was deleted; a write answers 409 and names it. Ids are
//! never used again, so no redirect can close a circle.
//!
//! **Locks are taken in one order**: identities by id, temporary identities, profiles by id, then what
//! belongs to those. Whoever moves a profile holds the identity it leaves and the one it joins; which
//! that is, is looked up first and checked under the lock, and the transaction begins again if it was
//! another. Ingest makes profiles meanwhile, and never writes `identity_id`.
//!
//! **A locked identity** (`is_locked`) takes part in no merge: neither by `merge`, nor by `promote`
//! (which also takes nobody out of it) or an accepted suggestion. Profiles can still be assigned to it
//! one by one, taken from it for a new identity, and split from it.
//!
//! **A hidden identity** (`is_hidden`) is shown as a pseudonym, and so are its profiles: see
//! [`hidden`](crate::query::hidden). What is merged with it is hidden with it, and so is every new
//! identity of its profiles and whom they are promoted to; it is not deleted while it has profiles. A
//! profile that is linked elsewhere, or nowhere, shows its own name again.

pub mod accept;
pub mod answer;
pub mod changes;
pub mod emails;
pub mod journal;
pub mod operation;
pub mod people;
pub mod perform;
pub mod plan;
pub mod reads;
pub mod redirect;
pub mod replay;
pub mod requests;
pub mod routes;
pub mod staging;
pub mod suggestions;
pub mod undo;
pub mod world;

pub use operation::Operation;
pub use perform::{Done, Who, perform};
