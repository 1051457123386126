//! What a person did.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{all, column, get, sql};
use crate::{reads::seed, support::TestApp};

/// One of each kind, by one person, at one instant a kind; 1 is the person's identity.
async fn one_of_each() -> TestApp {
    let app = TestApp::new().await;
    sql(
        &app,
        "insert into identity (id, display_name) values (1, 'Jane Roe'), (2, 'Alone');
         insert into base_profile (id, identity_id, type) values (1, null, 'github'), (2, 1, 'github'),
             (3, 1, 'slack'), (4, 1, 'mailing_list'), (5, 1, 'wg21'), (6, 1, 'discord'),
             (7, 1, 'youtube'), (8, 1, 'wg21'), (9, 1, 'youtube');
         insert into github_account (id, github_account_id, username) values (1, 1, 'boostorg'), (2, 2, 'jroe');
         insert into slack_user (id, slack_user_id) values (3, 'U1');
         insert into mailing_list_profile (id, profile_key) values (4, 'a');
         insert into wg21_paper_author_profile (id, profile_key) values (5, 'a'), (8, 'b');
         insert into discord_profile (id, discord_user_id) values (6, 6);
         insert into youtube_speaker (id, external_id) values (7, 'a'), (9, 'b');
         insert into github_repository (id, owner_account_id, repo_name) values (1, 1, 'json');
         insert into git_commit (id, repo_id, account_id, commit_hash, comment, commit_at) values
             (1, 1, 2, 'abc', E'Fix it\\r\\n\\nAt length', '2024-01-01'), (2, 1, 1, 'def', 'Not hers', '2024-01-01');
         insert into issue (id, repo_id, account_id, issue_number, issue_id, title, issue_created_at) values
             (1, 1, 2, 7, 70, 'Broken', '2024-01-02'), (2, 1, 2, 8, 80, 'Without a time', null);
         insert into issue_comment (id, issue_id, account_id, issue_comment_id, issue_comment_created_at) values (1, 1, 2, 700, '2024-01-03');
         insert into pull_request (id, repo_id, account_id, pr_number, pr_id, title, pr_created_at, pr_merged_at) values (1, 1, 2, 9, 90, 'Mended', '2024-01-04', '2024-01-05');
         insert into pull_request_comment (id, pr_id, account_id, pr_comment_id, pr_comment_created_at) values (1, 1, 2, 900, '2024-01-06');
         insert into pull_request_review (id, pr_id, account_id, pr_review_id, kind, pr_review_created_at) values
             (1, 1, 2, -901, 'review', '2024-01-07'), (2, 1, 2, 902, 'comment', '2024-01-08');
         insert into mailing_list_message (id, sender_id, msg_id, subject, list_name, sent_at) values
             (1, 4, 'A/B', 'Hello', 'boost@lists.boost.org', '2024-01-09'), (2, 4, 'C', 'Undated', 'l', null);
         insert into slack_team (id, team_id) values (1, 'T1');
         insert into slack_channel (id, team_id, channel_id, channel_type) values (1, 1, 'C1', 'public_channel'), (2, 1, 'G1', 'private_channel');
         insert into slack_message (id, channel_id, ts, slack_user_id, message, slack_message_created_at) values
             (1, 1, '1704844800.000100', 3, 'Hi', '2024-01-10'), (2, 2, '1704844801.000100', 3, 'Secret', '2024-01-10');
         insert into discord_server (id, server_id) values (1, 11), (2, 0);
         insert into discord_channel (id, server_id, channel_id) values (1, 1, 12), (2, 2, 13);
         insert into discord_message (id, channel_id, author_id, message_id, content, message_created_at, is_deleted) values
             (1, 1, 6, 14, repeat('ö', 300), '2024-01-11', false), (2, 2, 6, 15, 'Secret', '2024-01-11', false), (3, 1, 6, 16, 'Gone', '2024-01-11', true);
         insert into wg21_mailing (id, mailing_date) values (1, '2024-01'), (2, 'unknown');
         insert into wg21_paper (id, paper_id, year, url, title, document_date, mailing_id) values
             (1, 'p1r0', 2024, 'https://wg21.link/p1r0', 'One', '2024-01-12', 1), (2, 'p2r0', 2024, '', 'Two', null, 1), (3, 'p3r0', 2024, '', 'Three', null, 2);
         insert into wg21_paper_author (paper_id, profile_id) values (1, 5), (1, 8), (2, 8), (3, 5);
         insert into youtube_video (video_id, title, published_at) values ('vid', 'A talk', '2024-01-13');
         insert into youtube_video_speaker (id, video_id, speaker_id) values (1, 'vid', 9), (2, 'vid', 7);
         insert into boost_library_repository (id) values (1);
         insert into boost_library (id, repo_id, name) values (1, 1, 'JSON');
         insert into boost_version (id, version, version_key, version_created_at) values (1, 'boost-1.84.0', 108400, '2024-01-14'), (2, 'boost-1.85.0', 108500, null);
         insert into boost_library_version (id, library_id, version_id) values (1, 1, 1), (2, 1, 2);
         insert into boost_library_role_relationship (id, library_version_id, account_id, is_author, is_maintainer) values (1, 1, 2, true, true), (2, 2, 2, true, false)",
    )
    .await;
    app
}

