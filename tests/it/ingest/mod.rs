//! Ingest, through the real router: payloads in, rows and receipts out.

mod again;
mod clang;
mod commits;
mod corpus;
mod domain;
mod golden;
mod orders;
mod overlap;
mod people;
mod pinecone;
mod pulls;
mod refusals;
mod repositories;
mod requests;
mod rows;
mod rules;
mod samples;
mod sender;
mod threads;
mod versions;
mod website;
mod youtube;
