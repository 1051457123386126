//! Ingest, through the real router: payloads in, rows and receipts out.

mod again;
mod corpus;
mod orders;
mod overlap;
mod people;
mod refusals;
mod repositories;
mod requests;
mod rows;
mod samples;
mod sender;
