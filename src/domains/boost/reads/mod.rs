//! Boost beyond its tables: the latest release, what two releases differ in, who depends on a library
//! and who contributed to it.

mod contributors;
mod dependents;
mod diff;
mod latest;
mod release;

use utoipa_axum::router::OpenApiRouter;

use crate::app::App;

/// The routes.
pub fn routes() -> OpenApiRouter<App> {
    latest::routes().merge(diff::routes()).merge(dependents::routes()).merge(contributors::routes())
}
