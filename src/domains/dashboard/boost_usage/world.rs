//! Everything the documents are made of, as the tables had it at one moment.

use std::collections::HashMap;

use chrono::{DateTime, SubsecRound, Utc};
use diesel::QueryResult;

use super::{
    base::Releases,
    consumers::{self, Consumers},
    contributions::{self, Contributions},
    dependents::{Dependents, Graphs},
    languages::Languages,
    libraries::{self, Library},
    pages::Facts,
    repositories::Repositories,
    top::TopRepositories,
};
use crate::{
    app::App,
    db::Connection,
    http::problem::{Problem, Result},
};

/// All that does not depend on the running year.
#[derive(Debug)]
pub(super) struct World {
    /// When it was read, in whole seconds.
    pub(super) read_at: DateTime<Utc>,
    pub(super) releases: Releases,
    pub(super) repositories: Repositories,
    pub(super) languages: Languages,
    pub(super) top: TopRepositories,
    /// By name.
    pub(super) libraries: Vec<Facts>,
}

/// What the tables said.
struct Read {
    releases: Releases,
    libraries: Vec<Library>,
    repositories: Repositories,
    languages: Languages,
    top: TopRepositories,
    consumers: HashMap<i64, Vec<consumers::Consumer>>,
    usages: HashMap<i64, libraries::Usage>,
    graphs: Graphs,
    contributions: HashMap<i64, Vec<contributions::Contribution>>,
}

impl World {
    /// Reads everything in one snapshot, so that no figure contradicts another.
    pub(super) async fn read(app: &App) -> Result<Self> {
        let read_at = app.clock.now().trunc_subsecs(0);
        let mut connection = app.reader().await?;
        let mut snapshot = connection.build_transaction().read_only().repeatable_read();
        let read = snapshot.run(async |conn| Read::all(conn).await).await?;
        drop(connection);
        // A second of work or so, which other requests should not wait for.
        tokio::task::spawn_blocking(move || Self::of(read_at, read))
            .await
            .map_err(Problem::internal)
    }

    fn of(read_at: DateTime<Utc>, read: Read) -> Self {
        let Read { releases, graphs, consumers, mut usages, mut contributions, .. } = read;
        let by_id: HashMap<i64, &Library> =
            read.libraries.iter().map(|library| (library.id, library)).collect();
        let dependents: Vec<Dependents> = read
            .libraries
            .iter()
            .map(|library| Dependents::of(&graphs, library.id, &by_id))
            .collect();
        let libraries = read.libraries.into_iter().zip(dependents);
        let libraries = libraries
            .map(|(library, dependents)| {
                let usage = usages.remove(&library.id).unwrap_or_default();
                let used_by = consumers.get(&library.id).map_or(&[][..], Vec::as_slice);
                let shares = contributions.remove(&library.id).unwrap_or_default();
                Facts {
                    consumers: Consumers::of(&usage.years, used_by),
                    contributions: Contributions::of(shares, library.created, &releases),
                    library,
                    usage,
                    dependents,
                }
            })
            .collect();
        Self {
            read_at,
            releases,
            repositories: read.repositories,
            languages: read.languages,
            top: read.top,
            libraries,
        }
    }
}

impl Read {
    async fn all(conn: &mut Connection) -> QueryResult<Self> {
        let releases = Releases::load(conn).await?;
        let consumers = consumers::load(conn).await?;
        Ok(Self {
            libraries: libraries::load(conn, &releases).await?,
            repositories: Repositories::load(conn, &releases).await?,
            languages: Languages::load(conn).await?,
            top: TopRepositories::load(conn, &releases).await?,
            usages: libraries::usages(conn, &consumers).await?,
            graphs: Graphs::load(conn, &releases).await?,
            contributions: contributions::load(conn, &releases).await?,
            consumers,
            releases,
        })
    }
}
