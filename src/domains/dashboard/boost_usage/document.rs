//! The document: all parts together, and how its fields are picked.

use std::collections::BTreeMap;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::{
    activity::Weights,
    base::instant,
    libraries::LibraryMetrics,
    pages::LibraryPage,
    parts::{Languages, Libraries, Summary, Top, Versions},
    statistics::Statistics,
    world::World,
};

/// A field of the document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = BoostUsageField)]
#[expect(missing_docs, reason = "they are described in the document")]
pub enum Field {
    AsOf,
    ReposByYear,
    ReposByVersion,
    ReposByYearBoostRate,
    LanguageComparisonData,
    MetricsByLibrary,
    TopRepositories,
    LibrariesPageData,
    AllVersionsForChart,
    VersionRelatedStats,
    Statistics,
}

impl Field {
    /// Every field, in the order of the document.
    pub const ALL: [Self; 11] = [
        Self::AsOf,
        Self::ReposByYear,
        Self::ReposByVersion,
        Self::ReposByYearBoostRate,
        Self::LanguageComparisonData,
        Self::MetricsByLibrary,
        Self::TopRepositories,
        Self::LibrariesPageData,
        Self::AllVersionsForChart,
        Self::VersionRelatedStats,
        Self::Statistics,
    ];

    /// Its name in the document.
    pub fn name(self) -> &'static str {
        match self {
            Self::AsOf => "as_of",
            Self::ReposByYear => "repos_by_year",
            Self::ReposByVersion => "repos_by_version",
            Self::ReposByYearBoostRate => "repos_by_year_boost_rate",
            Self::LanguageComparisonData => "language_comparison_data",
            Self::MetricsByLibrary => "metrics_by_library",
            Self::TopRepositories => "top_repositories",
            Self::LibrariesPageData => "libraries_page_data",
            Self::AllVersionsForChart => "all_versions_for_chart",
            Self::VersionRelatedStats => "version_related_stats",
            Self::Statistics => "statistics",
        }
    }
}

/// How Boost is used: every part, and the page of each library.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BoostUsageDocument)]
pub struct Document<'a> {
    /// Totals.
    #[serde(flatten)]
    #[schema(value_type = Summary<'static>)]
    summary: Summary<'a>,
    /// Versions.
    #[serde(flatten)]
    #[schema(value_type = Versions<'static>)]
    versions: Versions<'a>,
    /// Languages.
    #[serde(flatten)]
    #[schema(value_type = Languages<'static>)]
    languages: Languages<'a>,
    /// Libraries.
    #[serde(flatten)]
    #[schema(value_type = Libraries<'static>)]
    libraries: Libraries<'a>,
    /// Repositories.
    #[serde(flatten)]
    #[schema(value_type = Top<'static>)]
    top: Top<'a>,
    /// The page of each library of the latest release, by its name; by `name (owner/repository)`
    /// where several have the name.
    #[serde(serialize_with = "by_title")]
    #[schema(value_type = BTreeMap<String, LibraryPage<'static>>)]
    libraries_page_data: Vec<(&'a str, LibraryPage<'a>)>,
}

fn by_title<S: Serializer>(
    pages: &[(&str, LibraryPage<'_>)],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(pages.iter().map(|(title, page)| (title, page)))
}

/// What there is to say as of one running year.
#[derive(Debug)]
pub(super) struct Written {
    /// The year.
    running: i32,
    /// Of the libraries in the order of the world's.
    metrics: Vec<LibraryMetrics>,
    statistics: Statistics,
    /// Every field of the document but `as_of`, as JSON: it is large, and asked for again and again.
    fields: Vec<(Field, Bytes)>,
}

impl Written {
    /// Computes and writes everything as of a running year.
    pub(super) fn of(world: &World, running: i32, weights: &Weights) -> serde_json::Result<Self> {
        let metrics: Vec<LibraryMetrics> = world
            .libraries
            .iter()
            .map(|facts| LibraryMetrics::of(&facts.library, &facts.usage, running, weights))
            .collect();
        let statistics = Statistics::of(&world.repositories, &metrics);
        let mut written = Self { running, metrics, statistics, fields: Vec::new() };
        let pages = world.libraries.iter().zip(&written.metrics);
        let document = Document {
            summary: written.summary(world),
            versions: world.versions(),
            languages: world.languages(),
            libraries: written.libraries(),
            top: world.top(),
            libraries_page_data: pages
                .map(|(facts, metrics)| (&*facts.library.title, facts.page(metrics, running)))
                .collect(),
        };
        let document = serde_json::to_vec(&document)?;
        let document: BTreeMap<&str, &RawValue> = serde_json::from_slice(&document)?;
        let field = |field: Field| {
            let json = document.get(field.name())?;
            Some((field, Bytes::copy_from_slice(json.get().as_bytes())))
        };
        written.fields = Field::ALL.into_iter().filter_map(field).collect();
        Ok(written)
    }

    /// Metrics A and J.
    pub(super) fn summary<'a>(&'a self, world: &'a World) -> Summary<'a> {
        Summary { repos_by_year: &world.repositories.by_year, statistics: &self.statistics }
    }

    /// Metric G.
    pub(super) fn libraries(&self) -> Libraries<'_> {
        Libraries { metrics_by_library: &self.metrics }
    }

    /// Metric I of one library.
    pub(super) fn library<'a>(
        &'a self,
        world: &'a World,
        id: i64,
    ) -> Option<super::parts::Library<'a>> {
        let (facts, metrics) =
            world.libraries.iter().zip(&self.metrics).find(|(facts, _)| facts.library.id == id)?;
        let page = facts.page(metrics, self.running);
        Some(super::parts::Library { library_id: id, name: &facts.library.name, page })
    }

    /// The document, or those of its fields that are picked.
    pub(super) fn pick(&self, as_of: DateTime<Utc>, picked: &[Field]) -> Vec<u8> {
        let as_of = Bytes::from(format!("\"{}\"", instant(Some(as_of))));
        let as_of = (Field::AsOf, as_of);
        let fields = std::iter::once(&as_of).chain(&self.fields);
        let fields: Vec<_> = fields.filter(|(field, _)| picked.contains(field)).collect();
        let size = fields.iter().map(|(field, json)| field.name().len() + json.len() + 4);
        let mut body = Vec::with_capacity(size.sum::<usize>() + 2);
        for (field, json) in fields {
            body.extend_from_slice(if body.is_empty() { b"{\"" } else { b",\"" });
            body.extend_from_slice(field.name().as_bytes());
            body.extend_from_slice(b"\":");
            body.extend_from_slice(json);
        }
        body.push(b'}');
        body
    }
}

impl World {
    /// Metrics C and D.
    pub(super) fn versions(&self) -> Versions<'_> {
        Versions {
            repos_by_version: &self.repositories.by_version,
            all_versions_for_chart: self.releases.all.iter().map(|it| it.version).collect(),
            version_related_stats: &self.repositories.versions,
        }
    }

    /// Metrics E and F.
    pub(super) fn languages(&self) -> Languages<'_> {
        Languages {
            language_comparison_data: &self.languages.0,
            repos_by_year_boost_rate: self.languages.rates(&self.repositories.by_year),
        }
    }

    /// Metric H.
    pub(super) fn top(&self) -> Top<'_> {
        Top { top_repositories: &self.top }
    }
}
