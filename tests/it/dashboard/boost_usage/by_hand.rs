//! A small world, and what every metric must be of it, counted by hand.

use serde_json::{Value, json};

use super::{
    PATH, assert_same, document,
    rows::{
        Account, Commit, Dependency, File, LanguageYear, Library, Repo, Rows, Usage, Version, at,
    },
    server,
};

/// A library that the latest release has no more.
pub(super) const OLD_LIBRARY: i64 = 103;

const ASIO: i64 = 100;
const BEAST: i64 = 101;
const OTHER_ASIO: i64 = 102;

const V1_33: i64 = 1;
const V1_34: i64 = 2;
const V1_84: i64 = 3;
const PATCH: i64 = 4;
const UNDATED: i64 = 5;
const V1_100: i64 = 6;

fn account(id: i64, username: &str, display_name: &str, identity: Option<i64>) -> Account {
    Account { id, username: username.into(), display_name: display_name.into(), identity }
}

/// A repository of Boost.
fn own(id: i64, owner: i64, name: &str) -> Repo {
    let (stars, external) = (0, None);
    Repo { id, owner, name: name.into(), stars, created: None, pushed: None, external }
}

/// A repository of somebody else.
fn external(id: i64, stars: i64, created: &str, version: &str) -> Repo {
    let name = char::from(b'a' + u8::try_from(id - 20).unwrap()).to_string();
    let created = if created.is_empty() { None } else { at(created) };
    let external = Some((version.to_owned(), true));
    Repo { id, owner: 2, name, stars, created, pushed: None, external }
}

fn version(id: i64, minor: i64, patch: i64, day: &str) -> Version {
    let at = if day.is_empty() { None } else { at(day) };
    Version { id, numbers: (1, minor, patch), at }
}

fn library(id: i64, repo: i64, name: &str, versions: &[(i64, &str)]) -> Library {
    let versions = versions.iter().map(|(id, words)| (*id, (*words).to_owned())).collect();
    Library { id, repo, name: name.into(), versions }
}

fn file(id: i64, repo: i64, name: &str, library: Option<i64>) -> File {
    File { id, repo, name: name.into(), library }
}

fn usage(repo: i64, header: Option<i64>, file: i64, day: &str) -> Usage {
    let committed = if day.is_empty() { None } else { at(day) };
    Usage { repo, header, file, committed, is_excepted: false }
}

fn commit(id: i64, account: i64, time: &str, files: &[i64]) -> Commit {
    Commit { id, repo: 10, account, at: at(time).unwrap(), files: files.to_vec() }
}

fn year(language: &str, year: i64, all: i64, significant: i64) -> LanguageYear {
    LanguageYear { language: language.into(), year, all, significant }
}

