//! Metric I, `internal_dependents_data`: the libraries that depend on a library.

use std::collections::{BTreeMap, HashMap};

use diesel::{QueryResult, QueryableByName, sql_types::BigInt};
use diesel_async::RunQueryDsl;
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    base::{Bare, Releases},
    libraries::Library,
};
use crate::db::{Connection, sql::Statement};

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = BigInt)]
    version_id: i64,
    #[diesel(sql_type = BigInt)]
    dep_library_id: i64,
    #[diesel(sql_type = BigInt)]
    client_library_id: i64,
}

/// Who depends on whom, in each release.
///
/// The shortest way needs a memory of where one has been, which a recursive query has not: in a
/// cycle it would never end. So PostgreSQL gives the edges, and the walk is here.
#[derive(Debug, Default)]
pub(super) struct Graphs {
    /// The id of each library that is in a graph, by its place in them.
    libraries: Vec<i64>,
    places: HashMap<i64, usize>,
    releases: Vec<Graph>,
}

/// The clients of each library in one release, all by their places.
#[derive(Debug)]
struct Graph {
    version: Bare,
    clients: HashMap<usize, Vec<usize>>,
}

impl Graphs {
    pub(super) async fn load(conn: &mut Connection, releases: &Releases) -> QueryResult<Self> {
        let edges = Statement::new(
            "select d.version_id, d.dep_library_id, d.client_library_id from boost_dependency d \
             join boost_version v on v.id = d.version_id and v.version_key % 100 = 0",
        );
        let edges: Vec<Row> = edges.load(conn).await?;
        let mut graphs = Self::default();
        let mut by_version: HashMap<i64, HashMap<usize, Vec<usize>>> = HashMap::new();
        for edge in edges {
            let dep = graphs.place(edge.dep_library_id);
            let client = graphs.place(edge.client_library_id);
            let clients = by_version.entry(edge.version_id).or_default();
            clients.entry(dep).or_default().push(client);
        }
        graphs.releases = releases
            .all
            .iter()
            .map(|release| Graph {
                version: release.version,
                clients: by_version.remove(&release.id).unwrap_or_default(),
            })
            .collect();
        Ok(graphs)
    }

    /// The place of a library, which it gets if it has none yet.
    fn place(&mut self, library: i64) -> usize {
        *self.places.entry(library).or_insert_with(|| {
            self.libraries.push(library);
            self.libraries.len() - 1
        })
    }
}

impl Graph {
    /// Every library that depends on `from`, with the length of the shortest way.
    fn depths(&self, from: usize, libraries: usize) -> Vec<(usize, u32)> {
        let mut is_seen = vec![false; libraries];
        is_seen[from] = true;
        let mut found = Vec::new();
        let mut level = vec![from];
        for depth in 1.. {
            let mut next = Vec::new();
            for client in level.iter().filter_map(|library| self.clients.get(library)).flatten() {
                if !std::mem::replace(&mut is_seen[*client], true) {
                    next.push(*client);
                    found.push((*client, depth));
                }
            }
            if next.is_empty() {
                break;
            }
            level = next;
        }
        found
    }
}

/// The libraries that depend on a library.
#[derive(Debug, Default, Serialize, ToSchema)]
#[schema(as = BoostUsageDependents)]
pub struct Dependents {
    /// By depth, then by name.
    pub(super) table_data: Vec<Dependent>,
    /// By version, how many there are.
    #[schema(value_type = BTreeMap<String, Levels>)]
    chart_data: BTreeMap<Bare, Levels>,
}

/// A library that depends on another.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BoostUsageDependent)]
pub struct Dependent {
    /// Its name; `Unknown(id)` if the latest release has no such library.
    #[schema(example = "compute")]
    name: String,
    /// The length of the shortest way to it, in the version that has the shortest; 1: directly.
    depth: u32,
    /// The greatest version in which it depends on the library.
    #[schema(value_type = String, example = "1.90.0")]
    last_version: Bare,
    /// `boost_library.id`.
    library_id: i64,
}

/// How many libraries depend on a library in one version.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[schema(as = BoostUsageDependentLevels)]
pub struct Levels {
    /// Directly.
    first_level: usize,
    /// At all, those of the first level included.
    all_deeper: usize,
}

impl Dependents {
    /// The dependents of a library; `libraries` are those of the latest release by id.
    pub(super) fn of(graphs: &Graphs, library: i64, libraries: &HashMap<i64, &Library>) -> Self {
        let place = graphs.places.get(&library);
        let mut chart_data = BTreeMap::new();
        let mut rows: BTreeMap<usize, (u32, Bare)> = BTreeMap::new();
        for graph in &graphs.releases {
            let found =
                place.map(|from| graph.depths(*from, graphs.libraries.len())).unwrap_or_default();
            let first_level = found.iter().filter(|(_, depth)| *depth == 1).count();
            chart_data.insert(graph.version, Levels { first_level, all_deeper: found.len() });
            for (client, depth) in found {
                // Releases come in order: the last is the greatest.
                let row = rows.entry(client).or_insert((depth, graph.version));
                *row = (row.0.min(depth), graph.version);
            }
        }
        let mut rows: Vec<(&str, u32, i64, Bare)> = rows
            .into_iter()
            .map(|(client, (depth, last_version))| {
                let id = graphs.libraries[client];
                let name = libraries.get(&id).map_or("", |library| library.name.as_str());
                (name, depth, id, last_version)
            })
            .collect();
        rows.sort_by_key(|&(name, depth, id, _)| (depth, name, id));
        let table_data = rows
            .into_iter()
            .map(|(name, depth, library_id, last_version)| {
                let is_known = libraries.contains_key(&library_id);
                let name =
                    if is_known { name.to_owned() } else { format!("Unknown({library_id})") };
                Dependent { name, depth, last_version, library_id }
            })
            .collect();
        Self { table_data, chart_data }
    }
}
