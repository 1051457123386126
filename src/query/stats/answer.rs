//! Statistics as they are answered.

use std::sync::Arc;

use axum::{Extension, extract::State, http::StatusCode, response::Response, routing::get};
use chrono::{DateTime, Utc};
use diesel::row::{Field, Row};
use diesel_async::AsyncConnectionCore;
use futures_util::TryStreamExt;
use utoipa_axum::router::OpenApiRouter;

use super::{
    docs, grammar,
    plan::{Function, MAX_ROWS, Stats},
    select::{self, Edges},
};
use crate::{
    app::App,
    db::Connection,
    http::{
        access::{Allowed, ReadsResource},
        extract::Params,
        problem::{Problem, Result},
        scope::Scope,
    },
    query::{
        answer, column::Type, plan::Plan, render, resource::Resource, routes, value, view::View,
    },
};

/// `GET {path}/stats`.
pub fn routes(resource: &Resource) -> OpenApiRouter<App> {
    let (schemas, paths) = docs::stats(resource);
    let router = OpenApiRouter::new().routes((schemas, paths, get(show)));
    routes::serving(resource, router)
}

async fn show(
    State(app): State<App>,
    caller: Allowed<ReadsResource>,
    Extension(view): Extension<Arc<View>>,
    Params(pairs): Params,
) -> Result<Response> {
    let (mut plan, stats) = grammar::stats(&view, &pairs).map_err(Problem::invalid)?;
    plan.private = caller.has(&Scope::ReadPii);
    let mut connection = app.reader().await?;
    let now = app.clock.now();
    let span = answer::place(&mut plan, &view, now, &mut connection).await?;
    // The window is about the main time: of another one it says nothing.
    let main = view.resource().time.and_then(|time| view.index(time));
    let edges = span.filter(|_| main == stats.series.map(|series| series.time)).map(Edges::of);
    let body = body(&view, &plan, &stats, edges.unwrap_or_default(), now, &mut connection).await?;
    connection.rest();
    Ok(answer::json(body))
}

async fn body(
    view: &View,
    plan: &Plan,
    stats: &Stats,
    edges: Edges,
    as_of: DateTime<Utc>,
    connection: &mut Connection,
) -> Result<Vec<u8>> {
    let labels = labels(view, stats);
    let statement = select::statement(view, plan, stats, edges);
    let mut found = AsyncConnectionCore::load(connection, view.ready(statement)).await?;
    let mut body = b"{\"data\":[".to_vec();
    let mut rows = 0;
    while let Some(row) = found.try_next().await? {
        if rows == MAX_ROWS {
            let detail = format!(
                "The answer would have more than {MAX_ROWS} rows. Ask for longer buckets, a \
                 narrower window, or the `top` groups."
            );
            return Err(Problem::new(StatusCode::BAD_REQUEST, "too_many_rows", detail));
        }
        if rows > 0 {
            body.push(b',');
        }
        for (position, (label, ty)) in labels.iter().enumerate() {
            body.push(if position == 0 { b'{' } else { b',' });
            body.extend_from_slice(label.as_bytes());
            let field =
                row.get(position).ok_or_else(|| Problem::internal("a column is missing"))?;
            match field.value() {
                Some(raw) => {
                    render::value(*ty, raw.as_bytes(), &mut body).map_err(Problem::internal)?;
                }
                None => body.extend_from_slice(b"null"),
            }
        }
        body.push(b'}');
        rows += 1;
    }
    let as_of = value::rfc3339(as_of);
    body.extend_from_slice(format!("],\"meta\":{{\"as_of\":\"{as_of}\"}}}}").as_bytes());
    Ok(body)
}

/// What stands before each value, and the value's type.
fn labels(view: &View, stats: &Stats) -> Vec<(String, Type)> {
    let bucket = stats.series.map(|_| ("\"bucket\":".to_owned(), Type::Date));
    let groups = stats.groups.iter().map(|index| {
        let column = view.column(*index);
        (format!("\"{}\":", column.name), column.ty)
    });
    let measures = stats.measures.iter().map(|measure| {
        let column = measure.column.map(|index| view.column(index));
        let name = column.map_or_else(String::new, |column| format!("_{}", column.name));
        let ty = match measure.function {
            Function::Count | Function::Distinct => Type::BigInt,
            Function::Sum | Function::Avg => Type::Json,
            Function::Min | Function::Max => column.map_or(Type::Json, |column| column.ty),
        };
        (format!("\"{}{name}\":", measure.function.name()), ty)
    });
    bucket.into_iter().chain(groups).chain(measures).collect()
}
