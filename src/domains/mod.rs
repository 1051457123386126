//! What this server is about: thirteen domains and the dashboard over them, one folder each.

pub mod boost;
pub mod clang;
pub mod dashboard;
pub mod discord;
pub mod docs;
pub mod domain;
pub mod github;
pub mod mailing_list;
pub mod pinecone;
pub mod slack;
pub mod usage;
pub mod users;
pub mod website;
pub mod wg21;
pub mod youtube;

use domain::Domain;

/// Every domain. A new one is a folder and a line here.
pub fn all() -> Vec<Domain> {
    vec![
        users::domain(),
        github::domain(),
        clang::domain(),
        boost::domain(),
        usage::domain(),
        mailing_list::domain(),
        slack::domain(),
        wg21::domain(),
        website::domain(),
        pinecone::domain(),
        docs::domain(),
        youtube::domain(),
        discord::domain(),
        dashboard::domain(),
    ]
}
