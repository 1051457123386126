//! The reads: an identity with its profiles, the journal, suggestions.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{OriginalUri, State},
    http::{StatusCode, header},
    response::Response,
    routing::get,
};
use diesel_async::RunQueryDsl;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use utoipa::{
    ToSchema,
    openapi::{HeaderBuilder, RefOr, ResponseBuilder, path::Paths},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    answer::{add_profiles, identity_schema},
    redirect::{moved, survivor},
};
use crate::{
    app::App,
    db::sql::{Json as Jsonb, Row, SqlType, Statement, Value},
    domains::users::{
        identity::Identity, identity_operation::IdentityOperation,
        identity_suggestion::IdentitySuggestion,
    },
    http::{
        access::{Allowed, ReadsPii, ReadsResource},
        extract::{Params, Path, Query},
        json::Json as JsonAnswer,
        problem::{Fault, Problem, Result},
        scope::Scope,
    },
    query::{
        answer, docs,
        plan::Filter,
        resource::Served,
        routes::{self, serving},
        view::View,
    },
};

/// The routes.
pub fn routes() -> OpenApiRouter<App> {
    let identity = Identity::resource();
    let (schemas, mut paths) = docs::one(&identity);
    describe(&mut paths);
    let one = OpenApiRouter::new().routes((schemas, paths, get(show)));
    serving(&identity, one)
        .merge(routes::routes(&IdentityOperation::resource()))
        .merge(routes::routes(&IdentitySuggestion::resource()))
        .routes(routes!(list_rows))
}

/// Says what an identity shows besides its row, and where a merged-away one leads.
fn describe(paths: &mut Paths) {
    let operations = paths.paths.values_mut().filter_map(|item| item.get.as_mut());
    for operation in operations {
        if let Some(RefOr::T(answer)) = operation.responses.responses.get_mut("200") {
            for content in answer.content.values_mut() {
                let RefOr::T(content) = content else { continue };
                content.schema = Some(identity_schema());
                if let Some(example) = &mut content.example {
                    example["profiles"] = json!([]);
                }
            }
        }
        let location = HeaderBuilder::new().description(Some("The survivor's address."));
        let moved = ResponseBuilder::new()
            .description("The identity was merged away.")
            .header("Location", location.build());
        operation.responses.responses.insert("301".to_owned(), RefOr::T(moved.build()));
    }
}

async fn show(
    State(app): State<App>,
    caller: Allowed<ReadsResource>,
    Extension(view): Extension<Arc<View>>,
    Path(id): Path<i64>,
    params: Params,
    OriginalUri(uri): OriginalUri,
) -> Result<Response> {
    let filters = [Filter::equals(0, Value::BigInt(id))];
    let found = answer::one(&app, &caller, &view, &filters, &params).await;
    match found {
        Err(problem) if problem.status == StatusCode::NOT_FOUND => {
            let survivor = survivor(&mut *app.reader().await?, id).await?;
            survivor.map(|survivor| moved(&uri, id, survivor)).ok_or(problem)
        }
        Err(problem) => Err(problem),
        // Who names what is shown wants nothing else.
        Ok(response) if params.0.iter().any(|(name, _)| is_choice(name)) => Ok(response),
        Ok(response) => {
            let (mut parts, body) = response.into_parts();
            let body = axum::body::to_bytes(body, usize::MAX).await.map_err(Problem::internal)?;
            let mut json = body.to_vec();
            let pii = caller.has(&Scope::ReadPii);
            add_profiles(&mut json, id, pii, &mut *app.reader().await?).await?;
            parts.headers.remove(header::CONTENT_LENGTH);
            Ok(Response::from_parts(parts, json.into()))
        }
    }
}

/// Whether a parameter says what is shown.
fn is_choice(name: &str) -> bool {
    matches!(name, "fields" | "include")
}

/// A page of an operation's rows.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct RowsPage {
    /// How many rows of the page before this one are left out: its `next`.
    #[param(example = 0, minimum = 0)]
    after: Option<i64>,
    /// How many rows, 1 to 500.
    #[param(example = 50, minimum = 1, maximum = 500)]
    limit: Option<i64>,
}

/// What an operation did to one row.
#[derive(Debug, Serialize, ToSchema)]
struct OperationRow {
    /// The table.
    table: String,
    /// The row.
    row_id: i64,
    /// `made`, `changed`, `ended`, or `used`: only relied on.
    role: String,
    /// The row before; of a changed row the columns that differ. Null if there was none.
    #[schema(value_type = Option<Object>)]
    before: Json,
    /// The row after; of a changed row the columns that differ. Null if there is none.
    #[schema(value_type = Option<Object>)]
    after: Json,
}

/// The rows of an operation.
#[derive(Debug, Serialize, ToSchema)]
struct OperationRows {
    /// The rows.
    data: Vec<OperationRow>,
    /// The `after` of the next page; null with the last.
    next: Option<i64>,
}

/// List what an operation did
///
/// Every row that it wrote, before and after: undo writes them back. The images hold names and
/// addresses.
#[utoipa::path(
    get,
    path = "/users/identity-operations/{id}/rows",
    operation_id = "list_users_identity_operation_rows",
    tag = "users",
    params(("id" = i64, Path, description = "The operation's id.", example = 1), RowsPage),
    responses((status = 200, description = "A page of rows.", body = OperationRows, example = json!({"data": [{"table": "base_profile", "row_id": 5, "role": "changed", "before": {"identity_id": 2}, "after": {"identity_id": 1}}], "next": null}))),
    extensions(("x-scope" = json!("read:pii")))
)]
async fn list_rows(
    State(app): State<App>,
    _: Allowed<ReadsPii>,
    Path(id): Path<i64>,
    Query(page): Query<RowsPage>,
) -> Result<JsonAnswer<OperationRows>> {
    let (after, limit) = (page.after.unwrap_or(0), page.limit.unwrap_or(50));
    for (name, good) in [("after", after >= 0), ("limit", (1..=500).contains(&limit))] {
        if !good {
            let detail = format!("`{name}` is out of range.");
            return Err(Problem::invalid(vec![Fault::parameter(name, "out_of_range", detail)]));
        }
    }
    let mut statement = Statement::new(
        "select table_name, row_id, role, before, after from identity_operation_row \
         where operation_id = ",
    );
    statement.bind(SqlType::BigInt, Value::BigInt(id));
    statement.push(" order by table_name, row_id offset ");
    statement.bind(SqlType::BigInt, Value::BigInt(after)).push(" limit ");
    statement.bind(SqlType::BigInt, Value::BigInt(limit + 1));
    let rows: Vec<Row> = statement.load(&mut *app.reader().await?).await?;
    if rows.is_empty() && after == 0 {
        return Err(Problem::not_found(format!("There is no operation {id}.")));
    }
    let next = i64::try_from(rows.len()).is_ok_and(|found| found > limit).then_some(after + limit);
    let shown = usize::try_from(limit).unwrap_or_default();
    let data = rows.into_iter().take(shown).filter_map(operation_row).collect();
    Ok(JsonAnswer(OperationRows { data, next }))
}

fn operation_row(Row(values): Row) -> Option<OperationRow> {
    let [Value::Text(table), Value::BigInt(row_id), Value::Text(role), before, after] =
        <[Value; 5]>::try_from(values).ok()?
    else {
        return None;
    };
    let image = |value| match value {
        Value::Jsonb(Jsonb(image)) => image,
        _ => Json::Null,
    };
    Some(OperationRow { table, row_id, role, before: image(before), after: image(after) })
}
