//! The archive: versions, manifests, crashes, and paths that try to escape.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod crashes;
mod names;

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use boost_dashboard::ingest::archive::{
    Archive, Delivery, DeliveryInfo, Folder, Kept, ManifestEntry, Order, RawPath, Status,
};
use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value, json};
use uuid::Uuid;

fn time(seconds: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::seconds(seconds)
}

fn order(seconds: i64) -> Order {
    (Some(time(seconds)), 0, None, Vec::new())
}

fn info(seconds: i64) -> DeliveryInfo {
    DeliveryInfo {
        domain: "github".to_owned(),
        kind: "issues".to_owned(),
        content_type: "application/json".to_owned(),
        params: Map::new(),
        excerpt: false,
        received_at: time(seconds),
        receipt_id: Uuid::now_v7(),
        always_list: false,
    }
}

fn issue(number: usize) -> RawPath {
    let folder = Folder::of("github_activity_tracker").said("boostorg").said("json");
    folder.fixed("issues").file(&number.to_string(), "json")
}

fn body(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

/// Delivers one issue, all the way.
async fn deliver(archive: &Archive, info: DeliveryInfo, text: &str, newest: Option<Order>) -> Kept {
    let mut delivery = archive.delivery(info).unwrap();
    let kept = delivery.keep(&issue(601), body(text));
    delivery.flush().await.unwrap();
    delivery.settle(&kept, Status::Done, newest).unwrap();
    delivery.finish().await.unwrap();
    kept
}

fn entries(archive: &Archive) -> Vec<ManifestEntry> {
    archive.entries().unwrap().collect::<anyhow::Result<_>>().unwrap()
}

fn text(archive: &Archive, path: &str) -> Option<String> {
    archive.load(path).unwrap().map(|bytes| String::from_utf8(bytes).unwrap())
}

/// All files of a folder that are not journals, by relative path.
fn files(workspace: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    fn walk(top: &Path, folder: &Path, found: &mut BTreeMap<PathBuf, Vec<u8>>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && path.file_name().unwrap() != ".journal" {
                walk(top, &path, found);
            } else if path.is_file() {
                found.insert(path.strip_prefix(top).unwrap().into(), fs::read(&path).unwrap());
            }
        }
    }
    let mut found = BTreeMap::new();
    walk(workspace, workspace, &mut found);
    found
}

fn segments(workspace: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for server in fs::read_dir(workspace.join("raw/.journal")).unwrap() {
        for file in fs::read_dir(server.unwrap().path()).unwrap() {
            let file = file.unwrap().path();
            found.extend((file.extension().is_some_and(|e| e == "journal")).then_some(file));
        }
    }
    found
}

#[tokio::test]
async fn versions_stay_and_the_plain_name_is_the_newest() {
    let workspace = tempfile::tempdir().unwrap();
    let archive = Archive::open(workspace.path(), "one").unwrap();
    let old = deliver(&archive, info(1), "old", Some(order(1))).await;
    let new = deliver(&archive, info(2), "new", Some(order(2))).await;
    let plain = "raw/github_activity_tracker/boostorg/json/issues/601.json";
    assert_eq!(text(&archive, plain).unwrap(), "new");
    // Decided before "new" was, arriving after it.
    deliver(&archive, info(3), "late", Some(order(0))).await;
    deliver(&archive, info(4), "stale", None).await;
    assert_eq!(text(&archive, plain).unwrap(), "new");
    assert_eq!(text(&archive, &old.path).unwrap(), "old");
    assert_eq!(text(&archive, &new.path).unwrap(), "new");
    let hash = hex::encode(new.sha256);
    assert_eq!(new.path, plain.replace(".json", &format!("@{}.json", &hash[..16])));
    // Back to a version that is there already.
    deliver(&archive, info(5), "old", Some(order(9))).await;
    assert_eq!(text(&archive, plain.trim_start_matches("raw/")).unwrap(), "old");
    let file = archive.read(plain).await.unwrap().unwrap();
    assert_eq!((file.length, file.content_type), (3, "application/json"));
}

#[tokio::test]
async fn a_manifest_line_says_what_was_delivered_and_how() {
    let workspace = tempfile::tempdir().unwrap();
    let archive = Archive::open(workspace.path(), "a.b/c").unwrap();
    let params = json!({ "repo": "boostorg/json", "as_of": "2026-01-01T00:00:00Z", "x": {} });
    let Value::Object(params) = params else { unreachable!() };
    let sent = DeliveryInfo { params: params.clone(), ..info(1) };
    let kept = deliver(&archive, sent.clone(), "{}", Some(order(1))).await;
    let manifests: Vec<_> = fs::read_dir(workspace.path().join("raw/_manifest")).unwrap().collect();
    let manifest = manifests.into_iter().next().unwrap().unwrap().path();
    let name = manifest.file_name().unwrap().to_str().unwrap().to_owned();
    assert!(name.starts_with("2024-10-04.a_b_c~") && name.ends_with(".ndjson"), "{name}");
    let line: Value = serde_json::from_str(&fs::read_to_string(manifest).unwrap()).unwrap();
    assert_eq!(
        line,
        json!({
            "path": kept.path, "sha256": hex::encode(kept.sha256), "domain": "github",
            "kind": "issues", "content_type": "application/json", "params": params,
            "received_at": "2024-10-04T00:00:01Z", "receipt_id": sent.receipt_id, "status": "done",
        })
    );
}

