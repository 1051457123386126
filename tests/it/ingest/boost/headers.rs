//! Which library a file belongs to.

use serde_json::{Value, json};

use super::{Boost, libraries};
use crate::ingest::sender::{counts, notes};

const FILE: &str = "include/boost/x/a.hpp";

fn commit(sha: u32, files: &[(&str, &str)]) -> Value {
    let files: Vec<Value> =
        files.iter().map(|(name, status)| json!({"filename": name, "status": status})).collect();
    let when = json!({"name": "J", "email": "j@example.org", "date": format!("2024-01-01T00:00:{sha:02}Z")});
    json!({"sha": format!("{sha:040x}"), "commit": {"message": "m", "author": when, "committer": when}, "files": files})
}

async fn commits(boost: &Boost, repo: &str, commits: Vec<Value>) {
    boost.post(&format!("github/commits?repo=boostorg/{repo}"), &Value::Array(commits)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_and_libraries_may_come_in_any_order() {
    for files_first in [true, false] {
        let boost = Boost::new().await;
        if files_first {
            commits(&boost, "x", vec![commit(1, &[(FILE, "added"), ("gone.hpp", "removed")])])
                .await;
        }
        boost.post("boost/libraries", &libraries("1.84.0", "x", &[("X", "ex")])).await;
        if !files_first {
            commits(&boost, "x", vec![commit(1, &[(FILE, "added"), ("gone.hpp", "removed")])])
                .await;
        }
        let expected = [
            "boostorg/x gone.hpp boostorg/x:X rule".to_owned(),
            format!("boostorg/x {FILE} boostorg/x:X rule"),
        ];
        assert_eq!(boost.rows("file").await, expected, "{files_first}");
        // A second library: the files are of neither, unless one has the repository's name.
        boost.post("boost/libraries", &libraries("1.84.0", "x", &[("X", "ex"), ("Y", "y")])).await;
        assert_eq!(boost.rows("file").await, expected, "`X` has the repository's name");
        boost.post("boost/libraries", &libraries("1.84.0", "other", &[("P", "p")])).await;
        commits(&boost, "other", vec![commit(2, &[("a.hpp", "added")])]).await;
        assert_eq!(boost.rows("file").await.len(), 3);
        boost
            .post("boost/libraries", &libraries("1.85.0", "other", &[("P", "p"), ("Q", "q")]))
            .await;
        assert_eq!(boost.rows("file").await, expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_headers_says_more_than_the_rule() {
    let boost = Boost::new().await;
    boost
        .post("boost/libraries", &libraries("1.84.0", "x", &[("X", "x"), ("Min-Max", "x/minmax")]))
        .await;
    commits(&boost, "x", vec![commit(1, &[(FILE, "added"), ("src/b.cpp", "added")])]).await;
    // Alias by folding, path below `include/`, exact path, unknown file, unknown library, blank, quotes.
    let rows = "\u{FEFF}File Name,extra,LIBRARY_NAME\r\nboost/x/a.hpp,,min max\r\nsrc/b.cpp,\"a, b\",Min-Max\r\n\
                boost/x/new.hpp,,X\r\nboost/x/c.hpp,,nothing\r\nboost/x/d.hpp,, \r\n\"boost/x/e,f.hpp\",,X\r\n";
    let receipt = boost.csv("boost/headers?as_of=2024-01-02T00:00:00Z", rows).await;
    assert_eq!(counts(&receipt), [4, 0, 0, 0, 2], "{receipt}");
    let errors = ["3 unresolved_reference /library_name", "4 missing_field /library_name"];
    let mut found = notes(&receipt, "errors");
    found.sort();
    assert_eq!(found, errors);
    assert_eq!(
        boost.rows("file").await,
        [
            "boostorg/x include/boost/x/a.hpp boostorg/x:Min-Max statement",
            "boostorg/x include/boost/x/e,f.hpp boostorg/x:x statement",
            "boostorg/x include/boost/x/new.hpp boostorg/x:x statement",
            "boostorg/x src/b.cpp boostorg/x:Min-Max statement",
        ]
    );
    let again = boost.csv("boost/headers?as_of=2024-01-02T00:00:00Z", rows).await;
    assert_eq!(counts(&again), [0, 0, 4, 0, 2], "{again}");

    // The row whose library was unknown is tried again once the library is there.
    boost.post("boost/libraries", &libraries("1.84.0", "n", &[("nothing", "n")])).await;
    let letters = boost.0.get("/ingest/dead-letters?code=unresolved_reference").await.expect(200);
    let retried = boost.0.retry(&letters["items"][0]["id"]).await;
    assert_eq!(retried.status(), 200, "{}", retried.text());
    let row = "boostorg/n include/boost/x/c.hpp boostorg/n:nothing statement".to_owned();
    assert!(boost.rows("file").await.contains(&row));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_claim_wins_and_a_full_list_ends_older_ones() {
    let header = |library: &str, files: &[&str]| {
        let rows: Vec<String> = files.iter().map(|file| format!("{library},{file}\n")).collect();
        format!("library_name,file_name\n{}", rows.concat())
    };
    let statements = [
        ("as_of=2024-01-01T00:00:00Z", header("P", &["boost/a.hpp", "boost/b.hpp"])),
        ("as_of=2024-01-02T00:00:00Z", header("Q", &["boost/a.hpp"])),
        ("as_of=2024-01-03T00:00:00Z&complete=libraries", header("P", &["boost/c.hpp"])),
    ];
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0], [2, 0, 1]] {
        let boost = Boost::new().await;
        boost.post("boost/libraries", &libraries("1.84.0", "x", &[("P", "p"), ("Q", "q")])).await;
        for nth in order {
            let (query, rows) = &statements[nth];
            boost.csv(&format!("boost/headers?{query}"), rows).await;
        }
        assert_eq!(
            boost.rows("file").await,
            [
                "boostorg/x include/boost/a.hpp boostorg/x:Q statement",
                "boostorg/x include/boost/c.hpp boostorg/x:P statement",
            ],
            "{order:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_rows_go_in_batches() {
    let boost = Boost::new().await;
    boost.post("boost/libraries", &libraries("1.84.0", "x", &[("P", "p"), ("Q", "q")])).await;
    let rows: String = (0..12_000).map(|n| format!("P,boost/{n}.hpp\n")).collect();
    let receipt = boost.csv("boost/headers", &format!("library_name,file_name\n{rows}")).await;
    assert_eq!(counts(&receipt), [12_000, 0, 0, 0, 0]);
    assert_eq!(boost.0.number("select count(*) from boost_file").await, 12_000);
    let (status, receipt) =
        boost.send("boost/headers", "text/csv", "library_name,file\nP,x\n").await;
    assert_eq!((status, notes(&receipt, "errors")), (422, vec!["0 bad_header_row".to_owned()]));
}
