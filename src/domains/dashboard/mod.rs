//! What the front end shows: figures over the tables of every domain.

pub mod boost_usage;
pub mod fresh;

use super::domain::Domain;

/// The domain's table of contents.
pub fn domain() -> Domain {
    Domain::new("dashboard", "Figures over the tables of every domain.").routes(boost_usage::routes)
}
