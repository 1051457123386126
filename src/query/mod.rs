//! Reading: one grammar for every table, driven by each resource's column list.
//!
//! A request passes through these in order: [`grammar`] makes a [`plan`] of its parameters,
//! `select` makes SQL of the plan, [`list`] runs it, `render` writes the rows as JSON, `cursor`
//! says where the next page begins. [`answer`] holds it together, [`routes`] is its door, and
//! [`docs`] the sign beside it.

pub mod answer;
pub mod column;
mod cursor;
pub mod docs;
pub mod grammar;
pub mod keyset;
pub mod list;
pub mod operator;
pub mod plan;
mod render;
pub mod resource;
pub mod routes;
mod select;
mod shapes;
pub mod value;
pub mod view;
