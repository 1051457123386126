//! Metrics E and F: repositories created on GitHub by language, and how many of them use Boost.

use std::collections::BTreeMap;

use diesel::{
    QueryResult, QueryableByName,
    sql_types::{BigInt, Integer, Text},
};
use diesel_async::RunQueryDsl;
use serde::Serialize;
use utoipa::ToSchema;

use super::repositories::{ByYear, percent};
use crate::db::{Connection, sql::Statement};

/// The language that Boost is compared with.
const CPP: &str = "C++";

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Integer)]
    year: i32,
    #[diesel(sql_type = BigInt)]
    all_repos: i64,
    #[diesel(sql_type = BigInt)]
    significant_repos: i64,
}

/// Repositories of one language that were created in one year.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[schema(as = BoostUsageLanguageYear)]
pub struct LanguageYear {
    /// All of them.
    all: i64,
    /// Those with more than ten stars.
    stars_10_plus: i64,
}

/// How many of the C++ repositories of one year use Boost.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BoostUsageRate)]
pub struct Rate {
    /// The year.
    #[schema(example = "2024")]
    year: String,
    /// C++ repositories that were created in it.
    cpp_repo_count: i64,
    /// Those with more than ten stars.
    over_10: i64,
    /// Repositories with more than ten stars that use Boost.
    boost_over_10: i64,
    /// The latter, as a share of the former: two decimals and `%`.
    #[schema(example = "11.40%")]
    boost_over_10_percentage: String,
}

/// By language, by year.
#[derive(Debug, Default)]
pub(super) struct Languages(pub(super) BTreeMap<String, BTreeMap<i32, LanguageYear>>);

impl Languages {
    pub(super) async fn load(conn: &mut Connection) -> QueryResult<Self> {
        let select = Statement::new(
            "select l.name, c.year, c.all_repos, c.significant_repos \
             from created_repos_by_language c join language l on l.id = c.language_id",
        );
        let rows: Vec<Row> = select.load(conn).await?;
        let mut languages = Self::default();
        for row in rows {
            let year = LanguageYear { all: row.all_repos, stars_10_plus: row.significant_repos };
            languages.0.entry(row.name).or_default().insert(row.year, year);
        }
        Ok(languages)
    }

    /// Metric F, newest first.
    pub(super) fn rates(&self, boost: &ByYear) -> Vec<Rate> {
        let years = self.0.get(CPP).into_iter().flatten().rev();
        years
            .map(|(year, cpp)| {
                let boost_over_10 = boost.get(year).copied().unwrap_or_default();
                let percent = percent(boost_over_10, cpp.stars_10_plus).unwrap_or_default();
                Rate {
                    year: year.to_string(),
                    cpp_repo_count: cpp.all,
                    over_10: cpp.stars_10_plus,
                    boost_over_10,
                    boost_over_10_percentage: format!("{percent:.2}%"),
                }
            })
            .collect()
    }
}
