//! People beyond their tables: an identity with its profiles, what the person did, and the profiles
//! that belong to nobody.

mod activity;
mod identity;
mod kinds;
mod timeline;
mod unlinked;

use utoipa_axum::router::OpenApiRouter;

use crate::app::App;

/// The routes.
pub fn routes() -> OpenApiRouter<App> {
    unlinked::routes().merge(identity::routes()).merge(timeline::routes()).merge(activity::routes())
}
