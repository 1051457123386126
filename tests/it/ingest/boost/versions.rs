//! Releases in every spelling, and what is none.

use serde_json::json;

use super::{Boost, dependencies, json_fixture};
use crate::ingest::sender::{counts, notes};

#[tokio::test(flavor = "multi_thread")]
async fn every_spelling_is_one_row() {
    let boost = Boost::new().await;
    let spellings = json!([
        "1.84.0", "1_84_0", {"version": "boost-1.84.0"}, {"name": "boost-1.84.0", "commit": {"sha": "a"}},
        {"tag_name": "boost-1.84.0", "name": "Boost 1.84.0"}, "1.84", 108_400, "v1.84.0"
    ]);
    let receipt = boost.post("boost/versions", &spellings).await;
    assert_eq!(counts(&receipt)[0], 1, "{receipt}");
    assert_eq!(counts(&receipt)[4], 0, "{receipt}");
    assert_eq!(boost.rows("version").await, ["boost-1.84.0 108400"]);
    boost.post("boost/versions", &json!(["boost-1.100.0", "1.20.0"])).await;
    let newest = boost.0.get("/boost/versions?sort=-version&limit=1").await.expect(200);
    assert_eq!(newest["data"][0]["version"], "boost-1.100.0", "{newest}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_release_is_ignored_and_what_is_no_number_of_boost_refused() {
    let boost = Boost::new().await;
    let body = json!([
        "boost-1.84.0.beta1", "1.84.0-rc1", "develop", "master",
        {"tag_name": "boost-1.85.0", "draft": true}, {"tag_name": "boost-1.85.0", "prerelease": true},
        "0.9", "1.1000.0", {"date": "2024-01-01T00:00:00Z"}
    ]);
    let receipt = boost.post("boost/versions", &body).await;
    assert_eq!(counts(&receipt), [0, 0, 6, 0, 3], "{receipt}");
    assert_eq!(
        notes(&receipt, "errors"),
        ["6 invalid_version", "7 invalid_version", "8 missing_field /version"]
    );
    assert!(notes(&receipt, "warnings").iter().all(|note| note.contains("not_a_release")));
    assert!(boost.rows("version").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_date_is_never_lost_and_the_newest_statement_wins() {
    for order in [[0, 1, 2], [2, 1, 0], [1, 0, 2]] {
        let boost = Boost::new().await;
        let statements = [
            (
                "as_of=2024-01-01T00:00:00Z",
                json!({"version": "1.84.0", "version_created_at": "2023-12-12T00:00:00Z"}),
            ),
            (
                "as_of=2024-01-02T00:00:00Z",
                json!({"version": "1.84.0", "date": "2023-12-13T12:00:00Z"}),
            ),
            (
                "as_of=2024-01-03T00:00:00Z",
                json!({"version": "1.84.0", "version_created_at": null}),
            ),
        ];
        for nth in order {
            let (query, body) = &statements[nth];
            boost.post(&format!("boost/versions?{query}"), body).await;
        }
        assert_eq!(boost.rows("version").await, ["boost-1.84.0 108400 2023-12-13 12:00:00+00"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tags_and_releases_as_github_gives_them() {
    let boost = Boost::new().await;
    let tags = boost.post("boost/versions", &json_fixture("tags.json")).await;
    assert_eq!(tags["rejected"], 0, "{tags}");
    let stored = boost.rows("version").await.len();
    assert_eq!(Some(stored as u64), tags["inserted"].as_u64());
    let releases = boost.post("boost/versions", &json_fixture("releases.json")).await;
    assert_eq!(counts(&releases), [0, 6, 6, 0, 0], "{releases}");
    assert_eq!(boost.rows("version").await.len(), stored);
    let again = boost.post("boost/versions", &json_fixture("releases.json")).await;
    assert_eq!(counts(&again), [0, 0, 12, 0, 0], "{again}");
    // Rows of ours: Boost's first releases have numbers that its macro does not know.
    let rows = boost.post("boost/versions", &json_fixture("versions.json")).await;
    let old = json_fixture("versions.json");
    let old = old.as_array().unwrap().iter();
    let old = old.filter(|row| row["version"].as_str().unwrap().starts_with("boost-0.")).count();
    assert_eq!(rows["rejected"], old, "{rows}");
    let drift = boost.0.get("/ingest/drift").await.expect(200);
    assert_eq!(drift["data"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_without_a_date_is_no_stub() {
    let boost = Boost::new().await;
    boost.post("boost/dependencies", &dependencies("1.88.0", json!({"a": ["b"]}))).await;
    let keys = json!({"keys": ["boost-1.88.0"]});
    let known = async || {
        let path = "/api/v1/ingest/boost/versions/known";
        let known = boost.0.app.post_json(path, &boost.0.token, &keys).await.expect(200);
        let path = "/ingest/watermarks?domain=boost";
        let all = boost.0.get(path).await.expect(200)["data"].as_array().unwrap().clone();
        let high =
            all.iter().find(|mark| mark["kind"] == "versions").map(|mark| &mark["high"]["key"]);
        (known["known"].clone(), high.cloned())
    };
    assert_eq!(known().await, (json!([]), None));
    let tag = json!({"name": "boost-1.88.0", "commit": {"sha": "a"}});
    let receipt = boost.post("boost/versions", &tag).await;
    assert_eq!(known().await, (json!(["boost-1.88.0"]), Some(json!("boost-1.88.0"))));
    let row = boost.0.get("/boost/versions").await.expect(200)["data"][0]["id"].clone();
    let from = boost.0.get(&format!("/boost/versions/{row}/provenance")).await.expect(200);
    assert_eq!((&from["receipt"], &from["raw"]), (&receipt["id"], &receipt["raw"][0]));
}
