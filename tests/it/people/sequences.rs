//! Random sequences of operations against the model.

use std::collections::BTreeMap;

use boost_dashboard::{
    db::sql::Value as Sql,
    domains::users::identities::{
        Operation,
        operation::{About, Edit},
    },
};
use rand::{Rng as _, SeedableRng as _, rngs::StdRng, seq::IndexedRandom as _};

use super::{
    People,
    model::{Model, State},
};

const PROFILES: usize = 9;
/// Operations of one sequence.
const LENGTH: usize = 125;

/// How many operations are tried in all; `IDENTITY_OPERATIONS` says otherwise.
fn total() -> usize {
    std::env::var("IDENTITY_OPERATIONS").ok().and_then(|it| it.parse().ok()).unwrap_or(500)
}

/// A random operation, most of them on what is there.
fn any(rng: &mut StdRng, model: &Model) -> Operation {
    let pick = |rng: &mut StdRng, ids: Vec<i64>| -> i64 {
        match ids.choose(rng) {
            Some(id) if rng.random_ratio(19, 20) => *id,
            // One that was, or never was.
            _ => rng.random_range(1..=30),
        }
    };
    let identity = |rng: &mut StdRng| pick(rng, model.ids("identity"));
    let target = |rng: &mut StdRng| pick(rng, model.ids("tmp_identity"));
    let profile = |rng: &mut StdRng| rng.random_range(1..=i64::try_from(PROFILES).unwrap());
    let profiles = |rng: &mut StdRng, most: usize| -> Vec<i64> {
        let all: Vec<i64> = model.ids("base_profile");
        let count = rng.random_range(0..=most);
        all.choose_multiple(rng, count).copied().collect()
    };
    let word = |rng: &mut StdRng| ["Ada", "Bo", "Cy"].choose(rng).unwrap().to_string();
    let about = |rng: &mut StdRng| About { display_name: word(rng), description: word(rng) };
    match rng.random_range(0..28) {
        0..3 => Operation::Create { about: about(rng), profiles: profiles(rng, 3) },
        3 | 4 => Operation::Edit {
            identity: identity(rng),
            about: Edit {
                display_name: rng.random_bool(0.5).then(|| word(rng)),
                description: rng.random_bool(0.5).then(|| word(rng)),
            },
            is_locked: rng.random_bool(0.5).then(|| rng.random_bool(0.3)),
        },
        5 => Operation::Delete { identity: identity(rng) },
        6..9 => Operation::Assign {
            profile: profile(rng),
            identity: rng.random_bool(0.8).then(|| identity(rng)),
        },
        9..12 => {
            let count = rng.random_range(1..=2);
            let mut from: Vec<i64> = (0..count).map(|_| identity(rng)).collect();
            from.dedup();
            Operation::Merge { into: identity(rng), from }
        }
        12..14 => {
            let identity = identity(rng);
            let mut members: Vec<i64> = model.ids("base_profile");
            members.retain(|id| model.home(*id) == Some(identity) || rng.random_ratio(1, 90));
            members.truncate(rng.random_range(1..=2));
            if members.is_empty() {
                members.push(profile(rng));
            }
            let about = Edit { display_name: Some(word(rng)), description: None };
            Operation::Split { identity, profiles: members, about }
        }
        14 => Operation::Stage { about: about(rng), profiles: profiles(rng, 2) },
        15 | 16 => Operation::Propose { profile: profile(rng), target: target(rng) },
        17 => Operation::Withdraw { relation: pick(rng, model.ids("relation")) },
        18 => Operation::Discard { target: target(rng) },
        19 => Operation::Promote {
            target: target(rng),
            identity: rng.random_bool(0.6).then(|| identity(rng)),
        },
        20 | 21 => Operation::Hide { identity: identity(rng), is_hidden: rng.random_bool(0.6) },
        _ => {
            let operations = model.operations();
            // Late ones more often: those can be undone.
            let from = operations.len().saturating_sub(if rng.random_bool(0.7) { 4 } else { 40 });
            match operations[from..].choose(rng) {
                Some(operation) => Operation::Undo { operation: *operation },
                None => Operation::Create { about: about(rng), profiles: Vec::new() },
            }
        }
    }
}

