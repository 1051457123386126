//! Who depends on a library: `/boost/libraries/{id}/dependents`.

use std::collections::{HashMap, HashSet, VecDeque};

use axum::{
    extract::{OriginalUri, State},
    response::Response,
};
use diesel::{
    QueryResult, QueryableByName,
    sql_types::{BigInt, Text},
};
use diesel_async::RunQueryDsl;
use serde::Serialize;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::release::{Releases, library_exists};
use crate::{
    app::App,
    db::{
        Connection,
        sql::{SqlType, Statement, Value},
    },
    http::{
        access::{Allowed, Reads},
        extract::{Path, Query},
        problem::Result,
    },
    paged,
    query::keyset::{Key, Order, Rows},
};

/// A library that depends on another.
#[derive(Debug, Serialize, QueryableByName, utoipa::ToSchema)]
struct Dependent {
    /// The library, `boost_library.id`.
    #[diesel(sql_type = BigInt)]
    library_id: i64,
    /// Its name.
    #[diesel(sql_type = Text)]
    name: String,
    /// The fewest steps from it to the library: 1 if it depends on it directly.
    #[diesel(sql_type = BigInt)]
    depth: i64,
    /// The release, `boost_version.id`.
    #[diesel(sql_type = BigInt)]
    version_id: i64,
    /// Its version, `boost-X.Y.Z`.
    #[diesel(sql_type = Text)]
    version: String,
}

const ORDER: Order = Order::ascending(&[
    Key("listed.depth", SqlType::BigInt),
    Key("listed.name collate \"C\"", SqlType::Text),
    Key("listed.library_id", SqlType::BigInt),
]);

/// The routes.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list))
}

paged! {
    /// Which dependents.
    struct Asked {
        /// The release, in any spelling; if none is given, the latest whose dependencies are known.
        #[param(example = "1.84.0")]
        version: Option<String>,
        /// `true`: those that depend on it through others, too.
        #[param(default = false, example = true)]
        transitive: Option<bool>,
    }
}

/// List the dependents of a library
///
/// The libraries that depend on it in a release, the nearest first, then by name. The library itself
/// is never among them.
#[utoipa::path(
    get,
    path = "/boost/libraries/{id}/dependents",
    operation_id = "list_boost_library_dependents",
    tag = "boost",
    params(("id" = i64, Path, description = "The library, `boost_library.id`.", example = 1), Asked),
    responses((
        status = 200,
        description = "A page of libraries.",
        body = Rows<Dependent>,
        headers(("Link" = String, description = "The next page, `<…>; rel=\"next\"`.")),
        example = json!({"data": [{
            "library_id": 1, "name": "JSON", "depth": 1, "version_id": 1, "version": "boost-1.84.0"
        }], "page": {"next_cursor": null, "limit": 50}, "meta": {"as_of": "2024-05-01T12:00:00Z"}})
    )),
    extensions(("x-scope" = json!("read")))
)]
async fn list(
    State(app): State<App>,
    _: Allowed<Reads>,
    Path(id): Path<i64>,
    Query(asked): Query<Asked>,
    OriginalUri(uri): OriginalUri,
) -> Result<Response> {
    let paging = asked.paging(&uri, ORDER)?;
    let mut connection = app.reader().await?;
    library_exists(id, &mut connection).await?;
    let version = match &asked.version {
        None => None,
        Some(text) => Some(Releases::load(&mut connection).await?.named("version", text)?.id),
    };
    let edges = edges(version, &mut connection).await?;
    drop(connection);
    let furthest = if asked.transitive == Some(true) { i64::MAX } else { 1 };
    let depths = depths(id, &edges, furthest);
    let version = edges.iter().map(|edge| edge.version_id).max().unwrap_or_default();
    let mut rows = Statement::new(
        "select library.id as library_id, library.name, known.depth, version.id as version_id, \
         version.version from unnest(",
    );
    rows.bind_all(SqlType::BigInt, depths.iter().map(|(id, _)| Value::BigInt(*id)))
        .push(", ")
        .bind_all(SqlType::BigInt, depths.iter().map(|(_, depth)| Value::BigInt(*depth)))
        .push(
            ") known (id, depth) join boost_library library on library.id = known.id \
             join boost_version version on version.id = ",
        )
        .bind(SqlType::BigInt, Value::BigInt(version));
    paging.answer::<Dependent>(&app, rows).await
}

/// One library depends on another in a release.
#[derive(Debug, QueryableByName)]
struct Edge {
    #[diesel(sql_type = BigInt)]
    client_library_id: i64,
    #[diesel(sql_type = BigInt)]
    dep_library_id: i64,
    #[diesel(sql_type = BigInt)]
    version_id: i64,
}

/// All dependencies of a release; if none is named, of the latest that has any.
async fn edges(version: Option<i64>, connection: &mut Connection) -> QueryResult<Vec<Edge>> {
    let mut sql = Statement::new(
        "select client_library_id, dep_library_id, version_id from boost_dependency \
         where version_id = ",
    );
    match version {
        Some(id) => sql.bind(SqlType::BigInt, Value::BigInt(id)),
        None => sql.push(
            "(select version.id from boost_version version where exists \
             (select from boost_dependency known where known.version_id = version.id) \
             order by version.version_key desc limit 1)",
        ),
    };
    sql.load(connection).await
}

/// The libraries that depend on `library`, each with the fewest steps, up to `furthest`.
fn depths(library: i64, edges: &[Edge], furthest: i64) -> Vec<(i64, i64)> {
    let mut clients: HashMap<i64, Vec<i64>> = HashMap::new();
    for edge in edges {
        clients.entry(edge.dep_library_id).or_default().push(edge.client_library_id);
    }
    let mut seen = HashSet::from([library]);
    let mut found = Vec::new();
    let mut waiting = VecDeque::from([(library, 0)]);
    while let Some((next, depth)) = waiting.pop_front() {
        if depth == furthest {
            break;
        }
        for client in clients.get(&next).into_iter().flatten() {
            if seen.insert(*client) {
                found.push((*client, depth + 1));
                waiting.push_back((*client, depth + 1));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The dependents of library 1, of edges given as `(client, dep)`.
    fn of(edges: &[(i64, i64)], furthest: i64) -> Vec<(i64, i64)> {
        let edge = |(client, dep): &(i64, i64)| Edge {
            client_library_id: *client,
            dep_library_id: *dep,
            version_id: 1,
        };
        let mut found = depths(1, &edges.iter().map(edge).collect::<Vec<_>>(), furthest);
        found.sort_unstable();
        found
    }

    #[test]
    fn the_way_to_a_dependent_is_the_shortest() {
        let edges = [(2, 1), (3, 2), (4, 3), (4, 1), (6, 5)];
        assert_eq!(of(&edges, i64::MAX), [(2, 1), (3, 2), (4, 1)]);
        assert_eq!(of(&edges, 1), [(2, 1), (4, 1)]);
        assert!(of(&[], i64::MAX).is_empty());
    }

    #[test]
    fn a_circle_is_walked_once_and_without_the_library_itself() {
        assert_eq!(of(&[(2, 1), (1, 2), (3, 2), (2, 3), (1, 1)], i64::MAX), [(2, 1), (3, 2)]);
    }
}
