//! One binary for all integration tests.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod access;
mod archive;
mod changes;
mod check;
mod dashboard;
mod demo;
mod documents;
mod domain_reads;
mod embedded;
mod ingest;
mod openapi;
mod people;
mod pool;
mod process;
mod queue;
mod reads;
mod replay;
mod schema;
mod serve;
mod service;
mod support;
mod watermarks;
mod world;
