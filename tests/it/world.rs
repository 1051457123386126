//! The demo's world: what fills every table, and what replay makes of its archive.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use boost_dashboard::{
    cli::{
        ingest::by_name,
        people,
        samples::{SAMPLES, Sample},
    },
    ingest::{
        background,
        replay::{self, Options},
    },
};
use rand::{SeedableRng as _, rngs::StdRng, seq::SliceRandom as _};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::support::{
    Answer, TestApp,
    dump::{assert_same, dump},
};

/// Seconds that writers overlap, unless the environment says otherwise.
const WRITING: u64 = 20;
/// The variable that does.
const WRITING_SECONDS: &str = "TEST_WRITING_SECONDS";

/// Posts a sample, with one parameter more.
async fn send(app: &TestApp, token: &str, sample: &Sample, more: Option<&str>) -> Answer {
    let (media, coding) = by_name(Path::new(sample.name));
    let escaped = |value: &str| value.replace(' ', "%20").replace('@', "%40");
    let params = sample.params.iter().map(|(name, value)| format!("{name}={}", escaped(value)));
    // A parameter that the sample has already is not given again.
    let more = more.filter(|more| !sample.params.iter().any(|(name, _)| more.starts_with(name)));
    let params: Vec<String> = params.chain(more.map(str::to_owned)).collect();
    let path = format!("/api/v1/ingest/{}?{}", sample.kind, params.join("&"));
    app.post_coded(&path, token, media, coding, sample.bytes.to_vec()).await
}

/// Posts every sample, in order; gives their receipts.
pub(crate) async fn post_all(app: &TestApp) -> Vec<Value> {
    let token = app.token(&["ingest:*"]);
    let mut receipts = Vec::new();
    for sample in SAMPLES {
        let receipt = send(app, &token, sample, None).await.expect(200);
        assert_eq!(receipt["rejected"], 0, "{}: {receipt}", sample.name);
        receipts.push(receipt);
    }
    receipts
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_fills_every_table_and_changes_nothing_twice() {
    let app = TestApp::new().await;
    post_all(&app).await;
    people::introduce(app.app(), "demo").await.unwrap();
    let contract: Value = serde_json::from_str(include_str!("../fixtures/schema.json")).unwrap();
    let mut empty = Vec::new();
    for table in contract["tables"].as_array().unwrap() {
        let name = table["table"].as_str().unwrap();
        if app.db().number(&format!("select count(*) from {name}")).await == 0 {
            empty.push(name);
        }
    }
    assert!(empty.is_empty(), "no sample fills {empty:?}");
    let journal = "select count(*) from identity_operation";
    assert_eq!(app.db().number(journal).await, 2);
    people::introduce(app.app(), "demo").await.unwrap();
    assert_eq!(app.db().number(journal).await, 2);
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

/// Posts samples in some order, each with an `as_of` of its own, until nothing waits for another.
async fn post_in_order(app: &TestApp, order: &[usize]) {
    let token = app.token(&["ingest:*"]);
    for nth in order {
        let sample = &SAMPLES[*nth];
        let as_of = format!("as_of=2026-01-01T{:02}:{:02}:00Z", nth / 60, nth % 60);
        let answer = send(app, &token, sample, Some(&as_of)).await;
        let receipt = answer.json();
        // What waits for a catalogue is kept and tried again when that has come.
        for error in receipt["errors"].as_array().unwrap() {
            assert_eq!(error["code"], "unresolved_reference", "{}: {receipt}", sample.name);
        }
    }
    background::retry_waiting(app.app(), &CancellationToken::new()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn samples_make_equal_rows_in_any_order() {
    let straight: Vec<usize> = (0..SAMPLES.len()).collect();
    let first = TestApp::new().await;
    post_in_order(&first, &straight).await;
    let expected = dump(first.db().url()).await;
    let mut random = StdRng::seed_from_u64(20_261_125);
    for round in 0..3 {
        let mut order: Vec<usize> = straight.iter().rev().copied().collect();
        if round > 0 {
            order.shuffle(&mut random);
        }
        let other = TestApp::new().await;
        post_in_order(&other, &order).await;
        println!("order {order:?}");
        assert_same(&expected, &dump(other.db().url()).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn thirty_two_writers_neither_deadlock_nor_lose_an_update() {
    let expected = {
        let alone = TestApp::new().await;
        post_in_order(&alone, &(0..SAMPLES.len()).collect::<Vec<_>>()).await;
        dump(alone.db().url()).await
    };
    let app = Arc::new(TestApp::new().await);
    // Headers that come before their libraries are tried again one by one, which takes long when
    // all writers send them; what that ends in the orders above show.
    let token = app.token(&["ingest:*"]);
    for sample in SAMPLES.iter().filter(|sample| sample.kind == "boost/libraries") {
        send(&app, &token, sample, Some("as_of=2026-01-01T00:00:00Z")).await.expect(200);
    }
    let seconds = std::env::var(WRITING_SECONDS).map_or(WRITING, |text| text.parse().unwrap());
    let until = Instant::now() + Duration::from_secs(seconds);
    let mut writers = JoinSet::new();
    for seed in 0..32 {
        let app = Arc::clone(&app);
        writers.spawn(async move {
            let mut random = StdRng::seed_from_u64(seed);
            let mut order: Vec<usize> = (0..SAMPLES.len()).collect();
            loop {
                order.shuffle(&mut random);
                post_in_order(&app, &order).await;
                if Instant::now() > until {
                    break;
                }
            }
        });
    }
    while let Some(done) = writers.join_next().await {
        done.unwrap();
    }
    assert_same(&expected, &dump(app.db().url()).await);
}
