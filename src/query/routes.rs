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
    export,
    format::Format,
    plan::Filter,
    resource::Resource,
    view::View,
};
use crate::{
    app::App,
    http::{
        access::{Allowed, ReadsResource},
        conditional::ReadAt,
        extract::{Params, Path},
        problem::Result,
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

/// `GET {path}` alone.
pub fn list(resource: &Resource) -> OpenApiRouter<App> {
    let (schemas, paths) = Read::of(resource, resource.path).list();
    serving(resource, OpenApiRouter::new().routes((schemas, paths, get(list_rows))))
}

/// Tells the handlers of `router` which resource they read, as `Extension<Arc<View>>`.
pub fn serving(resource: &Resource, router: OpenApiRouter<App>) -> OpenApiRouter<App> {
    router.layer(Extension(Arc::new(View::new(resource.clone()))))
}

async fn list_rows(
    State(app): State<App>,
    caller: Allowed<ReadsResource>,
    Extension(view): Extension<Arc<View>>,
    params: Params,
    OriginalUri(uri): OriginalUri,
    format: Format,
) -> Result<Response> {
    let read_at = read_at(&app, &view, &params);
    let response = export::list(&app, &caller, &view, &[], &params, &uri, format).await?;
    Ok(marked(response, read_at))
}

async fn show_row(
    State(app): State<App>,
    caller: Allowed<ReadsResource>,
    Extension(view): Extension<Arc<View>>,
    Path(id): Path<String>,
    params: Params,
) -> Result<Response> {
    let id = answer::key(view.resource(), &id)?;
    let read_at = read_at(&app, &view, &params);
    let row = answer::one(&app, &caller, &view, &[Filter::equals(0, id)], &params).await?;
    Ok(marked(row, read_at))
}

/// What the answer depends on, to be asked before it is read. None where it is more than the
/// resource's tables: related rows, the time it is, what the planner thinks.
fn read_at(app: &App, view: &View, Params(pairs): &Params) -> Option<ReadAt> {
    const PLAIN: [&str; 6] = ["sort", "limit", "cursor", "count", "fields", "q"];
    let is_plain = |(name, text): &(String, String)| {
        let column = name.split("__").next().unwrap_or(name);
        let is_estimate = name == "count" && text == "estimated";
        !is_estimate && (PLAIN.contains(&name.as_str()) || view.index(column).is_some())
    };
    pairs.iter().all(is_plain).then(|| ReadAt::now(app, view.resource().table))?
}

fn marked(mut response: Response, read_at: Option<ReadAt>) -> Response {
    if let Some(read_at) = read_at {
        response.extensions_mut().insert(read_at);
    }
    response
}