#[tokio::test]
async fn what_is_listed_is_listed_again_only_if_it_says_something_new() {
    let workspace = tempfile::tempdir().unwrap();
    let count = |archive: &Archive| entries(archive).len();
    let archive = Archive::open(workspace.path(), "one").unwrap();
    deliver(&archive, info(1), "same", Some(order(1))).await;
    deliver(&archive, info(2), "same", Some(order(1))).await;
    assert_eq!(count(&archive), 1);
    let mut with_params = info(3);
    with_params.params.insert("as_of".to_owned(), json!("2026-01-01T00:00:00Z"));
    deliver(&archive, with_params.clone(), "same", Some(order(1))).await;
    deliver(&archive, with_params.clone(), "same", Some(order(1))).await;
    assert_eq!(count(&archive), 2);
    for _ in 0..2 {
        deliver(&archive, DeliveryInfo { always_list: true, ..info(4) }, "same", Some(order(1)))
            .await;
    }
    assert_eq!(count(&archive), 4);
    drop(archive);
    let archive = Archive::open(workspace.path(), "one").unwrap();
    deliver(&archive, with_params, "same", Some(order(1))).await;
    assert_eq!(count(&archive), 4);
    // Rejected is no acceptance: the same bytes, accepted later, must be listed.
    let mut delivery = archive.delivery(info(5)).unwrap();
    let kept = delivery.keep(&issue(602), body("bad at first"));
    delivery.flush().await.unwrap();
    delivery.settle(&kept, Status::Rejected, None).unwrap();
    delivery.finish().await.unwrap();
    assert_eq!(count(&archive), 4);
    let mut delivery = archive.delivery(info(6)).unwrap();
    let kept = delivery.keep(&issue(602), body("bad at first"));
    delivery.flush().await.unwrap();
    delivery.settle(&kept, Status::Done, Some(order(1))).unwrap();
    delivery.finish().await.unwrap();
    assert_eq!(count(&archive), 5);
}

#[tokio::test]
async fn unreadable_bodies_are_kept_and_not_replayed() {
    let workspace = tempfile::tempdir().unwrap();
    let archive = Archive::open(workspace.path(), "one").unwrap();
    let mut delivery = archive.delivery(info(1)).unwrap();
    let kept = delivery.reject(body("{not json"), "json").unwrap();
    delivery.finish().await.unwrap();
    let hash = hex::encode(kept.sha256);
    assert_eq!(kept.path, format!("raw/_rejected/github/issues/2024-10-04/{hash}.json"));
    assert_eq!(text(&archive, &kept.path).unwrap(), "{not json");
    assert!(entries(&archive).is_empty());
}

