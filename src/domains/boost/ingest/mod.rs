//! Boost payloads: releases, libraries, what depends on what, which library owns a file.
//!
//! Most rows here are derived: a function of the statements that are kept and of the catalogue of
//! libraries. Whoever changes the catalogue holds [`lock`], derives the rows again and writes what
//! differs, so it does not matter in which order libraries, dependencies and files come.

pub mod catalogue;
pub mod dependencies;
pub mod derive;
pub mod files;
pub mod graph;
pub mod headers;
pub mod kinds;
pub mod libraries;
pub mod library_rows;
pub mod people;
pub mod reference;
pub mod roles;
pub mod stubs;
pub mod version;
pub mod versions;

use diesel::QueryResult;

use crate::{
    db::sql::{SqlType, Statement, Value},
    ingest::tx::Tx,
};

/// The archive folder of the library collector.
const TRACKER: &str = "boost_library_tracker";

/// The owner whose repositories are Boost's.
pub const OWNER: &str = "boostorg";

/// The advisory lock of whoever changes libraries or makes stubs of them.
const CATALOGUE_LOCK: i64 = 0x626f_6f73_745f_6c69;

/// Holds the catalogue of libraries alone until the transaction ends: what a reference means depends
/// on all of them. Call it first in a transaction, before accounts and rows are locked.
pub async fn lock(tx: &mut Tx<'_>) -> QueryResult<()> {
    let mut statement = Statement::new("select pg_advisory_xact_lock(");
    statement.bind(SqlType::BigInt, Value::BigInt(CATALOGUE_LOCK)).push(")::text");
    tx.query(statement).await?;
    Ok(())
}
