//! Reading: one grammar for every table, driven by each resource's column list.
//!
//! A request passes through these in order: [`grammar`] makes a [`plan`] of its parameters,
//! `select` makes SQL of the plan, [`list`] runs it, `render` writes the rows as JSON, [`include`]
//! puts related rows into them ([`relation`] knows which), [`search`] shows what `q` found, `cursor` says where the next page
//! begins. [`answer`] holds it together, [`routes`] is its door, and [`docs`] the sign beside it.

pub mod answer;
pub mod column;
mod csv;
mod cursor;
pub mod docs;
pub mod explain;
pub mod export;
pub mod format;
pub mod grammar;
pub mod hidden;
pub mod include;
pub mod keyset;
pub mod list;
pub mod operator;
pub mod plan;
pub mod relation;
mod render;
pub mod resource;
pub mod routes;
pub mod rows;
pub mod search;
mod select;
mod shapes;
pub mod stats;
pub mod value;
pub mod view;
pub mod window;
