//! Messages on the mailing lists.

pub mod ingest;
pub mod message;
pub mod thread;

use super::domain::Domain;

/// The domain's table of contents.
pub fn domain() -> Domain {
    Domain::new("mailing-list", "Messages on the mailing lists.")
        .resource::<message::MailingListMessage>()
        .kinds(ingest::kinds::kinds())
        .routes(thread::routes)
}