/// The world.
pub(super) fn rows() -> Rows {
    let depends = |version, client, dep| Dependency { version, client, dep };
    Rows {
        identities: vec![(1, "Jane Roe".into())],
        accounts: vec![
            account(1, "boostorg", "", None),
            account(2, "acme", "", None),
            account(3, "", "", None),
            account(4, "jane", "Jane of GitHub", Some(1)),
            account(5, "bob", "", None),
            account(6, "", "", None),
        ],
        repos: vec![
            own(10, 1, "asio"),
            own(11, 1, "beast"),
            own(12, 1, "another"),
            // Nobody's.
            own(13, 3, "fork"),
            Repo { pushed: at("2025-02-03"), ..external(20, 100, "2020-01-01", "1.84.0") },
            external(21, 50, "2020-06-01", "boost-1.84.0"),
            external(22, 11, "2024-01-01", ""),
            // Ten stars are too few.
            external(23, 10, "2020-01-01", ""),
            Repo {
                external: Some((String::new(), false)),
                pushed: at("2025-01-01"),
                ..external(24, 500, "2021-01-01", "")
            },
            external(25, 50, "", ""),
            external(26, 20, "2026-03-01", ""),
            // At the very instant of a release.
            external(27, 20, "2007-05-12", ""),
            // Before the first.
            external(28, 20, "2000-01-01", ""),
        ],
        versions: vec![
            version(V1_33, 33, 0, "2005-08-11"),
            version(V1_34, 34, 0, "2007-05-12"),
            version(V1_84, 84, 0, "2023-12-13"),
            version(PATCH, 84, 1, "2024-01-10"),
            version(UNDATED, 99, 0, ""),
            version(V1_100, 100, 0, "2025-06-01"),
        ],
        libraries: vec![
            library(
                ASIO,
                10,
                "asio",
                &[(V1_34, "Old words."), (V1_84, "Portable networking."), (V1_100, "")],
            ),
            library(BEAST, 11, "beast", &[(PATCH, "Beast."), (V1_100, "HTTP.")]),
            library(OTHER_ASIO, 12, "asio", &[(V1_100, "")]),
            library(OLD_LIBRARY, 11, "old", &[(V1_34, "")]),
        ],
        files: vec![
            file(200, 10, "include/boost/asio.hpp", Some(ASIO)),
            file(201, 10, "include/boost/asio/ip.hpp", Some(ASIO)),
            file(202, 11, "include/boost/beast.hpp", Some(BEAST)),
            file(300, 20, "main.cpp", None),
            file(301, 20, "net.cpp", None),
            file(310, 21, "main.cpp", None),
            file(320, 22, "main.cpp", None),
            file(330, 23, "main.cpp", None),
            file(340, 24, "main.cpp", None),
            file(350, 25, "main.cpp", None),
            file(360, 26, "main.cpp", None),
        ],
        usages: vec![
            usage(20, Some(200), 300, "2023-05-01T10:00:00Z"),
            usage(20, Some(201), 300, "2023-05-01T10:00:00Z"),
            usage(20, Some(200), 301, ""),
            usage(21, Some(200), 310, "2024-02-01"),
            usage(22, Some(200), 320, "2024-03-01"),
            usage(23, Some(200), 330, "2020-03-01"),
            usage(24, Some(200), 340, "2015-01-01"),
            usage(25, Some(202), 350, ""),
            usage(26, Some(200), 360, "2026-04-01"),
            // A placeholder.
            usage(20, None, 301, "2023-05-01"),
            Usage { is_excepted: true, ..usage(22, Some(201), 320, "2010-01-01") },
        ],
        dependencies: vec![
            // A circle, and one beyond it.
            depends(V1_84, BEAST, ASIO),
            depends(V1_84, ASIO, BEAST),
            depends(V1_84, OLD_LIBRARY, BEAST),
            depends(V1_100, BEAST, ASIO),
            depends(PATCH, OTHER_ASIO, ASIO),
        ],
        commits: vec![
            // Two files of one library are one commit.
            commit(1, 4, "2007-05-11T23:59:59Z", &[200, 201]),
            // At the instant of a release, which is too late for it.
            commit(2, 4, "2007-05-12T00:00:00Z", &[200]),
            commit(3, 5, "2020-01-01", &[200]),
            commit(4, 5, "2020-01-01", &[201]),
            // After the last release.
            commit(5, 6, "2025-07-01", &[200]),
            commit(6, 6, "2024-06-01", &[200]),
            Commit { repo: 13, ..commit(7, 4, "2020-01-01", &[200]) },
            // Before the library was released.
            commit(8, 5, "2001-01-01", &[200]),
        ],
        languages: vec![
            year("C++", 2020, 1_000, 80),
            year("C++", 2021, 500, 0),
            year("C++", 2024, 3, 3),
            year("C", 2020, 9, 1),
        ],
    }
}

/// Of the world, as of the middle of 2026: 0.4·derivation + 0.3·trend + 0.3·momentum over the shares
/// 0, 4/6, 1/6, 0, 1/6 of 2015, 2020, 2021, 2023 and 2024, all times log₁₀ 7.
const SCORE: f64 = -0.135_389_879_195_830_73;

async fn served() -> Value {
    document(&rows(), "2026-06-01T00:00:00Z").await
}

