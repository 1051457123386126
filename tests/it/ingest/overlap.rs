//! Many writers at once, whose batches overlap: no error, no deadlock, the same rows as one by one.

use std::sync::Arc;

use rand::{SeedableRng as _, rngs::StdRng, seq::SliceRandom as _};
use serde_json::{Value, json};

use super::{
    rows::assert_same,
    samples,
    sender::{Sender, with},
};

/// Documents of several kinds, in batches.
type Batches = Vec<(&'static str, Vec<Value>)>;

fn batches(
    kind: &'static str,
    mut documents: Vec<Value>,
    size: usize,
    rng: &mut StdRng,
) -> Batches {
    documents.shuffle(rng);
    documents.chunks(size).map(|batch| (kind, batch.to_vec())).collect()
}

/// List items of the pull requests, as the list of issues shows them: same time, other columns.
fn list_items(pulls: &[Value]) -> Vec<Value> {
    pulls
        .iter()
        .filter(|pull| pull["pr_info"].is_object())
        .map(|pull| {
            let mut item = pull["pr_info"].clone();
            let members = item.as_object_mut().unwrap();
            members.retain(|key, _| !["head", "base", "merged_at"].contains(&key.as_str()));
            members.insert("id".into(), Value::from(pull["pr_info"]["id"].as_i64().unwrap() + 1));
            let merged = pull["pr_info"]["merged_at"].clone();
            members.insert("pull_request".into(), json!({"url": "u", "merged_at": merged}));
            item
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn overlapping_writers_end_in_the_same_rows() {
    let sender = Arc::new(Sender::new().await);
    let mut threads = samples::pulls();
    threads.extend(list_items(&threads));
    threads.extend(samples::issues());
    // People of whom only the login is shown, and a repository's name of long ago.
    for (n, login) in (900..).zip(["jroe", "ASmith", "nobody-else", "boostorg"]) {
        let user = json!({"login": login});
        let url = "https://github.com/boostorg/json/issues/1";
        threads.push(json!({"id": n, "number": n, "html_url": url, "user": user}));
    }
    let mut repositories = samples::repositories();
    let long_ago = with(
        repositories[0].clone(),
        json!({"full_name": "boostorg/json-old", "name": "json-old",
               "updated_at": "2019-10-01T00:00:00Z", "pushed_at": null}),
    );
    repositories.push(long_ago);
    let plan = |rng: &mut StdRng| {
        let mut plan = batches("commits", samples::commits(240), 30, rng);
        plan.extend(batches("issues", threads.clone(), 12, rng));
        plan.extend(batches("repositories", repositories.clone(), 9, rng));
        plan.extend(batches("accounts", samples::accounts(), 2, rng));
        plan.shuffle(rng);
        plan
    };
    for (to, batch) in plan(&mut StdRng::seed_from_u64(1)) {
        sender.post(to, &Value::Array(batch)).await;
    }
    let expected = sender.dump().await;
    for round in 0..2 {
        sender.wipe().await;
        let deadlocks = sender.deadlocks().await;
        let writers: Vec<_> = (0..10)
            .map(|writer| {
                let (sender, plan) =
                    (Arc::clone(&sender), plan(&mut StdRng::seed_from_u64(100 * round + writer)));
                tokio::spawn(async move {
                    for (to, batch) in plan {
                        sender.post(to, &Value::Array(batch)).await;
                    }
                })
            })
            .collect();
        for writer in writers {
            writer.await.unwrap();
        }
        assert_same(&expected, &sender.dump().await, "ten writers at once");
        assert_eq!(sender.deadlocks().await, deadlocks);
    }
}