#[tokio::test]
async fn entries_come_in_order_of_receipt() {
    let workspace = tempfile::tempdir().unwrap();
    let one = Archive::open(workspace.path(), "one").unwrap();
    let two = Archive::open(workspace.path(), "two").unwrap();
    let mut expected = Vec::new();
    // Each request is settled in three parts, in turns with the others, on two servers and days.
    let mut deliveries: Vec<(Delivery, i64)> = Vec::new();
    for (n, seconds) in [50, 10, 90_000, 30, 30, 70, 100_000, 20].into_iter().enumerate() {
        let archive = if n % 2 == 0 { &one } else { &two };
        let info = info(seconds);
        expected.push((info.received_at, info.receipt_id));
        deliveries.push((archive.delivery(info).unwrap(), seconds));
    }
    expected.sort_unstable();
    for part in 0..3 {
        for (n, (delivery, seconds)) in deliveries.iter_mut().enumerate() {
            let kept = delivery.keep(&issue(n * 10 + part), body(&format!("{n} {part}")));
            delivery.flush().await.unwrap();
            delivery.settle(&kept, Status::Done, Some(order(*seconds))).unwrap();
        }
    }
    for (delivery, _) in deliveries {
        delivery.finish().await.unwrap();
    }
    // A line that another server has not finished, and one that is no line.
    for (day, end) in [("2024-10-04", "{\"path\":\"raw/x"), ("2024-10-05", "\0\0\n")] {
        let manifest = workspace.path().join(format!("raw/_manifest/{day}.two.ndjson"));
        let before = fs::read_to_string(&manifest).unwrap_or_default();
        fs::write(manifest, before + end).unwrap();
    }
    let listed = entries(&one);
    let order: Vec<_> = listed.iter().map(|entry| (entry.received_at, entry.receipt_id)).collect();
    assert_eq!(order, expected.iter().flat_map(|request| [*request; 3]).collect::<Vec<_>>());
    for request in listed.chunks(3) {
        let parts: Vec<_> = request
            .iter()
            .map(|entry| text(&one, &entry.path).unwrap().split(' ').nth(1).unwrap().to_owned())
            .collect();
        assert_eq!(parts, ["0", "1", "2"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixteen_at_once_make_one_version_each_and_the_newest_wins() {
    let workspace = tempfile::tempdir().unwrap();
    let archive = Archive::open(workspace.path(), "one").unwrap();
    let requests = (0..16).map(|n| {
        let archive = archive.clone();
        tokio::spawn(async move {
            let mut delivery = archive.delivery(info(n)).unwrap();
            for round in 0..3 {
                let kept: Vec<_> = (0..40)
                    .map(|i| delivery.keep(&issue(i), body(&format!("{i} {}", (n + round) % 8))))
                    .collect();
                delivery.flush().await.unwrap();
                for kept in &kept {
                    delivery.settle(kept, Status::Done, Some(order((n + round) % 8))).unwrap();
                }
            }
            delivery.finish().await.unwrap();
        })
    });
    for request in requests.collect::<Vec<_>>() {
        request.await.unwrap();
    }
    for i in 0..40 {
        assert_eq!(text(&archive, &issue(i).to_string()).unwrap(), format!("{i} 7"));
    }
    let kept = files(workspace.path());
    assert_eq!(kept.len(), 40 * 9 + 1);
    assert_eq!(fs::read_dir(workspace.path().join("raw/.journal/one/tmp")).unwrap().count(), 0);
}

#[tokio::test]
async fn the_journal_is_dropped_once_its_files_are_synced() {
    let workspace = tempfile::tempdir().unwrap();
    let archive = Archive::open(workspace.path(), "one").unwrap();
    let mut delivery = archive.delivery(info(1)).unwrap();
    let large = "x".repeat(9 << 20);
    for n in 0..16 {
        let kept = delivery.keep(&issue(n), body(&format!("{n}{large}")));
        delivery.flush().await.unwrap();
        delivery.settle(&kept, Status::Done, Some(order(1))).unwrap();
    }
    assert_eq!(segments(workspace.path()).len(), 2);
    delivery.finish().await.unwrap();
    let started = Instant::now();
    while segments(workspace.path()).len() > 1 && started.elapsed() < Duration::from_mins(1) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(segments(workspace.path()).len(), 1);
    assert_eq!(archive.load(&issue(15).to_string()).unwrap().unwrap().len(), 2 + (9 << 20));
}

#[tokio::test]
async fn reading_never_leaves_the_archive() {
    let workspace = tempfile::tempdir().unwrap();
    let archive = Archive::open(workspace.path(), "one").unwrap();
    deliver(&archive, info(1), "text", Some(order(1))).await;
    let raw = workspace.path().join("raw");
    fs::write(workspace.path().join("secret"), "secret").unwrap();
    symlink(workspace.path().join("secret"), raw.join("link")).unwrap();
    symlink(workspace.path(), raw.join("folder")).unwrap();
    for path in [
        "",
        "/",
        "raw",
        "raw/",
        "..",
        "../secret",
        "raw/../secret",
        "raw//secret",
        "/etc/passwd",
        "link",
        "folder/secret",
        "raw/link",
        "raw/folder/secret",
        ".journal/one/lock",
        "a\0b",
        "raw/.journal/one/0000000001.journal",
        "github_activity_tracker",
        "a\\..\\secret",
        "github_activity_tracker/boostorg/json/issues/601.json/x",
        "%2e%2e/secret",
        "./github_activity_tracker/boostorg/json/issues/601.json",
    ] {
        assert!(archive.read(path).await.unwrap().is_none(), "{path:?}");
    }
    assert!(archive.read(&"a/".repeat(400)).await.unwrap().is_none());
    assert!(archive.read(&"a".repeat(400)).await.unwrap().is_none());
}

#[tokio::test]
async fn writing_refuses_a_folder_that_leads_away() {
    let workspace = tempfile::tempdir().unwrap();
    let archive = Archive::open(workspace.path(), "one").unwrap();
    let away = tempfile::tempdir().unwrap();
    symlink(away.path(), workspace.path().join("raw/github_activity_tracker")).unwrap();
    let mut delivery = archive.delivery(info(1)).unwrap();
    let kept = delivery.keep(&issue(1), body("text"));
    delivery.flush().await.unwrap();
    delivery.settle(&kept, Status::Done, Some(order(1))).unwrap();
    let refused = delivery.finish().await.unwrap_err();
    assert!(format!("{refused:#}").contains("is not a plain folder"), "{refused:#}");
    assert_eq!(fs::read_dir(away.path()).unwrap().count(), 0);
}
