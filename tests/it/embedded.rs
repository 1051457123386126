//! The server's own PostgreSQL.
