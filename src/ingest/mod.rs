//! Ingest: how payloads become rows. One pipeline for every kind.
//!
//! * [`value`], [`clean`], [`repo_name`]: reading what a payload says.
//! * [`kind`]: what a payload kind is. [`document`], [`rows`]: a body's documents taken apart into
//!   items. [`read`]: a batch of them, read as a kind.
//! * [`stamp`], [`register`], [`merge`]: the rule of last writer wins, without a database.
//! * [`upsert`], [`sets`], [`join`], [`tombstone`]: the rule in SQL, a constant number of statements
//!   a batch.
//! * [`statements`]: folds, where rows are derived from every statement about a scope.
//! * [`body`], [`pipeline`], [`receipt`], [`ledger`], [`drift`]: a request, from bytes to receipt.
//!   [`refused`], [`failed`]: what is not stored, and what is tried again.
//! * [`routes`], [`request`], [`idempotency`], [`docs`]: the endpoints. [`reads`],
//!   [`dead_letters`], [`provenance`]: what can be asked afterwards.
//! * [`archive`]: the bytes as sent, durable before the receipt. [`replay`]: rows of them again.

pub mod archive;
pub mod background;
pub mod body;
pub mod check;
pub mod clean;
pub mod dead_letters;
pub mod derived;
pub mod docs;
pub mod document;
pub mod drift;
pub mod failed;
pub mod given;
pub mod idempotency;
pub mod job;
pub mod join;
pub mod kind;
pub mod known;
pub mod layout;
pub mod ledger;
pub mod locate;
pub mod merge;
pub mod pipeline;
pub mod provenance;
pub mod queue;
pub mod read;
pub mod reads;
pub mod receipt;
pub mod refused;
pub mod register;
pub mod replay;
pub mod repo_name;
pub mod request;
pub mod routes;
pub mod rows;
pub mod sets;
pub mod split;
pub mod stamp;
pub mod statements;
mod statistics;
pub mod stored;
pub mod tombstone;
pub mod tx;
pub mod upsert;
pub mod value;
pub mod verdicts;
pub mod watermarks;
pub mod worker;
