//! What this server is about: thirteen domains, one folder each.

pub mod domain;
pub mod github;

use domain::Domain;

/// Every domain. A new one is a folder and a line here.
pub fn all() -> Vec<Domain> {
    vec![github::domain()]
}
