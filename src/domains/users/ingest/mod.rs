//! What every kind that names people shares: e-mail addresses.

pub mod email;
