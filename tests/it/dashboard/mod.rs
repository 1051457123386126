//! The dashboard.

mod overview;
