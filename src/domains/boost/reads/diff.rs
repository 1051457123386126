//! What two releases differ in: `/boost/versions/{a}/diff/{b}`.

use axum::extract::State;
use diesel::{
    QueryResult, QueryableByName,
    sql_types::{BigInt, Bool, Text},
};
use diesel_async::RunQueryDsl;
use serde::Serialize;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::release::{Release, Releases};
use crate::{
    app::App,
    db::{
        Connection,
        sql::{SqlType, Statement, Value},
    },
    http::{
        access::{Allowed, Reads},
        extract::{NoParams, Path},
        json::Json,
        problem::Result,
    },
};

/// What release `b` has that `a` has not, and the reverse.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct ReleaseDiff {
    /// The release that is compared with.
    a: Release,
    /// The release that is compared.
    b: Release,
    /// Dependencies.
    dependencies: DependencyDiff,
    /// Libraries.
    libraries: LibraryDiff,
}

/// Dependencies that two releases do not share, by the libraries' names.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct DependencyDiff {
    /// Of `b` only.
    added: Vec<Dependency>,
    /// Of `a` only.
    removed: Vec<Dependency>,
}

/// Libraries that two releases do not share, by name.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct LibraryDiff {
    /// Of `b` only.
    new: Vec<Library>,
    /// Of `a` only.
    gone: Vec<Library>,
}

/// A library that depends on another.
#[derive(Debug, Serialize, QueryableByName, utoipa::ToSchema)]
#[schema(as = DiffDependency)]
struct Dependency {
    /// The library that depends, `boost_library.id`.
    #[diesel(sql_type = BigInt)]
    client_library_id: i64,
    /// Its name.
    #[diesel(sql_type = Text)]
    client: String,
    /// The library depended on, `boost_library.id`.
    #[diesel(sql_type = BigInt)]
    dep_library_id: i64,
    /// Its name.
    #[diesel(sql_type = Text)]
    dep: String,
    #[serde(skip)]
    #[diesel(sql_type = Bool)]
    in_b: bool,
}

/// A library.
#[derive(Debug, Serialize, QueryableByName, utoipa::ToSchema)]
#[schema(as = DiffLibrary)]
struct Library {
    /// The library, `boost_library.id`.
    #[diesel(sql_type = BigInt)]
    id: i64,
    /// Its name.
    #[diesel(sql_type = Text)]
    name: String,
    #[serde(skip)]
    #[diesel(sql_type = Bool)]
    in_b: bool,
}

/// The routes.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(show))
}

/// Compare two releases
///
/// Dependencies added and removed, libraries new and gone, on the way from release `a` to `b`.
#[utoipa::path(
    get,
    path = "/boost/versions/{a}/diff/{b}",
    operation_id = "diff_boost_versions",
    tag = "boost",
    params(
        ("a" = String, Path, description = "The release that is compared with, in any spelling: `1.84`, `boost-1.84.0`, `108400`.", example = "1.73.0"),
        ("b" = String, Path, description = "The release that is compared, in any spelling.", example = "boost-1.79.0")
    ),
    responses((
        status = 200,
        description = "The differences; empty lists if there are none.",
        body = ReleaseDiff,
        example = json!({
            "a": {"id": 1, "version": "boost-1.83.0"}, "b": {"id": 2, "version": "boost-1.84.0"},
            "dependencies": {"added": [{"client_library_id": 1, "client": "Cobalt", "dep_library_id": 2, "dep": "Asio"}], "removed": []},
            "libraries": {"new": [{"id": 1, "name": "Cobalt"}], "gone": []}
        })
    )),
    extensions(("x-scope" = json!("read")))
)]
async fn show(
    State(app): State<App>,
    _: Allowed<Reads>,
    _: NoParams,
    Path((a, b)): Path<(String, String)>,
) -> Result<Json<ReleaseDiff>> {
    let mut connection = app.reader().await?;
    let releases = Releases::load(&mut connection).await?;
    let a = releases.named("a", &a)?.clone();
    let b = releases.named("b", &b)?.clone();
    let dependencies: Vec<Dependency> = differing(&DEPENDENCIES, &a, &b, &mut connection).await?;
    let libraries: Vec<Library> = differing(&LIBRARIES, &a, &b, &mut connection).await?;
    let (added, removed) = dependencies.into_iter().partition(|it| it.in_b);
    let (new, gone) = libraries.into_iter().partition(|it| it.in_b);
    Ok(Json(ReleaseDiff {
        a,
        b,
        dependencies: DependencyDiff { added, removed },
        libraries: LibraryDiff { new, gone },
    }))
}

/// What one of two releases has alone, and whether that is `b`: between the release itself and the
/// other one.
struct Differing {
    before: &'static str,
    between: &'static str,
    after: &'static str,
}

const DEPENDENCIES: Differing = Differing {
    before: "select only_one.*, client.name as client, dep.name as dep from (\
        select client_library_id, dep_library_id, bool_and(version_id = ",
    between: ") as in_b from boost_dependency where version_id in (",
    after: ") group by client_library_id, dep_library_id having count(distinct version_id) = 1) only_one \
        join boost_library client on client.id = only_one.client_library_id \
        join boost_library dep on dep.id = only_one.dep_library_id \
        order by client.name collate \"C\", dep.name collate \"C\", client.id, dep.id",
};

const LIBRARIES: Differing = Differing {
    before: "select library.id, library.name, only_one.in_b from (\
        select library_id, bool_and(version_id = ",
    between: ") as in_b from boost_library_version where version_id in (",
    after: ") group by library_id having count(distinct version_id) = 1) only_one \
        join boost_library library on library.id = only_one.library_id \
        order by library.name collate \"C\", library.id",
};

async fn differing<T>(
    what: &Differing,
    a: &Release,
    b: &Release,
    connection: &mut Connection,
) -> QueryResult<Vec<T>>
where
    T: QueryableByName<diesel::pg::Pg> + Send + 'static,
{
    // A release does not differ from itself, though each row is of one release then.
    if a.id == b.id {
        return Ok(Vec::new());
    }
    let mut sql = Statement::new(what.before);
    sql.bind(SqlType::BigInt, Value::BigInt(b.id)).push(what.between);
    sql.bind(SqlType::BigInt, Value::BigInt(a.id)).push(", ");
    sql.bind(SqlType::BigInt, Value::BigInt(b.id)).push(what.after);
    sql.load(connection).await
}
