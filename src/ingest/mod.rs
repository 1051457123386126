//! Ingest: how payloads become rows. One pipeline for every kind.
//!
//! * [`stamp`], [`register`], [`merge`]: the rule of last writer wins, without a database.
//! * [`upsert`], [`sets`], [`join`]: the rule in SQL, a constant number of statements a batch.

pub mod clean;
pub mod given;
pub mod join;
pub mod kind;
pub mod merge;
pub mod register;
pub mod repo_name;
pub mod sets;
pub mod stamp;
pub mod tx;
pub mod upsert;
pub mod value;
