//! PostgreSQL: statements built at run time, native enums, the pool, migrations, the embedded
//! server.

pub mod embedded;
pub mod migrate;
pub mod pg_enum;
pub mod pool;
pub mod reader;
pub mod sql;
mod tls;

pub use pool::Pool;

/// One connection, as the pool hands it out.
pub type Connection = diesel_async::AsyncPgConnection;
