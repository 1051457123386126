//! What the front end shows: figures over the tables of every domain.

pub mod boost_usage;
pub mod memory;
pub mod overview;

use utoipa_axum::router::OpenApiRouter;

use super::domain::Domain;
use crate::app::App;

/// The domain's table of contents.
pub fn domain() -> Domain {
    Domain::new(
        "dashboard",
        "Figures over the tables of every domain, as the front end shows them.",
    )
    .routes(routes)
}

fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().merge(overview::routes()).merge(boost_usage::routes())
}
