//! The same again: nothing changes. The same in another form: the same rows.

use std::sync::Arc;

use async_compression::tokio::bufread::{BrotliEncoder, GzipEncoder, ZstdEncoder};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt as _};

use super::{
    rows::assert_same,
    samples::{self, samples},
    sender::{Sender, counts, ndjson},
};

#[tokio::test(flavor = "multi_thread")]
async fn the_same_body_twice_changes_nothing() {
    let sender = Sender::new().await;
    for sample in samples() {
        let count = sample.documents.len() as u64;
        let body = Value::Array(sample.documents);
        let first = sender.post(sample.to, &body).await;
        assert_eq!(counts(&first)[4], 0, "{}: {}", sample.to, first["errors"]);
        let (rows, exact) = (sender.dump().await, sender.exact().await);
        let second = sender.post(sample.to, &body).await;
        assert_eq!(counts(&second), [0, 0, count, 0, 0], "{}: {second}", sample.to);
        let tables = second["tables"].as_object().unwrap();
        for (table, count) in tables {
            for change in ["inserted", "updated", "deleted"] {
                assert_eq!(count[change], 0, "{} {table} {count}", sample.to);
            }
        }
        assert_same(&rows, &sender.dump().await, sample.to);
        assert_same(&exact, &sender.exact().await, sample.to);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_body_sixteen_times_at_once_makes_one_set_of_rows() {
    let sender = Arc::new(Sender::new().await);
    for sample in samples() {
        let count = sample.documents.len() as u64;
        let body = Value::Array(sample.documents);
        sender.wipe().await;
        sender.post(sample.to, &body).await;
        let once = sender.dump().await;
        sender.wipe().await;
        let deadlocks = sender.deadlocks().await;
        let sent: Vec<_> = (0..16)
            .map(|_| {
                let (sender, body) = (Arc::clone(&sender), body.clone());
                tokio::spawn(async move { sender.post(sample.to, &body).await })
            })
            .collect();
        let mut inserted = 0;
        for receipt in sent {
            let [new, updated, unchanged, stale, rejected] = counts(&receipt.await.unwrap());
            assert_eq!([updated, stale, rejected], [0, 0, 0], "{}", sample.to);
            assert_eq!(new + unchanged, count, "{}", sample.to);
            inserted += new;
        }
        assert_eq!(inserted, count, "{}: each row is made once", sample.to);
        assert_same(&once, &sender.dump().await, sample.to);
        assert_eq!(sender.deadlocks().await, deadlocks, "{}", sample.to);
    }
}

async fn encoded(mut encoder: impl AsyncRead + Unpin) -> Vec<u8> {
    let mut bytes = Vec::new();
    encoder.read_to_end(&mut bytes).await.unwrap();
    bytes
}

#[tokio::test(flavor = "multi_thread")]
async fn every_form_of_a_body_gives_the_same_rows() {
    let sender = Sender::new().await;
    for sample in samples() {
        let array = Value::Array(sample.documents.clone()).to_string().into_bytes();
        let pretty = serde_json::to_vec_pretty(&sample.documents).unwrap();
        let lines = ndjson(&sample.documents);
        let (json, stream) = ("application/json; charset=utf-8", "application/x-ndjson");
        let forms = [
            ("array", json, "identity", array.clone()),
            ("pretty", json, "identity", pretty),
            ("lines", stream, "identity", lines.clone()),
            ("an array in a line", stream, "identity", [b"\n", &*array, b"\r\n\n"].concat()),
            ("gzip", json, "gzip", encoded(GzipEncoder::new(&*array)).await),
            ("zstd", stream, "zstd", encoded(ZstdEncoder::new(&*lines)).await),
            ("br", json, "br", encoded(BrotliEncoder::new(&*array)).await),
        ];
        let mut expected: Option<Vec<String>> = None;
        for (form, media, coding, body) in forms {
            sender.wipe().await;
            let receipt = sender.coded(sample.to, media, coding, body).await.expect(200);
            assert_eq!(receipt["received"], sample.documents.len(), "{form}");
            let rows = sender.dump().await;
            let what = format!("{} as {form}", sample.to);
            assert_same(expected.get_or_insert_with(|| rows.clone()), &rows, &what);
        }
        sender.wipe().await;
        for document in sample.documents.iter().take(40) {
            sender.post(sample.to, document).await;
        }
        if sample.documents.len() <= 40 {
            assert_same(&expected.unwrap(), &sender.dump().await, sample.to);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn shuffled_commits_give_the_same_rows() {
    use rand::{SeedableRng as _, seq::SliceRandom as _};
    let sender = Sender::new().await;
    let mut commits = samples::commits(400);
    commits.extend(samples::odd_commits());
    sender.post("commits", &Value::Array(commits.clone())).await;
    let expected = sender.dump().await;
    for seed in 0..2 {
        sender.wipe().await;
        commits.shuffle(&mut rand::rngs::StdRng::seed_from_u64(seed));
        for batch in commits.chunks(57) {
            sender.post("commits", &Value::Array(batch.to_vec())).await;
        }
        assert_same(&expected, &sender.dump().await, "shuffled");
    }
}
