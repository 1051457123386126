//! The website's numbers by day.

pub mod day;
pub mod kinds;
pub mod store;
