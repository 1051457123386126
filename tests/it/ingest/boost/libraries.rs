//! `meta/libraries.json`: names, people, categories, and libraries that are gone.

use serde_json::{Value, json};

use super::{Boost, fixture, json_fixture, libraries};
use crate::ingest::sender::{counts, notes};

fn entry(name: &str, more: Value) -> Value {
    crate::ingest::sender::with(json!({"name": name, "key": name}), more)
}

fn document(version: &str, entries: Value) -> Value {
    json!({"version": version, "repo": "boostorg/x", "libraries": entries})
}

#[tokio::test(flavor = "multi_thread")]
async fn real_files_become_rows() {
    let boost = Boost::new().await;
    for name in ["algorithm", "functional", "multi_index", "utility", "numeric_conversion"] {
        let to = format!("boost/libraries?version=1.84.0&repo=boostorg/{name}");
        let receipt = boost.post(&to, &json_fixture(&format!("libraries_json/{name}.json"))).await;
        assert_eq!(counts(&receipt)[1..], [0, 0, 0, 0], "{receipt}");
    }
    let before = boost.dump().await;
    insta::assert_snapshot!(before.join("\n"));
    let to = "boost/libraries?version=1.84.0&repo=boostorg/utility";
    let again = boost.post(to, &json_fixture("libraries_json/utility.json")).await;
    assert_eq!(counts(&again), [0, 0, 9, 0, 0], "{again}");
    assert_eq!(boost.dump().await, before);
    assert_eq!(boost.0.get("/ingest/drift").await.expect(200)["items"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn releases_one_after_the_other() {
    let boost = Boost::new().await;
    for release in ["1.81.0", "1.66.0", "1.74.0"] {
        let body = fixture(&format!("libraries-{release}.ndjson"));
        let (status, receipt) = boost.send("boost/libraries", "application/x-ndjson", body).await;
        assert_eq!(status, 200, "{receipt}");
        assert_eq!(receipt["rejected"], 0, "{receipt}");
    }
    assert_eq!(boost.rows("library version").await.len(), 23 + 24 + 25);
    assert_eq!(boost.rows("version").await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_library_is_named_by_its_key_or_its_name() {
    let boost = Boost::new().await;
    let body = json!([
        {"key": "x", "name": "X"}, {"key": "x/y", "name": "Why"}, {"key": "only/key"},
        {"name": "Only Name", "cxxstd": 11}, {"description": "nobody"}
    ]);
    let receipt = boost.post("boost/libraries?version=boost-1.84.0&repo=boostorg/x", &body).await;
    assert_eq!(counts(&receipt), [4, 0, 0, 0, 1], "{receipt}");
    assert_eq!(notes(&receipt, "errors"), ["4 missing_field /name"]);
    let libraries = boost.rows("library").await;
    let names = ["Only Name", "Why", "only/key", "x"].map(|name| format!("boostorg/x:{name}"));
    assert!(names.iter().all(|name| libraries.contains(name)), "{libraries:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn context_is_needed_and_the_payload_wins() {
    let boost = Boost::new().await;
    let bare = json!({"key": "x", "name": "X"});
    for (query, note) in [
        ("?version=1.84.0", "0 missing_context"),
        ("?repo=boostorg/x", "0 missing_context /version"),
        ("?repo=boostorg/x&version=develop", "0 invalid_version /version"),
    ] {
        let to = format!("boost/libraries{query}");
        let (status, receipt) = boost.send(&to, "application/json", bare.to_string()).await;
        assert_eq!((status, notes(&receipt, "errors")), (422, vec![note.to_owned()]), "{receipt}");
    }
    let body = json!({"version": "1.84.0", "submodule": "x", "libraries": bare});
    let receipt = boost.post("boost/libraries?version=1.85.0&repo=boostorg/other", &body).await;
    let warnings = notes(&receipt, "warnings");
    assert_eq!(warnings, ["0 context_mismatch /version", "0 context_mismatch"], "{receipt}");
    assert_eq!(boost.rows("library version").await, ["boostorg/x:x:boost-1.84.0 |  |  |  | x"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn people_and_categories_are_those_of_the_newest_document() {
    let first = document(
        "1.84.0",
        json!([entry(
            "a",
            json!({
                "authors": ["Jane Roe <jane -at- example.org>", " ", "Alan Smith"],
                "maintainers": "Jane Roe <jane -at- example.org>", "category": ["One", " Two "],
                "description": "first", "cxxstd": "11"
            })
        )]),
    );
    let second = document(
        "1.84.0",
        json!([entry(
            "a",
            json!({"authors": "Jane Roe <jane@example.org>", "category": "Two", "cxxstd": 11})
        )]),
    );
    let newer = document("1.85.0", json!([entry("a", json!({"category": ["Three"]}))]));
    let bodies = [("2024-01-01", first), ("2024-01-02", second), ("2024-01-03", newer)];
    let mut dumps = Vec::new();
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
        let boost = Boost::new().await;
        for nth in order {
            let (day, body) = &bodies[nth];
            boost.post(&format!("boost/libraries?as_of={day}T00:00:00Z"), body).await;
        }
        assert_eq!(
            boost.rows("role").await,
            ["boostorg/x:a:boost-1.84.0 email:jane@example.org Jane Roe author maintainer"],
            "{order:?}"
        );
        assert_eq!(boost.rows("in category").await, ["boostorg/x:a Three"], "{order:?}");
        let versions = boost.rows("library version").await;
        assert_eq!(versions[0], "boostorg/x:a:boost-1.84.0 | 11 | first |  | a");
        dumps.push(boost.dump().await);
    }
    assert!(dumps.windows(2).all(|pair| pair[0] == pair[1]), "{dumps:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_library_that_is_not_listed_any_more_leaves_the_version_alone() {
    let boost = Boost::new().await;
    let to = |day: u32| format!("boost/libraries?as_of=2024-01-0{day}T00:00:00Z");
    boost.post(&to(2), &libraries("1.84.0", "x", &[("a", "a"), ("b", "b")])).await;
    boost.post(&to(2), &libraries("1.85.0", "x", &[("a", "a"), ("b", "b")])).await;
    // Documentation that hangs on a row keeps it.
    boost
        .0
        .number(
            "with c as (insert into boost_doc_content (url, content_hash, scraped_at) \
             values ('u', 'h', now()) returning id) \
             insert into boost_library_documentation (boost_library_version_id, boost_doc_content_id) \
             select lv.id, c.id from c, boost_library_version lv \
             join boost_library l on l.id = lv.library_id and l.name = 'b' \
             join boost_version v on v.id = lv.version_id and v.version = 'boost-1.85.0' returning 1",
        )
        .await;
    boost.post(&to(3), &libraries("1.84.0", "x", &[("a", "a")])).await;
    boost.post(&to(3), &libraries("1.85.0", "x", &[("a", "a")])).await;
    let expected = [
        "boostorg/x:a:boost-1.84.0 |  |  |  | a",
        "boostorg/x:a:boost-1.85.0 |  |  |  | a",
        "boostorg/x:b:boost-1.85.0 |  |  |  | ",
    ];
    assert_eq!(boost.rows("library version").await, expected);
    // The older document comes again, and changes nothing.
    let late = boost.post(&to(1), &libraries("1.84.0", "x", &[("a", "a"), ("b", "b")])).await;
    assert_eq!(counts(&late), [0, 0, 1, 1, 0], "{late}");
    assert_eq!(boost.rows("library version").await, expected);
    // A bad entry means that the list is not known in full.
    let partial =
        json!({"version": "1.84.0", "repo": "boostorg/x", "libraries": [{"name": "c"}, 7]});
    let receipt = boost.post(&to(4), &partial).await;
    assert_eq!(counts(&receipt), [1, 0, 0, 0, 1], "{receipt}");
    assert_eq!(boost.rows("library version").await.len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_body_sixteen_times_at_once() {
    let boost = std::sync::Arc::new(Boost::new().await);
    let body = json_fixture("libraries_json/utility.json");
    let mut posts = tokio::task::JoinSet::new();
    for _ in 0..16 {
        let (boost, body) = (std::sync::Arc::clone(&boost), body.clone());
        posts.spawn(async move {
            boost.post("boost/libraries?version=1.84.0&repo=boostorg/utility&as_of=2024-01-01T00:00:00Z", &body).await
        });
    }
    let receipts = posts.join_all().await;
    let sum = |nth: usize| receipts.iter().map(|receipt| counts(receipt)[nth]).sum::<u64>();
    assert_eq!([0, 1, 2, 3, 4].map(sum), [9, 0, 9 * 15, 0, 0]);
    assert_eq!(boost.rows("library version").await.len(), 9);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_and_a_refused_request_leave_nothing() {
    let boost = Boost::new().await;
    let body = document("1.84.0", json!([{"name": "a"}, 7]));
    let (_, receipt) =
        boost.send("boost/libraries?mode=atomic", "application/json", body.to_string()).await;
    assert_eq!(receipt["rejected"], 2, "{receipt}");
    boost.post("boost/libraries?dry_run=true", &document("1.84.0", json!([{"name": "a"}]))).await;
    assert!(boost.dump().await.is_empty());
    assert_eq!(boost.0.number("select count(*) from statement").await, 0);
}
