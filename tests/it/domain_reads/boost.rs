//! Releases and libraries, of real payloads.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{all, column, fixture, get, ingest, sql};
use crate::support::TestApp;

/// The server with three real releases: their libraries and what depends on what.
async fn boost() -> (TestApp, String) {
    let app = TestApp::new().await;
    ingest(&app, "boost/versions", "application/json", fixture("boost/versions.json")).await;
    for version in ["1.66.0", "1.81.0"] {
        let libraries = fixture(&format!("boost/libraries-{version}.ndjson"));
        ingest(&app, "boost/libraries", "application/x-ndjson", libraries).await;
    }
    for version in ["1.66.0", "1.79.0"] {
        let dependencies = fixture(&format!("boost/dependencies-{version}.txt"));
        let to = format!("boost/dependencies?version={version}");
        ingest(&app, &to, "text/plain", dependencies).await;
    }
    let token = app.token(&["read"]);
    (app, token)
}

/// The pairs `(client, dep)` of a release, by the libraries' ids.
async fn pairs(app: &TestApp, version: &Value) -> BTreeSet<(i64, i64)> {
    let token = app.token(&["read"]);
    let (mut pairs, mut next) = (BTreeSet::new(), String::new());
    loop {
        let path = format!("/api/v1/boost/dependencies?version_id={version}&limit=500{next}");
        let page = app.get_as(&token, &path).await.expect(200);
        let id = |row: &Value, name: &str| row[name].as_i64().unwrap();
        let rows = page["data"].as_array().unwrap().iter();
        pairs.extend(rows.map(|row| (id(row, "client_library_id"), id(row, "dep_library_id"))));
        let Some(cursor) = page["page"]["next_cursor"].as_str() else { return pairs };
        next = format!("&cursor={cursor}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_latest_release_is_the_greatest() {
    let app = TestApp::new().await;
    get(&app, "/boost/versions/latest").await.expect(404);
    let versions = json!([
        {"version": "1.9.0", "version_created_at": "2030-01-01T00:00:00Z"},
        {"version": "1.100.0"},
        {"version": "1.99.0", "version_created_at": "2999-01-01T00:00:00Z"},
        {"version": "1.84.0", "version_created_at": "2023-12-13T00:00:00Z"},
        {"version": "1.83.0", "version_created_at": "2023-08-11T00:00:00Z"},
    ]);
    ingest(&app, "boost/versions", "application/json", versions.to_string()).await;
    let version = async |query: &str| {
        let path = format!("/boost/versions/latest{query}");
        get(&app, &path).await.expect(200)["version"].clone()
    };
    assert_eq!(version("").await, "boost-1.100.0");
    assert_eq!(version("?released=false").await, "boost-1.100.0");
    assert_eq!(version("?released=true").await, "boost-1.84.0");
    let row = get(&app, "/boost/versions/latest?released=true").await.expect(200);
    let same = get(&app, &format!("/boost/versions/{}", row["id"])).await.expect(200);
    assert_eq!(row, same);
    let path = "/boost/versions/latest?released=true&fields=version_key";
    assert_eq!(get(&app, path).await.expect(200), json!({"version_key": 108_400}));
    for (query, suggestion) in [("released=True", "true"), ("field=id", "fields")] {
        let problem = get(&app, &format!("/boost/versions/latest?{query}")).await.expect(400);
        assert_eq!(problem["errors"][0]["suggestion"], suggestion);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_diff_is_what_one_release_has_alone() {
    let (app, _) = boost().await;
    let diff = get(&app, "/boost/versions/1.66/diff/boost_1_79_0").await.expect(200);
    let (a, b) = (pairs(&app, &diff["a"]["id"]).await, pairs(&app, &diff["b"]["id"]).await);
    let of = |list: &Value| -> BTreeSet<(i64, i64)> {
        let id = |row: &Value, name: &str| row[name].as_i64().unwrap();
        let rows = list.as_array().unwrap().iter();
        rows.map(|row| (id(row, "client_library_id"), id(row, "dep_library_id"))).collect()
    };
    assert_eq!(of(&diff["dependencies"]["added"]), b.difference(&a).copied().collect());
    assert_eq!(of(&diff["dependencies"]["removed"]), a.difference(&b).copied().collect());
    assert!(!of(&diff["dependencies"]["added"]).is_empty());
    assert!(!of(&diff["dependencies"]["removed"]).is_empty());

    let back =
        get(&app, "/boost/versions/107900/diff/refs%2Ftags%2Fboost-1.66.0").await.expect(200);
    assert_eq!(back["dependencies"]["added"], diff["dependencies"]["removed"]);
    assert_eq!(back["dependencies"]["removed"], diff["dependencies"]["added"]);

    let diff = get(&app, "/boost/versions/v1.66.0/diff/1.81.0").await.expect(200);
    assert!(!diff["libraries"]["new"].as_array().unwrap().is_empty());
    let names = diff["libraries"]["new"].as_array().unwrap();
    assert!(names.is_sorted_by_key(|row| row["name"].as_str().unwrap()));
    let same = get(&app, "/boost/versions/1.66.0/diff/1.66").await.expect(200);
    assert_eq!(same["dependencies"], json!({"added": [], "removed": []}));
    assert_eq!(same["libraries"], json!({"new": [], "gone": []}));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_that_is_none_is_answered_with_the_nearest() {
    let (app, _) = boost().await;
    for (path, status, parameter) in [
        ("/boost/versions/1.66.0/diff/1.79.x", 400, "b"),
        ("/boost/versions/develop/diff/1.79.0", 400, "a"),
        ("/boost/versions/1.66.0/diff/1.99999.0", 400, "b"),
        ("/boost/versions/1.66.0/diff/1.999.0", 404, "b"),
        ("/boost/libraries/1/dependents?version=1.79.x", 400, "version"),
        ("/boost/libraries/1/contributors?version=1.999.0", 404, "version"),
    ] {
        let problem = get(&app, path).await.expect(status);
        assert_eq!(problem["errors"][0]["parameter"], parameter, "{path}");
        let suggestion = problem["errors"][0]["suggestion"].as_str().unwrap();
        assert!(suggestion.starts_with("boost-1."), "{path}: {suggestion}");
    }
    for path in ["dependents", "contributors"] {
        get(&app, &format!("/boost/libraries/999999/{path}")).await.expect(404);
        get(&app, &format!("/boost/libraries/x/{path}")).await.expect(400);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn dependents_are_found_as_by_hand() {
    let (app, token) = boost().await;
    let version = get(&app, "/boost/versions?version=boost-1.79.0").await.expect(200);
    let pairs = pairs(&app, &version["data"][0]["id"]).await;
    let libraries: BTreeSet<i64> = pairs.iter().flat_map(|(client, dep)| [*client, *dep]).collect();
    for library in libraries.iter().step_by(7) {
        let mut depths = BTreeMap::from([(*library, 0)]);
        for depth in 1..=libraries.len() {
            let next = pairs.iter().filter(|(_, dep)| depths.contains_key(dep));
            let next: Vec<i64> = next.map(|(client, _)| *client).collect();
            for client in next {
                depths.entry(client).or_insert(depth);
            }
        }
        depths.remove(library);
        for (query, furthest) in [("", 1), ("?transitive=true&version=1.79.0", usize::MAX)] {
            let path = format!("/boost/libraries/{library}/dependents{query}");
            let page = app.get_as(&token, &format!("/api/v1{path}")).await.expect(200);
            let first = page["data"].as_array().unwrap();
            let found =
                if first.len() < 50 { first.clone() } else { all(&app, &token, &path).await };
            let found: BTreeMap<i64, usize> = found
                .iter()
                .map(|row| {
                    assert_eq!(row["version"], "boost-1.79.0");
                    let depth = usize::try_from(row["depth"].as_u64().unwrap()).unwrap();
                    (row["library_id"].as_i64().unwrap(), depth)
                })
                .collect();
            let near = depths.iter().filter(|(_, depth)| **depth <= furthest);
            assert_eq!(found, near.map(|(id, depth)| (*id, *depth)).collect(), "{path}");
        }
    }
    // No dependencies of this release are known.
    let path = format!("/boost/libraries/{}/dependents?version=1.81.0", libraries.first().unwrap());
    assert!(all(&app, &token, &path).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn commits_count_for_the_release_after_them() {
    let app = TestApp::new().await;
    sql(
        &app,
        "insert into identity (id, display_name) values (1, 'Jane Roe'), (2, '');
         insert into base_profile (id, identity_id, type) values (1, null, 'github'), (2, 1, 'github'),
             (3, 2, 'github'), (4, null, 'github'), (5, null, 'github');
         insert into github_account (id, github_account_id, username, display_name) values
             (1, 1, 'boostorg', ''), (2, 2, 'jroe', 'J. R.'), (3, 3, 'three', 'Three'), (4, 4, 'four', ''), (5, 5, '', '');
         insert into github_repository (id, owner_account_id, repo_name) values (1, 1, 'json'), (2, 5, 'x');
         insert into boost_library_repository (id) values (1), (2);
         insert into boost_library (id, repo_id, name) values (1, 1, 'JSON'), (2, 2, 'X'), (3, 1, 'Empty');
         insert into github_file (id, repo_id, filename) values (1, 1, 'a'), (2, 1, 'b'), (3, 2, 'c');
         insert into boost_file (id, library_id) values (1, 1), (2, 1), (3, 2);
         insert into boost_version (id, version, version_key, version_created_at) values
             (1, 'boost-1.80.0', 108000, '2022-08-10'), (2, 'boost-1.80.1', 108001, '2022-09-10'),
             (3, 'boost-1.81.0', 108100, '2022-12-14'), (4, 'boost-1.82.0', 108200, '2022-12-14'),
             (5, 'boost-1.83.0', 108300, null);
         insert into git_commit (id, repo_id, account_id, commit_hash, commit_at) values
             (1, 1, 2, '1', '2022-01-01'), (2, 1, 2, '2', '2022-08-09'), (3, 1, 3, '3', '2022-08-10'),
             (4, 1, 4, '4', '2022-12-13'), (5, 1, 5, '5', '2022-12-13'), (6, 1, 2, '6', '2022-12-14'),
             (7, 2, 2, '7', '2022-01-01');
         insert into git_commit_file_change (commit_id, github_file_id, status) values (1, 1, 'modified'),
             (1, 2, 'modified'), (2, 1, 'modified'), (3, 1, 'added'), (4, 2, 'removed'), (5, 1, 'modified'),
             (6, 1, 'modified'), (7, 3, 'modified')",
    )
    .await;
    let token = app.token(&["read"]);
    let rows = all(&app, &token, "/boost/libraries/1/contributors").await;
    let row = |version: i64,
               name: &str,
               account: i64,
               identity: Value,
               person: &str,
               count: i64| {
        json!({
            "version_id": version, "version": name, "account_id": account, "identity_id": identity,
            "person": person, "commit_count": count
        })
    };
    let expected = [
        row(3, "boost-1.81.0", 3, json!(2), "Three", 1),
        row(3, "boost-1.81.0", 4, Value::Null, "four", 1),
        row(3, "boost-1.81.0", 5, Value::Null, "unknown", 1),
        row(1, "boost-1.80.0", 2, json!(1), "Jane Roe", 2),
    ];
    assert_eq!(rows, expected);
    let rows = all(&app, &token, "/boost/libraries/1/contributors?version=1.80").await;
    assert_eq!(rows, expected[3..]);
    // A patch release, a release without a date, and the later of two at one instant have none.
    for version in ["1.80.1", "1.83.0", "1.82.0"] {
        let path = format!("/boost/libraries/1/contributors?version={version}");
        assert!(all(&app, &token, &path).await.is_empty(), "{version}");
    }
    for (library, why) in [(2, "its owner has no name"), (3, "it has no files")] {
        let path = format!("/boost/libraries/{library}/contributors");
        assert!(all(&app, &token, &path).await.is_empty(), "{why}");
    }
    assert_eq!(column(&expected, "version_id").len(), 4);
}
