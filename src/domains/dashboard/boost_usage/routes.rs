//! `GET /dashboard/boost-usage` and its parts.

use axum::{
    extract::State,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Answer, BoostUsage,
    base::instant,
    document::{Document, Field},
    parts::{AsOf, Languages, Libraries, Library, Summary, Top, Versions},
};
use crate::{
    app::App,
    http::{
        access::{Allowed, Reads},
        extract::{Path, Query},
        json::Json,
        problem::{Fault, Problem, Result},
    },
    query::window,
};

/// The figures change slowly, so that clients may keep them for five minutes.
const CACHING: (header::HeaderName, HeaderValue) =
    (header::CACHE_CONTROL, HeaderValue::from_static("max-age=300"));

/// The routes.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(show_document))
        .routes(routes!(show_summary))
        .routes(routes!(show_versions))
        .routes(routes!(show_languages))
        .routes(routes!(show_libraries))
        .routes(routes!(show_library))
        .routes(routes!(show_top_repositories))
}

/// Reads `as_of` as the overview does.
fn as_of<'de, D: Deserializer<'de>>(
    from: D,
) -> std::result::Result<Option<DateTime<Utc>>, D::Error> {
    let text = Option::<String>::deserialize(from)?;
    text.map(|text| window::as_of(&text))
        .transpose()
        .map_err(|fault| D::Error::custom(fault.detail))
}

/// What a part is asked for.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct Asked {
    /// The instant whose year is the running one, which is not counted beside earlier ones. It
    /// filters no rows. A time or a date. Not given: now.
    #[serde(default, deserialize_with = "as_of")]
    #[param(value_type = Option<String>, example = "2026-01-01T00:00:00Z")]
    as_of: Option<DateTime<Utc>>,
}

/// What the document is asked for.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct AskedDocument {
    /// The instant whose year is the running one, which is not counted beside earlier ones. It
    /// filters no rows. A time or a date. Not given: now.
    #[serde(default, deserialize_with = "as_of")]
    #[param(value_type = Option<String>, example = "2026-01-01T00:00:00Z")]
    as_of: Option<DateTime<Utc>>,
    /// Only these fields, separated by commas. Not given: all.
    #[param(inline, style = Form, explode = false, min_items = 1)]
    fields: Option<Vec<Field>>,
}

impl AskedDocument {
    /// The fields that are asked for; each must be named once.
    fn picked(&self) -> Result<&[Field]> {
        let Some(fields) = &self.fields else { return Ok(&Field::ALL) };
        let fault = |code, detail: String| {
            Err(Problem::invalid(vec![Fault::parameter("fields", code, detail)]))
        };
        if fields.is_empty() {
            return fault("invalid_parameter", "`fields` names no field.".to_owned());
        }
        for (index, field) in fields.iter().enumerate() {
            if fields[..index].contains(field) {
                return fault("duplicate_field", format!("`{}` is named twice.", field.name()));
            }
        }
        Ok(fields)
    }
}

/// An answer of one part.
fn part<T: Serialize>(answer: &Answer, part: T) -> Response {
    let as_of = instant(Some(answer.as_of));
    ([CACHING], answer.kept_at, Json(AsOf { as_of, part })).into_response()
}

/// Show how Boost is used
///
/// Which repositories use Boost, which versions and which libraries of it, who depends on each
/// library and who changes it. Only repositories with more than ten stars count. Versions are written
/// `1.84.0`; years are those of UTC. The answer is at most thirty seconds old; with the same `as_of`
/// it is the same until the tables change. With `fields` only those fields are there.
#[utoipa::path(
    get,
    path = "/dashboard/boost-usage",
    operation_id = "show_boost_usage",
    tag = "dashboard",
    params(AskedDocument),
    responses((
        status = 200,
        description = "The document.",
        body = AsOf<Document>,
        headers(("Cache-Control" = String, description = "`max-age=300`")),
        example = json!({
            "as_of": "2026-01-01T00:00:00Z",
            "repos_by_year": {"2024": 907},
            "all_versions_for_chart": ["1.84.0", "1.85.0"]
        })
    )),
    extensions(("x-scope" = json!("read")))
)]
async fn show_document(
    State(app): State<App>,
    _: Allowed<Reads>,
    Query(asked): Query<AskedDocument>,
) -> Result<Response> {
    let picked = asked.picked()?;
    let answer = BoostUsage::answer(&app, asked.as_of).await?;
    let json = (header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let document = answer.written.pick(answer.as_of, picked);
    Ok(([CACHING, json], answer.kept_at, document).into_response())
}

/// Show totals of the use of Boost
///
/// The fields `repos_by_year` and `statistics` of `/dashboard/boost-usage`.
#[utoipa::path(
    get,
    path = "/dashboard/boost-usage/summary",
    operation_id = "show_boost_usage_summary",
    tag = "dashboard",
    params(Asked),
    responses((
        status = 200,
        description = "The totals.",
        body = AsOf<Summary>,
        headers(("Cache-Control" = String, description = "`max-age=300`")),
        example = json!({
            "as_of": "2026-01-01T00:00:00Z",
            "repos_by_year": {"2024": 907},
            "statistics": {
                "total_repositories": 100,
                "affected_repositories": 100,
                "total_usage_records": 5000,
                "total_libraries": 171,
                "top_libraries": [{"name": "asio", "repo_count": 50, "total_usage": 900,
                    "earliest_commit": "2008-07-07T23:21:20Z",
                    "latest_commit": "2025-12-25T10:22:40Z"}],
                "never_used_libraries": [{"name": "example", "created_version": "1.80.0",
                    "last_updated_version": ""}],
                "top_active_libraries": [{"name": "asio", "total_usage": 900, "recent_usage": 600,
                    "past_usage": 300, "activity_score": 0.42}],
                "bottom_active_libraries": [{"name": "bind", "total_usage": 20, "recent_usage": 1,
                    "past_usage": 19, "activity_score": -0.4}]
            }
        })
    )),
    extensions(("x-scope" = json!("read")))
)]
async fn show_summary(
    State(app): State<App>,
    _: Allowed<Reads>,
    Query(asked): Query<Asked>,
) -> Result<Response> {
    let answer = BoostUsage::answer(&app, asked.as_of).await?;
    Ok(part(&answer, answer.written.summary(&answer.kept.world)))
}

