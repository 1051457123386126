//! Threads of the mailing lists and of Slack, and missing headers.

use serde_json::{Value, json};

use super::{all, column, fixture, get, ingest, sql};
use crate::support::TestApp;

#[tokio::test(flavor = "multi_thread")]
async fn a_real_thread_is_a_tree() {
    let app = TestApp::new().await;
    let thread = fixture("mailing-list/thread.json");
    ingest(&app, "mailing-list/messages", "application/json", thread).await;
    let token = app.token(&["read"]);
    let messages = app.get_as(&token, "/api/v1/mailing-list/messages?limit=500").await.expect(200);
    let messages = messages["data"].as_array().unwrap();
    let thread = messages[0]["thread_id"].as_str().unwrap();
    let rows = all(&app, &token, &format!("/mailing-list/threads/{thread}")).await;
    assert_eq!(rows.len(), messages.iter().filter(|it| it["thread_id"] == thread).count());
    assert!(rows.is_sorted_by_key(|row| row["sent_at"].as_str().unwrap()));
    assert!(rows.iter().any(|row| row["depth"].as_i64().unwrap() > 0));
    for row in &rows {
        let parent = rows.iter().find(|it| it["msg_id"] == row["parent_id"]);
        let depth = parent.map_or(0, |parent| parent["depth"].as_i64().unwrap() + 1);
        assert_eq!(row["depth"], depth, "{row}");
        assert!(!row["display_name"].as_str().unwrap().contains('@'));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn circles_and_lost_parents_are_roots() {
    let app = TestApp::new().await;
    sql(
        &app,
        "insert into base_profile (id, type) values (1, 'mailing_list');
         insert into mailing_list_profile (id, profile_key) values (1, 'k');
         insert into mailing_list_message (sender_id, msg_id, parent_id, thread_id, list_name, sent_at)
         values (1, 'a', 'b', 't/1 ?', 'l', '2024-01-02'), (1, 'b', 'a', 't/1 ?', 'l', '2024-01-01'),
             (1, 'c', 'a', 't/1 ?', 'l', null), (1, 'd', 'gone', 't/1 ?', 'l', '2024-01-01'),
             (1, 'e', 'other', 't/1 ?', 'l', '2023-01-01'), (1, 'other', '', '', 'l', '2024-01-01')",
    )
    .await;
    let token = app.token(&["read"]);
    let rows = all(&app, &token, "/mailing-list/threads/t%2F1%20%3F").await;
    assert_eq!(column(&rows, "msg_id"), ["e", "b", "d", "a", "c"].map(|it| json!(it)));
    assert_eq!(column(&rows, "depth"), [0, 0, 0, 0, 1].map(|it| json!(it)));
    for none in ["", "%20", "t", "a", "%25"] {
        let problem = get(&app, &format!("/mailing-list/threads/{none}")).await.expect(404);
        assert_eq!(problem["status"], 404);
    }
    get(&app, "/mailing-list/threads/%00").await.expect(400);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slack_thread_begins_with_what_it_answers() {
    let app = TestApp::new().await;
    sql(
        &app,
        "insert into base_profile (id, type) values (1, 'slack');
         insert into slack_user (id, slack_user_id, display_name) values (1, 'U1', 'Jane Roe');
         insert into slack_team (id, team_id) values (1, 'T1');
         insert into slack_channel (id, team_id, channel_id, channel_type)
         values (1, 1, 'C1', 'public_channel'), (2, 1, 'G2', 'private_channel');
         insert into slack_message (channel_id, ts, thread_ts, slack_user_id, slack_message_created_at)
         select c, ts, thread_ts, u, to_timestamp(ts::numeric) from generate_series(1, 2) c, (values
             ('1000.000000', null, 1), ('999.000002', '1000.000000', 1),
             ('10000.000000', '1000.000000', null), ('1000.000001', '1000.000000', 1),
             ('1000.000003', '7.000000', 1), ('1000.000004', null, 1)) m (ts, thread_ts, u)",
    )
    .await;
    let (reader, keeper) = (app.token(&["read"]), app.token(&["read", "read:pii"]));
    let rows = all(&app, &reader, "/slack/channels/1/threads/1000.000000").await;
    let ts = ["1000.000000", "999.000002", "1000.000001", "10000.000000"].map(|it| json!(it));
    assert_eq!(column(&rows, "ts"), ts);
    assert_eq!(column(&rows, "is_reply"), [false, true, true, true].map(|it| json!(it)));
    assert_eq!(
        (&rows[0]["display_name"], &rows[3]["display_name"]),
        (&json!("Jane Roe"), &Value::Null)
    );
    // The first message is not stored.
    let rows = all(&app, &reader, "/slack/channels/1/threads/7.000000").await;
    assert_eq!(column(&rows, "ts"), [json!("1000.000003")]);

    let private = "/slack/channels/2/threads/1000.000000";
    app.get_as(&reader, &format!("/api/v1{private}")).await.expect(404);
    get(&app, private).await.expect(404);
    assert_eq!(all(&app, &keeper, private).await.len(), 4);
    for none in ["1/threads/1.000000", "1/threads/x", "3/threads/1000.000000"] {
        get(&app, &format!("/slack/channels/{none}")).await.expect(404);
    }
    get(&app, "/slack/channels/C1/threads/1000.000000").await.expect(400);
    get(&app, "/slack/channels/1/threads/%00").await.expect(400);
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_headers_are_counted_while_they_are_missing() {
    let app = TestApp::new().await;
    let token = app.token(&["read"]);
    assert!(all(&app, &token, "/usage/missing-headers/summary").await.is_empty());
    sql(
        &app,
        "insert into base_profile (id, type) values (1, 'github');
         insert into github_account (id, github_account_id, username) values (1, 1, 'o');
         insert into github_repository (id, owner_account_id, repo_name) values (1, 1, 'a'), (2, 1, 'b');
         insert into boost_external_repository (id) values (1), (2);
         insert into github_file (id, repo_id, filename) select n, 1 + n % 2, 'f' || n from generate_series(1, 6) n;
         insert into boost_usage (id, repo_id, file_path_id, last_commit_date, excepted_at)
         select n, 1 + n % 2, n, case n when 2 then null else '2024-01-01'::timestamptz + n * interval '1 day' end,
             case n when 6 then date '2024-02-01' end from generate_series(1, 6) n;
         insert into boost_missing_header_tmp (usage_id, header_name) values (1, 'boost/b.hpp'),
             (2, 'boost/b.hpp'), (3, 'boost/b.hpp'), (1, 'boost/a.hpp'), (4, 'boost/B.hpp'),
             (2, 'boost/null.hpp'), (6, 'boost/b.hpp'), (6, 'boost/gone.hpp')",
    )
    .await;
    let rows = all(&app, &token, "/usage/missing-headers/summary").await;
    let row = |name: &str, files: i64, repositories: i64, newest: Value| json!({"header_name": name, "files": files, "repositories": repositories, "last_commit_date": newest});
    assert_eq!(
        rows,
        [
            row("boost/b.hpp", 3, 2, json!("2024-01-04T00:00:00Z")),
            row("boost/B.hpp", 1, 1, json!("2024-01-05T00:00:00Z")),
            row("boost/a.hpp", 1, 1, json!("2024-01-02T00:00:00Z")),
            row("boost/null.hpp", 1, 1, Value::Null),
        ]
    );
}
