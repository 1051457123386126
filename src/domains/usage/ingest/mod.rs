//! Usage payloads: scans of repositories, and lists of repositories, files and usages.
//!
//! What is said is kept as includes: a file, the header's text, since when it is no longer there
//! ([`includes`]). What is served is derived of them and of the Boost files that are known
//! ([`derive`], [`resolve`]), so that usages and headers may come in any order. A repository's scans
//! are a fold: each kept with its time and the files it did not read ([`except`]).

pub mod derive;
pub mod except;
pub mod externals;
pub mod headers;
pub mod includes;
pub mod kinds;
pub mod places;
pub mod resolve;
pub mod rows;
pub mod scans;
pub mod store;
pub mod store_scans;

/// The archive folder of the usage collector.
const TRACKER: &str = "boost_usage_tracker";

/// The fold of scans: scope is `github_repository.id`, key the time and the digest.
const SCANS: &str = "usage.scans";

/// Failed scans that no good one followed yet: scope is the folded `owner/name`.
const FAILURES: &str = "usage.failures";
