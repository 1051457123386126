//! The figures once more, from plain rows by plain loops: written from the definitions, not from the
//! server's SQL.

#![expect(
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::many_single_char_names,
    reason = "small numbers, and the letters of the definitions"
)]

mod pages;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Datelike as _, Utc};
use serde_json::{Map, Value, json};

use super::rows::{Library, Repo, Rows, Time, Usage, Version};

type Numbers = (i64, i64, i64);

/// The document as of a running year. The server's scores decide order where scores do, so that
/// the last bit of a number does not.
pub(super) fn document(rows: &Rows, running: i64, served: &Value) -> Value {
    let world = Naive { rows, running };
    let by_year = world.repos_by_year();
    let metrics: Vec<Value> = world.latest().into_iter().map(|it| world.metrics(it)).collect();
    json!({
        "repos_by_year": by_year,
        "repos_by_version": world.repos_by_version(),
        "repos_by_year_boost_rate": world.rates(&by_year),
        "language_comparison_data": world.languages(),
        "metrics_by_library": metrics,
        "top_repositories": world.top(),
        "libraries_page_data": world.pages(),
        "all_versions_for_chart": world.releases().iter().map(|v| bare(v.numbers)).collect::<Vec<_>>(),
        "version_related_stats": world.version_stats(),
        "statistics": world.statistics(served["metrics_by_library"].as_array().unwrap()),
    })
}

struct Naive<'a> {
    rows: &'a Rows,
    running: i64,
}

fn bare((major, minor, patch): Numbers) -> String {
    format!("{major}.{minor}.{patch}")
}

/// What a text names, in the two spellings that tests use.
fn canonical(text: &str) -> Option<Numbers> {
    let parts: Option<Vec<i64>> =
        text.trim_start_matches("boost-").split('.').map(|part| part.parse().ok()).collect();
    match parts?[..] {
        [major, minor, patch] => Some((major, minor, patch)),
        _ => None,
    }
}

fn year(time: DateTime<Utc>) -> i64 {
    i64::from(time.year())
}

fn instant(time: Time) -> String {
    time.map_or(String::new(), |time| time.format("%Y-%m-%dT%H:%M:%SZ").to_string())
}

fn date(time: Time) -> String {
    time.map_or(String::new(), |time| time.format("%Y-%m-%d").to_string())
}

/// Counts as an object: keys in any order, for JSON objects have none.
fn counted<K: ToString>(keys: impl IntoIterator<Item = K>) -> Map<String, Value> {
    let mut counts = Map::new();
    for key in keys {
        let count = counts.entry(key.to_string()).or_insert(json!(0));
        *count = json!(count.as_i64().unwrap() + 1);
    }
    counts
}

