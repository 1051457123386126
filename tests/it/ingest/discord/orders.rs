//! Any order of a channel's exports ends in the same rows.

use boost_dashboard::db::sql::Statement;
use diesel_async::RunQueryDsl as _;
use proptest::{
    collection::vec,
    option,
    prelude::*,
    sample::select,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use serde_json::{Value, json};

use super::{export, message, post};
use crate::{
    ingest::sender::{Sender, counts, with},
    support::dump::dump,
};

/// A message of which every member may differ, or be missing.
fn any_message() -> BoxedStrategy<Value> {
    let edited = option::of(select(vec!["2025-12-02T00:00:00Z", "2026-01-03T12:00:00Z"]));
    let reactions = option::of(select(vec![
        json!([]),
        json!([{"emoji": "a", "count": 1}]),
        json!([{"emoji": "a", "count": 2}, {"emoji": {"id": "9", "name": "b"}, "count": 1}]),
    ]));
    let author = option::of(select(vec![
        json!({"id": "7", "name": "jroe"}),
        json!({"id": "7", "name": "jane", "nickname": "Jane", "isBot": true}),
    ]));
    let content = select(vec!["x", "y"]);
    (1..5_i64, content, edited, any::<bool>(), reactions, author)
        .prop_map(|(id, content, edited, pinned, reactions, author)| {
            let mut message = with(
                message(id, id, content),
                json!({"timestampEdited": edited, "isPinned": pinned, "author": author}),
            );
            match reactions {
                Some(reactions) => message["reactions"] = reactions,
                None => drop(message.as_object_mut().unwrap().remove("reactions")),
            }
            message
        })
        .boxed()
}

/// An export, full or not, of a day.
fn any_export() -> BoxedStrategy<(String, Value)> {
    let name = option::of(select(vec!["general", "chat"]));
    let after = option::of(select(vec!["2025-12-01T00:01:30Z"]));
    (vec(any_message(), 0..4), 2..6_u32, any::<bool>(), name, after)
        .prop_map(|(mut messages, day, is_full, name, after)| {
            // Of two copies in one file with one stamp only one can be meant.
            messages.sort_by_key(|message| message["id"].to_string());
            messages.dedup_by_key(|message| message["id"].to_string());
            let mut export = export(day, json!(messages));
            if let Some(name) = name {
                export["channel"]["name"] = json!(name);
            }
            export["dateRange"]["after"] = json!(after);
            let query = if is_full { "complete=messages" } else { "" };
            (query.to_owned(), export)
        })
        .boxed()
}

async fn post_all(sender: &Sender, exports: &[(String, Value)]) {
    for (query, export) in exports {
        let receipt = post(sender, query, export).await;
        assert_eq!(counts(&receipt)[4], 0, "{receipt}");
    }
}

async fn wipe(sender: &Sender) {
    let mut conn = sender.app.db().pool().get().await.unwrap();
    for table in ["base_profile", "discord_server", "receipt", "statement"] {
        Statement::new(format!("delete from {table}")).execute(&mut conn).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn any_order_of_exports_ends_in_the_same_rows() {
    let sender = Sender::new().await;
    let config =
        Config { cases: 40, max_shrink_iters: 60, failure_persistence: None, ..Config::default() };
    let mut runner =
        TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let runtime = tokio::runtime::Handle::current();
    let cases = vec(any_export(), 2..6)
        .prop_flat_map(|exports| (Just(exports.clone()), Just(exports).prop_shuffle()));
    tokio::task::block_in_place(|| {
        runner
            .run(&cases, |(exports, shuffled)| {
                let (left, right) = runtime.block_on(async {
                    wipe(&sender).await;
                    post_all(&sender, &exports).await;
                    let left = dump(sender.app.db().url()).await;
                    wipe(&sender).await;
                    post_all(&sender, &shuffled).await;
                    (left, dump(sender.app.db().url()).await)
                });
                for (table, rows) in &left {
                    prop_assert_eq!(rows, &right[table], "{}", table);
                }
                Ok(())
            })
            .unwrap();
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn overlapping_exports_at_once_neither_deadlock_nor_lose_an_update() {
    let sender = Sender::new().await;
    let body = |day: u32, from: i64| {
        let text = format!("day {day}");
        let edited = json!({"timestampEdited": format!("2025-12-{day:02}T12:00:00Z")});
        let listed: Vec<Value> = (from..from + 30)
            .rev()
            .map(|id| with(message(id, id, &text), edited.clone()))
            .collect();
        export(day, json!(listed))
    };
    let exports: Vec<Value> = (2..18).map(|day| body(day, i64::from(day) * 3)).collect();
    let sent = exports.iter().map(|export| post(&sender, "complete=messages", export));
    futures_util::future::join_all(sent).await;
    let concurrent = dump(sender.app.db().url()).await;
    assert_eq!(sender.deadlocks().await, 0);
    wipe(&sender).await;
    for export in &exports {
        post(&sender, "complete=messages", export).await;
    }
    let in_turn = dump(sender.app.db().url()).await;
    crate::support::dump::assert_same(&concurrent, &in_turn);
}
