//! The beginning of the log is forgotten, and whoever needs it is told.

use boost_dashboard::changes;
use serde_json::Value;

use super::{next, page, rest, run};
use crate::support::TestApp;

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_from_before_what_is_kept_is_gone() {
    let app = TestApp::new().await;
    let token = app.token(&["read"]);
    let path = "/github/languages/changes";
    let early = next(&page(&app, &token, path, Some("now")).await);
    for name in ["one", "two", "three"] {
        run(&app, &format!("insert into language (name) values ('{name}')")).await;
    }
    app.db().settle().await;
    let (entries, late) = rest(&app, &token, path, Some(&early)).await;
    assert_eq!(entries.len(), 3);
    let second = entries[1]["cursor"].as_str().unwrap();
    run(&app, "insert into language (name) values ('four')").await;
    app.db().settle().await;

    assert_eq!(changes::prune(app.app(), 90).await.unwrap(), 0, "nothing is old");
    let age = "update change_log set changed_at = now() - interval '91 days' where (xid, seq) in
        (select xid, seq from change_log order by xid, seq limit 3)";
    run(&app, age).await;
    app.db().settle().await;
    // The third stays as a mark.
    assert_eq!(changes::prune(app.app(), 90).await.unwrap(), 2);
    assert_eq!(changes::prune(app.app(), 90).await.unwrap(), 0);
    assert_eq!(app.db().number("select count(*) from change_log").await, 2);

    for cursor in [early.as_str(), second] {
        let answer = app.get(&format!("/api/v1{path}?after={cursor}")).await.expect(410);
        assert_eq!(answer["type"], "urn:boost-dashboard:cursor_expired");
        assert!(answer["detail"].as_str().unwrap().contains("Export again"), "{answer}");
    }
    for after in [Some(late.as_str()), None] {
        let (entries, _) = rest(&app, &token, path, after).await;
        let names: Vec<_> = entries.iter().map(|it| &it["row"]["name"]).collect();
        assert_eq!(names, ["four"]);
    }
    assert_eq!(rest(&app, &token, path, Some("now")).await.0, Vec::<Value>::new());
}
