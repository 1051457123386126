//! People beyond their tables: what a person did, and the profiles that belong to nobody.

mod activity;
mod kinds;
mod timeline;
mod unlinked;

use utoipa_axum::router::OpenApiRouter;

use crate::app::App;

/// The routes.
pub fn routes() -> OpenApiRouter<App> {
    unlinked::routes().merge(timeline::routes()).merge(activity::routes())
}
