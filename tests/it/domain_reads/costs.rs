//! How many statements a read takes, and which indexes a timeline is read from.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use diesel::connection::InstrumentationEvent;
use diesel_async::AsyncConnection as _;

use super::sql;
use crate::{reads::seed, support::TestApp};

/// How many statements the server runs to answer, on its only connection.
async fn statements(app: &TestApp, token: &str, path: &str) -> usize {
    let counted = Arc::new(AtomicUsize::new(0));
    let by_connection = Arc::clone(&counted);
    let mut connection = app.app().pool.get().await.unwrap();
    connection.set_instrumentation(move |event: InstrumentationEvent<'_>| {
        // The server reads by itself, now and then, which tokens are revoked, and asks connections
        // that were used, by no statement at all, whether they are done.
        if let InstrumentationEvent::StartQuery { query, .. } = event
            && !query.to_string().is_empty()
            && !query.to_string().contains("revoked_token")
        {
            by_connection.fetch_add(1, Ordering::Relaxed);
        }
    });
    drop(connection);
    let answer = app.get_as(token, &format!("/api/v1{path}")).await;
    assert!([200, 404].contains(&answer.status()), "{path}: {}", answer.text());
    counted.load(Ordering::Relaxed)
}

#[tokio::test(flavor = "multi_thread")]
async fn no_read_takes_a_statement_a_row() {
    let app = TestApp::with(|settings| settings.pool_size = 1).await;
    seed::fill(&app).await;
    sql(
        &app,
        "insert into identity (id) values (1000); update base_profile set identity_id = 1000;
         update mailing_list_message set thread_id = 't';
         update slack_channel set channel_type = 'public_channel';
         update slack_message set channel_id = (select min(id) from slack_channel), thread_ts = '1.0';
         update boost_version set version = 'boost-1.' || id || '.0', version_key = 100000 + id * 100;
         update wg21_paper set paper_id = 'p1r' || id",
    )
    .await;
    let token = app.token(&["read", "read:pii"]);
    for (path, most) in [
        ("/users/identities/1000", 3),
        ("/users/identities/1000/timeline", 1),
        ("/users/identities/1000/timeline?limit=3", 1),
        ("/users/identities/1000/activity", 1),
        ("/users/profiles/unlinked", 1),
        ("/github/files/1/renames", 1),
        ("/boost/versions/latest", 2),
        ("/boost/versions/1.1.0/diff/1.2.0", 3),
        ("/boost/libraries/1/dependents?version=1.1.0&transitive=true", 4),
        ("/boost/libraries/1/contributors?version=1.1.0", 3),
        ("/wg21/papers/p1r1/revisions", 1),
        ("/mailing-list/threads/t", 2),
        ("/slack/channels/1/threads/1.0", 1),
        ("/usage/missing-headers/summary", 1),
        ("/youtube/videos/none/transcript", 1),
    ] {
        let counted = statements(&app, &token, path).await;
        assert!((1..=most).contains(&counted), "{path}: {counted} statements");
    }
}
