//! A domain: its tag in OpenAPI, the tables it serves, the payload kinds it takes.

use utoipa_axum::router::OpenApiRouter;

use crate::{
    app::App,
    changes,
    ingest::{provenance, read::AnyKind},
    query::{
        self,
        resource::{Resource, Served},
    },
};

/// A domain's table of contents.
#[derive(Debug)]
pub struct Domain {
    /// The first path segment, the OpenAPI tag and the `ingest:{domain}` scope.
    pub name: &'static str,
    /// One sentence.
    pub doc: &'static str,
    /// The tables it serves.
    pub resources: Vec<Resource>,
    /// The payload kinds it takes.
    pub kinds: Vec<&'static dyn AnyKind>,
    /// Its routes that no mechanism provides.
    pub routes: Option<fn() -> OpenApiRouter<App>>,
}

impl Domain {
    /// A domain without contents.
    pub fn new(name: &'static str, doc: &'static str) -> Self {
        Self { name, doc, resources: Vec::new(), kinds: Vec::new(), routes: None }
    }

    /// Adds a table.
    #[must_use]
    pub fn resource<R: Served>(mut self) -> Self {
        self.resources.push(R::resource());
        self
    }

    /// Adds a table of which one row is read by a route of the domain's own.
    #[must_use]
    pub fn resource_with_own_row<R: Served>(mut self) -> Self {
        self.resources.push(Resource { own_row: true, ..R::resource() });
        self
    }

    /// Adds payload kinds.
    #[must_use]
    pub fn kinds(mut self, kinds: Vec<&'static dyn AnyKind>) -> Self {
        self.kinds.extend(kinds);
        self
    }

    /// Adds routes of its own.
    #[must_use]
    pub fn routes(self, routes: fn() -> OpenApiRouter<App>) -> Self {
        Self { routes: Some(routes), ..self }
    }

    /// Every route of the domain.
    pub fn router(&self) -> OpenApiRouter<App> {
        let own = self.routes.map_or_else(OpenApiRouter::new, |routes| routes());
        self.resources.iter().fold(own, |router, resource| {
            router
                .merge(query::routes::routes(resource))
                .merge(query::stats::routes(resource))
                .merge(provenance::routes(resource))
                .merge(changes::routes::of(resource))
        })
    }
}
