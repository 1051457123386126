//! Headers and the Boost files that they mean, in every order.

use serde_json::json;

use super::{ASIO, Usage, counts, scan, usage};

/// Makes a library with files known, by a list of headers.
async fn library(server: &Usage, name: &str, files: &[&str]) {
    let to = format!("boost/libraries?version=1.84.0&repo=boostorg/{name}");
    let entry = json!([{"key": name, "name": name}]);
    server.taken(&to, "application/json", entry.to_string()).await;
    let rows: Vec<String> = files.iter().map(|file| format!("{name},{file}\n")).collect();
    let rows = format!("library_name,file_name\n{}", rows.concat());
    server.taken("boost/headers", "text/csv", rows).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_that_come_later_take_the_placeholders_place() {
    let server = Usage::new().await;
    let dated = json!({"repo_full_name": "acme/app", "scanned_at": "2025-06-01T00:00:00Z", "files": [
        {"file_path": "a.cpp", "boost_headers": ["boost/asio.hpp", "boost/none.hpp"], "commit_date": "2024-02-01T00:00:00Z"},
        {"file_path": "b.cpp", "boost_headers": ["boost/asio.hpp"]},
    ]});
    server.scan(&dated).await;
    // One of them goes before its header is known.
    server.scan(&scan(2, &[("a.cpp", Some(&["boost/asio.hpp", "boost/none.hpp"]))])).await;
    assert_eq!(
        server.lines(&["usage", "missing"]).await,
        [
            "missing acme/app acme/app:a.cpp boost/asio.hpp".to_owned(),
            "missing acme/app acme/app:a.cpp boost/none.hpp".to_owned(),
            usage("a.cpp", "?", " 2024-02-01"),
            usage("b.cpp", "?", " excepted 2025-06-02"),
        ]
    );
    server.headers().await;
    assert_eq!(
        server.lines(&["usage", "missing"]).await,
        [
            "missing acme/app acme/app:a.cpp boost/none.hpp".to_owned(),
            usage("a.cpp", "?", " 2024-02-01"),
            usage("a.cpp", ASIO, " 2024-02-01"),
            usage("b.cpp", ASIO, " excepted 2025-06-02"),
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn only_whole_segments_match() {
    let server = Usage::new().await;
    library(&server, "config", &["boost/config.hpp", "boost/foo/config.hpp"]).await;
    server
        .scan(&scan(1, &[("a.cpp", Some(&["boost/config.hpp", "config.hpp", "oost/config.hpp"]))]))
        .await;
    assert_eq!(
        server.lines(&["usage", "missing"]).await,
        [
            "missing acme/app acme/app:a.cpp oost/config.hpp".to_owned(),
            usage("a.cpp", "?", ""),
            usage("a.cpp", "boostorg/config:include/boost/config.hpp", ""),
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_files_one_that_is_there_comes_first() {
    let server = Usage::new().await;
    library(&server, "zeta", &["boost/x.hpp"]).await;
    library(&server, "alpha", &["boost/x.hpp", "extra/boost/x.hpp"]).await;
    server.scan(&scan(1, &[("a.cpp", Some(&["boost/x.hpp"]))])).await;
    let usages = &["usage"][..];
    let alpha = usage("a.cpp", "boostorg/alpha:include/boost/x.hpp", "");
    assert_eq!(server.lines(usages).await, std::slice::from_ref(&alpha));
    let state = |deleted, day| {
        let rows = format!(
            "owner,repo_name,file_path,is_deleted\nboostorg,alpha,include/boost/x.hpp,{deleted}\n"
        );
        (format!("files?as_of=2025-06-{day:02}T00:00:00Z"), rows)
    };
    let (to, rows) = state("1", 2);
    server.csv(&to, &rows).await;
    let zeta = usage("a.cpp", "boostorg/zeta:include/boost/x.hpp", "");
    assert_eq!(server.lines(usages).await, [zeta]);
    let (to, rows) = state("0", 3);
    server.csv(&to, &rows).await;
    assert_eq!(server.lines(usages).await, [alpha]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_deletes_a_header_moves_its_usages() {
    let server = Usage::new().await;
    library(&server, "zeta", &["boost/x.hpp"]).await;
    library(&server, "alpha", &["boost/x.hpp"]).await;
    server.scan(&scan(1, &[("a.cpp", Some(&["boost/x.hpp"]))])).await;
    let commit = json!({
        "sha": "0a1b2c3d4e5f60718293a4b5c6d7e8f901234567",
        "commit": {"message": "Remove", "author": {"name": "J", "email": "j@example.org", "date": "2024-04-14T16:00:49Z"}},
        "files": [{"filename": "include/boost/x.hpp", "status": "removed", "additions": 0, "deletions": 9}],
    });
    let to = "github/commits?repo=boostorg/alpha";
    server.taken(to, "application/json", commit.to_string()).await;
    let zeta = usage("a.cpp", "boostorg/zeta:include/boost/x.hpp", "");
    assert_eq!(server.lines(&["usage"]).await, [zeta]);
}

#[tokio::test(flavor = "multi_thread")]
async fn usages_outlive_the_library_of_their_header() {
    let server = Usage::new().await;
    // Two libraries, neither called as the repository: only a list of headers says whose a file is.
    let two = json!([{"key": "one", "name": "one"}, {"key": "two", "name": "two"}]);
    let to = "boost/libraries?version=1.84.0&repo=boostorg/pair";
    server.taken(to, "application/json", two.to_string()).await;
    let names = "library_name,file_name";
    let rows = format!("{names}\none,boost/one.hpp\ntwo,boost/two.hpp\n");
    server.taken("boost/headers", "text/csv", rows).await;
    server.scan(&scan(1, &[("a.cpp", Some(&["boost/one.hpp"]))])).await;
    let one = usage("a.cpp", "boostorg/pair:include/boost/one.hpp", "");
    assert_eq!(server.lines(&["usage"]).await, [one]);
    let rows = format!("{names}\none,boost/other.hpp\n");
    server.taken("boost/headers?complete=libraries", "text/csv", rows).await;
    assert_eq!(
        server.lines(&["usage", "missing"]).await,
        ["missing acme/app acme/app:a.cpp boost/one.hpp".to_owned(), usage("a.cpp", "?", "")]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn two_texts_of_one_header_are_one_usage() {
    let server = Usage::with_headers().await;
    server.usages("?as_of=2025-05-01T00:00:00Z", "acme,app,a.cpp,include/boost/asio.hpp,,\n").await;
    let receipt = server.scan(&scan(1, &[("a.cpp", Some(&["boost/asio.hpp"]))])).await;
    assert_eq!(counts(&receipt)[1], 1, "{receipt}");
    assert_eq!(server.lines(&["usage"]).await, [usage("a.cpp", ASIO, "")]);
    server.scan(&scan(2, &[("a.cpp", Some(&[]))])).await;
    assert_eq!(server.lines(&["usage"]).await, [usage("a.cpp", ASIO, " excepted 2025-06-02")]);
}
