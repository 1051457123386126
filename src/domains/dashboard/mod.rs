//! What the front end shows: numbers over all domains.

pub mod overview;

use utoipa_axum::router::OpenApiRouter;

use super::domain::Domain;
use crate::app::App;

/// The domain's table of contents.
pub fn domain() -> Domain {
    Domain::new("dashboard", "Numbers over all domains, as the front end shows them.")
        .routes(routes)
}

fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().merge(overview::routes())
}
