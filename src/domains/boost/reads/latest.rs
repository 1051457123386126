//! The latest release: `/boost/versions/latest`.

use std::sync::Arc;

use axum::{Extension, extract::State, response::Response, routing::get};
use diesel_async::RunQueryDsl;
use serde_json::json;
use utoipa::openapi::{
    Required,
    path::{Parameter, ParameterBuilder, ParameterIn},
    schema::{ObjectBuilder, Type},
};
use utoipa_axum::router::OpenApiRouter;

use crate::{
    app::App,
    db::sql::{Row, SqlType, Statement, Value},
    domains::boost::version::BoostVersion,
    http::{
        access::{Allowed, ReadsResource},
        extract::Params,
        problem::{Fault, Problem, Result},
    },
    query::{answer, docs::Read, plan::Filter, resource::Served, routes::serving, view::View},
};

/// The routes.
pub(super) fn routes() -> OpenApiRouter<App> {
    let resource = BoostVersion::resource();
    let own = [released()];
    let read = Read { own: &own, ..Read::of(&resource, "/boost/versions/latest") };
    let (schemas, paths) = read.detail();
    serving(&resource, OpenApiRouter::new().routes((schemas, paths, get(show))))
}

fn released() -> Parameter {
    ParameterBuilder::new()
        .name("released")
        .parameter_in(ParameterIn::Query)
        .required(Required::False)
        .description(Some("`true`: only releases with a date that is not in the future."))
        .schema(Some(ObjectBuilder::new().schema_type(Type::Boolean).default(Some(json!(false)))))
        .example(Some(json!(true)))
        .build()
}

async fn show(
    State(app): State<App>,
    caller: Allowed<ReadsResource>,
    Extension(view): Extension<Arc<View>>,
    Params(mut pairs): Params,
) -> Result<Response> {
    let released = match pairs.iter().position(|(name, _)| name == "released") {
        None => false,
        Some(at) => boolean(&pairs.remove(at).1)?,
    };
    let mut sql = Statement::new("select id from boost_version");
    if released {
        let now = Value::Timestamptz(app.clock.now());
        sql.push(" where version_created_at <= ").bind(SqlType::Timestamptz, now);
    }
    sql.push(" order by version_key desc limit 1");
    let mut connection = app.reader().await?;
    let found: Vec<Row> = sql.load(&mut connection).await?;
    drop(connection);
    let Some(Row(id)) = found.into_iter().next() else {
        return Err(Problem::not_found("No such release is known."));
    };
    let filters: Vec<_> = id.into_iter().map(|id| Filter::equals(0, id)).collect();
    answer::one(&app, &caller, &view, &filters, &Params(pairs)).await
}

fn boolean(text: &str) -> Result<bool> {
    text.parse().map_err(|_| {
        let detail = format!("`{text}` is neither `true` nor `false`.");
        let fault = Fault::parameter("released", "invalid_type", detail);
        let fault = fault.suggest(&text.to_ascii_lowercase(), ["true", "false"]);
        Problem::invalid(vec![fault])
    })
}
