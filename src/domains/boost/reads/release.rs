//! What a request names: releases in any spelling, libraries by their id.

use diesel::{
    QueryResult, QueryableByName,
    sql_types::{BigInt, Integer, Text},
};
use diesel_async::RunQueryDsl;
use serde::Serialize;

use crate::{
    db::{
        Connection,
        sql::{SqlType, Statement, Value},
    },
    domains::boost::ingest::version::{Spelling, Version},
    http::problem::{Fault, Problem, Result},
};

/// A release of Boost.
#[derive(Debug, Clone, Serialize, QueryableByName, utoipa::ToSchema)]
#[schema(as = BoostRelease)]
pub(super) struct Release {
    /// The release, `boost_version.id`.
    #[diesel(sql_type = BigInt)]
    pub id: i64,
    /// The version, `boost-X.Y.Z`.
    #[diesel(sql_type = Text)]
    pub version: String,
    #[serde(skip)]
    #[diesel(sql_type = Integer)]
    version_key: i32,
}

/// Every release that is known, oldest first. They are a hundred at most.
pub(super) struct Releases(Vec<Release>);

impl Releases {
    /// Reads them.
    pub(super) async fn load(connection: &mut Connection) -> QueryResult<Self> {
        let sql = "select id, version, version_key from boost_version order by version_key";
        Statement::new(sql).load(connection).await.map(Self)
    }

    /// The one that `text` names, as the value of `parameter`.
    pub(super) fn named(&self, parameter: &str, text: &str) -> Result<&Release> {
        let Some(version) = Version::parse(text) else {
            return Err(Problem::invalid(vec![self.misspelt(parameter, text)]));
        };
        let found = self.0.iter().find(|release| release.version_key == version.key());
        found.ok_or_else(|| {
            let detail = format!("No release `{version}` is known.");
            let fault = Fault::parameter(parameter, "not_found", detail.clone());
            let near = self.nearest(&version.to_string());
            Problem::not_found(detail).with(Fault { suggestion: near, ..fault })
        })
    }

    fn misspelt(&self, parameter: &str, text: &str) -> Fault {
        let detail = match Spelling::of(text) {
            Spelling::OutOfRange => {
                format!("`{text}` has numbers that no release of Boost can have.")
            }
            Spelling::Release(_) | Spelling::Other => {
                format!("`{text}` is not a release of Boost such as `1.84.0` or `boost-1.84.0`.")
            }
        };
        let fault = Fault::parameter(parameter, "invalid_version", detail);
        Fault { suggestion: self.nearest(&canonical(text)), ..fault }
    }

    /// The version that is most alike; of equals the newest.
    fn nearest(&self, text: &str) -> Option<String> {
        let near = |release: &&Release| strsim::levenshtein(text, &release.version);
        self.0.iter().rev().min_by_key(near).map(|release| release.version.clone())
    }
}

/// A text as far as it can be made like a version: `Boost 1_84_x` as `boost-1.84.x`.
fn canonical(text: &str) -> String {
    let from = text.find(|it: char| it.is_ascii_digit()).unwrap_or(text.len());
    let numbers: String = text[from..].chars().take(20).collect();
    format!("boost-{}", numbers.replace(['_', '-', ' '], "."))
}

/// Refuses a library that there is not.
pub(super) async fn library_exists(id: i64, connection: &mut Connection) -> Result<()> {
    let mut sql = Statement::new("select id from boost_library where id = ");
    sql.bind(SqlType::BigInt, Value::BigInt(id));
    let found: Vec<crate::db::sql::Row> = sql.load(connection).await?;
    if found.is_empty() { Err(Problem::not_found("There is no such library.")) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn releases() -> Releases {
        let release = |(id, version): (i64, &str)| Release {
            id,
            version: version.to_owned(),
            version_key: Version::parse(version).unwrap().key(),
        };
        Releases(
            [(1, "boost-1.66.0"), (2, "boost-1.84.0"), (3, "boost-1.100.0")].map(release).into(),
        )
    }

    #[test]
    fn any_spelling_names_a_release() {
        for text in ["1.84", "1.84.0", "boost-1.84.0", "boost_1_84_0", "108400", "v1.84.0"] {
            assert_eq!(releases().named("a", text).unwrap().id, 2, "{text}");
        }
    }

    #[test]
    fn what_names_none_is_answered_with_the_nearest() {
        for (text, status, near) in [
            ("1.84.0.beta1", 400, "boost-1.84.0"),
            ("develop", 400, "boost-1.84.0"),
            ("1.84.x", 400, "boost-1.84.0"),
            ("1.99999.0", 400, "boost-1.100.0"),
            ("1.67.0", 404, "boost-1.66.0"),
            ("", 400, "boost-1.84.0"),
            ("🦀", 400, "boost-1.84.0"),
        ] {
            let problem = releases().named("a", text).unwrap_err();
            assert_eq!(problem.status, status, "{text}");
            assert_eq!(problem.errors[0].parameter.as_deref(), Some("a"));
            let suggestion = problem.errors[0].suggestion.as_deref();
            assert!(suggestion.is_some(), "{text}");
            if text.len() > 3 && text != "develop" && !text.contains('🦀') {
                assert_eq!(suggestion, Some(near), "{text}");
            }
        }
    }
}
