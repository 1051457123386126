//! Accounts, as their own payloads and as others mention them; e-mail addresses.

use serde_json::{Value, json};

use super::{
    rows::select,
    sender::{Sender, counts, notes},
};

/// What an account looks like after payloads: `username|display_name|avatar_url|type`.
async fn account(sender: &Sender, id: i64) -> String {
    let mut conn = sender.app.db().pool().get().await.unwrap();
    let sql = format!(
        "select concat_ws('|', username, display_name, avatar_url, type) from github_account \
         where github_account_id = {id}"
    );
    let statement = boost_dashboard::db::sql::Statement::new(sql);
    let row: boost_dashboard::db::sql::Row =
        diesel_async::RunQueryDsl::get_result(statement, &mut conn).await.unwrap();
    let [boost_dashboard::db::sql::Value::Text(text)] = row.0.as_slice() else { panic!("{row:?}") };
    text.clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_keep_what_later_payloads_do_not_say() {
    let sender = Sender::new().await;
    let at = |day: u32, user: Value| {
        let mut user = user;
        user["updated_at"] = json!(format!("2024-01-{day:02}T00:00:00Z"));
        user
    };
    let cases = [
        // What is posted, and what the account is then.
        (at(1, json!({"id": "9", "login": "org", "type": "Organization"})), "org|||organization"),
        (at(2, json!({"id": 9, "login": "org", "name": "The Org"})), "org|The Org||organization"),
        (
            at(3, json!({"id": 9, "login": "org", "name": null, "avatar_url": ""})),
            "org|The Org||organization",
        ),
        (at(4, json!({"id": 9, "login": "Org2", "type": "Mannequin"})), "Org2|The Org||user"),
        (
            at(3, json!({"id": 9, "login": "late", "avatar_url": "https://x/1"})),
            "Org2|The Org|https://x/1|user",
        ),
        (
            at(5, json!({"owner": {"id": 9, "login": "org", "type": "Bot"}})),
            "Org2|The Org|https://x/1|user",
        ),
        (
            json!({"github_account_id": 9, "username": "x", "display_name": "D", "account_type": "Enterprise"}),
            "Org2|The Org|https://x/1|user",
        ),
    ];
    for (body, expected) in cases {
        sender.post("accounts", &body).await;
        assert_eq!(account(&sender, 9).await, expected, "{body}");
    }
    // A mention states what it shows, at the time of what it stands in.
    let mention = json!({"id": 1, "number": 1, "updated_at": "2024-01-09T00:00:00Z",
                         "user": {"id": 9, "login": "renamed"}});
    sender.post("issues?repo=a/b", &mention).await;
    assert_eq!(account(&sender, 9).await, "renamed|The Org|https://x/1|user");
    let collected: Vec<Value> =
        super::sender::json_fixture("accounts/collector.json").as_array().unwrap().clone();
    let receipt = sender.post("accounts", &Value::Array(collected.clone())).await;
    assert_eq!(counts(&receipt)[4], 0, "{}", receipt["errors"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_future_time_does_not_freeze_an_account() {
    let sender = Sender::new().await;
    let future = json!({"id": 9, "login": "future", "updated_at": "2999-01-01T00:00:00Z"});
    let receipt = sender.post("accounts", &future).await;
    assert_eq!(notes(&receipt, "warnings"), ["0 future_time /updated_at"]);
    sender
        .post("accounts", &json!({"id": 9, "login": "now", "updated_at": "2024-01-01T00:00:00Z"}))
        .await;
    assert_eq!(account(&sender, 9).await, "now|||user");
    let commit = |sha: &str, year: u32, login: &str| {
        json!({"sha": sha, "author": {"id": 8, "login": login},
               "commit": {"author": {"date": format!("{year}-01-01T00:00:00Z")}}})
    };
    let receipt = sender.post("commits?repo=a/b", &commit("aaaaaaa1", 2998, "future")).await;
    assert!(notes(&receipt, "warnings").contains(&"0 future_time /commit/author/date".to_owned()));
    sender.post("commits?repo=a/b", &commit("aaaaaaa2", 2024, "now")).await;
    assert_eq!(account(&sender, 8).await, "now|||user");
    // So does what an issue or a pull request mentions.
    let branches = json!({"head": {"sha": "aa"}, "base": {"sha": "bb"}});
    for (id, kind, more) in [(60, "issues", json!({})), (61, "pull-requests", branches)] {
        let thread = |number: u32, year: u32, login: &str| {
            let thread = json!({"id": number, "number": number, "user": {"id": id, "login": login},
                "updated_at": format!("{year}-01-01T00:00:00Z")});
            super::sender::with(thread, more.clone())
        };
        let receipt = sender.post(&format!("{kind}?repo=a/b"), &thread(1, 2998, "future")).await;
        assert_eq!(notes(&receipt, "warnings"), ["0 future_time /updated_at"]);
        sender.post(&format!("{kind}?repo=a/b"), &thread(2, 2024, "now")).await;
        assert_eq!(account(&sender, id).await, "now|||user", "{kind}");
    }
    let receipt =
        sender.post("accounts", &json!({"id": 7, "login": "x", "updated_at": "soon"})).await;
    assert_eq!(notes(&receipt, "warnings"), ["0 bad_time /updated_at"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn logins_become_accounts_when_their_ids_are_known() {
    let sender = Sender::new().await;
    let issue = |id: i64, user: Value| json!({"id": id, "number": id, "user": user});
    sender.post("issues?repo=Jane/x", &issue(1, json!({"login": "Jane"}))).await;
    sender.post("issues?repo=jane/x", &issue(2, json!({"login": "JANE"}))).await;
    assert_eq!(sender.number("select count(*) from github_account").await, 1);
    assert_eq!(
        sender.number("select count(*) from github_account where github_account_id < 0").await,
        1
    );
    let stub = sender.number("select id from github_account").await;
    sender.post("accounts", &json!({"id": 5, "login": "jane"})).await;
    assert_eq!(
        sender.number("select id from github_account where github_account_id = 5").await,
        stub
    );
    assert_eq!(sender.number("select count(*) from github_account").await, 1);
    // The account exists under another login: what hangs on the stub moves to it.
    sender.post("accounts", &json!({"id": 6, "login": "old"})).await;
    sender.post("issues?repo=new/y", &issue(3, json!({"login": "New"}))).await;
    let renamed = json!({"id": 6, "login": "new", "updated_at": "2024-01-02T00:00:00Z"});
    sender.post("accounts", &renamed).await;
    assert_eq!(sender.number("select count(*) from github_account").await, 2);
    assert_eq!(sender.number("select count(*) from base_profile").await, 2);
    let owner = "select a.github_account_id from github_repository r \
                 join github_account a on a.id = r.owner_account_id where repo_name = 'y'";
    assert_eq!(sender.number(owner).await, 6);
    assert_eq!(sender.number("select count(*) from issue i join github_account a on a.id = i.account_id where github_account_id = 6").await, 1);
    // A login that is free again belongs to whoever shows it with an id.
    sender
        .post("accounts", &json!({"id": 7, "login": "old", "updated_at": "2024-01-03T00:00:00Z"}))
        .await;
    sender.post("issues?repo=a/z", &issue(4, json!({"login": "old"}))).await;
    assert_eq!(sender.number("select a.github_account_id from issue i join github_account a on a.id = i.account_id where issue_id = 4").await, 7);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_is_shown_under_two_logins_is_one() {
    let sender = Sender::new().await;
    let commit = |sha: &str, login: &str| {
        json!({"sha": sha, "author": {"login": login},
               "commit": {"author": {"date": "2024-01-01T00:00:00Z"}}})
    };
    let commits = json!([commit("aaaaaaa1", "a"), commit("aaaaaaa2", "b")]);
    sender.post("commits?repo=o/r", &commits).await;
    assert_eq!(
        sender
            .number(
                "select count(*) from github_account where stub_key is not null and username <> 'o'"
            )
            .await,
        2
    );
    let comment = |id: i64, login: &str| json!({"id": id, "user": {"id": 7, "login": login}});
    let issue = json!({"issue_info": {"id": 1, "number": 1, "updated_at": "2024-01-02T00:00:00Z"},
        "comments": [comment(1, "a"), comment(2, "b")]});
    assert_eq!(counts(&sender.post("issues?repo=o/r", &issue).await), [1, 0, 0, 0, 0]);
    let of = |table: &str| {
        format!(
            "select count(*) from {table} t join github_account a on a.id = t.account_id \
             where a.github_account_id = 7"
        )
    };
    assert_eq!(sender.number(&of("git_commit")).await, 2);
    assert_eq!(sender.number(&of("issue_comment")).await, 2);
    let left = "select count(*) from github_account where username in ('a', 'b')";
    assert_eq!(sender.number(left).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_addresses_of_a_stub_go_to_its_account() {
    let sender = Sender::new().await;
    let account = |login: &str, more: Value| {
        super::sender::with(
            json!({"id": 1001, "login": login, "updated_at": "2024-01-02T00:00:00Z"}),
            more,
        )
    };
    sender.post("accounts", &account("old", json!({"email": "a@x.org"}))).await;
    let commit = |sha: &str, day: u32, email: &str| {
        json!({"sha": sha, "author": {"login": "new"},
               "commit": {"author": {"email": email, "date": format!("2024-01-{day:02}T00:00:00Z")}}})
    };
    let commits = json!([commit("aaaaaaa1", 3, "b@x.org"), commit("aaaaaaa2", 4, "A@x.org")]);
    sender.post("commits?repo=o/r", &commits).await;
    sender.post("accounts", &account("new", json!({"updated_at": "2024-01-09T00:00:00Z"}))).await;
    let rows = select(sender.app.db(), ["email"]).await;
    let shown: Vec<(Value, Value, Value)> = rows
        .iter()
        .map(|row| serde_json::from_str::<Value>(row.split_once(' ').unwrap().1).unwrap())
        .map(|row| (row["key"].clone(), row["email"].clone(), row["is_primary"].clone()))
        .collect();
    let expected = [("A@x.org", true), ("b@x.org", false)];
    assert_eq!(shown, expected.map(|(email, is)| (json!("1001"), json!(email), json!(is))));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_the_ghost_and_replaces_nobody() {
    let sender = Sender::new().await;
    let at = |day: u32, user: Value| {
        json!({"id": 1, "number": 1, "user": user, "updated_at": format!("2024-01-0{day}T00:00:00Z"),
               "assignees": [null, {}, {"id": 5, "login": "u"}]})
    };
    let author =
        "select a.github_account_id from issue i join github_account a on a.id = i.account_id";
    for (body, expected) in [
        (at(1, Value::Null), 10_137),
        (at(2, json!({"id": 5, "login": "u"})), 5),
        (at(3, Value::Null), 5),
        (at(4, json!({})), 5),
    ] {
        sender.post("issues?repo=a/b", &body).await;
        assert_eq!(sender.number(author).await, expected);
    }
    assert_eq!(account(&sender, 10_137).await, "ghost|Deleted user||user");
    assert_eq!(sender.number("select count(*) from issue_assignee").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn commits_belong_to_the_best_known_account() {
    let sender = Sender::new().await;
    let commit = |n: u32, author: Value, committer: Value, email: Value, name: Value| {
        json!({"sha": format!("aaaaaaa{n:x}"), "author": author, "committer": committer,
               "commit": {"author": {"name": name, "email": email, "date": "2024-01-02T00:00:00Z"},
                          "committer": {"email": "c@example.org", "date": "2024-01-02T00:00:00Z"}}})
    };
    let web_flow = json!({"id": 19_864_447, "login": "web-flow"});
    let cases = [
        (
            json!({"id": 5, "login": "u"}),
            json!(null),
            json!("A@example.org"),
            json!("A"),
            "5",
            "A@example.org",
        ),
        (json!({"login": "Stub"}), json!(null), json!(null), json!("A"), "login:stub", ""),
        (
            json!(null),
            json!({"id": 6, "login": "c"}),
            json!("a@x.org"),
            json!("A"),
            "6",
            "c@example.org",
        ),
        (
            json!({}),
            json!({}),
            json!("7+who@users.noreply.github.com"),
            json!("W"),
            "7",
            "7+who@users.noreply.github.com",
        ),
        (
            json!(null),
            web_flow.clone(),
            json!("who@users.noreply.github.com"),
            json!("W"),
            "email:who@users.noreply.github.com",
            "who@users.noreply.github.com",
        ),
        (
            json!(null),
            web_flow,
            json!("Jane@Example.org"),
            json!("Jane"),
            "email:jane@example.org",
            "Jane@Example.org",
        ),
        (
            json!(null),
            json!(null),
            json!("not an address"),
            json!("B"),
            "email:c@example.org",
            "c@example.org",
        ),
    ];
    for (n, (author, committer, email, name, expected, address)) in (0..).zip(cases) {
        let body = commit(n, author, committer, email, name);
        sender.post("commits?repo=a/b", &body).await;
        let commits = select(sender.app.db(), ["git_commit"]).await;
        let row = commits.iter().find(|row| row.contains(&format!("aaaaaaa{n:x}"))).unwrap();
        assert!(row.contains(&format!("\"account\": \"{expected}\"")), "{body} {row}");
        let emails = select(sender.app.db(), ["email"]).await;
        let of = |row: &&String| row.contains(&format!("\"key\": \"{expected}\""));
        match emails.iter().find(of) {
            Some(row) => assert!(row.contains(&format!("\"email\": \"{address}\"")), "{row}"),
            None => assert_eq!(address, "", "{expected}: {emails:?}"),
        }
    }
    for (n, name, key) in
        [(20, json!("  Jörg  ＡＢ "), "name:jörg ab"), (21, json!(null), "name:unknown")]
    {
        let body = json!({"sha": format!("bbbbbbb{n}"), "commit": {"author": {"name": name, "date": "2024-01-02T00:00:00Z"}}});
        sender.post("commits?repo=a/b", &body).await;
        let rows = select(sender.app.db(), ["git_commit"]).await.join("\n");
        assert!(rows.contains(&format!("\"account\": \"{key}\"")), "{rows}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn exactly_one_address_is_primary() {
    let sender = Sender::new().await;
    let user = |day: u32, email: &str| json!({"id": 5, "login": "u", "email": email, "updated_at": format!("2024-01-{day:02}T00:00:00Z")});
    let primary = async || {
        let rows = select(sender.app.db(), ["email"]).await;
        let primary: Vec<_> =
            rows.iter().filter(|row| row.contains("\"is_primary\": true")).collect();
        assert_eq!(primary.len(), 1, "{rows:?}");
        let (_, rest) = primary[0].split_once("\"email\": \"").unwrap();
        rest.split_once('"').unwrap().0.to_owned()
    };
    for (body, expected) in [
        (user(1, "5+u@users.noreply.github.com"), "5+u@users.noreply.github.com"),
        (user(2, "Old@example.org"), "Old@example.org"),
        (user(4, "new@example.org"), "new@example.org"),
        (user(3, "between@example.org"), "new@example.org"),
        (user(4, "more@example.org"), "more@example.org"),
        (user(9, "5+u@users.noreply.github.com"), "more@example.org"),
        (user(5, "OLD@example.org"), "OLD@example.org"),
        (user(6, "no address"), "OLD@example.org"),
    ] {
        sender.post("accounts", &body).await;
        assert_eq!(primary().await, expected, "{body}");
    }
    assert_eq!(sender.number("select count(*) from email").await, 5);
    // One set by hand stays.
    let mut conn = sender.app.db().pool().get().await.unwrap();
    let by_hand = "update email set is_primary = true, is_manual = true where email_lower = 'between@example.org'";
    for sql in ["update email set is_primary = false", by_hand] {
        let statement = boost_dashboard::db::sql::Statement::new(sql);
        diesel_async::RunQueryDsl::execute(statement, &mut conn).await.unwrap();
    }
    sender.post("accounts", &user(20, "newest@example.org")).await;
    assert_eq!(primary().await, "between@example.org");
    // The same address on two accounts is two rows, and evidence for people.
    let receipt = sender
        .post("accounts", &json!({"id": 6, "login": "v", "email": "newest@example.org"}))
        .await;
    assert_eq!(receipt["tables"]["email"]["inserted"], 1);
    let receipt = sender.post("accounts", &json!([{"id": 6, "login": "v", "email": "x@y.z"}, {"id": 6, "login": "v", "email": "x@y.z"}])).await;
    assert_eq!(counts(&receipt), [0, 1, 1, 0, 0], "an address is a child of its account");
}
