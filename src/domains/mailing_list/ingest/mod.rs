//! Payloads of mailing lists: how a mail is read, and how a batch of mails is stored.

pub mod kinds;
pub mod list;
pub mod mail;
pub mod rekey;
pub mod sender;
pub mod store;

/// The longest text that is part of a natural key, or of a plain index, in bytes.
const KEY_LENGTH: usize = 2_000;
