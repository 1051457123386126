//! What depends on what, and what changed between releases.

use serde_json::{Value, json};

use super::{Boost, dependencies, fixture, json_fixture, libraries};
use crate::ingest::sender::{counts, notes};

/// Posts what boostdep says of a version at a day.
async fn state(boost: &Boost, day: u32, version: &str, of: Value) -> Value {
    let to = format!("boost/dependencies?as_of=2024-01-{day:02}T00:00:00Z");
    boost.post(&to, &dependencies(version, of)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn json_and_lines_give_equal_rows() {
    let (json, lines) = (Boost::new().await, Boost::new().await);
    for release in ["1.66.0", "1.73.0", "1.79.0"] {
        let body = json_fixture(&format!("dependencies-{release}.json"));
        let receipt = json.post("boost/dependencies", &body).await;
        assert_eq!(counts(&receipt)[1..], [0, 0, 0, 0], "{receipt}");
        let again = json.post("boost/dependencies", &body).await;
        assert_eq!(counts(&again)[2], counts(&receipt)[0], "{again}");
        let to = format!("boost/dependencies?version={release}");
        let body = fixture(&format!("dependencies-{release}.txt"));
        let (status, receipt) = lines.send(&to, "text/plain", body).await;
        assert_eq!((status, &receipt["rejected"]), (200, &json!(0)), "{receipt}");
    }
    let rows = json.dump().await;
    assert_eq!(lines.dump().await, rows);
    assert_eq!(json.rows("dependency").await.len(), 1_356 + 1_411 + 1_409);
    let drift = json.0.get("/ingest/drift").await.expect(200);
    assert_eq!(drift["data"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_lines_are_ignored() {
    let boost = Boost::new().await;
    let body = "a -> b a (unknown)\nCalculating...\npredef ->\n\n-> x\nnumeric~conversion -> b\n";
    let (status, receipt) =
        boost.send("boost/dependencies?version=1_84_0", "text/plain", body).await;
    assert_eq!((status, counts(&receipt)), (200, [3, 0, 2, 0, 0]), "{receipt}");
    assert_eq!(notes(&receipt, "warnings"), ["0 ignored", "0 ignored", "1 ignored", "3 ignored"]);
    assert_eq!(
        boost.rows("dependency").await,
        [
            "boost-1.84.0 boostorg/a:a -> boostorg/b:b",
            "boost-1.84.0 boostorg/numeric_conversion:numeric/conversion -> boostorg/b:b",
        ]
    );
    let (status, receipt) = boost.send("boost/dependencies", "text/plain", "a -> b").await;
    assert_eq!(
        (status, notes(&receipt, "errors")),
        (422, vec!["0 missing_context /version".into()])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_has_what_its_newest_statement_lists() {
    let boost = Boost::new().await;
    state(&boost, 2, "1.84.0", json!({"a": ["b", "c"], "d": ["b"]})).await;
    state(&boost, 3, "1.84.0", json!([{"client": "a", "deps": ["c"]}])).await;
    let late = state(&boost, 1, "1.84.0", json!({"a": ["x", "y"]})).await;
    assert_eq!(counts(&late), [0, 0, 0, 1, 0], "{late}");
    let rows =
        ["boost-1.84.0 boostorg/a:a -> boostorg/c:c", "boost-1.84.0 boostorg/d:d -> boostorg/b:b"];
    assert_eq!(boost.rows("dependency").await, rows);
    // What only a statement that does not count names has no stub.
    assert_eq!(boost.rows("library").await.iter().filter(|line| line.contains("stub")).count(), 4);
    let to = "boost/dependencies?complete=clients&as_of=2024-01-04T00:00:00Z";
    boost.post(to, &dependencies("1.84.0", json!({"d": ["b"]}))).await;
    assert_eq!(boost.rows("dependency").await, rows[1..]);
    state(&boost, 2, "1.84.0", json!({"e": ["b"]})).await;
    assert_eq!(boost.rows("dependency").await, rows[1..]);
    state(&boost, 5, "1.84.0", json!({"e": ["b"]})).await;
    assert_eq!(boost.rows("dependency").await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_does_not_depend_on_the_order_of_versions() {
    let releases = [
        ("1.84.0", json!({"a": ["b", "c"]})),
        ("1.84.1", json!({"a": ["b"], "c": ["a"]})),
        ("1.85.0", json!({"a": ["b", "d"], "e": []})),
    ];
    let dates = json!([
        {"version": "1.84.0", "date": "2023-12-01T00:00:00Z"},
        {"version": "1.84.1", "date": "2024-01-01T23:00:00Z"},
        {"version": "1.85.0", "date": "2024-04-01T00:00:00Z"},
        {"version": "1.84.2", "date": "2024-02-01T00:00:00Z"}
    ]);
    let mut dumps = Vec::new();
    for (order, dated_first) in [([0, 1, 2], true), ([2, 1, 0], false), ([1, 2, 0], true)] {
        let boost = Boost::new().await;
        if dated_first {
            boost.post("boost/versions?as_of=2024-01-01T00:00:00Z", &dates).await;
        }
        for nth in order {
            state(&boost, 1, releases[nth].0, releases[nth].1.clone()).await;
        }
        if !dated_first {
            assert!(boost.rows("change").await.is_empty());
            boost.post("boost/versions?as_of=2024-01-01T00:00:00Z", &dates).await;
        }
        dumps.push(boost.dump().await);
        assert_eq!(
            boost.rows("change").await,
            [
                "2024-01-01 boost-1.84.1 + boostorg/c:c -> boostorg/a:a",
                "2024-01-01 boost-1.84.1 - boostorg/a:a -> boostorg/c:c",
                "2024-04-01 boost-1.85.0 + boostorg/a:a -> boostorg/d:d",
                "2024-04-01 boost-1.85.0 - boostorg/c:c -> boostorg/a:a",
            ]
        );
    }
    assert!(dumps.windows(2).all(|pair| pair[0] == pair[1]), "{dumps:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_changes_on_one_day_the_greater_version_s_stays() {
    let boost = Boost::new().await;
    let day = "2024-01-01T00:00:00Z";
    boost
        .post(
            "boost/versions",
            &json!([{"version": "1.85.0", "date": day}, {"version": "1.86.0", "date": day}]),
        )
        .await;
    state(&boost, 1, "1.84.0", json!({"a": []})).await;
    state(&boost, 1, "1.86.0", json!({"a": []})).await;
    state(&boost, 1, "1.85.0", json!({"a": ["b"]})).await;
    let log = boost.rows("change").await;
    assert_eq!(log, ["2024-01-01 boost-1.86.0 - boostorg/a:a -> boostorg/b:b"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn stubs_give_way_to_the_libraries_that_they_stood_for() {
    let deps =
        dependencies("1.84.0", json!({"logic": ["numeric~ublas", "b"], "b": ["logic", "tribool"]}));
    let docs = json!([
        libraries("1.84.0", "logic", &[("Tribool", "logic/tribool")]),
        libraries("1.84.0", "ublas", &[("uBLAS", "numeric/ublas")]),
        libraries("1.84.0", "b", &[("b", "b")]),
    ]);
    let at = "as_of=2024-01-01T00:00:00Z";
    let mut dumps = Vec::new();
    for deps_first in [true, false] {
        let boost = Boost::new().await;
        if deps_first {
            boost.post(&format!("boost/dependencies?{at}"), &deps).await;
            assert!(boost.rows("library").await.iter().any(|line| line.ends_with("stub")));
        }
        for doc in docs.as_array().unwrap() {
            boost.post(&format!("boost/libraries?{at}"), doc).await;
        }
        if !deps_first {
            boost.post(&format!("boost/dependencies?{at}"), &deps).await;
        }
        assert_eq!(
            boost.rows("dependency").await,
            [
                "boost-1.84.0 boostorg/b:b -> boostorg/logic:Tribool",
                "boost-1.84.0 boostorg/logic:Tribool -> boostorg/b:b",
                "boost-1.84.0 boostorg/logic:Tribool -> boostorg/ublas:uBLAS",
            ]
        );
        let dump = boost.dump().await;
        assert!(!dump.iter().any(|line| line.ends_with("stub")), "{dump:#?}");
        dumps.push(dump);
    }
    assert_eq!(dumps[0], dumps[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_row_names_its_payload() {
    let boost = Boost::new().await;
    let date = json!({"version": "1.85.0", "date": "2024-01-01T00:00:00Z"});
    boost.post("boost/versions", &date).await;
    boost.post("boost/libraries", &libraries("1.84.0", "b", &[("b", "b")])).await;
    let entry = json!({"name": "a", "category": ["One"], "authors": ["Jane Roe"]});
    let document = json!({"version": "1.84.0", "repo": "boostorg/a", "libraries": [entry]});
    boost.post("boost/libraries", &document).await;
    state(&boost, 1, "1.84.0", json!({"b": ["a"]})).await;
    state(&boost, 1, "1.85.0", json!({"a": ["b"]})).await;
    for (table, kind) in [
        ("versions", "versions"),
        ("libraries", "libraries"),
        ("library-versions", "libraries"),
        ("library-categories", "libraries"),
        ("library-category-relationships", "libraries"),
        ("library-role-relationships", "libraries"),
        ("dependencies", "dependencies"),
        ("dependency-change-logs", "dependencies"),
    ] {
        let rows = boost.0.get(&format!("/boost/{table}")).await.expect(200);
        let rows = rows["data"].as_array().unwrap();
        assert!(!rows.is_empty(), "{table}");
        for row in rows.iter().filter(|row| row["version"] != "boost-1.84.0") {
            let path = format!("/boost/{table}/{}/provenance", row["id"]);
            let from = boost.0.get(&path).await.expect(200);
            assert_eq!(from["kind"], kind, "{table} {from}");
            let raw = from["raw"].as_str().unwrap();
            assert_eq!(boost.0.get(&format!("/ingest/{raw}")).await.status(), 200, "{raw}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn names_follow_whatever_changes_the_catalogue() {
    let repository = |name: &str, day: u32| {
        let body = json!({"id": 7, "full_name": name, "owner": {"id": 9, "login": "boostorg"},
            "updated_at": format!("2024-01-{day:02}T00:00:00Z")});
        ("github/repositories", body)
    };
    let page = json!({"version": "1.85.0", "library": "cc/same", "url": "https://b.org/x",
        "content": "text"});
    let needs = dependencies("1.84.0", json!({"user": ["same"], "other": ["bb"]}));
    // Of two libraries of one name the one counts that the newest release has, then the one whose
    // repository comes first.
    let of = |repo| format!("boost-1.84.0 boostorg/user:user -> boostorg/{repo}:same");
    for (kind, change) in [("docs/pages", page), repository("boostorg/zz", 2)] {
        let mut dumps = Vec::new();
        for is_late in [true, false] {
            let boost = Boost::new().await;
            let (first, body) = repository("boostorg/bb", 1);
            boost.post(first, &body).await;
            for repo in ["bb", "cc"] {
                let key = format!("{repo}/same");
                boost.post("boost/libraries", &libraries("1.84.0", repo, &[("same", &key)])).await;
            }
            if is_late {
                boost.post("boost/dependencies", &needs).await;
                assert!(boost.rows("dependency").await.contains(&of("bb")));
            }
            boost.post(kind, &change).await;
            if !is_late {
                boost.post("boost/dependencies", &needs).await;
            }
            let after = boost.rows("dependency").await;
            assert!(after.contains(&of("cc")), "{kind} {is_late} {after:?}");
            dumps.push(boost.dump().await);
        }
        assert_eq!(dumps[0], dumps[1], "{kind}");
    }
}
