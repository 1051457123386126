//! The overview: eight sections, in one answer and each alone.
//!
//! [`period`] says which time is meant, [`source`] where things that happen are stored and when
//! they count; every section has a file that makes its numbers of the two.

mod accounts;
mod answer;
mod commits;
mod issues_and_pulls;
mod mailing_list;
mod people;
mod period;
mod routes;
mod section;
mod slack;
mod source;
mod totals;
mod website;
mod wg21;

pub use routes::routes;