#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::too_many_lines, reason = "one paragraph a kind")]
async fn every_kind_has_its_time_its_title_and_its_address() {
    let app = one_of_each().await;
    let token = app.token(&["read"]);
    let rows = all(&app, &token, "/users/identities/1/timeline").await;
    let entry = |day: &str,
                 kind: &str,
                 table: &str,
                 row: i64,
                 profile: i64,
                 title: &str,
                 url: &str,
                 scope: &str| {
        json!({
            "occurred_at": format!("2024-01-{day}T00:00:00Z"), "kind": kind, "table": table,
            "row_id": row, "profile_id": profile, "title": title, "url": url, "scope": scope
        })
    };
    let github = |rest: &str| format!("https://github.com/boostorg/json/{rest}");
    let list = "https://lists.boost.org/archives/list/boost@lists.boost.org/message/A%2FB/";
    let repo = "boostorg/json";
    let expected = [
        entry(
            "14",
            "library_role",
            "boost_library_role_relationship",
            1,
            2,
            "Author and Maintainer of JSON in boost-1.84.0",
            &github("tree/boost-1.84.0"),
            "JSON",
        ),
        entry(
            "13",
            "talk",
            "youtube_video_speaker",
            2,
            7,
            "A talk",
            "https://www.youtube.com/watch?v=vid",
            "",
        ),
        entry("12", "paper", "wg21_paper", 1, 5, "P1R0 One", "https://wg21.link/p1r0", "2024-01"),
        entry(
            "11",
            "discord",
            "discord_message",
            1,
            6,
            &"ö".repeat(200),
            "https://discord.com/channels/11/12/14",
            "11/12",
        ),
        entry(
            "10",
            "slack",
            "slack_message",
            1,
            3,
            "Hi",
            "https://slack.com/archives/C1/p1704844800000100",
            "T1/C1",
        ),
        entry("09", "mail", "mailing_list_message", 1, 4, "Hello", list, "boost@lists.boost.org"),
        entry(
            "08",
            "review",
            "pull_request_review",
            2,
            2,
            "Mended",
            &github("pull/9#discussion_r902"),
            repo,
        ),
        entry(
            "07",
            "review",
            "pull_request_review",
            1,
            2,
            "Mended",
            &github("pull/9#pullrequestreview-901"),
            repo,
        ),
        entry(
            "06",
            "pull_request_comment",
            "pull_request_comment",
            1,
            2,
            "Mended",
            &github("pull/9#issuecomment-900"),
            repo,
        ),
        entry("05", "pull_request_merged", "pull_request", 1, 2, "Mended", &github("pull/9"), repo),
        entry("04", "pull_request", "pull_request", 1, 2, "Mended", &github("pull/9"), repo),
        entry(
            "03",
            "issue_comment",
            "issue_comment",
            1,
            2,
            "Broken",
            &github("issues/7#issuecomment-700"),
            repo,
        ),
        entry("02", "issue", "issue", 1, 2, "Broken", &github("issues/7"), repo),
        entry("01", "paper", "wg21_paper", 2, 8, "P2R0 Two", "", "2024-01"),
        entry("01", "commit", "git_commit", 1, 2, "Fix it", &github("commit/abc"), repo),
    ];
    for (row, expected) in rows.iter().zip(&expected) {
        assert_eq!(row, expected);
    }
    assert_eq!(rows.len(), expected.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn private_messages_are_shown_to_those_who_may_see_them() {
    let app = one_of_each().await;
    let keeper = app.token(&["read", "read:pii"]);
    let (shown, whole) = (app.token(&["read"]), keeper);
    for (token, secrets, count) in [(&shown, 0, 15), (&whole, 2, 17)] {
        let rows = all(&app, token, "/users/identities/1/timeline").await;
        assert_eq!(column(&rows, "title").iter().filter(|it| **it == "Secret").count(), secrets);
        let activity = app.get_as(token, "/api/v1/users/identities/1/activity").await.expect(200);
        assert_eq!(activity["total"]["count"], count);
        assert_eq!(rows.len(), count);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_who_did_nothing_is_not_a_person_who_is_not_there() {
    let app = one_of_each().await;
    let token = app.token(&["read"]);
    assert!(all(&app, &token, "/users/identities/2/timeline").await.is_empty());
    let activity = get(&app, "/users/identities/2/activity").await.expect(200);
    assert_eq!(activity["total"], json!({"count": 0, "first_at": null, "last_at": null}));
    assert_eq!(activity["data"].as_array().unwrap().len(), 13);
    for read in ["timeline", "activity"] {
        get(&app, &format!("/users/identities/3/{read}")).await.expect(404);
        get(&app, &format!("/users/identities/x/{read}")).await.expect(400);
        get(&app, &format!("/users/identities/1/{read}?window=7d")).await;
    }
    let problem = get(&app, "/users/identities/1/timeline?curser=x").await.expect(400);
    assert_eq!(problem["errors"][0]["suggestion"], "cursor");
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_and_counts_agree_whatever_is_stored() {
    let app = TestApp::new().await;
    seed::fill(&app).await;
    sql(
        &app,
        "insert into identity (id) values (1000); update base_profile set identity_id = 1000",
    )
    .await;
    let token = app.token(&["read", "read:pii"]);
    let rows = all(&app, &token, "/users/identities/1000/timeline").await;
    assert!(rows.len() > 40, "{}", rows.len());
    let key = |row: &Value| {
        let at = row["occurred_at"].as_str().unwrap();
        let at = chrono::DateTime::parse_from_rfc3339(at).unwrap();
        (at, row["kind"].as_str().unwrap().to_owned(), row["row_id"].as_i64().unwrap())
    };
    assert!(rows.windows(2).all(|pair| key(&pair[0]) > key(&pair[1])), "newest first, none twice");
    let mut counted: BTreeMap<&str, u64> = BTreeMap::new();
    for row in &rows {
        *counted.entry(row["kind"].as_str().unwrap()).or_default() += 1;
    }
    let activity = app.get_as(&token, "/api/v1/users/identities/1000/activity").await.expect(200);
    for kind in activity["data"].as_array().unwrap() {
        let of = kind["kind"].as_str().unwrap();
        assert_eq!(
            kind["count"].as_u64(),
            Some(counted.get(of).copied().unwrap_or_default()),
            "{of}"
        );
        let first = rows.iter().rev().find(|row| row["kind"] == of);
        assert_eq!(kind["first_at"], first.map_or(Value::Null, |row| row["occurred_at"].clone()));
    }
    assert_eq!(activity["total"]["count"], rows.len());
    assert_eq!(activity["total"]["last_at"], rows[0]["occurred_at"]);
}
