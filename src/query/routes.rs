//! The routes of any resource: its list and its rows.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{OriginalUri, State},
    response::Response,
    routing::get,
};
use utoipa_axum::router::OpenApiRouter;

use super::{
    answer,
    docs::{self, Read},
    plan::Filter,
    resource::Resource,
    value,
    view::View,
};
use crate::{
    app::App,
    http::{
        access::{Allowed, ReadsResource},
        extract::{Params, Path},
        problem::{Problem, Result},
    },
};

/// `GET {path}`, and unless the domain has its own, `GET {path}/{id}`.
pub fn routes(resource: &Resource) -> OpenApiRouter<App> {
    let (schemas, paths) = Read::of(resource, resource.path).list();
    let mut router = OpenApiRouter::new().routes((schemas, paths, get(list_rows)));
    if !resource.own_row {
        let (schemas, paths) = docs::one(resource);
        router = router.routes((schemas, paths, get(show_row)));
    }
    serving(resource, router)
}

/// Tells the handlers of `router` which resource they read.
pub fn serving(resource: &Resource, router: OpenApiRouter<App>) -> OpenApiRouter<App> {
    let resource = Arc::new(resource.clone());
    let view = Arc::new(View::new(Arc::clone(&resource)));
    router.layer(Extension(view)).layer(Extension(resource))
}

async fn list_rows(
    State(app): State<App>,
    caller: Allowed<ReadsResource>,
    Extension(view): Extension<Arc<View>>,
    params: Params,
    OriginalUri(uri): OriginalUri,
) -> Result<Response> {
    answer::list(&app, &caller, &view, &[], &params, &uri).await
}

async fn show_row(
    State(app): State<App>,
    caller: Allowed<ReadsResource>,
    Extension(view): Extension<Arc<View>>,
    Path(id): Path<String>,
    params: Params,
) -> Result<Response> {
    let id =
        value::parse("id", view.column(0), &id).map_err(|fault| Problem::invalid(vec![fault]))?;
    answer::one(&app, &caller, &view, &[Filter::equals(0, id)], &params).await
}