/// Show which versions of Boost are used
///
/// The fields `repos_by_version`, `all_versions_for_chart` and `version_related_stats` of
/// `/dashboard/boost-usage`.
#[utoipa::path(
    get,
    path = "/dashboard/boost-usage/versions",
    operation_id = "show_boost_usage_versions",
    tag = "dashboard",
    params(Asked),
    responses((
        status = 200,
        description = "The versions.",
        body = AsOf<Versions>,
        headers(("Cache-Control" = String, description = "`max-age=300`")),
        example = json!({
            "as_of": "2026-01-01T00:00:00Z",
            "repos_by_version": [["1.84.0", 34]],
            "all_versions_for_chart": ["1.84.0"],
            "version_related_stats": {
                "repos_with_version": 10,
                "repos_without_version": 90,
                "version_coverage_percent": 10.0,
                "distribution_by_version": [{"version": "1.84.0", "created_at": "2023-12-13",
                    "confirmed": 4, "guessed": 30}],
                "distribution_by_year_version": {"1.84.0": {"2024": 4}, "": {"2023": 90}}
            }
        })
    )),
    extensions(("x-scope" = json!("read")))
)]
async fn show_versions(
    State(app): State<App>,
    _: Allowed<Reads>,
    Query(asked): Query<Asked>,
) -> Result<Response> {
    let answer = BoostUsage::answer(&app, asked.as_of).await?;
    Ok(part(&answer, answer.kept.world.versions()))
}

/// Show the use of Boost beside languages
///
/// The fields `language_comparison_data` and `repos_by_year_boost_rate` of `/dashboard/boost-usage`.
#[utoipa::path(
    get,
    path = "/dashboard/boost-usage/languages",
    operation_id = "show_boost_usage_languages",
    tag = "dashboard",
    params(Asked),
    responses((
        status = 200,
        description = "The languages.",
        body = AsOf<Languages>,
        headers(("Cache-Control" = String, description = "`max-age=300`")),
        example = json!({
            "as_of": "2026-01-01T00:00:00Z",
            "language_comparison_data": {"C++": {"2024": {"all": 101_486, "stars_10_plus": 7954}}},
            "repos_by_year_boost_rate": [{"year": "2024", "cpp_repo_count": 101_486,
                "over_10": 7954, "boost_over_10": 907, "boost_over_10_percentage": "11.40%"}]
        })
    )),
    extensions(("x-scope" = json!("read")))
)]
async fn show_languages(
    State(app): State<App>,
    _: Allowed<Reads>,
    Query(asked): Query<Asked>,
) -> Result<Response> {
    let answer = BoostUsage::answer(&app, asked.as_of).await?;
    Ok(part(&answer, answer.kept.world.languages()))
}