#[tokio::test(flavor = "multi_thread")]
async fn repositories_and_versions() {
    let document = served().await;
    let by_year = json!({"2000": 1, "2007": 1, "2020": 2, "2024": 1, "2026": 1});
    assert_eq!(document["repos_by_year"], by_year);
    let by_version = json!([["1.34.0", 1], ["1.84.0", 3], ["1.100.0", 1], ["1.99.0", 0]]);
    assert_eq!(document["repos_by_version"], by_version);
    let versions = json!(["1.33.0", "1.34.0", "1.84.0", "1.99.0", "1.100.0"]);
    assert_eq!(document["all_versions_for_chart"], versions);
    let share = |version: &str, created_at: &str, confirmed: i64, guessed: i64| json!({"version": version, "created_at": created_at, "confirmed": confirmed, "guessed": guessed});
    let expected = json!({
        "repos_with_version": 2,
        "repos_without_version": 5,
        "version_coverage_percent": 28.571_428_571_428_57,
        "distribution_by_version": [
            share("1.33.0", "2005-08-11", 0, 0),
            share("1.34.0", "2007-05-12", 0, 1),
            share("1.84.0", "2023-12-13", 2, 1),
            share("1.99.0", "", 0, 0),
            share("1.100.0", "2025-06-01", 0, 1),
        ],
        "distribution_by_year_version": {
            "1.84.0": {"2020": 2},
            "": {"2000": 1, "2007": 1, "2024": 1, "2026": 1},
        },
    });
    assert_same(&document["version_related_stats"], &expected, "version_related_stats");
}

