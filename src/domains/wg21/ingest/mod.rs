//! Payloads about WG21: mailings, papers, and the collector's table of papers.
//!
//! A paper's rows are derived from all that was ever said about its number, because what a payload
//! without a year means depends on the years that others name ([`fold`]).

pub mod author;
pub mod fold;
pub mod kinds;
pub mod mailing;
pub mod paper;
pub mod rows;
pub mod store;

/// The archive folder of the collector.
const TRACKER: &str = "wg21_paper_tracker";

/// The longest text that is part of a natural key, or of a plain index, in bytes.
const KEY_LENGTH: usize = 2_000;
