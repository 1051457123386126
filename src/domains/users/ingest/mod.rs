//! What every kind that names people shares: names, e-mail addresses.

pub mod address;
pub mod email;
pub mod name;
