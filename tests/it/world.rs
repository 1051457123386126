//! The demo's world: what fills every table, and what replay makes of its archive.

use std::path::Path;

use boost_dashboard::{
    cli::{ingest::by_name, samples::SAMPLES},
    ingest::replay::{self, Options},
};
use serde_json::{Value, json};

use crate::support::{
    TestApp,
    dump::{assert_same, dump},
};

/// Posts every sample, in order; gives their receipts.
async fn post_all(app: &TestApp) -> Vec<Value> {
    let mut receipts = Vec::new();
    let token = app.token(&["ingest:*"]);
    for sample in SAMPLES {
        let (media, coding) = by_name(Path::new(sample.name));
        let params: Vec<String> = sample
            .params
            .iter()
            .map(|(name, value)| {
                format!("{name}={}", value.replace(' ', "%20").replace('@', "%40"))
            })
            .collect();
        let path = format!("/api/v1/ingest/{}?{}", sample.kind, params.join("&"));
        let answer = app.post_coded(&path, &token, media, coding, sample.bytes.to_vec()).await;
        let receipt = answer.expect(200);
        assert_eq!(receipt["rejected"], 0, "{}: {receipt}", sample.name);
        receipts.push(receipt);
    }
    receipts
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_changes_nothing_twice() {
    let app = TestApp::new().await;
    post_all(&app).await;
    for receipt in post_all(&app).await {
        assert_eq!(
            (&receipt["inserted"], &receipt["updated"]),
            (&json!(0), &json!(0)),
            "{receipt}"
        );
        for (table, count) in receipt["tables"].as_object().unwrap() {
            let written = [&count["inserted"], &count["updated"], &count["deleted"]];
            assert_eq!(written, [0, 0, 0], "{table}: {receipt}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn replay_makes_equal_rows_with_one_worker_and_with_eight() {
    let first = TestApp::new().await;
    post_all(&first).await;
    let before = dump(first.db().url()).await;
    for workers in [1, 8] {
        let workspace = first.app().settings.workspace.clone();
        let second = TestApp::with(|settings| settings.workspace = workspace).await;
        let options = Options { workers, ..Options::default() };
        let summary = replay::replay(second.app(), options, |_| ()).await.unwrap();
        assert!(summary.is_whole(), "{summary:?}");
        assert_same(&before, &dump(second.db().url()).await);
    }
}
