//! Any order, any batching, any repetition of the versions of an object ends in the same rows.
//!
//! Each case is a handful of payloads about a few objects, made at random: it is posted one by one in
//! the order it was made, then shuffled and cut into batches, and the two dumps must be equal.

use proptest::{
    collection::vec,
    prelude::*,
    sample::{Index, select, subsequence},
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use serde_json::{Value, json};

use super::{
    rows::difference,
    sender::{Sender, counts},
    versions::{
        Sent, commit, cut, file, issue, maybe, object, pull, repository, sent, time, times, user,
    },
};

/// Posts in order, one by one.
async fn one_by_one(sender: &Sender, payloads: &[Sent]) -> Vec<String> {
    for Sent { to, body } in payloads {
        let receipt = sender.post(to, body).await;
        assert_eq!(counts(&receipt)[4], 0, "{receipt}");
    }
    sender.dump().await
}

/// Posts in batches: neighbours of one kind and one `as_of` go together, unless they are cut apart.
async fn in_batches(sender: &Sender, payloads: &[Sent], cuts: &[bool]) -> Vec<String> {
    let mut batches: Vec<(String, Vec<Value>)> = Vec::new();
    for (nth, Sent { to, body }) in payloads.iter().enumerate() {
        match batches.last_mut() {
            Some((last, bodies)) if last == to && !cuts[nth % cuts.len()] => {
                bodies.push(body.clone());
            }
            _ => batches.push((to.clone(), vec![body.clone()])),
        }
    }
    for (to, bodies) in &batches {
        let receipt = sender.post(to, &Value::Array(bodies.clone())).await;
        assert_eq!(counts(&receipt)[4], 0, "{receipt}");
    }
    sender.dump().await
}

/// Runs the property over payloads of a strategy.
async fn end_in_the_same_rows(cases: u32, most: usize, payload: BoxedStrategy<Sent>) {
    let sender = Sender::new().await;
    let case = (vec(payload, 2..=most), vec(any::<Index>(), most), vec(any::<bool>(), most));
    let config =
        Config { cases, max_shrink_iters: 60, failure_persistence: None, ..Config::default() };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(config, rng);
    let runtime = tokio::runtime::Handle::current();
    let run = |(payloads, swaps, cuts): (Vec<Sent>, Vec<Index>, Vec<bool>)| {
        let (left, right) = runtime.block_on(async {
            sender.wipe().await;
            let left = one_by_one(&sender, &payloads).await;
            sender.wipe().await;
            let mut shuffled = payloads.clone();
            for (nth, swap) in swaps.iter().take(payloads.len()).enumerate() {
                let other = swap.index(payloads.len());
                shuffled.swap(nth, other);
            }
            (left, in_batches(&sender, &shuffled, &cuts).await)
        });
        match difference(&left, &right) {
            Some(difference) => Err(TestCaseError::fail(difference)),
            None => Ok(()),
        }
    };
    let outcome = tokio::task::block_in_place(|| runner.run(&case, run));
    if let Err(error) = outcome {
        panic!("{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn versions_of_an_issue() {
    end_in_the_same_rows(30, 5, sent("issues", issue(1, 601))).await;
}

/// Lists of comments, some of them full: each comment has its time.
#[tokio::test(flavor = "multi_thread")]
async fn lists_of_comments() {
    let comment = |id: u32| json!({"id": id, "body": "c", "user": user(1), "updated_at": time(id)});
    let listed = subsequence(vec![2, 3, 4], 0..=3)
        .prop_map(move |ids| -> Value { ids.into_iter().map(comment).collect() });
    let query = select(vec!["", "&complete=comments", "&complete=comments"]);
    let as_of = select(vec!["", "&as_of=2024-01-03T00:00:00Z", "&as_of=2024-01-05T00:00:00Z"]);
    let payload = (query, as_of, 2..5_u32, listed).prop_map(|(query, as_of, day, comments)| Sent {
        to: format!("issues?repo=boostorg/json{query}{as_of}"),
        body: json!({"issue_info": {"id": 601, "number": 1, "updated_at": time(day)},
                     "comments": comments}),
    });
    end_in_the_same_rows(60, 6, payload.boxed()).await;
}

/// Two ids that claim one number are one issue; the newest statement says which id it has.
#[tokio::test(flavor = "multi_thread")]
async fn issues_that_claim_one_number() {
    let issues = prop_oneof![issue(1, 601), issue(1, 602)];
    end_in_the_same_rows(30, 4, sent("issues", issues.boxed())).await;
}

/// An issue that is moved to another number or repository takes its row along.
#[tokio::test(flavor = "multi_thread")]
async fn issues_that_move() {
    let issues = prop_oneof![issue(1, 601), issue(2, 601), issue(3, 603)];
    end_in_the_same_rows(30, 5, sent("issues", issues.boxed())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn versions_of_a_pull_request() {
    end_in_the_same_rows(40, 5, sent("pull-requests", pull(1, 801))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pull_requests_beside_each_other() {
    let pulls = prop_oneof![pull(1, 801), pull(2, 802), pull(3, 803)];
    end_in_the_same_rows(30, 4, sent("pull-requests", pulls.boxed())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn versions_of_a_repository() {
    let owner = json!({"id": 9, "login": "boostorg"});
    let repositories = prop_oneof![
        repository(Some(7), "boostorg/json", &owner),
        repository(None, "boostorg/JSON", &Value::Null),
        repository(None, "boostorg/json", &owner),
    ];
    let languages = select(vec![json!({"C++": 5, "C": 1}), json!({}), json!({"C++": 6})]);
    let as_of = select(vec!["2024-02-01T00:00:00Z", "2024-02-02T00:00:00Z"]);
    let languages = (languages, as_of).prop_map(|(body, at)| Sent {
        to: format!("repo-languages?repo=boostorg/json&as_of={at}"),
        body,
    });
    let payloads = prop_oneof![3 => sent("repositories", repositories.boxed()), 1 => languages];
    end_in_the_same_rows(36, 5, payloads.boxed()).await;
}

/// A rename, a transfer and the issues under either name: the repository is one row.
#[tokio::test(flavor = "multi_thread")]
async fn versions_of_a_renamed_repository() {
    let at = |day: u32, full_name: &str, owner: i64, login: &str| Sent {
        to: "repositories".to_owned(),
        body: json!({"id": 7, "full_name": full_name, "owner": {"id": owner, "login": login},
                     "updated_at": time(day)}),
    };
    let issue = |name: &str, number: i64| Sent {
        to: format!("issues?repo={name}"),
        body: json!({"id": 600 + number, "number": number, "title": "t", "updated_at": time(2)}),
    };
    let payloads = select(vec![
        at(1, "a/old", 11, "a"),
        at(2, "a/new", 11, "a"),
        at(3, "b/new", 12, "b"),
        issue("a/old", 1),
        issue("a/new", 2),
        issue("b/new", 3),
    ]);
    end_in_the_same_rows(40, 6, payloads.boxed()).await;
}

/// A name that another repository has taken over.
#[tokio::test(flavor = "multi_thread")]
async fn repositories_that_trade_names() {
    let at = |id: i64, day: u32, name: &str| Sent {
        to: "repositories".to_owned(),
        body: json!({"id": id, "full_name": format!("a/{name}"), "stargazers_count": day,
                     "owner": {"id": 11, "login": "a"}, "updated_at": time(day)}),
    };
    let payloads =
        select(vec![at(1, 1, "x"), at(1, 2, "y"), at(2, 3, "x"), at(2, 4, "z"), at(3, 5, "z")]);
    end_in_the_same_rows(40, 6, payloads.boxed()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn versions_of_an_account() {
    let full = |id: i64| {
        object(
            json!({"id": id, "login": format!("user{id}")}),
            vec![
                maybe("name", vec![json!("One"), json!("Other"), Value::Null]),
                maybe("type", vec![json!("User"), json!("Organization"), json!("Bot")]),
                maybe("avatar_url", vec![json!("https://x/1"), json!("https://x/2"), json!("")]),
                maybe(
                    "email",
                    vec![
                        json!("One@example.org"),
                        json!("one@example.org"),
                        json!("1+user1@users.noreply.github.com"),
                    ],
                ),
                maybe("updated_at", times()),
            ],
        )
    };
    let mention = |user: Value| {
        object(json!({"id": 601, "number": 1, "user": user}), vec![maybe("updated_at", times())])
    };
    let payloads = prop_oneof![
        sent("accounts", full(1)),
        sent("accounts", full(10_137)),
        sent("issues", mention(user(1))),
        sent("issues", mention(json!({"login": "USER1"}))),
        sent("issues", mention(json!({"id": 10_137, "login": "ghost"}))),
        sent("issues", mention(Value::Null)),
    ];
    end_in_the_same_rows(40, 5, payloads.boxed()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn versions_of_a_commit() {
    let complete = |patch: &str| json!([file("f1", "modified", patch), file("g", "added", "")]);
    let files = vec![json!([]), cut("a"), cut("b"), complete("c"), complete("d")];
    end_in_the_same_rows(25, 4, sent("commits", commit("aaaaaaa1", 2, files))).await;
}

/// What is deleted, and what a file was called before, is decided by the commits, not their arrival.
#[tokio::test(flavor = "multi_thread")]
async fn commits_that_touch_the_same_files() {
    let renamed = |from: &str, to: &str| json!({"filename": to, "previous_filename": from, "status": "renamed"});
    let files = vec![
        json!([file("a", "added", "")]),
        json!([file("a", "removed", "")]),
        json!([renamed("a", "b")]),
        json!([renamed("b", "a")]),
        json!([renamed("a", "b"), file("a", "added", "")]),
        json!([renamed("a", "c")]),
    ];
    // A commit does not change: each has its files.
    let shas = ["aaaaaaa1", "aaaaaaa2", "aaaaaaa3", "aaaaaaa4", "aaaaaaa5", "aaaaaaa6"];
    let commits = files.into_iter().zip(shas).zip([2, 2, 3, 4, 4, 5]);
    let commits = commits.map(|((files, sha), day)| commit(sha, day, vec![files]));
    let commits = proptest::strategy::Union::new(commits);
    end_in_the_same_rows(36, 6, sent("commits", commits.boxed())).await;
}

/// All of them at once, interleaved.
#[tokio::test(flavor = "multi_thread")]
async fn objects_of_several_kinds() {
    let payloads = prop_oneof![
        sent("issues", issue(1, 601)),
        sent("issues", issue(2, 602)),
        sent("pull-requests", pull(3, 803)),
        sent("pull-requests", pull(4, 804)),
        sent(
            "repositories",
            repository(Some(7), "boostorg/json", &json!({"id": 9, "login": "boostorg"}))
        ),
        sent("commits", commit("aaaaaaa1", 2, vec![json!([file("a", "added", "")])])),
    ];
    end_in_the_same_rows(30, 10, payloads.boxed()).await;
}
