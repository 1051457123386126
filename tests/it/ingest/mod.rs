//! Ingest, through the real router: payloads in, rows and receipts out.

mod corpus;
