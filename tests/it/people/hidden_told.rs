//! Hidden identities: whoever follows, holds a tag or serves elsewhere is told.

use std::time::Duration;

use axum::http::Method;
use boost_dashboard::changes;
use tokio_util::sync::CancellationToken;

use super::hidden::{PERSONAL, SECRET, world};

#[tokio::test(flavor = "multi_thread")]
async fn whoever_follows_is_told_and_no_tag_holds() {
    let people = world().await;
    people.app.db().settle().await;
    let list = "/api/v1/users/github-accounts?limit=500";
    let tag = people.app.get(list).await.header("etag").unwrap().to_owned();
    let now = people.app.get("/api/v1/changes?after=now").await.expect(200);
    let mut after = now["page"]["next_cursor"].as_str().unwrap().to_owned();
    for way in ["hide", "unhide"] {
        people.send(Method::POST, &format!("/identities/1/{way}"), None).await.expect(200);
        people.app.db().settle().await;
        let path = format!("/api/v1/changes?limit=500&after={after}");
        let told = people.app.get_as(&people.token, &path).await.expect(200);
        after = told["page"]["next_cursor"].as_str().unwrap().to_owned();
        for (table, _) in PERSONAL {
            let rows = told["data"].as_array().unwrap().iter();
            let mut rows = rows.filter(|change| change["table"] == table).peekable();
            assert!(rows.peek().is_some(), "{way}: {table}");
            for change in rows {
                let is_told = change["row"].to_string().contains(SECRET);
                assert_eq!(is_told, way == "unhide", "{change}");
            }
        }
        let again = people.app.get(list).await;
        assert_eq!(again.header("etag") == Some(&*tag), way == "unhide");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_follows_is_told_what_a_proposal_is_called() {
    let people = world().await;
    people.send(Method::POST, "/identities/1/hide", None).await.expect(200);
    people.sql("insert into tmp_identity (display_name) values ('plain')").await;
    let id = people.app.db().number("select max(id) from tmp_identity").await;
    let profile = people.app.db().number("select min(id) from base_profile").await;
    let told = async |after: Option<&str>| {
        people.app.db().settle().await;
        let after = after.unwrap_or("now");
        let path = format!("/api/v1/users/tmp-identities/changes?after={after}");
        let page = people.app.get(&path).await.expect(200);
        let names = page["data"].as_array().unwrap().iter();
        let names: Vec<_> = names.map(|it| it["row"]["display_name"].to_string()).collect();
        (names, page["page"]["next_cursor"].as_str().unwrap().to_owned())
    };
    let (_, mut after) = told(None).await;
    for (statement, name) in [
        (
            format!(
                "insert into temp_profile_identity_relation (base_profile_id, target_identity_id)
                 values ({profile}, {id})"
            ),
            "\"person-1\"",
        ),
        (
            format!("delete from temp_profile_identity_relation where target_identity_id = {id}"),
            "\"plain\"",
        ),
    ] {
        people.sql(&statement).await;
        let (names, next) = told(Some(&after)).await;
        assert_eq!(names, [name]);
        after = next;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_hears_of_what_another_hid() {
    let people = world().await;
    let stop = CancellationToken::new();
    let listening = changes::start(people.app.app(), &stop);
    people.sql("update identity set is_hidden = true where id = 1").await;
    let path = "/api/v1/users/github-accounts?limit=500";
    for _ in 0..100 {
        if !people.app.get(path).await.text().contains(SECRET) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(!people.app.get(path).await.text().contains(SECRET));
    stop.cancel();
    listening.await.unwrap();
}
