//! Ingest, through the real router: payloads in, rows and receipts out.

mod again;
mod boost;
mod commits;
mod corpus;
mod golden;
mod hooks;
mod orders;
mod overlap;
mod people;
mod pulls;
mod refusals;
mod repositories;
mod requests;
mod rows;
mod rules;
mod samples;
mod sender;
mod slack;
mod threads;
mod versions;
