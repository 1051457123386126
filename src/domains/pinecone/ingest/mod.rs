//! What the search index acknowledges: how far it has followed, and what it failed to take.

pub mod kinds;
pub mod lists;
pub mod read;
pub mod store;
