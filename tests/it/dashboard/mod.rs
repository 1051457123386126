//! The dashboard.

mod boost_usage;
