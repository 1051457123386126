//! Any order of crawls ends in the same rows.

use boost_dashboard::db::sql::Statement;
use diesel_async::RunQueryDsl as _;
use proptest::{
    collection::vec,
    prelude::*,
    sample::select,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use serde_json::Value;

use super::{crawl, post};
use crate::{
    ingest::sender::{Sender, counts},
    support::dump::{assert_same, dump},
};

fn any_crawl() -> BoxedStrategy<(String, Value)> {
    let version = select(vec!["1.86.0", "boost_1_87_0", "108800"]);
    let page = (select(vec!["a", "b", "c"]), select(vec!["one", "two", "three"]));
    (version, 2..6_u32, vec(page, 0..4), any::<bool>())
        .prop_map(|(version, day, pages, is_full)| {
            let query = if is_full { "complete=pages" } else { "" };
            (query.to_owned(), crawl(version, day, &pages))
        })
        .boxed()
}

async fn post_all(sender: &Sender, crawls: &[(String, Value)]) {
    for (query, crawl) in crawls {
        let receipt = post(sender, query, crawl).await;
        assert_eq!(counts(&receipt)[4], 0, "{receipt}");
    }
}

async fn wipe(sender: &Sender) {
    let mut conn = sender.app.db().pool().get().await.unwrap();
    for table in ["base_profile", "boost_version", "boost_doc_content", "receipt", "statement"] {
        Statement::new(format!("delete from {table}")).execute(&mut conn).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn any_order_of_crawls_ends_in_the_same_rows() {
    let sender = Sender::new().await;
    let config =
        Config { cases: 40, max_shrink_iters: 60, failure_persistence: None, ..Config::default() };
    let mut runner =
        TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let runtime = tokio::runtime::Handle::current();
    let cases = vec(any_crawl(), 2..6)
        .prop_flat_map(|crawls| (Just(crawls.clone()), Just(crawls).prop_shuffle()));
    tokio::task::block_in_place(|| {
        runner
            .run(&cases, |(crawls, shuffled)| {
                let (left, right) = runtime.block_on(async {
                    wipe(&sender).await;
                    post_all(&sender, &crawls).await;
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
async fn sixteen_at_once_are_as_good_as_one() {
    let sender = Sender::new().await;
    let body = crawl("1.87.0", 2, &[("a", "one"), ("b", "two"), ("c", "three")]);
    let sent = (0..16).map(|_| post(&sender, "complete=pages", &body));
    let receipts = futures_util::future::join_all(sent).await;
    assert_eq!(receipts.iter().map(|receipt| counts(receipt)[0]).sum::<u64>(), 3);
    assert_eq!(receipts.iter().map(|receipt| counts(receipt)[1]).sum::<u64>(), 0);
    assert_eq!(sender.deadlocks().await, 0);
    let first = dump(sender.app.db().url()).await;
    wipe(&sender).await;
    post(&sender, "complete=pages", &body).await;
    assert_same(&first, &dump(sender.app.db().url()).await);
}
