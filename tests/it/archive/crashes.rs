//! What a crash leaves, and what the next start makes of it.

use tempfile::TempDir;

use super::*;

/// What a `kill -9` leaves now: a copy that no process holds. Without `files`, what a power cut
/// may leave: the journal alone.
fn crash(workspace: &Path, with_files: bool) -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(workspace.join("raw/.journal")).unwrap() {
        let name = entry.unwrap().file_name();
        let to = copy.path().join("raw/.journal").join(&name);
        fs::create_dir_all(&to).unwrap();
        for file in fs::read_dir(workspace.join("raw/.journal").join(&name)).unwrap() {
            let file = file.unwrap().path();
            if file.is_file() {
                fs::copy(&file, to.join(file.file_name().unwrap())).unwrap();
            }
        }
    }
    if with_files {
        for (path, bytes) in files(workspace) {
            let to = copy.path().join(path);
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            fs::write(to, bytes).unwrap();
        }
    }
    copy
}

#[tokio::test]
async fn a_crash_before_the_commit_loses_no_document() {
    let workspace = tempfile::tempdir().unwrap();
    let archive = Archive::open(workspace.path(), "one").unwrap();
    let mut delivery = archive.delivery(info(1)).unwrap();
    let kept: Vec<_> = (0..50)
        .map(|n| delivery.keep(&issue(n), body(&format!("{n}\n{{\"record\":\"{n}\"}}\n"))))
        .collect();
    delivery.flush().await.unwrap();
    for with_files in [false, true] {
        let after = crash(workspace.path(), with_files);
        // Another server finds it.
        let archive = Archive::open(after.path(), "two").unwrap();
        for (n, kept) in kept.iter().enumerate() {
            let expected = format!("{n}\n{{\"record\":\"{n}\"}}\n");
            assert_eq!(text(&archive, &kept.path).unwrap(), expected);
            assert_eq!(text(&archive, &issue(n).to_string()).unwrap(), expected);
        }
        let listed = entries(&archive);
        assert_eq!(listed.len(), 50);
        assert!(listed.iter().all(|entry| entry.status == Status::Interrupted));
        assert!(segments(after.path()).is_empty());
        drop(archive);
        assert_eq!(entries(&Archive::open(after.path(), "two").unwrap()).len(), 50);
    }
    drop(delivery);
}

#[tokio::test]
async fn a_crash_after_the_receipt_loses_nothing() {
    let workspace = tempfile::tempdir().unwrap();
    let archive = Archive::open(workspace.path(), "one").unwrap();
    let mut delivery = archive.delivery(info(1)).unwrap();
    for round in 0..3 {
        let kept: Vec<_> =
            (0..20).map(|n| delivery.keep(&issue(n), body(&format!("{n} {round}")))).collect();
        delivery.flush().await.unwrap();
        for (n, kept) in kept.iter().enumerate() {
            let status = if n == 7 { Status::Rejected } else { Status::Done };
            delivery.settle(kept, status, (n != 7).then(|| order(round))).unwrap();
        }
    }
    delivery.finish().await.unwrap();
    let expected = files(workspace.path());
    assert_eq!(expected.len(), 60 + 19 + 1);
    let listed = entries(&archive);
    assert_eq!(listed.len(), 57);

    let journal_alone = crash(workspace.path(), false);
    let torn = crash(workspace.path(), true);
    let manifest = torn.path().join("raw/_manifest/2024-10-04.one.ndjson");
    let length = fs::metadata(&manifest).unwrap().len();
    fs::OpenOptions::new().write(true).open(&manifest).unwrap().set_len(length / 2).unwrap();
    let half_written = torn.path().join(expected.keys().next().unwrap());
    fs::write(half_written, "").unwrap();
    for after in [journal_alone, torn] {
        let archive = Archive::open(after.path(), "one").unwrap();
        assert!(files(after.path()) == expected);
        assert_eq!(entries(&archive), listed);
    }
}

