//! What each table's feed shows, and to whom.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Copy, listed, next, page, resources, rest, run};
use crate::{reads::seed, support::TestApp};

async fn seeded() -> (TestApp, String) {
    let app = TestApp::new().await;
    seed::fill(&app).await;
    app.db().settle().await;
    let token = app.token(&["read", "read:pii"]);
    (app, token)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_table_has_a_feed_that_gives_its_rows_and_their_ends() {
    let (app, token) = seeded().await;
    let (entries, cursor) = rest(&app, &token, "/changes?limit=200", None).await;
    let mut all = Copy::default();
    all.apply(&entries);
    for resource in resources() {
        let path = format!("{}/changes?limit=5", resource.path);
        let (entries, _) = rest(&app, &token, &path, None).await;
        assert!(entries.iter().all(|entry| entry["table"] == resource.table), "{path}");
        assert_eq!(entries.len(), seed::ROWS, "{path}: a row twice");
        let mut copy = Copy::default();
        copy.apply(&entries);
        let rows = listed(&app, &token, &resource).await;
        let rows: Vec<&Value> = rows.iter().collect();
        assert_eq!(copy.rows(resource.table), rows, "{path}");
        assert_eq!(all.rows(resource.table), rows, "{path} in the feed of all");
    }

    // What goes with its parent is told of as well.
    let roots = "delete from base_profile; delete from identity; delete from tmp_identity;
        delete from youtube_channel; delete from discord_server; delete from slack_team";
    run(&app, roots).await;
    for resource in resources() {
        run(&app, &format!("delete from {}", resource.table)).await;
    }
    app.db().settle().await;
    let (entries, _) = rest(&app, &token, "/changes", Some(&cursor)).await;
    assert!(entries.iter().all(|entry| entry["op"] == "delete"));
    let gone: BTreeSet<_> = entries.iter().map(|it| it["table"].as_str().unwrap()).collect();
    assert_eq!(gone.len(), 69);
    all.apply(&entries);
    assert_eq!(all.0.len(), 0, "{all:?}");
    let (entries, _) = rest(&app, &token, "/youtube/channels/changes", Some(&cursor)).await;
    assert_eq!(entries.len(), seed::ROWS);
    assert!(entries[0]["id"].is_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_the_base_is_one_of_the_rows_that_show_it() {
    let (app, token) = seeded().await;
    let start = next(&page(&app, &token, "/changes?after=now", None).await);
    let update = "update base_profile set identity_id = (select max(id) from identity)
            where id = (select min(id) from github_account);
        update github_repository set stars = 4711 where id = (select min(id) from boost_external_repository)";
    run(&app, update).await;
    app.db().settle().await;
    let seen = async |path: &str| rest(&app, &token, path, Some(&start)).await.0;
    let accounts = seen("/users/github-accounts/changes").await;
    assert_eq!(accounts.len(), 1);
    assert!(accounts[0]["row"]["identity_id"].is_i64());
    let externals = seen("/usage/external-repositories/changes").await;
    assert_eq!(externals.len(), 1);
    assert_eq!(externals[0]["row"]["stars"], 4711);
    assert_eq!(seen("/users/profiles/changes").await.len(), 1);
    assert_eq!(seen("/github/commits/changes").await, Vec::<Value>::new());
    let domain = seen("/changes?domain=usage").await;
    assert_eq!(domain, externals);
    let tables = seen("/changes?table=github_account,boost_external_repository").await;
    assert_eq!(tables, [accounts, externals].concat());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_public_is_told_of_to_nobody_else() {
    let (app, token) = seeded().await;
    let reader = app.token(&["read"]);
    let inside = [
        "slack_channel",
        "slack_channel_membership",
        "slack_channel_membership_change_log",
        "slack_message",
    ];
    let path = "/changes?domain=slack";
    let inside_of = |entries: &[Value], op: &str| -> usize {
        entries
            .iter()
            .filter(|it| it["op"] == op && inside.contains(&it["table"].as_str().unwrap()))
            .count()
    };
    // No seeded channel is public.
    let (entries, cursor) = rest(&app, &reader, path, None).await;
    assert_eq!(inside_of(&entries, "upsert") + inside_of(&entries, "delete"), 0);
    let (entries, _) = rest(&app, &token, path, None).await;
    assert_eq!(inside_of(&entries, "upsert"), 4 * seed::ROWS);

    let mut copy = Copy::default();
    let mut at = cursor;
    for (r#type, op) in [("public_channel", "upsert"), ("private_channel", "delete")] {
        run(&app, &format!("update slack_channel set channel_type = '{type}'")).await;
        app.db().settle().await;
        let (all, _) = rest(&app, &token, path, Some(&at)).await;
        assert_eq!(inside_of(&all, "upsert"), 4 * seed::ROWS, "{type}");
        let (entries, cursor) = rest(&app, &reader, path, Some(&at)).await;
        assert_eq!(inside_of(&entries, op), 4 * seed::ROWS, "{type}");
        assert_eq!(entries.len(), 4 * seed::ROWS, "{type}");
        copy.apply(&entries);
        at = cursor;
    }
    assert!(copy.0.is_empty());

    // The end of what was never shown is not shown, either.
    run(&app, "delete from slack_message; delete from discord_message").await;
    app.db().settle().await;
    assert_eq!(rest(&app, &reader, path, Some(&at)).await.0, Vec::<Value>::new());
    assert_eq!(rest(&app, &token, path, Some(&at)).await.0.len(), seed::ROWS);
    let (shown, _) = rest(&app, &reader, "/discord/messages/changes", Some(&at)).await;
    let (all, _) = rest(&app, &token, "/discord/messages/changes", Some(&at)).await;
    assert!(!shown.is_empty() && shown.len() < all.len(), "one server is direct messages");
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_need_their_scope() {
    let (app, token) = seeded().await;
    let reader = app.token(&["read"]);
    let tables = |entries: &[Value]| -> BTreeSet<String> {
        entries.iter().map(|entry| entry["table"].as_str().unwrap().to_owned()).collect()
    };
    for path in ["/changes?limit=500", "/changes?domain=users&limit=500"] {
        assert!(tables(&rest(&app, &token, path, None).await.0).contains("email"));
        assert!(!tables(&rest(&app, &reader, path, None).await.0).contains("email"));
    }
    for path in ["/api/v1/users/emails/changes", "/api/v1/changes?table=email"] {
        let nobody = app.get(path).await;
        assert_eq!(nobody.header("www-authenticate"), Some("Bearer"), "{path}");
        assert_eq!(nobody.status(), 401, "{path}");
        assert_eq!(app.get_as(&reader, path).await.status(), 403, "{path}");
        assert_eq!(app.get_as(&token, path).await.status(), 200, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_wrongly_is_refused_by_name() {
    let app = TestApp::new().await;
    for (path, parameter, code, suggestion) in [
        ("/github/commits/changes?after=x", "after", "invalid_cursor", Value::Null),
        ("/github/commits/changes?limit=0", "limit", "out_of_range", Value::Null),
        ("/changes?limit=501", "limit", "out_of_range", Value::Null),
        ("/changes?wait=31", "wait", "out_of_range", Value::Null),
        ("/github/commits/changes?afer=x", "afer", "unknown_parameter", json!("after")),
        ("/changes?table=git_comit", "table", "unknown_value", json!("git_commit")),
        ("/changes?domain=githup", "domain", "unknown_value", json!("github")),
        ("/changes?domain=", "domain", "empty", Value::Null),
        ("/changes?table=", "table", "empty", Value::Null),
        ("/changes?table=,", "table", "empty", Value::Null),
        ("/changes?domain=github&table=", "table", "empty", Value::Null),
    ] {
        let problem = app.get(&format!("/api/v1{path}")).await.expect(400);
        let fault = &problem["errors"][0];
        assert_eq!(fault["parameter"], parameter, "{path}");
        assert_eq!(fault["code"], code, "{path}");
        assert_eq!(fault.get("suggestion").cloned().unwrap_or_default(), suggestion, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_served_table_is_logged() {
    let app = TestApp::new().await;
    for resource in resources() {
        let count = format!(
            "select count(*) from pg_trigger where tgrelid = '{}'::regclass \
             and tgname in ('log_insert', 'log_update', 'log_delete')",
            resource.table
        );
        let triggers = app.db().number(&count).await;
        assert_eq!(triggers, 3, "{}: see `log_changes_of` in migration 22", resource.table);
    }
}
