//! The dashboard.

mod boost_usage;
mod overview;
