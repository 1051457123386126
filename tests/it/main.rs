//! One binary for all integration tests.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod archive;
mod embedded;
mod pool;
mod reads;
mod schema;
mod support;
