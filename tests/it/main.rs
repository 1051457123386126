//! One binary for all integration tests.

mod embedded;
mod pool;
mod schema;
mod support;
