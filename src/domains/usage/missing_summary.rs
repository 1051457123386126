//! Headers that are included and not known: `/usage/missing-headers/summary`.

use axum::{
    extract::{OriginalUri, State},
    response::Response,
};
use chrono::{DateTime, Utc};
use diesel::{
    QueryableByName,
    sql_types::{BigInt, Nullable, Text, Timestamptz},
};
use serde::Serialize;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    db::sql::{SqlType, Statement},
    http::{
        access::{Allowed, Reads},
        extract::Query,
        problem::Result,
    },
    paged,
    query::keyset::{Key, Order, Rows},
};

/// A header that no known file is.
#[derive(Debug, Serialize, QueryableByName, utoipa::ToSchema)]
struct MissingHeader {
    /// The header as it is included.
    #[diesel(sql_type = Text)]
    header_name: String,
    /// Files that include it.
    #[diesel(sql_type = BigInt)]
    files: i64,
    /// Repositories of these files.
    #[diesel(sql_type = BigInt)]
    repositories: i64,
    /// The newest commit of these files; null while none is known.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    last_commit_date: Option<DateTime<Utc>>,
}

const ORDER: Order = Order::ascending(&[
    Key("-listed.files", SqlType::BigInt),
    Key("listed.header_name collate \"C\"", SqlType::Text),
]);

/// The routes.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list))
}

paged! {
    /// Which headers.
    struct Asked {}
}

/// Summarise missing headers
///
/// Headers that are included now and that no known file is, with the most files first.
#[utoipa::path(
    get,
    path = "/usage/missing-headers/summary",
    operation_id = "summarise_usage_missing_headers",
    tag = "usage",
    params(Asked),
    responses((
        status = 200,
        description = "A page of headers.",
        body = Rows<MissingHeader>,
        headers(("Link" = String, description = "The next page, `<…>; rel=\"next\"`.")),
        example = json!({"data": [{
            "header_name": "boost/new_library.hpp", "files": 12, "repositories": 3,
            "last_commit_date": "2024-05-01T12:00:00Z"
        }], "page": {"next_cursor": null, "limit": 50}, "meta": {"as_of": "2024-05-01T12:00:00Z"}})
    )),
    extensions(("x-scope" = json!("read")))
)]
async fn list(
    State(app): State<App>,
    _: Allowed<Reads>,
    Query(asked): Query<Asked>,
    OriginalUri(uri): OriginalUri,
) -> Result<Response> {
    let headers = Statement::new(
        "select missing.header_name, count(distinct usage.file_path_id) as files, \
         count(distinct usage.repo_id) as repositories, \
         max(usage.last_commit_date) as last_commit_date \
         from boost_missing_header_tmp missing join boost_usage usage on usage.id = missing.usage_id \
         where usage.excepted_at is null and usage.boost_header_id is null \
         group by missing.header_name",
    );
    asked.paging(&uri, ORDER)?.answer::<MissingHeader>(&app, headers).await
}
