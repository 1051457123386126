//! The figures once more, from plain rows by plain loops: written from the definitions, not from the
//! server's SQL.

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

    /// U_L of a library.
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

    /// I.
    fn pages(&self) -> Map<String, Value> {
        let latest = self.latest();
        let title = |library: &Library| {
            if latest.iter().filter(|it| it.name == library.name).count() > 1 {
                format!("{} ({})", library.name, self.full_name(self.repo(library.repo)))
            } else {
                library.name.clone()
            }
        };
        latest.iter().map(|library| (title(library), self.page(library))).collect()
    }

    fn page(&self, library: &Library) -> Value {
        let metrics = self.metrics(library);
        let dependents = self.dependents(library);
        let consumers = self.consumers(library);
        let (contributions, by_version, people) = self.contributions(library);
        let last = by_version.iter().rev().find(|(_, commits)| !commits.is_empty());
        let chart = consumers["chart_data"].as_object().unwrap();
        let mut most = json!({"year": "", "count": 0});
        let mut sum = 0;
        let years: BTreeSet<i64> = chart.keys().map(|year| year.parse().unwrap()).collect();
        for year in &years {
            let repos = chart[&year.to_string()]["repos"].as_i64().unwrap();
            sum += repos;
            if repos > most["count"].as_i64().unwrap() {
                most = json!({"year": year.to_string(), "count": repos});
            }
        }
        let last_year = chart.get(&(self.running - 1).to_string());
        let mut descriptions: Vec<(Numbers, &str)> = Vec::new();
        for (version, words) in library.versions.iter().filter(|(_, words)| !words.is_empty()) {
            descriptions.push((self.numbers(*version), words));
        }
        let used = self.usages(library);
        let header = |usage: &&Usage| {
            self.rows.files.iter().find(|it| Some(it.id) == usage.header).unwrap().name.clone()
        };
        json!({
            "over_view": {
                "created_version": metrics["created_version"],
                "last_updated_version": last.map_or(String::new(), |(version, _)| bare(*version)),
                "last_contributors": last.map_or(0, |(version, _)| people[version].len()),
                "overall_contributors":
                    people.values().flatten().collect::<BTreeSet<_>>().len(),
                "internal_consumers": dependents["table_data"].as_array().unwrap().len(),
                "used_repo_count": metrics["repo_count"],
                "average_used_repo_count":
                    if years.is_empty() { 0 } else { sum / years.len() as i64 },
                "active_score": metrics["activity_score"],
                "average_star": metrics["average_stars"],
                "description": descriptions.iter().max().map_or("", |(_, words)| words),
                "most_used_year": most,
                "last_year_used_repo_count": {
                    "year": self.running - 1,
                    "count": last_year.map_or(0, |year| year["repos"].as_i64().unwrap()),
                },
                "used_headers":
                    if years.is_empty() { Map::new() } else { counted(used.iter().map(header)) },
            },
            "internal_dependents_data": dependents,
            "external_consumers": consumers,
            "contribute_data": contributions,
        })
    }

    fn dependents(&self, library: &Library) -> Value {
        let mut chart = json!({});
        let mut found: BTreeMap<i64, (i64, Numbers)> = BTreeMap::new();
        for version in self.releases() {
            // Distances by relaxing until nothing gets shorter.
            let mut depths: BTreeMap<i64, i64> = BTreeMap::from([(library.id, 0)]);
            for _ in 0..=self.rows.dependencies.len() {
                for edge in self.rows.dependencies.iter().filter(|it| it.version == version.id) {
                    if let Some(depth) = depths.get(&edge.dep).map(|depth| depth + 1) {
                        let known = depths.entry(edge.client).or_insert(depth);
                        *known = depth.min(*known);
                    }
                }
            }
            depths.remove(&library.id);
            let first = depths.values().filter(|depth| **depth == 1).count();
            chart[bare(version.numbers)] =
                json!({"first_level": first, "all_deeper": depths.len()});
            for (client, depth) in depths {
                let row = found.entry(client).or_insert((depth, version.numbers));
                *row = (row.0.min(depth), row.1.max(version.numbers));
            }
        }
        let latest = self.latest();
        let name = |id: i64| latest.iter().find(|it| it.id == id).map(|it| it.name.clone());
        let mut table: Vec<(i64, String, i64, Numbers)> = found
            .into_iter()
            .map(|(id, (depth, last))| (depth, name(id).unwrap_or_default(), id, last))
            .collect();
        table.sort();
        let table: Vec<Value> = table
            .into_iter()
            .map(|(depth, _, id, last)| {
                let name = name(id).unwrap_or_else(|| format!("Unknown({id})"));
                json!({"name": name, "depth": depth, "last_version": bare(last), "library_id": id})
            })
            .collect();
        json!({"table_data": table, "chart_data": chart})
    }

    fn consumers(&self, library: &Library) -> Value {
        let years = self.years(library);
        if years.is_empty() {
            return json!({"table_data": [], "chart_data": {}});
        }
        let mut chart = json!({});
        for (year, (created, committed)) in &years {
            chart[year.to_string()] =
                json!({"by_created": created, "by_last_commit": committed, "repos": 0});
        }
        let mut usages: BTreeMap<i64, i64> = BTreeMap::new();
        for usage in self.usages(library) {
            *usages.entry(usage.repo).or_default() += 1;
        }
        let known: BTreeSet<i64> = self.repos().iter().map(|repo| repo.id).collect();
        let mut table = Vec::new();
        for (id, usages) in usages {
            let repo = self.repo(id);
            let is_known = known.contains(&id);
            if let Some(created) = repo.created.filter(|_| is_known) {
                let repos = &mut chart[year(created).to_string()]["repos"];
                *repos = json!(repos.as_i64().unwrap() + 1);
            }
            let stars = if is_known { repo.stars } else { 0 };
            let row = json!({
                "name": self.full_name(repo),
                "stars": stars,
                "usage_count": usages,
                "created_at": date(repo.created.filter(|_| is_known)),
                "updated_at": date(repo.pushed.filter(|_| is_known)),
            });
            table.push((-stars, -usages, self.full_name(repo), row));
        }
        table.sort_by(|a, b| (a.0, a.1, &a.2).cmp(&(b.0, b.1, &b.2)));
        json!({"table_data": table.into_iter().map(|it| it.3).collect::<Vec<_>>(), "chart_data": chart})
    }

    /// The data, commits by version, accounts by version.
    #[expect(clippy::type_complexity, reason = "three maps that are looked into at once")]
    fn contributions(
        &self,
        library: &Library,
    ) -> (Value, BTreeMap<Numbers, BTreeSet<i64>>, BTreeMap<Numbers, BTreeSet<i64>>) {
        let mut commits: BTreeMap<Numbers, BTreeSet<i64>> = BTreeMap::new();
        let mut people: BTreeMap<Numbers, BTreeSet<i64>> = BTreeMap::new();
        let mut by_person: BTreeMap<(Numbers, i64), BTreeSet<i64>> = BTreeMap::new();
        for commit in &self.rows.commits {
            let owner = self.repo(commit.repo).owner;
            if self.rows.accounts.iter().any(|it| it.id == owner && it.username.is_empty()) {
                continue;
            }
            for file in &commit.files {
                let file = self.rows.files.iter().find(|it| it.id == *file).unwrap();
                if file.library != Some(library.id) {
                    continue;
                }
                let later =
                    self.releases().into_iter().filter(|it| it.at.is_some_and(|at| at > commit.at));
                let Some(next) = later.min_by_key(|it| (it.at.unwrap(), it.numbers)) else {
                    continue;
                };
                commits.entry(next.numbers).or_default().insert(commit.id);
                people.entry(next.numbers).or_default().insert(commit.account);
                by_person.entry((next.numbers, commit.account)).or_default().insert(commit.id);
            }
        }
        let mut table = Vec::new();
        for ((version, account), commits) in by_person {
            let person = self.label(account);
            let row = json!({
                "version": bare(version),
                "person": person,
                "commit_count": commits.len(),
                "account_id": account,
            });
            table.push((version, commits.len(), person, account, row));
        }
        table.sort_by(|a, b| {
            b.0.cmp(&a.0).then(b.1.cmp(&a.1)).then(a.2.cmp(&b.2)).then(a.3.cmp(&b.3))
        });
        let mut chart = json!({});
        for version in self.releases().iter().filter(|it| it.numbers >= self.created(library)) {
            let count = commits.get(&version.numbers).map_or(0, BTreeSet::len);
            chart[bare(version.numbers)] = json!(count);
        }
        let table: Vec<Value> = table.into_iter().map(|it| it.4).collect();
        (json!({"table_data": table, "chart_data": chart}), commits, people)
    }

    fn label(&self, account: i64) -> String {
        let account = self.rows.accounts.iter().find(|it| it.id == account).unwrap();
        let identity = self.rows.identities.iter().find(|it| Some(it.0) == account.identity);
        let names = [
            identity.map_or("", |it| &it.1),
            account.display_name.as_str(),
            account.username.as_str(),
            "unknown",
        ];
        names.into_iter().find(|name| !name.is_empty()).unwrap().to_owned()
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
