//! A domain: its tag in OpenAPI, the tables it serves, the payload kinds it takes.

use crate::query::resource::{Resource, Served};

/// A domain's table of contents.
#[derive(Debug)]
pub struct Domain {
    /// The first path segment, the OpenAPI tag and the `ingest:{domain}` scope.
    pub name: &'static str,
    /// One sentence.
    pub doc: &'static str,
    /// The tables it serves.
    pub resources: Vec<Resource>,
}

impl Domain {
    /// A domain without contents.
    pub fn new(name: &'static str, doc: &'static str) -> Self {
        Self { name, doc, resources: Vec::new() }
    }

    /// Adds a table.
    #[must_use]
    pub fn resource<R: Served>(mut self) -> Self {
        self.resources.push(R::resource());
        self
    }
}
