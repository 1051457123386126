//! Ingest: how payloads become rows. One pipeline for every kind.

pub mod archive;