/// The rows that the model has, as the database has them.
async fn stored(people: &People) -> State {
    let rows = people
        .rows(
            "select 'identity', id, concat_ws('|', display_name, description, is_locked::text, \
             is_hidden::text) from identity \
             union all select 'base_profile', id, coalesce(identity_id::text, '') from base_profile \
             union all select 'tmp_identity', id, concat_ws('|', display_name, description) \
             from tmp_identity \
             union all select 'relation', id, concat_ws('|', base_profile_id, target_identity_id) \
             from temp_profile_identity_relation \
             union all select 'redirect', id, target_id::text from identity_redirect",
        )
        .await;
    let table = |name: &str| {
        ["identity", "base_profile", "tmp_identity", "relation", "redirect"]
            .into_iter()
            .find(|table| *table == name)
            .unwrap()
    };
    rows.into_iter()
        .map(|row| match &row[..] {
            [Sql::Text(name), Sql::BigInt(id), Sql::Text(text)] => {
                ((table(name), *id), text.clone())
            }
            other => panic!("{other:?}"),
        })
        .collect()
}

/// The relations of a temporary identity, by profile.
fn relations_of(state: &State, target: Option<i64>) -> BTreeMap<i64, i64> {
    let of = |text: &str| {
        let (profile, of) = text.split_once('|')?;
        (of.parse().ok() == target).then(|| profile.parse::<i64>().ok())?
    };
    let relations = state.iter().filter(|((table, _), _)| *table == "relation");
    relations.filter_map(|((_, id), text)| Some((of(text)?, *id))).collect()
}

/// Does one operation on both, and compares.
async fn step(people: &People, model: &mut Model, operation: &Operation) {
    let allowed = model.allows(operation);
    let done = people.perform(operation).await;
    let state = stored(people).await;
    match done {
        Ok(done) => {
            assert!(allowed, "{operation:?} was done");
            let new = done.row.map(|(_, id)| id);
            model.apply(operation, done.operation, new, &relations_of(&state, new));
        }
        Err(problem) => {
            assert!(!allowed, "{operation:?} was refused: {problem}");
            assert!([404, 409, 422].contains(&problem.status.as_u16()), "{problem}");
            if let Operation::Undo { operation } = operation {
                let named = problem.errors.first().and_then(|fault| fault.suggestion.clone());
                if let Some(blocker) = model.blocker(*operation) {
                    let expected = (blocker != *operation).then(|| blocker.to_string());
                    assert_eq!(named, expected, "the operation in the way is named: {problem}");
                } else {
                    assert_eq!(problem.code, "identity_locked", "{problem}");
                }
            }
        }
    }
    assert_eq!(state, model.state, "after {operation:?}");
    for ((table, id), home) in &state {
        // Profiles partition: each is in one identity, which exists, or in none.
        if *table == "base_profile" && !home.is_empty() {
            let home = home.parse().unwrap();
            assert!(state.contains_key(&("identity", home)), "profile {id} is nowhere");
        }
        if *table == "redirect" {
            assert!(!state.contains_key(&("identity", *id)), "{id} is there and merged away");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn random_operations_do_what_the_model_does_and_all_can_be_undone_and_replayed() {
    let (mut done, mut undone) = (0, 0);
    for seed in 0.. {
        if done >= total() {
            break;
        }
        println!("seed {seed}");
        let mut rng = StdRng::seed_from_u64(seed);
        let people = People::new(PROFILES).await;
        let mut model = Model::new(i64::try_from(PROFILES).unwrap());
        let start = people.everything().await;
        for _ in 0..LENGTH {
            let operation = any(&mut rng, &model);
            step(&people, &mut model, &operation).await;
        }
        done += LENGTH;

        let copy = people.replayed(PROFILES).await;
        assert_eq!(copy.everything().await, people.everything().await, "the journal replayed");

        for operation in model.operations().into_iter().rev() {
            if model.stands(operation) {
                step(&people, &mut model, &Operation::Undo { operation }).await;
                undone += 1;
            }
        }
        assert_eq!(people.everything().await, start, "everything undone");
    }
    println!("{done} operations, {undone} undone at the end");
}
