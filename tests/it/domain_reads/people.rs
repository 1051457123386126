//! Identities with their profiles, and profiles without an identity.

use serde_json::{Value, json};

use super::{all, column, get, sql};
use crate::support::TestApp;

/// Two identities, the first with profiles of every platform; and profiles that are nobody's.
async fn people() -> TestApp {
    let app = TestApp::new().await;
    sql(
        &app,
        "insert into identity (id, display_name) values (1, 'Jane Roe'), (2, 'Alone');
         insert into base_profile (id, identity_id, type) values (1, 1, 'github'), (2, 1, 'slack'),
             (3, 1, 'mailing_list'), (4, 1, 'wg21'), (5, 1, 'discord'), (6, 1, 'youtube');
         insert into base_profile (id, type) values (11, 'github'), (12, 'github'), (13, 'github'),
             (14, 'discord'), (15, 'discord'), (16, 'mailing_list'), (17, 'slack');
         insert into github_account (id, github_account_id, username, display_name, stub_key) values
             (1, 101, 'jroe', 'Jane', null), (11, 10137, 'ghost', 'Deleted user', null),
             (12, -1, 'someone', '', 'login:someone'), (13, -2, '', 'J. Doe', 'email:doe@example.org');
         insert into slack_user (id, slack_user_id, username, display_name, avatar_url) values
             (2, 'U1', 'jane', 'Jane R.', 'https://example.org/a.png'), (17, 'U2', '', '', '');
         insert into mailing_list_profile (id, display_name, profile_key) values (3, 'Jane M.', 'addr:jane@example.org'), (16, 'M', 'b');
         insert into wg21_paper_author_profile (id, display_name, profile_key) values (4, 'Jane W.', 'a');
         insert into discord_profile (id, discord_user_id, username, display_name) values (5, 9, 'jd', 'Jane D.'), (14, 0, 'unknown', ''), (15, 8, 'x', 'X');
         insert into youtube_speaker (id, display_name, external_id) values (6, 'Jane Y.', 'a');
         insert into email (base_profile_id, email, email_lower, is_primary) values
             (3, 'Jane@example.org', 'jane@example.org', true), (1, 'old@example.org', 'old@example.org', false),
             (1, 'new@example.org', 'new@example.org', true), (16, 'm@example.org', 'm@example.org', true)",
    )
    .await;
    app
}

#[tokio::test(flavor = "multi_thread")]
async fn an_identity_is_shown_with_its_profiles() {
    let app = people().await;
    let person = get(&app, "/users/identities/1").await.expect(200);
    assert_eq!(person["display_name"], "Jane Roe");
    let profiles = person["profiles"].as_array().unwrap();
    let types = ["github", "slack", "mailing_list", "wg21", "discord", "youtube"];
    assert_eq!(column(profiles, "profile_type"), types.map(|it| json!(it)));
    let names = ["Jane", "Jane R.", "Jane M.", "Jane W.", "Jane D.", "Jane Y."];
    assert_eq!(column(profiles, "display_name"), names.map(|it| json!(it)));
    assert_eq!(profiles[0]["username"], "jroe");
    assert_eq!(profiles[1]["avatar_url"], "https://example.org/a.png");
    let alone = get(&app, "/users/identities/2").await.expect(200);
    assert_eq!(alone["profiles"], json!([]));
    get(&app, "/users/identities/3").await.expect(404);
    get(&app, "/users/identities/x").await.expect(400);
    let picked = get(&app, "/users/identities/1?fields=display_name").await.expect(200);
    assert_eq!(picked, json!({"display_name": "Jane Roe"}));
    let problem = get(&app, "/users/identities/1?field=id").await.expect(400);
    assert_eq!(problem["errors"][0]["suggestion"], "fields");
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_of_a_person_need_their_scope() {
    let app = people().await;
    let path = "/api/v1/users/identities/1";
    let reader = app.token(&["read"]);
    for answer in [app.get(path).await, app.get_as(&reader, path).await] {
        assert!(!answer.text().contains("example.org\""), "{}", answer.text());
        assert!(answer.expect(200)["profiles"][0].get("emails").is_none());
    }
    let keeper = app.token(&["read", "read:pii"]);
    let person = app.get_as(&keeper, path).await.expect(200);
    let emails =
        |profile: usize| column(person["profiles"][profile]["emails"].as_array().unwrap(), "email");
    assert_eq!(emails(0), ["new@example.org", "old@example.org"].map(|it| json!(it)));
    assert_eq!(emails(1), [json!(null); 0]);
    assert_eq!(emails(2), [json!("Jane@example.org")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn unlinked_profiles_are_those_of_somebody() {
    let app = people().await;
    let token = app.token(&["read"]);
    let rows = all(&app, &token, "/users/profiles/unlinked").await;
    // Not the ghost (11), not who is known by login alone (12), not Discord's unknown author (14).
    assert_eq!(column(&rows, "id"), [13, 15, 16, 17].map(|it| json!(it)));
    assert_eq!(rows[0]["display_name"], "J. Doe");
    let rows = all(&app, &token, "/users/profiles/unlinked?profile_type=discord").await;
    assert_eq!(column(&rows, "id"), [json!(15)]);
    let problem = get(&app, "/users/profiles/unlinked?profile_type=discrod").await.expect(400);
    assert_eq!(problem["errors"][0]["suggestion"], "discord");
    sql(&app, "update base_profile set identity_id = 2").await;
    let none: Vec<Value> = all(&app, &token, "/users/profiles/unlinked").await;
    assert!(none.is_empty());
}
