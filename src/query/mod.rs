//! Reading: one grammar for every table, driven by each resource's column list.

pub mod column;
pub mod resource;
