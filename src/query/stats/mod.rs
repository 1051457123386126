//! Statistics of any resource: `GET {path}/stats`, rows for charts.
//!
//! The way of a list, with fewer stations: [`grammar`] makes a [`plan`] of the parameters (filters
//! and window by the grammar of lists), `select` one statement of the plan, `answer` its rows.

mod answer;
mod docs;
pub mod grammar;
pub mod plan;
mod select;

pub use answer::routes;
