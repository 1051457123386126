//! Metric I: the page of each library.

use serde::Serialize;
use utoipa::ToSchema;

use super::{
    base::{Bare, count},
    consumers::Consumers,
    contributions::Contributions,
    dependents::Dependents,
    libraries::{InOrder, Library, LibraryMetrics, Usage, in_order},
};

/// What there is to say of a library whatever the running year is.
#[derive(Debug)]
pub(super) struct Facts {
    pub(super) library: Library,
    pub(super) usage: Usage,
    pub(super) dependents: Dependents,
    pub(super) consumers: Consumers,
    pub(super) contributions: Contributions,
}

/// The page of a library.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BoostUsageLibraryPage)]
pub struct LibraryPage<'a> {
    /// The library in a few figures.
    #[schema(inline = false)]
    over_view: Overview<'a>,
    /// The libraries that depend on it.
    #[schema(value_type = Dependents)]
    internal_dependents_data: &'a Dependents,
    /// The repositories that use it.
    #[schema(value_type = Consumers)]
    external_consumers: &'a Consumers,
    /// Who changed it.
    #[schema(value_type = Contributions)]
    contribute_data: &'a Contributions,
}

/// A library in a few figures.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BoostUsageLibraryOverview)]
pub struct Overview<'a> {
    /// The first version that has it.
    #[schema(value_type = String, example = "1.36.0")]
    created_version: Bare,
    /// The greatest version with commits to it; empty without any.
    #[schema(example = "1.90.0")]
    last_updated_version: String,
    /// Accounts that made these.
    last_contributors: usize,
    /// Accounts that made any.
    overall_contributors: usize,
    /// Libraries that depend on it in any version.
    internal_consumers: usize,
    /// Repositories that use it.
    used_repo_count: i64,
    /// Of these, how many a year of the chart were created, without decimals.
    average_used_repo_count: i64,
    /// As in `metrics_by_library`.
    active_score: f64,
    /// As `average_stars` in `metrics_by_library`.
    average_star: i64,
    /// The newest description that is not empty.
    #[schema(value_type = String)]
    description: &'a str,
    /// The year in which most repositories that use it were created, the first of several.
    most_used_year: MostUsedYear,
    /// The year before the running one.
    last_year_used_repo_count: LastYear,
    /// Usages by header, most first.
    #[serde(serialize_with = "in_order")]
    #[schema(value_type = InOrder)]
    used_headers: &'a [(String, i64)],
}

/// The year in which most repositories that use a library were created.
#[derive(Debug, Default, Serialize, ToSchema)]
#[schema(as = BoostUsageMostUsedYear)]
pub struct MostUsedYear {
    /// The year; empty if there is none.
    #[schema(example = "2016")]
    year: String,
    /// How many repositories.
    count: i64,
}

/// The year before the running one.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BoostUsageLastYear)]
pub struct LastYear {
    /// The year.
    year: i32,
    /// How many repositories that use the library were created in it.
    count: i64,
}

impl Facts {
    /// The page as of a running year, for which `metrics` are.
    pub(super) fn page(&self, metrics: &LibraryMetrics, running: i32) -> LibraryPage<'_> {
        let chart = &self.consumers.chart_data;
        let repos = chart.values().map(|year| year.repos).sum::<i64>();
        let mut most_used_year = MostUsedYear::default();
        for (year, shown) in chart {
            if shown.repos > most_used_year.count {
                most_used_year = MostUsedYear { year: year.to_string(), count: shown.repos };
            }
        }
        let last_year = running.saturating_sub(1);
        let last = self.contributions.last();
        LibraryPage {
            over_view: Overview {
                created_version: self.library.created,
                last_updated_version: last
                    .map_or_else(String::new, |(version, _)| version.to_string()),
                last_contributors: last.map_or(0, |(_, people)| people),
                overall_contributors: self.contributions.people(),
                internal_consumers: self.dependents.table_data.len(),
                used_repo_count: self.usage.repositories,
                average_used_repo_count: repos.checked_div(count(chart.len())).unwrap_or(0),
                active_score: metrics.activity_score,
                average_star: self.usage.average_stars,
                description: &self.library.description,
                most_used_year,
                last_year_used_repo_count: LastYear {
                    year: last_year,
                    count: chart.get(&last_year).map_or(0, |year| year.repos),
                },
                used_headers: &self.usage.headers,
            },
            internal_dependents_data: &self.dependents,
            external_consumers: &self.consumers,
            contribute_data: &self.contributions,
        }
    }
}
