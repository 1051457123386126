//! What tests stand on: a real database each, and the real router on top of it.
//!
//! Asynchronous tests are `#[tokio::test(flavor = "multi_thread")]`.

mod app;
mod database;
pub(crate) mod dump;
pub(crate) mod process;
mod server;
pub(crate) mod slow;

pub(crate) use app::{Answer, TestApp, request};
pub(crate) use database::TestDb;
