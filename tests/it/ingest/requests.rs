//! What a request can ask for: partial and atomic, dry runs, idempotency keys; and what can be read of
//! it afterwards.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{
    rows::assert_same,
    sender::{Sender, counts, notes},
};

fn commit(sha: &str) -> Value {
    json!({
        "sha": sha, "url": "https://api.github.com/repos/boostorg/json/commits/x",
        "commit": {"message": "m", "author": {"name": "Jane", "email": "jane@example.org",
                                              "date": "2024-01-02T00:00:00Z"}},
        "author": {"id": 1001, "login": "jroe", "surprise": 1}, "news": {"a": [true]},
        "files": [{"filename": "a.hpp", "status": "added", "additions": 1}],
    })
}

/// Two good items around each bad one.
fn mixed() -> Value {
    json!([commit("aaaaaaaa"), {"sha": "zzz"}, commit("bbbbbbbb"), "text", commit("cccccccc")])
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_items_cost_no_good_one_in_partial_mode() {
    let sender = Sender::new().await;
    let receipt = sender.post("commits?mode=partial", &mixed()).await;
    assert_eq!((&receipt["status"], &receipt["received"]), (&json!("partial"), &json!(5)));
    assert_eq!(counts(&receipt), [3, 0, 0, 0, 2]);
    assert_eq!(notes(&receipt, "errors"), ["1 invalid_sha /sha", "3 invalid_sha /sha"]);
    assert_eq!(sender.number("select count(*) from git_commit").await, 3);
    assert_eq!(sender.number("select count(*) from dead_letter").await, 2);
    let again = sender.post("commits", &mixed()).await;
    assert_eq!(counts(&again), [0, 0, 3, 0, 2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_bad_item_costs_all_in_atomic_mode() {
    let sender = Sender::new().await;
    let receipt = sender.refused("commits?mode=atomic", &mixed()).await;
    assert_eq!(receipt["status"], "rejected");
    assert_eq!(counts(&receipt), [0, 0, 0, 0, 5]);
    assert_eq!(notes(&receipt, "errors"), ["1 invalid_sha /sha", "3 invalid_sha /sha"]);
    assert_eq!(receipt["tables"], json!({}));
    assert!(sender.dump().await.is_empty());
    // What was sent is kept, the good documents too, and replay leaves them alone.
    let good = receipt["raw"][0].as_str().unwrap();
    let kept = sender.get(&format!("/ingest/{good}")).await;
    assert_eq!((kept.status(), kept.text()), (200, &*commit("aaaaaaaa").to_string()));
    let entries = sender.app.app().archive.entries().unwrap();
    let statuses: Vec<String> =
        entries.map(|entry| format!("{:?}", entry.unwrap().status)).collect();
    assert!(statuses.iter().all(|status| status == "Rejected"), "{statuses:?}");
    assert_eq!(sender.number("select count(*) from dead_letter").await, 2);
    let good = json!([commit("aaaaaaaa"), commit("bbbbbbbb")]);
    assert_eq!(counts(&sender.post("commits?mode=atomic", &good).await), [2, 0, 0, 0, 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_reports_the_same_and_keeps_nothing() {
    let sender = Sender::new().await;
    let workspace = sender.app.folder().join("workspace");
    let dry = sender.post("commits?dry_run=true", &mixed()).await;
    assert_eq!(counts(&dry), [3, 0, 0, 0, 2]);
    assert_eq!((&dry["dry_run"], &dry["raw"]), (&json!(true), &json!([])));
    assert!(sender.dump().await.is_empty());
    for table in ["receipt", "receipt_items", "dead_letter", "drift", "language"] {
        assert_eq!(sender.number(&format!("select count(*) from {table}")).await, 0, "{table}");
    }
    assert!(!workspace.join("raw/github_activity_tracker").exists());
    assert!(!workspace.join("raw/_rejected").exists());
    let path = format!("/ingest/receipts/{}", dry["id"].as_str().unwrap());
    assert_eq!(sender.get(&path).await.status(), 404);

    let wet = sender.post("commits", &mixed()).await;
    for part in ["tables", "errors", "warnings", "status", "inserted", "rejected"] {
        assert_eq!(dry[part], wet[part], "{part}");
    }
    let dry = sender.refused("commits?dry_run=1&mode=atomic", &mixed()).await;
    assert_eq!(counts(&dry), [0, 0, 0, 0, 5]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idempotency_key_is_one_request() {
    let sender = Arc::new(Sender::new().await);
    let first = sender.keyed("commits", "k1", &mixed()).await;
    let again = sender.keyed("commits", "k1", &mixed()).await;
    assert_eq!((first.status(), first.text()), (200, again.text()));
    // Another kind, other parameters or another body are another request.
    let other = sender.keyed("commits", "k1", &commit("aaaaaaaa")).await;
    assert_eq!(
        (other.status(), other.json()["type"].clone()),
        (409, json!("urn:boost-dashboard:idempotency_key_reused"))
    );
    assert_eq!(sender.keyed("commits?mode=atomic", "k1", &mixed()).await.status(), 409);
    assert_eq!(
        sender.keyed("issues?repo=a/b", "k1", &json!({"id": 1, "number": 1})).await.status(),
        200
    );
    let refused = sender.keyed("commits", "k2", &json!([{"sha": "zzz"}])).await;
    let again = sender.keyed("commits", "k2", &json!([{"sha": "zzz"}])).await;
    assert_eq!((refused.status(), refused.text()), (422, again.text()));
    assert_eq!(again.status(), 422);

    let sent: Vec<_> = (0..16)
        .map(|_| {
            let sender = Arc::clone(&sender);
            tokio::spawn(async move {
                sender.keyed("commits", "k3", &json!([commit("dddddddd")])).await
            })
        })
        .collect();
    let mut answers = Vec::new();
    for answer in sent {
        answers.push(answer.await.unwrap().text().to_owned());
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
    assert_eq!(sender.number("select count(*) from receipt where idempotency_key = 'k3'").await, 1);
    for no_key in ["a\tb", "", &"k".repeat(256)] {
        let refused = sender.keyed("commits", no_key, &mixed()).await.expect(400);
        assert_eq!(refused["errors"][0]["parameter"], "Idempotency-Key", "{no_key:?}");
    }
    assert_eq!(sender.number("select count(*) from receipt").await, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_kept_once_the_archive_is_synced() {
    let sender = Sender::new().await;
    let blocked = sender.app.block_archive();
    let body = json!([commit("aaaaaaaa")]);
    let failed = sender.keyed("commits", "k1", &body).await.expect(503);
    assert_eq!(failed["type"], "urn:boost-dashboard:archive_away");
    assert_eq!(sender.number("select count(*) from git_commit").await, 1, "it is committed");
    let told = "select count(*) from receipt where status <> 'running' or response is not null";
    assert_eq!(sender.number(told).await, 0);
    std::fs::remove_dir(blocked).unwrap();

    let again = sender.keyed("commits", "k1", &body).await;
    assert_eq!((again.status(), counts(&again.json())), (200, [0, 0, 1, 0, 0]));
    let listed: Vec<_> =
        sender.app.app().archive.entries().unwrap().map(|it| it.unwrap()).collect();
    assert_eq!(listed.len(), 1, "{listed:?}");
    assert_eq!(again.json()["raw"], json!([listed[0].path]));
    let kept = sender.get(&format!("/ingest/{}", listed[0].path)).await;
    assert_eq!((kept.status(), kept.text()), (200, &*commit("aaaaaaaa").to_string()));
    let third = sender.keyed("commits", "k1", &body).await;
    assert_eq!((third.status(), third.text()), (200, again.text()));
    let path = format!("/ingest/receipts/{}", again.json()["id"].as_str().unwrap());
    assert_eq!(sender.get(&path).await.text(), again.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_held_whole_is_bounded() {
    let sender = Sender::with(|settings| settings.body_limit_decompressed = 45_000).await;
    let accounts: Vec<Value> =
        (1..=1_500).map(|id| json!({"id": id, "login": format!("someone-{id}")})).collect();
    let lines = super::sender::ndjson(&accounts);
    assert!(lines.len() - accounts.len() > 45_000);
    for query in ["mode=atomic", "dry_run=true", "dry_run"] {
        let to = format!("accounts?{query}");
        let answer = sender.raw(&to, "application/x-ndjson", lines.clone()).await.expect(413);
        assert_eq!(answer["type"], "urn:boost-dashboard:too_large", "{query}");
        let few = super::sender::ndjson(&accounts[..1_100]);
        let receipt = sender.raw(&to, "application/x-ndjson", few).await.expect(200);
        assert_eq!(counts(&receipt)[0] + counts(&receipt)[2], 1_100, "{query}");
    }
    let receipt = sender.raw("accounts", "application/x-ndjson", lines).await.expect(200);
    assert_eq!(counts(&receipt), [400, 0, 1_100, 0, 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn receipts_and_their_items_can_be_read() {
    let sender = Sender::new().await;
    let receipt = sender.post("commits", &mixed()).await;
    let id = receipt["id"].as_str().unwrap();
    assert_eq!(sender.get(&format!("/ingest/receipts/{id}")).await.expect(200), receipt);
    let list = sender.get("/ingest/receipts?kind=commits&status=partial").await.expect(200);
    assert_eq!((&list["data"][0]["id"], &list["data"][0]["inserted"]), (&json!(id), &json!(3)));
    let items = sender.get(&format!("/ingest/receipts/{id}/items")).await.expect(200);
    let items = items["data"].as_array().unwrap();
    let actions: Vec<_> = items.iter().map(|item| item["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["inserted", "rejected", "inserted", "rejected", "inserted"]);
    assert_eq!(items[0]["key"], "boostorg/json:aaaaaaaa");
    assert_eq!(items[0]["table"], "git_commit");
    assert_eq!(items[1]["errors"][0]["code"], "invalid_sha");
    let row = sender.get(&format!("/github/commits/{}", items[2]["row_id"])).await.expect(200);
    assert_eq!(row["commit_hash"], "bbbbbbbb");
    let page =
        sender.get(&format!("/ingest/receipts/{id}/items?limit=2&after=1&action=inserted")).await;
    let page = page.expect(200);
    assert_eq!((&page["data"][0]["index"], &page["data"][1]["index"]), (&json!(2), &json!(4)));
    for missing in ["nope", "019319f2-7d3c-7c3e-8a51-0d9f1c6b2a10"] {
        assert_eq!(sender.get(&format!("/ingest/receipts/{missing}")).await.status(), 404);
        assert_eq!(sender.get(&format!("/ingest/receipts/{missing}/items")).await.status(), 404);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_are_retried_and_deleted() {
    let sender = Sender::new().await;
    // Without its repository an issue is a dead letter; so is a number that is no number.
    let body = json!([{"id": 1, "number": 1, "title": "t"}, {"id": 2, "number": "x"}]);
    let receipt = sender.refused("issues?as_of=2024-01-01T00:00:00Z", &body).await;
    assert_eq!(receipt["errors"][0]["code"], "missing_context");
    let list = sender.get("/ingest/dead-letters?sort=id").await.expect(200);
    let letters = list["data"].as_array().unwrap();
    assert_eq!(letters.len(), 2);
    assert_eq!(letters[0]["code"], "missing_context");
    assert_eq!(letters[0]["params"], json!({"as_of": "2024-01-01T00:00:00Z"}));
    assert_eq!(
        (&letters[1]["index"], &letters[1]["errors"][0]["pointer"]),
        (&json!(1), &json!("/number"))
    );
    let raw = letters[1]["raw_path"].as_str().unwrap();
    assert_eq!(sender.get(&format!("/ingest/{raw}")).await.text(), body[1].to_string());

    // It is refused again for the same reason, and stays.
    let retried = sender.retry(&letters[0]["id"]).await.expect(200);
    assert_eq!(counts(&retried), [0, 0, 0, 0, 1]);
    let list = sender.get("/ingest/dead-letters?sort=id").await.expect(200);
    assert_eq!(
        (list["data"].as_array().unwrap().len(), &list["data"][0]["attempts"]),
        (2, &json!(1))
    );

    // Once the reason is gone, it is stored, and is a dead letter no longer.
    let mut conn = sender.app.db().pool().get().await.unwrap();
    let fixed = "update dead_letter set params = params || '{\"repo\": \"a/b\"}' where index = 0";
    let fixed = boost_dashboard::db::sql::Statement::new(fixed);
    diesel_async::RunQueryDsl::execute(fixed, &mut conn).await.unwrap();
    let retried = sender.retry(&letters[0]["id"]).await.expect(200);
    assert_eq!((counts(&retried), &retried["kind"]), ([1, 0, 0, 0, 0], &json!("issues")));
    assert_eq!(sender.number("select count(*) from issue where source_as_of is not null").await, 1);
    assert_eq!(sender.retry(&letters[0]["id"]).await.status(), 404);

    let path = format!("/ingest/dead-letters/{}", letters[1]["id"]);
    assert_eq!(sender.delete(&path).await.status(), 204);
    assert_eq!(sender.delete(&path).await.status(), 404);
    assert_eq!(sender.number("select count(*) from dead_letter").await, 0);
    assert_eq!(sender.get(&format!("/ingest/{raw}")).await.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_keys_are_counted_and_stored_nowhere() {
    let sender = Sender::new().await;
    sender.post("commits", &json!([commit("aaaaaaaa"), commit("bbbbbbbb")])).await;
    let mut plain = commit("bbbbbbbb");
    plain.as_object_mut().unwrap().remove("news");
    plain["author"].as_object_mut().unwrap().remove("surprise");
    let rows = sender.dump().await;
    let drift = sender.get("/ingest/drift?sort=id").await.expect(200);
    let mut seen: Vec<_> = drift["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            format!("{} {} {} {}", row["kind"], row["pointer"], row["occurrences"], row["example"])
        })
        .collect();
    seen.sort();
    assert_eq!(
        seen,
        [r#""commits" "/author/surprise" 2 "number""#, r#""commits" "/news" 2 "object""#]
    );
    sender.wipe().await;
    let mut other = plain.clone();
    other["sha"] = json!("aaaaaaaa");
    sender.post("commits", &json!([other, plain])).await;
    assert_same(&rows, &sender.dump().await, "drift is in no row");
    assert_eq!(sender.number("select count(*) from drift").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_row_names_the_payload_it_came_from() {
    let sender = Sender::new().await;
    let issue = |title: &str, day: u32| {
        json!({"issue_info": {"id": 601, "number": 1, "title": title, "labels": ["bug"],
                "user": {"id": 5, "login": "u"}, "assignees": [{"id": 6, "login": "v"}],
                "updated_at": format!("2024-01-0{day}T00:00:00Z")},
               "comments": [{"id": 9, "body": "c", "user": null, "created_at": "2024-01-01T00:00:00Z"}]})
    };
    let other = json!({"id": 602, "number": 2, "title": "other"});
    let first = sender.post("issues?repo=a/b", &json!([other, issue("first", 2)])).await;
    let second = sender.post("issues?repo=a/b", &json!([issue("second", 3)])).await;
    sender.post("issues?repo=a/b", &json!([issue("older", 1)])).await;
    for (table, path, receipt, item, payload) in [
        ("issue where issue_id = 601", "/github/issues", &second, 0, issue("second", 3)),
        ("issue where issue_id = 602", "/github/issues", &first, 0, other.clone()),
        ("issue_label", "/github/issue-labels", &second, 0, issue("second", 3)),
        ("issue_assignee", "/github/issue-assignees", &second, 0, issue("second", 3)),
        ("issue_comment", "/github/issue-comments", &first, 1, issue("first", 2)),
        (
            "github_account where github_account_id = 5",
            "/users/github-accounts",
            &second,
            0,
            issue("second", 3),
        ),
        (
            "github_account where github_account_id = 5",
            "/users/profiles",
            &second,
            0,
            issue("second", 3),
        ),
    ] {
        let id = sender.number(&format!("select id from {table}")).await;
        let from = sender.get(&format!("{path}/{id}/provenance")).await.expect(200);
        assert_eq!((&from["receipt"], &from["item"]), (&receipt["id"], &json!(item)), "{table}");
        let raw = from["raw"].as_str().unwrap();
        assert!(raw.contains('@'), "{raw}");
        let kept = sender.get(&format!("/ingest/{raw}")).await;
        assert_eq!((kept.status(), kept.text()), (200, &*payload.to_string()), "{table}");
    }
    // The plain name is the newest version; a stub comes from no payload.
    let plain = sender.get("/ingest/raw/github_activity_tracker/a/b/issues/1.json").await;
    assert_eq!(plain.text(), issue("second", 3).to_string());
    let stub = sender.number("select id from github_repository").await;
    let path = format!("/github/repositories/{stub}/provenance");
    let stub = sender.get(&path).await.expect(404);
    let nothing = sender.get("/github/repositories/999999/provenance").await.expect(404);
    assert_ne!(stub["detail"], nothing["detail"]);
    let token = sender.app.token(&["read"]);
    let refused =
        sender.app.get_as(&token, "/api/v1/ingest/raw/github_activity_tracker/a/b/issues/1.json");
    assert_eq!(refused.await.status(), 403);
}
