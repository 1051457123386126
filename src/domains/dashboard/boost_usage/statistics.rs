//! Metric J: totals, and the libraries that stand out.

use serde::Serialize;
use utoipa::ToSchema;

use super::{
    activity::UNUSED,
    base::{Bare, count},
    libraries::LibraryMetrics,
    repositories::Repositories,
};

/// How many libraries stand out in each respect.
const TOP: usize = 20;

/// Totals, and the libraries that stand out.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BoostUsageStatistics)]
pub struct Statistics {
    /// Repositories with more than ten stars that use Boost.
    total_repositories: i64,
    /// The same.
    affected_repositories: i64,
    /// Their usages, those of headers that are not known included.
    total_usage_records: i64,
    /// Libraries of the latest release.
    total_libraries: i64,
    /// The twenty that most repositories use.
    top_libraries: Vec<TopLibrary>,
    /// Those that no repository uses, oldest first.
    never_used_libraries: Vec<UnusedLibrary>,
    /// The twenty with the greatest score.
    top_active_libraries: Vec<ActiveLibrary>,
    /// The twenty with the least score among those that are used.
    bottom_active_libraries: Vec<ActiveLibrary>,
}

/// A library that many repositories use.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BoostUsageTopLibrary)]
pub struct TopLibrary {
    /// The name.
    name: String,
    /// Repositories that use it.
    repo_count: i64,
    /// Its usages, as in `metrics_by_library`.
    total_usage: i64,
    /// As in `metrics_by_library`.
    earliest_commit: String,
    /// As in `metrics_by_library`.
    latest_commit: String,
}

/// A library that no repository uses.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BoostUsageUnusedLibrary)]
pub struct UnusedLibrary {
    /// The name.
    name: String,
    /// The first version that has it.
    #[schema(value_type = String)]
    created_version: Bare,
    /// Always empty here.
    last_updated_version: &'static str,
}

/// A library with its score.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BoostUsageActiveLibrary)]
pub struct ActiveLibrary {
    /// The name.
    name: String,
    /// As in `metrics_by_library`.
    total_usage: i64,
    /// As in `metrics_by_library`.
    recent_usage: i64,
    /// As in `metrics_by_library`.
    past_usage: i64,
    /// As in `metrics_by_library`.
    activity_score: f64,
}

impl Statistics {
    /// Of libraries by name, which is what decides ties.
    pub(super) fn of(repositories: &Repositories, libraries: &[LibraryMetrics]) -> Self {
        let mut by_repositories: Vec<&LibraryMetrics> = libraries.iter().collect();
        let mut unused: Vec<_> = libraries.iter().filter(|it| it.repo_count == 0).collect();
        let mut livelier = by_repositories.clone();
        by_repositories.sort_by_key(|library| std::cmp::Reverse(library.repo_count));
        unused.sort_by_key(|library| library.created_version);
        livelier.sort_by(|a, b| b.activity_score.total_cmp(&a.activity_score));
        let mut duller: Vec<_> = libraries.iter().filter(|it| it.activity_score > UNUSED).collect();
        duller.sort_by(|a, b| a.activity_score.total_cmp(&b.activity_score));
        Self {
            total_repositories: repositories.total,
            affected_repositories: repositories.total,
            total_usage_records: repositories.usages,
            total_libraries: count(libraries.len()),
            top_libraries: top(by_repositories),
            never_used_libraries: unused.into_iter().map(UnusedLibrary::from).collect(),
            top_active_libraries: top(livelier),
            bottom_active_libraries: top(duller),
        }
    }
}

fn top<'a, T: From<&'a LibraryMetrics>>(libraries: Vec<&'a LibraryMetrics>) -> Vec<T> {
    libraries.into_iter().take(TOP).map(T::from).collect()
}

impl From<&LibraryMetrics> for TopLibrary {
    fn from(library: &LibraryMetrics) -> Self {
        Self {
            name: library.name.clone(),
            repo_count: library.repo_count,
            total_usage: library.total_usage,
            earliest_commit: library.earliest_commit.clone(),
            latest_commit: library.latest_commit.clone(),
        }
    }
}

impl From<&LibraryMetrics> for UnusedLibrary {
    fn from(library: &LibraryMetrics) -> Self {
        Self {
            name: library.name.clone(),
            created_version: library.created_version,
            last_updated_version: "",
        }
    }
}

impl From<&LibraryMetrics> for ActiveLibrary {
    fn from(library: &LibraryMetrics) -> Self {
        Self {
            name: library.name.clone(),
            total_usage: library.total_usage,
            recent_usage: library.recent_usage,
            past_usage: library.past_usage,
            activity_score: library.activity_score,
        }
    }
}
