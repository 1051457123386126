//! Any order of statements ends in the same rows.

use proptest::{
    prelude::*,
    sample::{Index, select},
    strategy::ValueTree as _,
    test_runner::TestRunner,
};
use serde_json::{Value, json};

use super::{Boost, dependencies, libraries};

/// A statement: where it is posted, and what.
type Sent = (String, Value);

fn at(day: u32) -> String {
    format!("as_of=2024-01-{day:02}T00:00:00Z")
}

fn library_document() -> impl Strategy<Value = Sent> {
    let versions = select(vec!["1.84.0", "1.85.0"]);
    let repositories = select(vec!["x", "logic"]);
    let entries = proptest::sample::subsequence(
        vec![
            json!({"name": "a", "key": "a", "description": "one", "authors": "Jane Roe <jane -at- example.org>"}),
            json!({"name": "a", "key": "x/a", "category": ["One"], "maintainers": ["Jane Roe"]}),
            json!({"name": "Tribool", "key": "logic/tribool", "category": ["Two", "One"]}),
            json!({"name": "b", "cxxstd": 11, "authors": null}),
        ],
        0..=3,
    );
    (1_u32..4, versions, repositories, entries).prop_map(|(day, version, repo, entries)| {
        let body =
            json!({"version": version, "repo": format!("boostorg/{repo}"), "libraries": entries});
        (format!("boost/libraries?{}", at(day)), body)
    })
}

fn dependency_document() -> impl Strategy<Value = Sent> {
    let clients = select(vec![
        json!({"a": ["logic", "b"]}),
        json!({"a": ["b"], "x": ["logic"]}),
        json!({"logic": ["a", "c"], "a": []}),
        json!({"b": ["c"]}),
    ]);
    let versions = select(vec!["1.84.0", "1.85.0", "1.86.0"]);
    (1_u32..5, versions, clients, any::<bool>()).prop_map(|(day, version, of, complete)| {
        let complete = if complete { "&complete=clients" } else { "" };
        (format!("boost/dependencies?{}{complete}", at(day)), dependencies(version, of))
    })
}

fn version_document() -> impl Strategy<Value = Sent> {
    let versions = select(vec!["1.85.0", "1.86.0"]);
    let dates = select(vec!["2024-02-01T00:00:00Z", "2024-03-01T00:00:00Z"]);
    (1_u32..4, versions, dates).prop_map(|(day, version, date)| {
        (format!("boost/versions?{}", at(day)), json!({"version": version, "date": date}))
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn any_order_and_any_repetition_ends_in_the_same_rows() {
    let one =
        prop_oneof![3 => library_document(), 3 => dependency_document(), 1 => version_document()];
    let statements =
        (proptest::collection::vec(one, 3..9), proptest::collection::vec(any::<Index>(), 12));
    let mut runner = TestRunner::deterministic();
    for _ in 0..12 {
        let (sent, picks) = statements.new_tree(&mut runner).unwrap().current();
        let (ordered, shuffled) = (Boost::new().await, Boost::new().await);
        for (to, body) in &sent {
            ordered.post(to, body).await;
        }
        // In another order, and some of them twice.
        for pick in &picks {
            let (to, body) = pick.get(&sent);
            shuffled.post(to, body).await;
        }
        for (to, body) in sent.iter().rev() {
            shuffled.post(to, body).await;
        }
        let (left, right) = (ordered.dump().await, shuffled.dump().await);
        crate::ingest::rows::assert_same(&left, &right, &format!("{sent:#?}"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_senders_at_once_are_as_good_as_one() {
    let mut sent: Vec<Sent> = vec![
        (format!("boost/dependencies?{}", at(1)), dependencies("1.84.0", json!({"a": ["b", "c"]}))),
        (format!("boost/dependencies?{}", at(1)), dependencies("1.85.0", json!({"c": ["a"]}))),
        (
            format!("boost/versions?{}", at(1)),
            json!({"version": "1.85", "date": "2024-02-01T00:00:00Z"}),
        ),
    ];
    for (repo, name) in [("a", "a"), ("bb", "b"), ("cc", "c")] {
        let document = libraries("1.84.0", repo, &[(name, name)]);
        sent.push((format!("boost/libraries?{}", at(1)), document));
        let commit = json!({"sha": "a".repeat(40), "commit": {"author": {"name": "J", "date": "2024-01-01T00:00:00Z"}},
            "files": [{"filename": "include/boost/a.hpp"}]});
        sent.push((format!("github/commits?repo=boostorg/{repo}"), commit));
    }
    let one = Boost::new().await;
    for (to, body) in &sent {
        one.post(to, body).await;
    }
    let many = std::sync::Arc::new(Boost::new().await);
    let mut posts = tokio::task::JoinSet::new();
    for (to, body) in sent.into_iter().flat_map(|sent| [sent.clone(), sent]) {
        let many = std::sync::Arc::clone(&many);
        posts.spawn(async move { many.post(&to, &body).await });
    }
    posts.join_all().await;
    crate::ingest::rows::assert_same(&one.dump().await, &many.dump().await, "at once");
}
