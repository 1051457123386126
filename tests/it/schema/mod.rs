//! The schema: that the migrations, the contract, `schema.rs` and what is served say the same.

mod catalog;
mod contract;
mod database;
mod migrations;
mod printed;
mod served;
mod text;
