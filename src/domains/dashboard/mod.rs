//! What the front end shows: figures over the tables of every domain.

pub mod boost_usage;
pub mod memory;
pub mod overview;

use utoipa_axum::router::OpenApiRouter;

use self::boost_usage::BoostUsage;
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

/// Has worked out in the background what the first visitor after the start would wait for.
pub fn prepare(app: &App) {
    let app = app.clone();
    tokio::spawn(async move {
        if let Err(problem) = BoostUsage::prepare(&app).await {
            tracing::warn!(?problem, "the dashboard is not worked out before it is asked for");
        }
    });
}
