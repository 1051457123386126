//! What is told: what shows, all of it, and no more.

use axum::{body::Body, http::Method};
use boost_dashboard::changes;
use serde_json::{Value, json};

use super::{next, page, rest, run, waiting::listening};
use crate::{
    reads::seed,
    support::{TestApp, request},
};

#[tokio::test(flavor = "multi_thread")]
async fn what_only_moves_a_stamp_is_no_change() {
    let app = TestApp::new().await;
    let token = app.token(&["read", "read:pii", "ingest:github"]);
    let post = async |title: &str, as_of: &str| {
        let issue = json!({"id": 1, "number": 1, "title": title,
            "user": {"id": 7, "login": "jane"}, "updated_at": "2026-01-01T00:00:00Z"});
        let path = format!("/api/v1/ingest/github/issues?repo=boostorg/json&as_of={as_of}");
        let receipt = app.post_json(&path, &token, &issue).await.expect(200);
        app.db().settle().await;
        receipt
    };
    assert_eq!(post("one", "2026-01-02T00:00:00Z").await["inserted"], 1);
    let start = next(&page(&app, &token, "/changes", Some("now")).await);
    let again = post("one", "2026-01-03T00:00:00Z").await;
    assert_eq!(again["unchanged"], 1);
    assert_eq!(rest(&app, &token, "/changes", Some(&start)).await.0, Vec::<Value>::new());
    // The stamp did move: what was fetched between the two comes late.
    assert_eq!(post("late", "2026-01-02T12:00:00Z").await["stale"], 1);
    assert_eq!(rest(&app, &token, "/changes", Some(&start)).await.0, Vec::<Value>::new());
    assert_eq!(post("two", "2026-01-04T00:00:00Z").await["updated"], 1);
    let (entries, _) = rest(&app, &token, "/changes", Some(&start)).await;
    assert_eq!(entries.len(), 1, "{entries:?}");
    assert_eq!(entries[0]["row"]["title"], "two");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_of_any_table_is_told_if_it_shows() {
    let app = TestApp::new().await;
    seed::fill(&app).await;
    let token = app.token(&["read", "read:pii"]);
    app.db().settle().await;
    let start = next(&page(&app, &token, "/changes", Some("now")).await);
    let stamped =
        "select format('update %I set source_item = coalesce(source_item, 0) + 1', relname)
        from pg_class join pg_attribute on attrelid = oid
        where attname = 'source_item' and relkind = 'r' and relnamespace = 'public'::regnamespace";
    run(
        &app,
        &format!(
            "do $$ declare one text; begin for one in {stamped} loop execute one; \
        end loop; end $$; update language set name = name"
        ),
    )
    .await;
    app.db().settle().await;
    assert_eq!(rest(&app, &token, "/changes", Some(&start)).await.0, Vec::<Value>::new());

    run(
        &app,
        "update github_file set is_deleted = not is_deleted where id in (
        select min(id) from boost_file)",
    )
    .await;
    app.db().settle().await;
    let (entries, _) = rest(&app, &token, "/changes", Some(&start)).await;
    let tables: Vec<_> = entries.iter().map(|it| it["table"].as_str().unwrap()).collect();
    assert_eq!(tables, ["github_file", "boost_file"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_moves_with_what_is_told_and_with_nothing_else() {
    let app = TestApp::new().await;
    let token = app.token(&["read"]);
    let end = async || {
        app.db().settle().await;
        next(&page(&app, &token, "/github/languages/changes", Some("now")).await)
    };
    run(&app, "insert into language (name) values ('a')").await;
    let before = end().await;
    // Transactions with a number that write nothing: a crash may lose them, and give it again.
    run(&app, "select pg_current_xact_id(); notify boost_dashboard_changes").await;
    assert_eq!(end().await, before);
    let (entries, after) = rest(&app, &token, "/github/languages/changes", None).await;
    assert_eq!((&after, entries[0]["cursor"].as_str()), (&before, Some(before.as_str())));

    // Whoever has seen everything misses nothing when it is forgotten.
    run(&app, "update change_log set changed_at = now() - interval '91 days'").await;
    app.db().settle().await;
    run(&app, "insert into language (name) values ('b')").await;
    app.db().settle().await;
    changes::prune(app.app(), 90).await.unwrap();
    let (entries, _) = rest(&app, &token, "/github/languages/changes", Some(&before)).await;
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0]["row"]["name"], "b");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_is_of_no_other_log() {
    let app = TestApp::new().await;
    run(&app, "insert into language (name) values ('a')").await;
    app.db().settle().await;
    let start = next(&page(&app, &app.token(&["read"]), "/changes", Some("now")).await);
    // As a dump of the same database is restored.
    run(
        &app,
        "create table restored (like change_log including all);
         insert into restored select * from change_log;
         drop table change_log;
         alter table restored rename to change_log",
    )
    .await;
    let answer = app.get(&format!("/api/v1/changes?after={start}")).await.expect(410);
    assert!(answer["detail"].as_str().unwrap().contains("was replaced"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_of_the_log_has_no_more_keys_than_pages_are_made_of() {
    let app = TestApp::new().await;
    let token = app.token(&["read"]);
    run(&app, "insert into language (name) select 'l' || n from generate_series(1, 2500) n").await;
    app.db().settle().await;
    let most = "select max(amount) from change_log where table_name = 'language'";
    assert_eq!(app.db().number(most).await, 1_000);
    let (entries, _) = rest(&app, &token, "/github/languages/changes?limit=499", None).await;
    let ids: Vec<_> = entries.iter().map(|entry| entry["id"].as_i64().unwrap()).collect();
    assert!(ids.is_sorted());
    assert_eq!(ids.len(), 2_500);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_answered_is_told_nothing_older_of_any_table() {
    let app = TestApp::new().await;
    let token = app.token(&["read", "ingest:github"]);
    let post = async |kind: &str, body: Value| {
        let path = format!("/api/v1/ingest/github/{kind}");
        app.post_json(&path, &token, &body).await.expect(200)
    };
    let stop = listening(&app).await;
    post("accounts", json!({"id": 1001, "login": "old"})).await;
    let issue = json!({"id": 1, "number": 1, "user": {"login": "new"}});
    post("issues?repo=boostorg/json", issue).await;
    let path = "/api/v1/github/issues";
    let before = app.get(path).await;
    let mut request = request(Method::GET, path, None);
    request = request.header("if-none-match", before.header("etag").unwrap());
    // The account is renamed and so takes the place of the login's: its issues are another's now,
    // though no issue was posted.
    post("accounts", json!({"id": 1001, "login": "new"})).await;
    let again = app.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!(again.status(), 200);
    assert_ne!(again.text(), before.text());
    drop(stop);
}
