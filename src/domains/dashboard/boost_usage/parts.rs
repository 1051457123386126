//! The parts of the document, each of which is also an answer by itself.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use super::{
    base::Bare,
    languages::{LanguageYear, Rate},
    libraries::LibraryMetrics,
    pages::LibraryPage,
    repositories::{ByYear, VersionStats},
    statistics::Statistics,
    top::TopRepositories,
};

/// A part, and the instant as of which it is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AsOf)]
pub struct AsOf<T> {
    /// The instant whose year is the running one.
    #[schema(example = "2026-01-01T00:00:00Z")]
    pub as_of: String,
    /// The part.
    #[serde(flatten)]
    pub part: T,
}

/// Totals, and the libraries that stand out.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BoostUsageSummary)]
pub struct Summary<'a> {
    /// Repositories that use Boost by the year in which they were created.
    #[schema(value_type = BTreeMap<String, i64>)]
    pub repos_by_year: &'a ByYear,
    /// Totals, and the libraries that stand out.
    #[schema(value_type = Statistics)]
    pub statistics: &'a Statistics,
}

/// The versions of Boost that repositories use.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BoostUsageVersions)]
pub struct Versions<'a> {
    /// By version since 1.34.0, in order of release: repositories that name it, and those that name
    /// none and were created while it was the newest.
    #[schema(value_type = Vec<(String, i64)>)]
    pub repos_by_version: &'a [(Bare, i64)],
    /// Every release that is no patch, in order.
    #[schema(value_type = Vec<String>)]
    pub all_versions_for_chart: Vec<Bare>,
    /// Which versions repositories name.
    #[schema(value_type = VersionStats)]
    pub version_related_stats: &'a VersionStats,
}

/// Repositories by language.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BoostUsageLanguages)]
pub struct Languages<'a> {
    /// Repositories created on GitHub, by language, by year.
    #[schema(value_type = BTreeMap<String, BTreeMap<String, LanguageYear>>)]
    pub language_comparison_data: &'a BTreeMap<String, BTreeMap<i32, LanguageYear>>,
    /// How many of the C++ repositories of each year use Boost, newest year first.
    pub repos_by_year_boost_rate: Vec<Rate>,
}

/// The libraries of the latest release.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BoostUsageLibraries)]
pub struct Libraries<'a> {
    /// How each is used, by name.
    #[schema(value_type = Vec<LibraryMetrics>)]
    pub metrics_by_library: &'a [LibraryMetrics],
}

/// The repositories that lead.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BoostUsageTop)]
pub struct Top<'a> {
    /// Twenty in each respect.
    #[schema(value_type = TopRepositories)]
    pub top_repositories: &'a TopRepositories,
}

/// A library of the latest release.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BoostUsageLibraryPart)]
pub struct Library<'a> {
    /// `boost_library.id`.
    pub library_id: i64,
    /// The name.
    #[schema(value_type = String, example = "asio")]
    pub name: &'a str,
    /// Its page.
    #[serde(flatten)]
    #[schema(value_type = LibraryPage<'static>)]
    pub page: LibraryPage<'a>,
}
