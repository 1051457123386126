//! Metric I: the page of each library.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::{Library, Naive, Numbers, Usage, bare, counted, date, year};

/// Ids by version.
type Sets = BTreeMap<Numbers, BTreeSet<i64>>;

impl Naive<'_> {
    /// I.
    pub(super) fn pages(&self) -> Map<String, Value> {
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
    fn contributions(&self, library: &Library) -> (Value, Sets, Sets) {
        let mut commits: Sets = BTreeMap::new();
        let mut people: Sets = BTreeMap::new();
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
}
