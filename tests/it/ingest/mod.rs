//! Ingest, through the real router: payloads in, rows and receipts out.

mod corpus;
mod orders;
mod rows;
mod sender;