#[tokio::test(flavor = "multi_thread")]
async fn languages() {
    let document = served().await;
    let year = |all: i64, significant: i64| json!({"all": all, "stars_10_plus": significant});
    assert_eq!(
        document["language_comparison_data"],
        json!({
            "C": {"2020": year(9, 1)},
            "C++": {"2020": year(1_000, 80), "2021": year(500, 0), "2024": year(3, 3)},
        })
    );
    let rate = |year: &str, all: i64, significant: i64, boost: i64, percent: &str| {
        json!({"year": year, "cpp_repo_count": all, "over_10": significant, "boost_over_10": boost,
            "boost_over_10_percentage": percent})
    };
    assert_eq!(
        document["repos_by_year_boost_rate"],
        json!([
            rate("2024", 3, 3, 1, "33.33%"),
            rate("2021", 500, 0, 0, "0.00%"),
            rate("2020", 1_000, 80, 2, "2.50%"),
        ])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn libraries_and_statistics() {
    let document = served().await;
    let asio = json!({
        "name": "asio", "library_id": ASIO, "created_version": "1.34.0", "removed_version": "",
        "total_usage": 6, "recent_usage": 2, "past_usage": 4, "activity_score": SCORE,
        "repo_count": 5, "earliest_commit": "2015-01-01T00:00:00Z",
        "latest_commit": "2026-04-01T00:00:00Z", "average_stars": 125,
    });
    let other = json!({
        "name": "asio", "library_id": OTHER_ASIO, "created_version": "1.100.0",
        "removed_version": "", "total_usage": 0, "recent_usage": 0, "past_usage": 0,
        "activity_score": -10.0, "repo_count": 0, "earliest_commit": "", "latest_commit": "",
        "average_stars": 0,
    });
    // Used, but no year is known of it.
    let beast = json!({
        "name": "beast", "library_id": BEAST, "created_version": "1.84.1", "removed_version": "",
        "total_usage": 0, "recent_usage": 0, "past_usage": 0, "activity_score": -10.0,
        "repo_count": 1, "earliest_commit": "", "latest_commit": "", "average_stars": 50,
    });
    assert_same(&document["metrics_by_library"], &json!([asio, other, beast]), "metrics");
    let top = |name: &str, repos: i64, total: i64, earliest: &str, latest: &str| {
        json!({"name": name, "repo_count": repos, "total_usage": total,
            "earliest_commit": earliest, "latest_commit": latest})
    };
    let active = |name: &str, total: i64, recent: i64, past: i64, score: f64| {
        json!({"name": name, "total_usage": total, "recent_usage": recent, "past_usage": past,
            "activity_score": score})
    };
    let expected = json!({
        "total_repositories": 7,
        "affected_repositories": 7,
        "total_usage_records": 8,
        "total_libraries": 3,
        "top_libraries": [
            top("asio", 5, 6, "2015-01-01T00:00:00Z", "2026-04-01T00:00:00Z"),
            top("beast", 1, 0, "", ""),
            top("asio", 0, 0, "", ""),
        ],
        "never_used_libraries": [
            {"name": "asio", "created_version": "1.100.0", "last_updated_version": ""},
        ],
        "top_active_libraries": [
            active("asio", 6, 2, 4, SCORE),
            active("asio", 0, 0, 0, -10.0),
            active("beast", 0, 0, 0, -10.0),
        ],
        "bottom_active_libraries": [active("asio", 6, 2, 4, SCORE)],
    });
    assert_same(&document["statistics"], &expected, "statistics");
}

#[tokio::test(flavor = "multi_thread")]
async fn leading_repositories() {
    let document = served().await;
    let top = &document["top_repositories"];
    let ids = |list: &str| -> Vec<i64> {
        top[list].as_array().unwrap().iter().map(|row| row["id"].as_i64().unwrap()).collect()
    };
    assert_eq!(ids("top20_by_stars"), [20, 21, 25, 26, 27, 28, 22]);
    assert_eq!(ids("top20_by_usage"), [20, 21, 22, 25, 26, 27, 28]);
    assert_eq!(ids("top20_by_created"), [26, 22, 21, 20, 27, 28, 25]);
    let row = |id: i64, name: &str, stars: i64, created_at: &str, pushed_at: &str| {
        json!({"id": id, "repo_name": name, "affect_from_boost": 1, "stars": stars,
            "created_at": created_at, "pushed_at": pushed_at})
    };
    let versions = |mut row: Value, version: &str, candidate: &str, usages: i64| {
        row["boost_version"] = json!(version);
        row["candidate_version"] = json!(candidate);
        row["usage_count"] = json!(usages);
        row
    };
    let first = row(20, "acme/a", 100, "2020-01-01T00:00:00Z", "2025-02-03T00:00:00Z");
    assert_eq!(top["top20_by_stars"][0], versions(first, "1.84.0", "", 4));
    let at_release = row(27, "acme/h", 20, "2007-05-12T00:00:00Z", "");
    assert_eq!(top["top20_by_stars"][4], versions(at_release, "", "1.34.0", 0));
    let last = row(25, "acme/f", 50, "", "");
    assert_eq!(top["top20_by_created"][6], versions(last, "", "", 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_of_a_library() {
    let document = served().await;
    let pages = document["libraries_page_data"].as_object().unwrap();
    let titles: Vec<&String> = pages.keys().collect();
    assert_eq!(titles, ["asio (boostorg/another)", "asio (boostorg/asio)", "beast"]);
    let levels = |first: i64, all: i64| json!({"first_level": first, "all_deeper": all});
    let consumer = |name: &str, stars: i64, usages: i64, created: &str, updated: &str| {
        json!({"name": name, "stars": stars, "usage_count": usages, "created_at": created,
            "updated_at": updated})
    };
    let year = |created: i64, committed: i64, repos: i64| json!({"by_created": created, "by_last_commit": committed, "repos": repos});
    let share = |version: &str, person: &str, commits: i64, account: i64| json!({"version": version, "person": person, "commit_count": commits, "account_id": account});
    let expected = json!({
        "over_view": {
            "created_version": "1.34.0", "last_updated_version": "1.100.0", "last_contributors": 1,
            "overall_contributors": 3, "internal_consumers": 2, "used_repo_count": 5,
            "average_used_repo_count": 0, "active_score": SCORE, "average_star": 125,
            "description": "Portable networking.",
            "most_used_year": {"year": "2020", "count": 2},
            "last_year_used_repo_count": {"year": 2025, "count": 0},
            "used_headers": {"include/boost/asio.hpp": 6, "include/boost/asio/ip.hpp": 1},
        },
        "internal_dependents_data": {
            "table_data": [
                {"name": "beast", "depth": 1, "last_version": "1.100.0", "library_id": BEAST},
                {"name": "Unknown(103)", "depth": 2, "last_version": "1.84.0", "library_id": 103},
            ],
            "chart_data": {"1.33.0": levels(0, 0), "1.34.0": levels(0, 0), "1.84.0": levels(1, 2),
                "1.99.0": levels(0, 0), "1.100.0": levels(1, 1)},
        },
        "external_consumers": {
            "table_data": [
                consumer("acme/a", 100, 3, "2020-01-01", "2025-02-03"),
                consumer("acme/b", 50, 1, "2020-06-01", ""),
                consumer("acme/g", 20, 1, "2026-03-01", ""),
                consumer("acme/c", 11, 1, "2024-01-01", ""),
                // Said not to use Boost.
                consumer("acme/e", 0, 1, "", ""),
            ],
            "chart_data": {"2015": year(0, 1, 0), "2020": year(4, 0, 2), "2021": year(1, 0, 0),
                "2023": year(0, 2, 0), "2024": year(1, 2, 1), "2026": year(1, 1, 1)},
        },
        "contribute_data": {
            "table_data": [
                share("1.100.0", "unknown", 1, 6),
                share("1.84.0", "bob", 2, 5),
                share("1.84.0", "Jane Roe", 1, 4),
                share("1.34.0", "Jane Roe", 1, 4),
                share("1.33.0", "bob", 1, 5),
            ],
            "chart_data": {"1.34.0": 1, "1.84.0": 3, "1.99.0": 0, "1.100.0": 1},
        },
    });
    assert_same(&pages["asio (boostorg/asio)"], &expected, "asio");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_of_a_library_of_which_little_is_known() {
    let document = served().await;
    let beast = &document["libraries_page_data"]["beast"];
    let expected = json!({
        "created_version": "1.84.1", "last_updated_version": "", "last_contributors": 0,
        "overall_contributors": 0, "internal_consumers": 2, "used_repo_count": 1,
        "average_used_repo_count": 0, "active_score": -10.0, "average_star": 50,
        "description": "HTTP.", "most_used_year": {"year": "", "count": 0},
        "last_year_used_repo_count": {"year": 2025, "count": 0}, "used_headers": {},
    });
    assert_eq!(beast["over_view"], expected);
    assert_eq!(beast["external_consumers"], json!({"table_data": [], "chart_data": {}}));
    let contributions = json!({"table_data": [], "chart_data": {"1.99.0": 0, "1.100.0": 0}});
    assert_eq!(beast["contribute_data"], contributions);
    // One that has no name here sorts before those that have one.
    let dependents = json!([
        {"name": "Unknown(103)", "depth": 1, "last_version": "1.84.0", "library_id": 103},
        {"name": "asio", "depth": 1, "last_version": "1.84.0", "library_id": ASIO},
    ]);
    assert_eq!(beast["internal_dependents_data"]["table_data"], dependents);
    let other = &document["libraries_page_data"]["asio (boostorg/another)"];
    assert_eq!(other["over_view"]["used_headers"], json!({}));
    assert_eq!(other["internal_dependents_data"]["table_data"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn most_used_headers_and_great_versions_come_in_order() {
    let app = server(&rows(), |_| {}).await;
    let page = app.get(&format!("{PATH}/libraries/{ASIO}")).await;
    let headers = r#""used_headers":{"include/boost/asio.hpp":6,"include/boost/asio/ip.hpp":1}"#;
    assert!(page.text().contains(headers), "{}", page.text());
    let versions = r#""chart_data":{"1.34.0":1,"1.84.0":3,"1.99.0":0,"1.100.0":1}"#;
    assert!(page.text().contains(versions), "{}", page.text());
}
