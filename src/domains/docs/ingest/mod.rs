//! Documentation pages: texts by their content, and the libraries and releases that have them.
//!
//! * `page`: reading. * `store`: rows of contents. * `links`: which library version has which text.
//! * `text`: the files that keep the texts, and how they are read.

pub mod kinds;
pub mod links;
pub mod page;
pub mod store;
pub mod text;