#[tokio::test]
async fn a_torn_journal_gives_back_its_whole_records() {
    let workspace = tempfile::tempdir().unwrap();
    let archive = Archive::open(workspace.path(), "one").unwrap();
    let mut delivery = archive.delivery(info(1)).unwrap();
    let kept: Vec<_> = (0..3).map(|n| delivery.keep(&issue(n), body(&"x\n".repeat(n)))).collect();
    delivery.flush().await.unwrap();
    let length = fs::metadata(&segments(workspace.path())[0]).unwrap().len();
    let mut before = 0;
    for end in (0..length).step_by(11).chain([length]) {
        let after = crash(workspace.path(), false);
        let segment = fs::OpenOptions::new().write(true).open(&segments(after.path())[0]).unwrap();
        segment.set_len(end).unwrap();
        let archive = Archive::open(after.path(), "one").unwrap();
        let whole = kept.iter().filter(|kept| text(&archive, &kept.path).is_some()).count();
        for (n, kept) in kept.iter().enumerate().take(whole) {
            assert_eq!(text(&archive, &kept.path).unwrap(), "x\n".repeat(n));
        }
        assert_eq!(entries(&archive).len(), whole);
        assert!(whole >= before && segments(after.path()).is_empty());
        before = whole;
    }
    assert_eq!(before, 3);
}

#[tokio::test]
async fn a_living_server_is_left_alone() {
    let workspace = tempfile::tempdir().unwrap();
    let one = Archive::open(workspace.path(), "one").unwrap();
    let mut delivery = one.delivery(info(1)).unwrap();
    let kept = delivery.keep(&issue(1), body("one"));
    delivery.flush().await.unwrap();
    let journal = segments(workspace.path());
    // A second process of the same name, and one of another.
    for (seconds, server) in [(2, "one"), (3, "two")] {
        let other = Archive::open(workspace.path(), server).unwrap();
        assert_eq!(segments(workspace.path()), journal);
        assert!(entries(&other).iter().all(|entry| entry.status == Status::Done));
        deliver(&other, info(seconds), server, Some(order(seconds))).await;
    }
    delivery.settle(&kept, Status::Partial, Some(order(1))).unwrap();
    delivery.finish().await.unwrap();
    let statuses: Vec<_> = entries(&one).iter().map(|entry| entry.status).collect();
    assert_eq!(statuses, [Status::Partial, Status::Done, Status::Done]);
    let expected = ["2024-10-04.one-2.ndjson", "2024-10-04.one.ndjson", "2024-10-04.two.ndjson"];
    let listed = files(workspace.path());
    let names: Vec<_> = listed.keys().filter(|path| path.starts_with("raw/_manifest")).collect();
    assert_eq!(
        names,
        expected.map(|name| Path::new("raw/_manifest").join(name)).iter().collect::<Vec<_>>()
    );
}

#[tokio::test]
async fn a_delivery_that_ends_early_keeps_what_was_settled() {
    let workspace = tempfile::tempdir().unwrap();
    let archive = Archive::open(workspace.path(), "one").unwrap();
    let mut delivery = archive.delivery(info(1)).unwrap();
    let committed = delivery.keep(&issue(1), body("committed"));
    delivery.flush().await.unwrap();
    delivery.settle(&committed, Status::Done, Some(order(1))).unwrap();
    let rolled_back = delivery.keep(&issue(2), body("rolled back"));
    delivery.flush().await.unwrap();
    drop(delivery);
    drop(archive);
    let started = Instant::now();
    let archive = loop {
        // The end of the dropped delivery is written in the background.
        let archive = Archive::open(workspace.path(), "one").unwrap();
        let names = fs::read_dir(workspace.path().join("raw/.journal")).unwrap().count();
        if names == 1 || started.elapsed() > Duration::from_secs(10) {
            break archive;
        }
        drop(archive);
        fs::remove_dir_all(workspace.path().join("raw/.journal/one-2")).unwrap();
        tokio::time::sleep(Duration::from_millis(10)).await;
    };
    let listed = entries(&archive);
    assert_eq!(listed.len(), 1, "{listed:?}");
    assert_eq!((&listed[0].path, listed[0].status), (&committed.path, Status::Done));
    assert_eq!(text(&archive, &rolled_back.path).unwrap(), "rolled back");
    assert_eq!(text(&archive, &issue(2).to_string()), None);
}
