//! Many senders at once, and every order of what belongs together.

use std::sync::Arc;

use serde_json::json;

use super::{Usage, scan};
use crate::ingest::rows;

/// What is sent: to where, as what, which body.
fn bodies() -> Vec<(String, &'static str, String)> {
    let mut bodies = Vec::new();
    for library in ["asio", "beast"] {
        let to = format!(
            "boost/libraries?version=1.84.0&repo=boostorg/{library}&as_of=2025-01-01T00:00:00Z"
        );
        let entry = json!([{"key": library, "name": library}]);
        bodies.push((to, "application/json", entry.to_string()));
    }
    let scans = [
        scan(
            1,
            &[
                ("a.cpp", Some(&["boost/asio.hpp", "boost/beast.hpp"])),
                ("b.cpp", Some(&["boost/asio.hpp"])),
            ],
        ),
        scan(2, &[("a.cpp", Some(&["boost/asio.hpp"])), ("b.cpp", None)]),
        scan(3, &[("b.cpp", Some(&["boost/none.hpp"]))]),
    ];
    for scan in scans {
        bodies.push(("usage/repository-scans".into(), "application/json", scan.to_string()));
    }
    let usages = "owner,repo_name,file_path,boost_header_name,last_commit_ts,excepted_at\n\
                  acme,app,b.cpp,include/boost/asio.hpp,2024-01-01,\n\
                  acme,app,c.cpp,boost/beast.hpp,,2024-01-01\nother,app,c.cpp,boost/beast.hpp,,\n";
    for day in [1, 2, 4] {
        let to = format!("usage/usages?as_of=2025-06-{day:02}T12:00:00Z");
        bodies.push((to, "text/csv", usages.to_owned()));
    }
    bodies
}

/// Headers need their library, so they come last, or anywhere behind it.
const HEADERS: &str = "library_name,file_name\nasio,boost/asio.hpp\nbeast,boost/beast.hpp\n";
const HEADERS_TO: &str = "boost/headers?as_of=2025-01-01T00:00:00Z";

#[tokio::test(flavor = "multi_thread")]
async fn any_order_ends_in_the_same_rows() {
    let bodies = bodies();
    let mut expected = None;
    for turn in 0..8 {
        let server = Usage::new().await;
        let mut order: Vec<usize> = (0..bodies.len()).collect();
        order.rotate_left(turn);
        if turn % 2 == 1 {
            order.reverse();
        }
        for nth in order {
            let (to, media, body) = &bodies[nth];
            server.taken(to, media, body.clone()).await;
        }
        server.taken(HEADERS_TO, "text/csv", HEADERS).await;
        let found = server.dump().await;
        rows::assert_same(expected.get_or_insert_with(|| found.clone()), &found, &turn.to_string());
    }
    assert!(expected.unwrap().len() > 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn senders_at_once_end_in_the_rows_of_one_after_the_other() {
    let bodies = bodies();
    let one = Usage::new().await;
    for (to, media, body) in &bodies {
        one.taken(to, media, body.clone()).await;
    }
    one.taken(HEADERS_TO, "text/csv", HEADERS).await;
    let expected = one.dump().await;

    for _ in 0..4 {
        let server = Arc::new(Usage::new().await);
        // Headers are rejected until their library is there.
        for (to, media, body) in &bodies[..2] {
            server.taken(to, media, body.clone()).await;
        }
        let mut senders = Vec::new();
        for (to, media, body) in bodies.iter().skip(2).cloned().chain([(
            HEADERS_TO.to_owned(),
            "text/csv",
            HEADERS.to_owned(),
        )]) {
            let server = Arc::clone(&server);
            senders.push(tokio::spawn(async move { server.taken(&to, media, body).await }));
        }
        for sender in senders {
            sender.await.unwrap();
        }
        rows::assert_same(&expected, &server.dump().await, "at once");
        assert_eq!(server.0.deadlocks().await, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_leaves_nothing() {
    let server = Usage::with_headers().await;
    let before = server.dump().await;
    let body = scan(1, &[("a.cpp", Some(&["boost/asio.hpp"]))]).to_string();
    let to = "usage/repository-scans?dry_run=true";
    let receipt = server.taken(to, "application/json", body).await;
    assert_eq!(receipt["inserted"], 1);
    assert_eq!(server.dump().await, before);
}
