//! Scans: what they find, keep, except, and in which order they come.

use diesel_async::SimpleAsyncConnection as _;
use serde_json::{Value, json};

use super::{ASIO, TCP, Usage, counts, scan, usage};
use crate::ingest::sender::with;

#[tokio::test(flavor = "multi_thread")]
async fn the_example_makes_its_rows() {
    let server = Usage::with_headers().await;
    let example =
        include_str!("../../../../src/domains/usage/ingest/example/repository-scans.json");
    let to = "usage/repository-scans";
    let receipt = server.taken(to, "application/json", example).await;
    assert_eq!(counts(&receipt), [1, 0, 0, 0, 0]);
    let expected = [
        "external acme/app boost-1.83.0 used 2025-06-02".to_owned(),
        usage("src/main.cpp", ASIO, " 2024-06-01"),
        usage("src/net.cpp", TCP, ""),
    ];
    assert_eq!(server.dump().await, expected);
    let stars = "select stars from github_repository where repo_name = 'app'";
    assert_eq!(server.0.number(stars).await, 120);
    let again = server.taken(to, "application/json", example).await;
    assert_eq!(counts(&again), [0, 0, 1, 0, 0]);
    assert_eq!(server.dump().await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_scan_does_not_see_any_more_is_excepted() {
    let server = Usage::with_headers().await;
    let asio = &["boost/asio.hpp"][..];
    let both = &["boost/asio.hpp", "boost/asio/ip/tcp.hpp"][..];
    server.scan(&scan(1, &[("a.cpp", Some(both)), ("b.cpp", Some(asio))])).await;
    // `b.cpp` is named and not read: it keeps what it has.
    let receipt = server.scan(&scan(2, &[("a.cpp", Some(asio)), ("b.cpp", None)])).await;
    assert_eq!(counts(&receipt), [0, 1, 0, 0, 0]);
    let usages = &["usage"][..];
    assert_eq!(
        server.lines(usages).await,
        [
            usage("a.cpp", ASIO, ""),
            usage("a.cpp", TCP, " excepted 2025-06-02"),
            usage("b.cpp", ASIO, "")
        ]
    );
    // The first scan that does not see it counts, and being seen again ends it.
    server.scan(&scan(3, &[("a.cpp", Some(&[]))])).await;
    server.scan(&scan(4, &[("a.cpp", Some(&["boost/asio/ip/tcp.hpp"]))])).await;
    assert_eq!(
        server.lines(usages).await,
        [
            usage("a.cpp", ASIO, " excepted 2025-06-03"),
            usage("a.cpp", TCP, ""),
            usage("b.cpp", ASIO, " excepted 2025-06-03")
        ]
    );
    // An empty scan that is good excepts all.
    server.scan(&scan(5, &[])).await;
    assert_eq!(
        server.lines(&["usage", "external"]).await,
        [
            "external acme/app  2025-06-05".to_owned(),
            usage("a.cpp", ASIO, " excepted 2025-06-03"),
            usage("a.cpp", TCP, " excepted 2025-06-05"),
            usage("b.cpp", ASIO, " excepted 2025-06-03")
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_scan_changes_nothing_and_an_empty_one_must_say_so() {
    let server = Usage::with_headers().await;
    server.scan(&scan(1, &[("a.cpp", Some(&["boost/asio.hpp"]))])).await;
    let before = server.dump().await;
    let failed = with(scan(3, &[]), json!({"scan_status": "failed"}));
    let receipt = server.scan(&failed).await;
    assert_eq!(counts(&receipt), [0, 0, 1, 0, 0]);
    assert_eq!(receipt["warnings"][0]["code"], "ignored");
    assert_eq!(server.dump().await, before);
    let spec =
        boost_dashboard::ingest::routes::kind_named("usage/repository-scans").unwrap().spec();
    let failures = spec.watermark.failures().unwrap();
    let open = format!("select count(*) from ({failures}) f where scope <> '*'");
    assert_eq!(server.0.number(&open).await, 1);
    let unknown = json!({"repo_full_name": "acme/other", "scan_status": "failed"});
    server.scan(&unknown).await;
    assert_eq!(server.dump().await, before);
    server.scan(&scan(4, &[("a.cpp", Some(&["boost/asio.hpp"]))])).await;
    let open = format!("{open} and scope = 'acme/app'");
    assert_eq!(server.0.number(&open).await, 0);

    let silent = json!({"repo_full_name": "acme/app", "scanned_at": "2025-06-05T00:00:00Z"});
    assert_eq!(server.refused("", &silent).await, "missing_scan_status");
    let silent = with(silent, json!({"files": []}));
    assert_eq!(server.refused("", &silent).await, "missing_scan_status");
    let strange = with(silent, json!({"scan_status": "maybe"}));
    assert_eq!(server.refused("", &strange).await, "missing_scan_status");
}

#[tokio::test(flavor = "multi_thread")]
async fn scans_end_in_the_same_rows_in_every_order() {
    let asio = &["boost/asio.hpp"][..];
    let tcp = &["boost/asio/ip/tcp.hpp", "boost/gone.hpp"][..];
    let later = with(
        scan(3, &[("b.cpp", Some(tcp))]),
        json!({"scanned_at": "2025-06-03T08:00:00Z", "boost_version": "1.85"}),
    );
    let scans = [
        with(
            scan(1, &[("a.cpp", Some(asio)), ("b.cpp", Some(tcp))]),
            json!({"boost_version": "1_84"}),
        ),
        scan(2, &[("a.cpp", None), ("b.cpp", Some(asio))]),
        // Two on one day.
        scan(3, &[("a.cpp", Some(tcp))]),
        later,
        scan(4, &[("b.cpp", None)]),
    ];
    let mut expected = None;
    for order in
        [[0, 1, 2, 3, 4], [4, 3, 2, 1, 0], [2, 0, 4, 1, 3], [3, 4, 0, 2, 1], [1, 4, 2, 0, 3]]
    {
        let server = Usage::with_headers().await;
        for nth in order {
            server.scan(&scans[nth]).await;
        }
        let rows = server.dump().await;
        let expected = expected.get_or_insert_with(|| rows.clone());
        crate::ingest::rows::assert_same(expected, &rows, &format!("{order:?}"));
        // An old one again is known to be old.
        let receipt = server.scan(&scans[0]).await;
        assert_eq!(counts(&receipt), [0, 0, 0, 1, 0]);
        assert_eq!(server.dump().await, rows);
    }
    assert_eq!(
        expected.unwrap(),
        [
            "external acme/app boost-1.85.0 used 2025-06-04".to_owned(),
            "missing acme/app acme/app:b.cpp boost/gone.hpp".to_owned(),
            usage("a.cpp", "?", " excepted 2025-06-03"),
            usage("a.cpp", ASIO, " excepted 2025-06-03"),
            usage("a.cpp", TCP, " excepted 2025-06-03"),
            usage("b.cpp", "?", ""),
            usage("b.cpp", ASIO, " excepted 2025-06-03"),
            usage("b.cpp", TCP, ""),
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn contents_are_searched_and_versions_spelt() {
    let server = Usage::with_headers().await;
    let content = "/* #include <boost/beast.hpp> */\r\n# include \"boost\\asio.hpp\"\r\n\
                   #include <boost/asio.hpp>\n#include <myboost/asio.hpp>\n// <boost/asio/ip/tcp.hpp>\n";
    let body = json!({
        "repository": {"full_name": "acme/app", "stargazers_count": 1},
        "scanned_at": "2025-06-01 10:00:00", "boost_version": "some day", "is_boost_embedded": true,
        "files": [
            {"file_path": "a.cpp", "content": content, "boost_headers": ["boost/beast.hpp"], "commit_date": null},
            {"file_path": "b.cpp", "content": "", "boost_headers": ["boost/asio.hpp"], "commit_date": "never"},
        ],
    });
    let receipt = server.scan(&body).await;
    assert_eq!(receipt["warnings"][0]["code"], "bad_time");
    assert_eq!(
        server.dump().await,
        [
            "external acme/app some day embedded used 2025-06-01".to_owned(),
            usage("a.cpp", ASIO, ""),
            usage("b.cpp", ASIO, ""),
        ]
    );
    // A date that is not given does not take away one that was.
    let dated = |day: u32, date| {
        json!({"repo_full_name": "acme/app", "scanned_at": format!("2025-07-{day:02}T00:00:00Z"),
               "boost_version": "", "files": [{"file_path": "a.cpp", "content": content, "commit_date": date}]})
    };
    server.scan(&dated(1, json!("2024-02-01T00:00:00Z"))).await;
    server.scan(&dated(2, json!(null))).await;
    assert_eq!(
        server.dump().await,
        [
            "external acme/app some day embedded used 2025-07-02".to_owned(),
            usage("a.cpp", ASIO, " 2024-02-01"),
            usage("b.cpp", ASIO, " excepted 2025-07-01"),
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_record_only_adds() {
    let server = Usage::with_headers().await;
    server.scan(&scan(1, &[("a.cpp", Some(&["boost/asio.hpp"]))])).await;
    let record = json!({"file_path": "b.cpp", "boost_headers": ["boost/asio/ip/tcp.hpp"]});
    let to = "usage/repository-scans?repo=acme/app&as_of=2025-06-03T00:00:00Z";
    let receipt = server.taken(to, "application/json", record.to_string()).await;
    assert_eq!(counts(&receipt), [0, 1, 0, 0, 0]);
    let expected = [usage("a.cpp", ASIO, ""), usage("b.cpp", TCP, "")];
    assert_eq!(server.lines(&["usage"]).await, expected);
    // A scan that is older says nothing about it, also where it comes later.
    server.scan(&scan(2, &[("a.cpp", Some(&["boost/asio.hpp"]))])).await;
    assert_eq!(server.lines(&["usage"]).await, expected);
    assert_eq!(server.refused("", &record).await, "missing_context");
    let bad = json!({"repo_full_name": "acme/app", "files": [{"file_path": " "}]});
    assert_eq!(server.refused("", &bad).await, "missing_field");
    assert_eq!(server.refused("", &json!({"repo_full_name": "acme"})).await, "invalid_url");
}

#[tokio::test(flavor = "multi_thread")]
async fn real_scans_make_their_rows() {
    let server = Usage::with_headers().await;
    for (name, files, usages, missing) in
        [("PointCloudLibrary_pcl", 142, 143, 233), ("arvidn_libtorrent", 73, 76, 112)]
    {
        let receipt =
            server.taken("usage/repository-scans", "application/json", fixture(name)).await;
        assert_eq!(counts(&receipt), [1, 0, 0, 0, 0], "{receipt}");
        let tables = &receipt["tables"];
        assert_eq!(tables["github_file"]["inserted"], files, "{tables}");
        assert_eq!(tables["boost_usage"]["inserted"], usages, "{tables}");
        assert_eq!(tables["boost_missing_header_tmp"]["inserted"], missing, "{tables}");
    }
    let drift = server.0.get("/ingest/drift").await.expect(200);
    assert_eq!(drift["data"], json!([]));
    // It found nothing and does not say how it went.
    let none: Value = serde_json::from_str(&fixture("cran_BH")).unwrap();
    assert_eq!(server.refused("", &none).await, "missing_scan_status");
    server.scan(&with(none, json!({"scan_status": "ok"}))).await;
    let cran = server.lines(&["external cran"]).await;
    assert_eq!(cran, ["external cran/BH boost-1.90.0 embedded 2025-12-22"]);
}

fn fixture(name: &str) -> String {
    let path = format!("{}/tests/fixtures/usage/{name}.json", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(path).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_thousand_files_are_one_scan() {
    let server = Usage::with_headers().await;
    let paths: Vec<String> = (0..50_000).map(|n| format!("src/{}/f{n}.cpp", n % 300)).collect();
    let all: Vec<(&str, Option<&[&str]>)> =
        paths.iter().map(|path| (path.as_str(), Some(&["boost/asio.hpp"][..]))).collect();
    assert_eq!(counts(&server.scan(&scan(1, &all)).await), [1, 0, 0, 0, 0]);
    let active = "select count(*) from boost_usage where excepted_at is null";
    assert_eq!(server.0.number(active).await, 50_000);
    // Half of them unread, one gone.
    let half = all.iter().enumerate().skip(1);
    let half: Vec<_> =
        half.map(|(n, (path, headers))| (*path, headers.filter(|_| n % 2 == 0))).collect();
    server.scan(&scan(2, &half)).await;
    assert_eq!(server.0.number(active).await, 49_999);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_document_does_not_trust_what_was_analysed_before_it_came() {
    let server = Usage::with_headers().await;
    let tables = "('boost_include', 'boost_usage', 'github_file')";
    let distrusted = format!("update pg_class set reltuples = 0 where relname in {tables}");
    server.0.app.db().connect().await.batch_execute(&distrusted).await.unwrap();
    let paths: Vec<String> = (0..3_000).map(|n| format!("src/f{n}.cpp")).collect();
    let all: Vec<_> =
        paths.iter().map(|path| (path.as_str(), Some(&["boost/asio.hpp"][..]))).collect();
    server.scan(&scan(1, &all)).await;
    let least = format!("select min(reltuples) from pg_class where relname in {tables}");
    assert!(server.0.number(&least).await >= 3_000);
}
