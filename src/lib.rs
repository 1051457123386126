//! The Boost Dashboard server.
//!
//! * [`domains`]: what this server is about. One folder a domain, one file a table or payload kind.
//! * [`ingest`]: how payloads become rows. One pipeline for every kind.
//! * [`query`]: how rows are read. One grammar for every table.
//! * [`changes`]: what was written, as feeds.
//! * [`http`]: problems, access, layers, the OpenAPI document.
//! * [`webhooks`]: what sources tell by themselves, through the same pipeline.
//! * [`db`]: the pool, migrations, the embedded PostgreSQL.
//!
//! Rule of dependence: `domains → {ingest, query, http} → db → schema`.

pub mod app;
pub mod changes;
pub mod cli;
pub mod config;
pub mod db;
pub mod domains;
pub mod http;
pub mod ingest;
pub mod query;
#[expect(missing_docs, reason = "tables are described where they are served")]
#[allow(
    clippy::wildcard_imports,
    reason = "printed by diesel; only some versions of clippy see it"
)]
pub mod schema;
pub mod telemetry;
pub mod webhooks;

pub use http::router;
