//! Many hands at once.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use boost_dashboard::{
    db::sql::Value as Sql,
    domains::users::identities::{
        Operation,
        operation::{About, Edit},
    },
};
use rand::{Rng as _, SeedableRng as _, rngs::StdRng, seq::IndexedRandom as _};

use super::People;

const IDENTITIES: i64 = 100;
const PROFILES: i64 = 3 * IDENTITIES;
const TASKS: u64 = 50;
const EACH: usize = 4;

/// Identity and profiles, as they are just now: others move them meanwhile.
async fn homes(people: &People) -> BTreeMap<i64, Vec<i64>> {
    let rows = people
        .rows(
            "select identity_id, id from base_profile where identity_id is not null \
             order by identity_id, id",
        )
        .await;
    let mut homes: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
    for row in rows {
        let [Sql::BigInt(identity), Sql::BigInt(profile)] = row[..] else { panic!("{row:?}") };
        homes.entry(identity).or_default().push(profile);
    }
    homes
}

/// Merges and splits of overlapping identities; gives how many were done.
async fn work(people: Arc<People>, seed: u64) -> usize {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut done = 0;
    for _ in 0..EACH {
        let homes = homes(&people).await;
        let identities: Vec<i64> = homes.keys().copied().collect();
        let operation = if rng.random_bool(0.5) {
            // In any order: the locks are not taken as the request has them.
            let mut some: Vec<i64> = identities.choose_multiple(&mut rng, 4).copied().collect();
            let into = some.pop().unwrap();
            Operation::Merge { into, from: some }
        } else {
            let identity = *identities.choose(&mut rng).unwrap();
            let profiles = homes[&identity].iter().copied().rev().take(2).collect();
            let about = Edit { display_name: Some("Split".to_owned()), description: None };
            Operation::Split { identity, profiles, about }
        };
        match people.perform(&operation).await {
            Ok(_) => done += 1,
            // Somebody else was faster.
            Err(problem) => {
                assert!([404, 409, 422].contains(&problem.status.as_u16()), "{problem}");
            }
        }
    }
    done
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_tasks_merge_and_split_a_hundred_identities_without_deadlock_or_loss() {
    let people = People::new(usize::try_from(PROFILES).unwrap()).await;
    for identity in 0..IDENTITIES {
        let profiles = (1..=3).map(|nth| 3 * identity + nth).collect();
        let about = About { display_name: "One".to_owned(), ..About::default() };
        people.perform(&Operation::Create { about, profiles }).await.unwrap();
    }
    let deadlocks = "select deadlocks from pg_stat_database where datname = current_database()";
    let before = people.rows(deadlocks).await;
    let people = Arc::new(people);
    let tasks: Vec<_> =
        (0..TASKS).map(|seed| tokio::spawn(work(Arc::clone(&people), seed))).collect();
    // Ingest makes profiles at the same time.
    for _ in 0..20 {
        people.sql("insert into base_profile (type) values ('slack')").await;
    }
    let mut done = 0;
    for task in tasks {
        done += task.await.unwrap();
    }
    assert!(done > 50, "only {done} were done");

    let homes = homes(&people).await;
    let kept: BTreeSet<i64> = homes.values().flatten().copied().collect();
    assert_eq!(kept, (1..=PROFILES).collect(), "every profile is where somebody put it");
    let live: BTreeSet<i64> = ids(&people, "select id from identity").await;
    assert!(homes.keys().all(|identity| live.contains(identity)));
    for gone in ids(&people, "select id from identity_redirect").await {
        assert!(!live.contains(&gone));
        let answer = people.get(&format!("/identities/{gone}")).await;
        assert_eq!(answer.status(), 301, "{}", answer.text());
        let survivor = answer.header("location").unwrap().rsplit_once('/').unwrap().1.to_owned();
        assert!(live.contains(&survivor.parse().unwrap()));
    }
    // The journal's order is one in which it can have happened.
    let copy = people.replayed(usize::try_from(PROFILES).unwrap()).await;
    copy.sql("insert into base_profile (type) select 'slack' from generate_series(1, 20)").await;
    assert_eq!(copy.everything().await, people.everything().await);
    tokio::time::sleep(std::time::Duration::from_millis(1_500)).await;
    assert_eq!(people.rows(deadlocks).await, before, "deadlocks");
    println!("{done} of {} merges and splits were done", TASKS * EACH as u64);
}

async fn ids(people: &People, query: &str) -> BTreeSet<i64> {
    let rows = people.rows(query).await;
    rows.into_iter()
        .map(|row| match row[..] {
            [Sql::BigInt(id)] => id,
            _ => panic!("{row:?}"),
        })
        .collect()
}
