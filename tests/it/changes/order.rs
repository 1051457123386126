//! The order of commits: whoever polls misses nothing, however transactions overlap.

use boost_dashboard::db::Connection;
use diesel_async::SimpleAsyncConnection as _;
use proptest::{
    collection::vec,
    prelude::*,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use serde_json::Value;

use super::{Copy, listed, next, page, resources, rest, run};
use crate::support::TestApp;

/// Transactions that are open at once.
const SESSIONS: usize = 4;

#[derive(Debug, Clone)]
enum Step {
    /// A session writes its own row of this number: it is made, changed or removed.
    Write {
        session: usize,
        row: usize,
        removes: bool,
    },
    Commit(usize),
    Rollback(usize),
    /// The reader takes a page of this size.
    Read(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let session = 0..SESSIONS;
    prop_oneof![
        6 => (session.clone(), 0..5_usize, proptest::bool::weighted(0.3))
            .prop_map(|(session, row, removes)| Step::Write { session, row, removes }),
        2 => session.clone().prop_map(Step::Commit),
        1 => session.prop_map(Step::Rollback),
        3 => (1..4_usize).prop_map(Step::Read),
    ]
}

/// The server, its sessions, and one who follows.
struct World {
    app: TestApp,
    token: String,
    sessions: Vec<Connection>,
    open: [bool; SESSIONS],
    written: usize,
    copy: Copy,
    after: Option<String>,
}

impl World {
    async fn end(&mut self, session: usize, how: &str) {
        if std::mem::take(&mut self.open[session]) {
            self.sessions[session].batch_execute(how).await.unwrap();
        }
    }

    async fn take(&mut self, step: &Step) {
        match *step {
            Step::Write { session, row, removes } => {
                self.written += 1;
                let begin = if self.open[session] { "" } else { "begin;" };
                self.open[session] = true;
                let id = 1_000 + session * 100 + row;
                let write = if removes {
                    format!("delete from tmp_identity where id = {id}")
                } else {
                    format!(
                        "insert into tmp_identity (id, display_name) values ({id}, '{}')
                         on conflict (id) do update set display_name = excluded.display_name",
                        self.written
                    )
                };
                self.sessions[session].batch_execute(&format!("{begin}{write}")).await.unwrap();
            }
            Step::Commit(session) => self.end(session, "commit").await,
            Step::Rollback(session) => self.end(session, "rollback").await,
            Step::Read(limit) => {
                let path = format!("/users/tmp-identities/changes?limit={limit}");
                let page = page(&self.app, &self.token, &path, self.after.as_deref()).await;
                self.copy.apply(page["data"].as_array().unwrap());
                self.after = Some(next(&page));
            }
        }
    }

    /// Ends every transaction and reads to the end; gives the copy's rows and the table's.
    async fn conclude(&mut self) -> (Vec<Value>, Vec<Value>) {
        for session in 0..SESSIONS {
            self.end(session, "commit").await;
        }
        self.app.db().settle().await;
        let path = "/users/tmp-identities/changes?limit=3";
        let (entries, after) = rest(&self.app, &self.token, path, self.after.as_deref()).await;
        self.copy.apply(&entries);
        self.after = Some(after);
        let resource = resources().into_iter().find(|it| it.table == "tmp_identity").unwrap();
        let copied = self.copy.rows("tmp_identity").into_iter().cloned().collect();
        (copied, listed(&self.app, &self.token, &resource).await)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn however_transactions_overlap_the_copy_ends_as_the_table() {
    let app = TestApp::new().await;
    let token = app.token(&["read"]);
    let mut sessions = Vec::new();
    for _ in 0..SESSIONS {
        sessions.push(app.db().connect().await);
    }
    let (copy, after) = (Copy::default(), None);
    let world = World { app, token, sessions, open: [false; SESSIONS], written: 0, copy, after };
    let world = std::cell::RefCell::new(world);
    let config =
        Config { cases: 24, max_shrink_iters: 40, failure_persistence: None, ..Config::default() };
    let mut runner =
        TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let runtime = tokio::runtime::Handle::current();
    tokio::task::block_in_place(|| {
        runner
            .run(&vec(step(), 5..40), |steps| {
                let mut world = world.borrow_mut();
                let (copied, stored) = runtime.block_on(async {
                    for step in &steps {
                        world.take(step).await;
                    }
                    world.conclude().await
                });
                prop_assert_eq!(copied, stored);
                Ok(())
            })
            .unwrap();
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_long_transaction_commits_late_is_not_skipped() {
    let app = TestApp::new().await;
    let token = app.token(&["read"]);
    let mut long = app.db().connect().await;
    long.batch_execute("begin; insert into language (name) values ('late')").await.unwrap();
    run(&app, "insert into language (name) values ('early')").await;
    let path = "/github/languages/changes";
    let (entries, cursor) = rest(&app, &token, path, None).await;
    assert_eq!(entries, Vec::<Value>::new(), "the long one may still come first");
    let (entries, now) = rest(&app, &token, path, Some("now")).await;
    assert_eq!(entries, Vec::<Value>::new());
    long.batch_execute("commit").await.unwrap();
    app.db().settle().await;
    for after in [None, Some(cursor.as_str()), Some(now.as_str())] {
        let (entries, _) = rest(&app, &token, path, after).await;
        let names: Vec<_> = entries.iter().map(|it| &it["row"]["name"]).collect();
        assert_eq!(names, ["late", "early"], "after {after:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_statement_is_read_in_pages() {
    let app = TestApp::new().await;
    let token = app.token(&["read"]);
    let insert = "insert into language (name) select 'l' || n from generate_series(1, 1234) n";
    run(&app, insert).await;
    run(
        &app,
        "delete from language where name = 'l7'; update language set name = 'x' where name = 'l8'",
    )
    .await;
    app.db().settle().await;
    let (entries, _) = rest(&app, &token, "/github/languages/changes?limit=100", None).await;
    let mut copy = Copy::default();
    copy.apply(&entries);
    assert_eq!(copy.rows("language").len(), 1233);
    let names: std::collections::BTreeSet<_> =
        copy.rows("language").iter().map(|row| row["name"].as_str().unwrap()).collect();
    assert!(names.len() == 1233 && names.contains("x") && !names.contains("l7"));
    // Whoever stops in the middle of a page goes on behind the last entry that was used.
    let first = page(&app, &token, "/github/languages/changes?limit=100", None).await;
    let middle = first["data"][41]["cursor"].as_str().unwrap();
    let next = page(&app, &token, "/github/languages/changes?limit=3", Some(middle)).await;
    assert_eq!(next["data"][0]["id"], first["data"][42]["id"]);
}
