//! Lists in CSV: external repositories, files, usages.

use serde_json::json;

use super::{ASIO, TCP, Usage, counts, scan, usage};

const NAMES: &str = "owner,repo_name,stars,forks,description,repo_pushed_at,repo_created_at,\
                     repo_updated_at,boost_version,is_boost_embedded,is_boost_used";

#[tokio::test(flavor = "multi_thread")]
async fn external_repositories_are_extended() {
    let server = Usage::new().await;
    let rows = format!(
        "{NAMES}\nacme,app,12,3,\"An app, mine\",2025-01-02 03:04:05,2020-01-01,2025-01-01 00:00:00,1.83,n,Yes\n\
         Acme,APP,,,,,,,,maybe,\n,app,1,,,,,,,,\nacme,other,x,,,,,,,,\nacme,third,-1,,,,,,,,\n\
         acme,blank,,,,,,,,,\n"
    );
    let (status, receipt) = server
        .send("usage/external-repositories?as_of=2025-06-01T00:00:00Z", "text/csv", rows)
        .await;
    assert_eq!(status, 200, "{receipt}");
    assert_eq!(receipt["rejected"], 3, "{receipt}");
    let codes: Vec<_> = receipt["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| (&e["index"], &e["pointer"], &e["code"]))
        .collect();
    assert_eq!(
        json!(codes),
        json!([
            [2, "/owner", "missing_field"],
            [3, "/stars", "invalid_type"],
            [4, "/stars", "out_of_range"]
        ])
    );
    let stored = server.dump().await;
    assert!(
        stored.contains(&"external acme/blank".to_owned())
            || stored.contains(&"external acme/blank ".to_owned()),
        "{stored:?}"
    );
    assert!(
        stored[0].starts_with("external acme/app boost-1.83.0")
            || stored[1].starts_with("external acme/app boost-1.83.0"),
        "{stored:?}"
    );
    let count = "select count(*) from github_repository where stars = 12 and forks = 3 \
                 and description = 'An app, mine' and repo_pushed_at = '2025-01-02 03:04:05Z'";
    assert_eq!(server.0.number(count).await, 1);

    // Blank cells say nothing; an older list changes nothing.
    let newer = format!("{NAMES}\nacme,app,,,,,,,,1,\n");
    server.csv("external-repositories?as_of=2025-06-02T00:00:00Z", &newer).await;
    let older = format!("{NAMES}\nacme,app,1,1,old,2024-01-01 00:00:00,,,1.70,0,0\n");
    let receipt = server.csv("external-repositories?as_of=2025-05-01T00:00:00Z", &older).await;
    assert_eq!(counts(&receipt), [0, 0, 0, 1, 0]);
    assert_eq!(server.0.number(count).await, 1);
    let lines = server.lines(&["external acme/app"]).await;
    assert_eq!(lines, ["external acme/app boost-1.83.0 embedded used"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_deleted_and_seen_again() {
    let server = Usage::new().await;
    let list =
        |deleted| format!("owner,repo_name,file_path,is_deleted\nacme,app,a.cpp,{deleted}\n");
    server.csv("files?as_of=2025-06-01T00:00:00Z", &list("TRUE")).await;
    assert_eq!(server.dump().await, ["deleted acme/app:a.cpp"]);
    for (day, deleted) in [(2, "False"), (3, "x"), (4, "0"), (5, "t"), (6, "")] {
        let to = format!("files?as_of=2025-06-{day:02}T00:00:00Z");
        let receipt = server.csv(&to, &list(deleted)).await;
        assert_eq!(counts(&receipt), [0, 1, 0, 0, 0], "{deleted}");
    }
    assert!(server.dump().await.is_empty());
    server.csv("files?as_of=2025-06-07T00:00:00Z", &list("y")).await;
    server.scan(&scan(6, &[("a.cpp", None)])).await;
    assert_eq!(server.lines(&["deleted"]).await, ["deleted acme/app:a.cpp"]);
    server.scan(&scan(8, &[("a.cpp", None)])).await;
    assert!(server.lines(&["deleted"]).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn usages_are_added_as_they_are_listed() {
    let server = Usage::with_headers().await;
    let rows = "acme,app,a.cpp,boost/asio.hpp,2024-06-01T00:00:00+02:00,\n\
                acme,app,a.cpp,include/boost/asio/ip/tcp.hpp,,2024-03-01\n\
                acme,app,b.cpp,boost/asio.hpp,,yes\n\
                acme,app,b.cpp,boost/none.hpp,1717200000,2024/02/01\n\
                acme,app,c.cpp,boost/none.hpp,bad,\n\
                acme,app,a.cpp,boost/asio.hpp,2024-06-01T00:00:00+02:00,\n\
                acme,app,,boost/asio.hpp,,\nacme,app,a.cpp,,,\n";
    let receipt = server.usages("?as_of=2025-05-31T12:00:00Z", rows).await;
    assert_eq!(counts(&receipt), [5, 0, 1, 0, 2], "{receipt}");
    let warned: Vec<_> = receipt["warnings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|w| (&w["index"], &w["pointer"]))
        .collect();
    assert_eq!(json!(warned), json!([[2, "/excepted_at"], [4, "/last_commit_ts"]]));
    let expected = [
        "external acme/app ".to_owned(),
        "missing acme/app acme/app:c.cpp boost/none.hpp".to_owned(),
        usage("a.cpp", ASIO, " 2024-05-31"),
        usage("a.cpp", TCP, " excepted 2024-03-01"),
        usage("b.cpp", "?", " 2024-06-01 excepted 2024-02-01"),
        usage("b.cpp", ASIO, " excepted 2025-05-31"),
        usage("c.cpp", "?", ""),
    ];
    assert_eq!(server.dump().await, expected);
    let receipt = server.usages("?as_of=2025-05-31T12:00:00Z", rows).await;
    assert_eq!(counts(&receipt), [0, 0, 6, 0, 2]);
    assert_eq!(server.dump().await, expected);

    let (status, receipt) = server.send("usage/usages", "text/csv", "owner,repo_name\na,b\n").await;
    assert_eq!((status, &receipt["errors"][0]["code"]), (422, &json!("bad_header_row")));
    let (status, _) = server.send("usage/usages", "application/json", "[]").await;
    assert_eq!(status, 415);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_older_than_a_scan_does_not_undo_it() {
    let row = "acme,app,a.cpp,boost/asio.hpp,,\n";
    let mut all = Vec::new();
    for scan_first in [true, false] {
        let server = Usage::with_headers().await;
        if scan_first {
            server.scan(&scan(2, &[("b.cpp", Some(&["boost/asio.hpp"]))])).await;
        }
        server.usages("?as_of=2025-06-01T00:00:00Z", row).await;
        if !scan_first {
            server.scan(&scan(2, &[("b.cpp", Some(&["boost/asio.hpp"]))])).await;
        }
        assert_eq!(
            server.lines(&["usage"]).await,
            [usage("a.cpp", ASIO, " excepted 2025-06-02"), usage("b.cpp", ASIO, "")]
        );
        all.push(server.dump().await);
    }
    assert_eq!(all[0], all[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_rows_of_many_sheets_are_stored_once() {
    use std::fmt::Write as _;
    let server = Usage::with_headers().await;
    let mut rows = String::new();
    for n in 0..12_000 {
        let header = ["boost/asio.hpp", "boost/asio/ip/tcp.hpp", "boost/unknown.hpp"][n % 3];
        writeln!(rows, "acme{},app,src/f{}.cpp,{header},2024-06-01,", n % 7, n / 3).unwrap();
    }
    let receipt = server.usages("?as_of=2025-06-01T00:00:00Z", &rows).await;
    assert_eq!(counts(&receipt), [12_000, 0, 0, 0, 0]);
    assert_eq!(server.0.number("select count(*) from boost_usage").await, 12_000);
    assert_eq!(server.0.number("select count(*) from boost_missing_header_tmp").await, 4_000);
    let receipt = server.usages("?as_of=2025-06-01T00:00:00Z", &rows).await;
    assert_eq!(counts(&receipt), [0, 0, 12_000, 0, 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_lists_of_one_time_the_order_does_not_matter() {
    let lists = [&[1][..], &[0], &[1, 0], &[0, 1]].map(|rows: &[u8]| {
        let rows: Vec<String> =
            rows.iter().map(|deleted| format!("acme,app,a.hpp,{deleted}\n")).collect();
        format!("owner,repo_name,file_path,is_deleted\n{}", rows.concat())
    });
    // Of two rows of one list the later counts.
    for (list, expected) in lists.iter().zip([1, 0, 0, 1]) {
        let server = Usage::new().await;
        server.csv("files?as_of=2025-06-01T00:00:00Z", list).await;
        assert_eq!(server.lines(&["deleted"]).await.len(), expected, "{list}");
    }
    for other in &lists[1..] {
        let mut all = Vec::new();
        for pair in [[&lists[0], other], [other, &lists[0]]] {
            let server = Usage::new().await;
            for list in pair {
                server.csv("files?as_of=2025-06-01T00:00:00Z", list).await;
            }
            all.push(server.lines(&["deleted"]).await);
        }
        assert_eq!(all[0], all[1], "{other}");
    }
}