/// Show how each library of Boost is used
///
/// The field `metrics_by_library` of `/dashboard/boost-usage`: the libraries of the latest release.
#[utoipa::path(
    get,
    path = "/dashboard/boost-usage/libraries",
    operation_id = "show_boost_usage_libraries",
    tag = "dashboard",
    params(Asked),
    responses((
        status = 200,
        description = "The libraries.",
        body = AsOf<Libraries>,
        headers(("Cache-Control" = String, description = "`max-age=300`")),
        example = json!({
            "as_of": "2026-01-01T00:00:00Z",
            "metrics_by_library": [{"name": "asio", "library_id": 1, "created_version": "1.35.0",
                "removed_version": "", "total_usage": 900, "recent_usage": 600, "past_usage": 300,
                "activity_score": 0.42, "repo_count": 50,
                "earliest_commit": "2008-07-07T23:21:20Z",
                "latest_commit": "2025-12-25T10:22:40Z", "average_stars": 758}]
        })
    )),
    extensions(("x-scope" = json!("read")))
)]
async fn show_libraries(
    State(app): State<App>,
    _: Allowed<Reads>,
    Query(asked): Query<Asked>,
) -> Result<Response> {
    let answer = BoostUsage::answer(&app, asked.as_of).await?;
    Ok(part(&answer, answer.written.libraries()))
}

/// Show how one library of Boost is used
///
/// Its entry of `libraries_page_data` of `/dashboard/boost-usage`: the library in figures, who
/// depends on it, which repositories use it, and who changed it. 404 unless the latest release has
/// it.
#[utoipa::path(
    get,
    path = "/dashboard/boost-usage/libraries/{id}",
    operation_id = "show_boost_usage_library",
    tag = "dashboard",
    params(("id" = i64, Path, description = "`boost_library.id`.", example = 1), Asked),
    responses((
        status = 200,
        description = "The library.",
        body = AsOf<Library>,
        headers(("Cache-Control" = String, description = "`max-age=300`")),
        example = json!({
            "as_of": "2026-01-01T00:00:00Z",
            "library_id": 1,
            "name": "asio",
            "over_view": {"created_version": "1.35.0", "last_updated_version": "1.90.0",
                "last_contributors": 2, "overall_contributors": 40, "internal_consumers": 1,
                "used_repo_count": 50, "average_used_repo_count": 12, "active_score": 0.42,
                "average_star": 758, "description": "Portable networking.",
                "most_used_year": {"year": "2016", "count": 296},
                "last_year_used_repo_count": {"year": 2025, "count": 180},
                "used_headers": {"include/boost/asio.hpp": 10_917}},
            "internal_dependents_data": {
                "table_data": [{"name": "beast", "depth": 1, "last_version": "1.90.0",
                    "library_id": 2}],
                "chart_data": {"1.90.0": {"first_level": 1, "all_deeper": 1}}},
            "external_consumers": {
                "table_data": [{"name": "acme/app", "stars": 15_146, "usage_count": 4,
                    "created_at": "2014-12-24", "updated_at": "2025-12-19"}],
                "chart_data": {"2014": {"by_created": 4, "by_last_commit": 0, "repos": 1}}},
            "contribute_data": {
                "table_data": [{"version": "1.90.0", "person": "Jane Roe", "commit_count": 1,
                    "account_id": 3}],
                "chart_data": {"1.90.0": 1}}
        })
    )),
    extensions(("x-scope" = json!("read")))
)]
async fn show_library(
    State(app): State<App>,
    _: Allowed<Reads>,
    Path(id): Path<i64>,
    Query(asked): Query<Asked>,
) -> Result<Response> {
    let answer = BoostUsage::answer(&app, asked.as_of).await?;
    let library = answer.written.library(&answer.kept.world, id);
    let library = library
        .ok_or_else(|| Problem::not_found(format!("The latest release has no library {id}.")))?;
    Ok(part(&answer, library))
}

/// Show the repositories that lead
///
/// The field `top_repositories` of `/dashboard/boost-usage`: twenty repositories each by stars, by
/// usages and by time of creation.
#[utoipa::path(
    get,
    path = "/dashboard/boost-usage/repositories/top",
    operation_id = "show_boost_usage_top_repositories",
    tag = "dashboard",
    params(Asked),
    responses((
        status = 200,
        description = "The repositories.",
        body = AsOf<Top>,
        headers(("Cache-Control" = String, description = "`max-age=300`")),
        example = json!({
            "as_of": "2026-01-01T00:00:00Z",
            "top_repositories": {
                "top20_by_stars": [{"id": 1, "repo_name": "acme/app", "affect_from_boost": 1,
                    "stars": 87_184, "created_at": "2010-12-19T15:16:43Z",
                    "pushed_at": "2025-12-10T23:28:59Z", "boost_version": "1.84.0",
                    "candidate_version": "", "usage_count": 139}],
                "top20_by_usage": [],
                "top20_by_created": []
            }
        })
    )),
    extensions(("x-scope" = json!("read")))
)]
async fn show_top_repositories(
    State(app): State<App>,
    _: Allowed<Reads>,
    Query(asked): Query<Asked>,
) -> Result<Response> {
    let answer = BoostUsage::answer(&app, asked.as_of).await?;
    Ok(part(&answer, answer.kept.world.top()))
}
