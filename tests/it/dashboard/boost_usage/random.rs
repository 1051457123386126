//! Worlds at random, small enough that nearly everything ties.

use chrono::{DateTime, Datelike as _, Utc};
use rand::{Rng as _, SeedableRng as _, rngs::StdRng, seq::IndexedRandom as _};

use super::{
    assert_same, document, naive,
    rows::{
        Account, Commit, Dependency, File, LanguageYear, Library, Repo, Rows, Time, Usage, Version,
    },
};

/// Instants around which everything happens.
const INSTANTS: [&str; 9] = [
    "2018-12-31T23:59:59Z",
    "2019-01-01T00:00:00Z",
    "2019-06-01T00:00:00Z",
    "2021-01-01T00:00:00Z",
    "2021-01-01T00:00:01Z",
    "2023-05-05T05:05:05Z",
    "2024-02-29T00:00:00Z",
    "2025-12-31T23:59:59Z",
    "2026-01-01T00:00:00Z",
];
const NAMED: [&str; 6] = ["", "", "1.84.0", "boost-1.84.0", "boost-1.100.0", "trunk"];
const NAMES: [&str; 4] = ["asio", "Asio", "beast", "core"];

struct World(StdRng);

impl World {
    fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from.choose(&mut self.0).unwrap().clone()
    }

    fn instant(&mut self) -> DateTime<Utc> {
        self.pick(&INSTANTS).parse().unwrap()
    }

    fn time(&mut self) -> Time {
        let time = self.instant();
        self.0.random_bool(0.8).then_some(time)
    }

    fn ids(&mut self, from: i64, most: i64) -> Vec<i64> {
        let count = self.0.random_range(0..=most);
        (from..from + count).collect()
    }

    fn rows(&mut self) -> Rows {
        let mut rows = Rows { identities: vec![(1, "Jane Roe".into())], ..Rows::default() };
        for id in 1..=6 {
            let username = if id == 6 { String::new() } else { format!("user{id}") };
            let display_name = self.pick(&["", "Same Name"]).to_owned();
            let identity = self.pick(&[None, Some(1)]);
            rows.accounts.push(Account { id, username, display_name, identity });
        }
        self.boost(&mut rows);
        self.externals(&mut rows);
        for language in ["C++", "C", "Rust"] {
            for year in 2018..=2026 {
                if self.0.random_bool(0.6) {
                    let significant = self.pick(&[0, 3, 7]);
                    let language = language.to_owned();
                    rows.languages.push(LanguageYear { language, year, all: 10, significant });
                }
            }
        }
        rows
    }

    /// Versions, libraries, headers, dependencies, commits.
    fn boost(&mut self, rows: &mut Rows) {
        let numbers = [(1, 33, 0), (1, 84, 0), (1, 84, 1), (1, 9, 0), (1, 100, 0), (2, 0, 0)];
        for (id, numbers) in self.ids(1, 6).into_iter().zip(numbers) {
            rows.versions.push(Version { id, numbers, at: self.time() });
        }
        for id in 10..14 {
            let (owner, name) = (self.pick(&[1, 1, 6]), format!("repo{id}"));
            rows.repos.push(Repo {
                id,
                owner,
                name,
                stars: 0,
                created: None,
                pushed: None,
                external: None,
            });
        }
        let versions: Vec<i64> = rows.versions.iter().map(|it| it.id).collect();
        // Two of one name need two repositories.
        for id in self.ids(100, 8) {
            let (repo, name) = (10 + id % 4, self.pick(&NAMES).to_owned());
            if rows.libraries.iter().any(|it| it.repo == repo && it.name == name) {
                continue;
            }
            let mut library = Library { id, repo, name, versions: Vec::new() };
            for version in &versions {
                if self.0.random_bool(0.7) {
                    let words = self.pick(&["", "Words.", "Other words."]).to_owned();
                    library.versions.push((*version, words));
                }
            }
            rows.libraries.push(library);
        }
        let libraries: Vec<i64> = rows.libraries.iter().map(|it| it.id).collect();
        if libraries.is_empty() {
            return;
        }
        for id in 200..212 {
            let library = Some(self.pick(&libraries));
            rows.files.push(File { id, repo: 10, name: format!("h{id}.hpp"), library });
        }
        for version in versions {
            for client in &libraries {
                for dep in &libraries {
                    if self.0.random_bool(0.2) {
                        rows.dependencies.push(Dependency { version, client: *client, dep: *dep });
                    }
                }
            }
        }
        for id in self.ids(1, 30) {
            let mut files: Vec<i64> = (200..212).filter(|_| self.0.random_bool(0.2)).collect();
            files.dedup();
            let (repo, account) = (self.pick(&[10, 11, 12, 13]), self.pick(&[1, 2, 3, 4, 5, 6]));
            rows.commits.push(Commit { id, repo, account, at: self.instant(), files });
        }
    }

    /// External repositories and their usages.
    fn externals(&mut self, rows: &mut Rows) {
        let headers: Vec<i64> = rows.files.iter().map(|it| it.id).collect();
        for id in self.ids(20, 60) {
            let external = Some((self.pick(&NAMED).to_owned(), self.0.random_bool(0.8)));
            let (stars, owner) = (self.pick(&[9, 10, 11, 12, 50]), self.pick(&[2, 3, 6]));
            let (created, pushed) = (self.time(), self.time());
            let name = format!("app{id}");
            rows.repos.push(Repo { id, owner, name, stars, created, pushed, external });
            for file in 0..3 {
                let file = 1_000 + id * 3 + file;
                rows.files.push(File {
                    id: file,
                    repo: id,
                    name: format!("{file}.cpp"),
                    library: None,
                });
                let mut seen = vec![None];
                seen.extend(headers.iter().copied().map(Some));
                for header in seen {
                    if self.0.random_bool(0.12) {
                        let (committed, is_excepted) = (self.time(), self.0.random_bool(0.2));
                        rows.usages.push(Usage { repo: id, header, file, committed, is_excepted });
                    }
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_figures_are_those_of_plain_loops() {
    for seed in 0..14 {
        let mut world = World(StdRng::seed_from_u64(seed));
        let rows = world.rows();
        let as_of =
            world.pick(&["2026-07-01T00:00:00Z", "2021-07-01T00:00:00Z", "2018-01-01T00:00:00Z"]);
        let mut served = document(&rows, as_of).await;
        let running = as_of.parse::<DateTime<Utc>>().unwrap().year();
        served.as_object_mut().unwrap().remove("as_of");
        let expected = naive::document(&rows, i64::from(running), &served);
        assert_same(&served, &expected, &format!("seed {seed}"));
    }
}