impl<'a> Naive<'a> {
    /// V.
    fn releases(&self) -> Vec<&'a Version> {
        let mut all: Vec<_> = self.rows.versions.iter().filter(|v| v.numbers.2 == 0).collect();
        all.sort_by_key(|version| version.numbers);
        all
    }

    /// L.
    fn latest(&self) -> Vec<&'a Library> {
        let Some(latest) = self.releases().last().copied() else { return Vec::new() };
        let has = |it: &&Library| it.versions.iter().any(|(version, _)| *version == latest.id);
        let mut all: Vec<&Library> = self.rows.libraries.iter().filter(has).collect();
        all.sort_by_key(|library| (library.name.as_bytes(), library.id));
        all
    }

    fn numbers(&self, version: i64) -> Numbers {
        self.rows.versions.iter().find(|it| it.id == version).unwrap().numbers
    }

    fn repo(&self, id: i64) -> &'a Repo {
        self.rows.repos.iter().find(|it| it.id == id).unwrap()
    }

    fn full_name(&self, repo: &Repo) -> String {
        let owner = self.rows.accounts.iter().find(|it| it.id == repo.owner).unwrap();
        format!("{}/{}", owner.username, repo.name)
    }

    /// R.
    fn repos(&self) -> Vec<&'a Repo> {
        let used = |it: &&Repo| it.stars > 10 && it.external.as_ref().is_some_and(|it| it.1);
        self.rows.repos.iter().filter(used).collect()
    }

    fn version_of(repo: &Repo) -> &str {
        &repo.external.as_ref().unwrap().0
    }

    fn usage_count(&self, repo: &Repo) -> i64 {
        let counts = |it: &&Usage| it.repo == repo.id && !it.is_excepted;
        self.rows.usages.iter().filter(counts).count() as i64
    }

    fn library_of(&self, header: i64) -> i64 {
        self.rows.files.iter().find(|it| it.id == header).unwrap().library.unwrap()
    }

    /// `U_L` of a library.
    fn usages(&self, library: &Library) -> Vec<&'a Usage> {
        let of_it = |usage: &&Usage| {
            !usage.is_excepted
                && self.repo(usage.repo).stars > 10
                && usage.header.is_some_and(|header| self.library_of(header) == library.id)
        };
        self.rows.usages.iter().filter(of_it).collect()
    }

    /// A.
    fn repos_by_year(&self) -> Map<String, Value> {
        counted(self.repos().iter().filter_map(|it| Some(year(it.created?))))
    }

    /// B.
    fn candidate(&self, repo: &Repo) -> Option<Numbers> {
        let created = repo.created.filter(|_| Self::version_of(repo).is_empty())?;
        let mut best: Option<&Version> = None;
        for version in self.releases() {
            let Some(released) = version.at.filter(|at| *at <= created) else { continue };
            // In numeric order: of equal instants the first stays.
            if best.is_none_or(|best| released > best.at.unwrap()) {
                best = Some(version);
            }
        }
        best.map(|version| version.numbers)
    }

    fn confirmed(&self, numbers: Numbers) -> i64 {
        let names = |it: &&&Repo| canonical(Self::version_of(it)) == Some(numbers);
        self.repos().iter().filter(names).count() as i64
    }

    fn guessed(&self, numbers: Numbers) -> i64 {
        self.repos().iter().filter(|it| self.candidate(it) == Some(numbers)).count() as i64
    }

    /// C.
    fn version_stats(&self) -> Value {
        let repos = self.repos();
        let with = repos.iter().filter(|it| !Self::version_of(it).is_empty()).count();
        let percent = if repos.is_empty() { 0.0 } else { with as f64 / repos.len() as f64 * 100.0 };
        let distribution: Vec<Value> = self
            .releases()
            .iter()
            .map(|version| {
                json!({
                    "version": bare(version.numbers),
                    "created_at": date(version.at),
                    "confirmed": self.confirmed(version.numbers),
                    "guessed": self.guessed(version.numbers),
                })
            })
            .collect();
        let mut by_year: BTreeMap<String, Vec<i64>> = BTreeMap::new();
        for repo in &repos {
            let Some(created) = repo.created else { continue };
            let named = Self::version_of(repo);
            let named = canonical(named).map_or(named.to_owned(), bare);
            by_year.entry(named).or_default().push(year(created));
        }
        let by_year: Map<String, Value> =
            by_year.into_iter().map(|(named, years)| (named, counted(years).into())).collect();
        json!({
            "repos_with_version": with,
            "repos_without_version": repos.len() - with,
            "version_coverage_percent": percent,
            "distribution_by_version": distribution,
            "distribution_by_year_version": by_year,
        })
    }

    /// D.
    fn repos_by_version(&self) -> Vec<Value> {
        let mut shown = self.releases();
        shown.retain(|version| version.numbers >= (1, 34, 0));
        let far = DateTime::<Utc>::MAX_UTC;
        shown.sort_by_key(|version| (version.at.unwrap_or(far), version.numbers));
        let count = |numbers| self.confirmed(numbers) + self.guessed(numbers);
        shown.iter().map(|it| json!([bare(it.numbers), count(it.numbers)])).collect()
    }

    /// E.
    fn languages(&self) -> Value {
        let mut languages = json!({});
        for row in &self.rows.languages {
            languages[&row.language][row.year.to_string()] =
                json!({"all": row.all, "stars_10_plus": row.significant});
        }
        languages
    }

    /// F.
    fn rates(&self, by_year: &Map<String, Value>) -> Vec<Value> {
        let mut years: Vec<_> =
            self.rows.languages.iter().filter(|it| it.language == "C++").collect();
        years.sort_by_key(|row| -row.year);
        years
            .into_iter()
            .map(|row| {
                let boost = by_year.get(&row.year.to_string()).and_then(Value::as_i64).unwrap_or(0);
                let percent = if row.significant == 0 {
                    0.0
                } else {
                    boost as f64 / row.significant as f64 * 100.0
                };
                json!({
                    "year": row.year.to_string(),
                    "cpp_repo_count": row.all,
                    "over_10": row.significant,
                    "boost_over_10": boost,
                    "boost_over_10_percentage": format!("{percent:.2}%"),
                })
            })
            .collect()
    }

    /// created(y) and commit(y) of every year that has either.
    fn years(&self, library: &Library) -> BTreeMap<i64, (i64, i64)> {
        let mut years: BTreeMap<i64, (i64, i64)> = BTreeMap::new();
        for usage in self.usages(library) {
            if let Some(created) = self.repo(usage.repo).created {
                years.entry(year(created)).or_default().0 += 1;
            }
            if let Some(committed) = usage.committed {
                years.entry(year(committed)).or_default().1 += 1;
            }
        }
        years
    }

    /// G.
    fn metrics(&self, library: &Library) -> Value {
        let usages = self.usages(library);
        let (total, recent, past, score) = self.activity(library);
        let repos: BTreeSet<i64> = usages.iter().map(|usage| usage.repo).collect();
        let commits: Vec<DateTime<Utc>> =
            usages.iter().filter_map(|usage| usage.committed).collect();
        let stars: i64 = usages.iter().map(|usage| self.repo(usage.repo).stars).sum();
        json!({
            "name": library.name,
            "library_id": library.id,
            "created_version": bare(self.created(library)),
            "removed_version": "",
            "total_usage": total,
            "recent_usage": recent,
            "past_usage": past,
            "activity_score": score,
            "repo_count": repos.len(),
            "earliest_commit": instant(commits.iter().min().copied()),
            "latest_commit": instant(commits.iter().max().copied()),
            "average_stars": if usages.is_empty() { 0 } else { stars / usages.len() as i64 },
        })
    }

    fn created(&self, library: &Library) -> Numbers {
        library.versions.iter().map(|(version, _)| self.numbers(*version)).min().unwrap()
    }

    fn activity(&self, library: &Library) -> (i64, i64, i64, f64) {
        let years = self.years(library);
        let mut counted: Vec<i64> = years.keys().copied().filter(|y| *y < self.running).collect();
        if counted.is_empty() {
            counted = years.keys().copied().collect();
        }
        let t = self.running - 5;
        let (mut recent, mut past) = (0, 0);
        for y in &counted {
            if *y >= t { recent += years[y].0 } else { past += years[y].0 }
        }
        let total = recent + past;
        if total == 0 {
            return (0, 0, 0, -10.0);
        }
        let n = counted.len();
        let x: Vec<f64> = counted.iter().map(|y| (y - t) as f64).collect();
        let r: Vec<f64> = counted.iter().map(|y| years[y].0 as f64 / total as f64).collect();
        let k = (total as f64 + 1.0).log10();
        let mut derivation = 0.0;
        for i in 1..n {
            derivation += (r[i] - r[i - 1]) / (x[i] - x[i - 1]) * i as f64;
        }
        let (sx, sr) = (x.iter().sum::<f64>(), r.iter().sum::<f64>());
        let sxr: f64 = (0..n).map(|i| x[i] * r[i]).sum();
        let sxx: f64 = x.iter().map(|x| x * x).sum();
        let denominator = n as f64 * sxx - sx * sx;
        let trend = if n < 2 || denominator == 0.0 {
            0.0
        } else {
            (n as f64 * sxr - sx * sr) / denominator / (sr / n as f64 + 1.0)
        };
        let mut momentum = 0.0;
        if n >= 2 {
            let w = |i: usize| (0.3 * (i as f64 - n as f64)).exp();
            let c = |i: usize| (r[i] - r[i - 1]) / (r[i - 1] + 1.0);
            momentum = (1..n).map(|i| w(i) * c(i)).sum::<f64>() / (1..n).map(w).sum::<f64>();
        }
        (total, recent, past, 0.4 * k * derivation + 0.3 * k * trend + 0.3 * k * momentum)
    }

    /// H.
    fn top(&self) -> Value {
        let mut repos = self.repos();
        repos.sort_by_key(|repo| repo.id);
        let shown = |repos: &[&Repo]| -> Vec<Value> {
            let shown = repos.iter().take(20).map(|repo| {
                let named = Self::version_of(repo);
                json!({
                    "id": repo.id,
                    "repo_name": self.full_name(repo),
                    "affect_from_boost": 1,
                    "stars": repo.stars,
                    "created_at": instant(repo.created),
                    "pushed_at": instant(repo.pushed),
                    "boost_version": canonical(named).map_or(named.to_owned(), bare),
                    "candidate_version": self.candidate(repo).map_or(String::new(), bare),
                    "usage_count": self.usage_count(repo),
                })
            });
            shown.collect()
        };
        repos.sort_by_key(|repo| -repo.stars);
        let by_stars = shown(&repos);
        repos.sort_by_key(|repo| (-self.usage_count(repo), repo.id));
        let by_usage = shown(&repos);
        let youth = |repo: &Repo| repo.created.map_or(i64::MAX, |time| -time.timestamp());
        repos.sort_by_key(|repo| (youth(repo), repo.id));
        json!({
            "top20_by_stars": by_stars,
            "top20_by_usage": by_usage,
            "top20_by_created": shown(&repos),
        })
    }

    /// J, of metrics in the order of L.
    fn statistics(&self, metrics: &[Value]) -> Value {
        let pick = |rows: &[&Value], keys: &[&str]| -> Vec<Value> {
            let row = |row: &&Value| {
                keys.iter()
                    .map(|key| ((*key).to_owned(), row[*key].clone()))
                    .collect::<Map<_, _>>()
                    .into()
            };
            rows.iter().map(row).collect()
        };
        let score = |row: &Value| row["activity_score"].as_f64().unwrap();
        let repos = |row: &Value| row["repo_count"].as_i64().unwrap();
        let all: Vec<&Value> = metrics.iter().collect();
        let mut top = all.clone();
        top.sort_by_key(|row| -repos(row));
        top.truncate(20);
        let mut unused: Vec<&Value> = all.iter().copied().filter(|row| repos(row) == 0).collect();
        unused.sort_by_key(|row| canonical(row["created_version"].as_str().unwrap()));
        let unused: Vec<Value> = unused
            .into_iter()
            .map(|row| {
                json!({"name": row["name"], "created_version": row["created_version"], "last_updated_version": ""})
            })
            .collect();
        let mut active = all.clone();
        active.sort_by(|a, b| score(b).partial_cmp(&score(a)).unwrap());
        active.truncate(20);
        let mut dull: Vec<&Value> = all.iter().copied().filter(|row| score(row) > -10.0).collect();
        dull.sort_by(|a, b| score(a).partial_cmp(&score(b)).unwrap());
        dull.truncate(20);
        let activity = ["name", "total_usage", "recent_usage", "past_usage", "activity_score"];
        let total = self.repos().len();
        json!({
            "total_repositories": total,
            "affected_repositories": total,
            "total_usage_records": self.repos().iter().map(|it| self.usage_count(it)).sum::<i64>(),
            "total_libraries": metrics.len(),
            "top_libraries": pick(
                &top,
                &["name", "repo_count", "total_usage", "earliest_commit", "latest_commit"],
            ),
            "never_used_libraries": unused,
            "top_active_libraries": pick(&active, &activity),
            "bottom_active_libraries": pick(&dull, &activity),
        })
    }
}
