//! What an undo must not do, and what keeps a lock and a hidden person as they are.

use std::io::Write as _;

use axum::{
    body::Body,
    http::{Method, header},
};
use boost_dashboard::db::sql::Value as Sql;
use flate2::{Compression, write::GzEncoder};
use serde_json::{Value, json};

use super::{People, journeys::identity};
use crate::support::request;

/// What is shown of an operation's refusal: its code, and the operation it names.
fn refusal(problem: &Value) -> (&str, &str) {
    let code = problem["type"].as_str().unwrap().trim_start_matches("urn:boost-dashboard:");
    (code, problem["errors"][0]["suggestion"].as_str().unwrap_or_default())
}

async fn patch(people: &People, identity: i64, body: Value) -> Value {
    people.send(Method::PATCH, &format!("/identities/{identity}"), Some(body)).await.expect(200)
}

async fn hide(people: &People, identity: i64) -> Value {
    people.send(Method::POST, &format!("/identities/{identity}/hide"), None).await.expect(200)
}

/// The addresses of profile 1, the primary ones marked.
async fn addresses(people: &People) -> String {
    let all = "select coalesce(string_agg(email || case when is_primary then '*' else '' end, ' ' \
               order by email), '') from email where base_profile_id = 1";
    match &people.rows(all).await[0][..] {
        [Sql::Text(text)] => text.clone(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_an_undo_a_profile_has_one_primary_address() {
    let people = People::new(1).await;
    let add = async |address: &str| {
        people.post("/profiles/1/emails", json!({"email": address})).await.expect(201)
    };
    let first = add("z@x.org").await;
    let path = format!("/profiles/1/emails/{}", first["email_id"]);
    let removed = people.send(Method::DELETE, &path, None).await.expect(200);
    let second = add("y@x.org").await;
    let before = people.everything().await;
    let undone = people.undo(&removed["operation_id"]).await.expect(200);
    assert_eq!(addresses(&people).await.matches('*').count(), 1);
    // Redo leaves what was there before.
    people.undo(&undone["operation_id"]).await.expect(200);
    assert_eq!(people.everything().await, before);
    people.undo(&second["operation_id"]).await.expect(200);
    assert_eq!(addresses(&people).await, "");

    // The same of an address that ingest brought meanwhile, the newest that somebody mentioned.
    people.undo(&removed["operation_id"]).await.expect(200);
    let chosen = people.send(Method::PATCH, &path, Some(json!({"is_primary": true}))).await;
    people
        .sql(
            "insert into email (base_profile_id, email, email_lower, is_primary, last_seen_at) \
             values (1, 'd@x.org', 'd@x.org', false, now())",
        )
        .await;
    people.undo(&chosen.expect(200)["operation_id"]).await.expect(200);
    assert_eq!(addresses(&people).await, "d@x.org* z@x.org");
}

#[tokio::test(flavor = "multi_thread")]
async fn redo_passes_no_lock() {
    let people = People::new(3).await;
    let (a, b) = (identity(&people, "A", &[1]).await, identity(&people, "B", &[2]).await);
    let merge = json!({"from": [b]});
    let merged = people.post(&format!("/identities/{a}/merge"), merge).await.expect(200);
    let undone = people.undo(&merged["operation_id"]).await.expect(200);
    let lock = patch(&people, a, json!({"is_locked": true})).await;
    let problem = people.undo(&undone["operation_id"]).await.expect(409);
    assert_eq!(refusal(&problem).0, "identity_locked");
    people.undo(&lock["operation_id"]).await.expect(200);
    people.undo(&undone["operation_id"]).await.expect(200);
    assert_eq!(people.get(&format!("/identities/{b}")).await.status(), 301);
}

#[tokio::test(flavor = "multi_thread")]
async fn promotion_takes_nobody_out_of_a_locked_identity() {
    let people = People::new(2).await;
    let a = identity(&people, "A", &[1]).await;
    let lock = patch(&people, a, json!({"is_locked": true})).await;
    let staged = people.post("/tmp-identities", json!({"display_name": "T", "profiles": [1, 2]}));
    let path =
        format!("/tmp-identities/{}/promote", staged.await.expect(201)["tmp_identity"]["id"]);
    let problem = people.post(&path, json!({})).await.expect(409);
    assert_eq!(refusal(&problem).0, "identity_locked");
    people.undo(&lock["operation_id"]).await.expect(200);
    let promoted = people.post(&path, json!({})).await.expect(200);
    let undone = people.undo(&promoted["operation_id"]).await.expect(200);
    patch(&people, a, json!({"is_locked": true})).await;
    let problem = people.undo(&undone["operation_id"]).await.expect(409);
    assert_eq!(refusal(&problem).0, "identity_locked");
}

#[tokio::test(flavor = "multi_thread")]
async fn half_of_a_hidden_person_is_not_shown() {
    let people = People::new(4).await;
    let (a, b) = (identity(&people, "A", &[1]).await, identity(&people, "B", &[2]).await);
    let merge = json!({"from": [b]});
    let merged = people.post(&format!("/identities/{a}/merge"), merge).await.expect(200);
    let hidden = hide(&people, a).await;
    let problem = people.undo(&merged["operation_id"]).await.expect(409);
    let hiding = hidden["operation_id"].to_string();
    assert_eq!(refusal(&problem), ("operation_in_the_way", hiding.as_str()));
    people.undo(&hidden["operation_id"]).await.expect(200);
    people.undo(&merged["operation_id"]).await.expect(200);

    hide(&people, a).await;
    let user = async |id: i64| {
        people.get(&format!("/github-accounts/{id}")).await.expect(200)["username"].clone()
    };
    // Whoever is put together with part of a hidden person is hidden.
    let staged = people.post("/tmp-identities", json!({"display_name": "T", "profiles": [1]}));
    let path =
        format!("/tmp-identities/{}/promote", staged.await.expect(201)["tmp_identity"]["id"]);
    let promoted = people.post(&path, json!({"identity_id": b})).await.expect(200);
    assert_eq!(promoted["identity"]["is_hidden"], true);
    assert_eq!((user(1).await, user(2).await), (json!("person-2"), json!("person-2")));
    people.undo(&promoted["operation_id"]).await.expect(200);
    assert_eq!((user(1).await, user(2).await), (json!("person-1"), json!("user2")));
    let promoted = people.post(&path, json!({})).await.expect(200);
    assert_eq!(promoted["identity"]["is_hidden"], true);
    people.undo(&promoted["operation_id"]).await.expect(200);
    let made = people.post("/identities", json!({"display_name": "New", "profiles": [1, 3]})).await;
    assert_eq!(made.expect(201)["identity"]["is_hidden"], true);
    assert_ne!(user(3).await, "user3");
    // Nor does it end by itself.
    let gone = people.send(Method::DELETE, &format!("/identities/{a}"), None).await;
    gone.expect(200);
    hide(&people, b).await;
    let problem = people.send(Method::DELETE, &format!("/identities/{b}"), None).await.expect(409);
    assert_eq!(refusal(&problem).0, "identity_hidden");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_takes_what_it_says_and_nothing_else() {
    let people = People::new(2).await;
    let (a, b) = (identity(&people, "A", &[1]).await, identity(&people, "B", &[2]).await);
    let merge = json!({"from": [b]});
    let problem = people
        .post(&format!("/identities/{a}/merge?dry_run=true"), merge.clone())
        .await
        .expect(400);
    assert_eq!(problem["errors"][0]["parameter"], "dry_run");
    people.get(&format!("/identities/{b}")).await.expect(200);
    people.post("/identity-suggestions/compute?full=true", json!({})).await.expect(400);

    let long = "x".repeat(301);
    let problem = people.post("/identities", json!({"display_name": long})).await.expect(400);
    assert_eq!(problem["errors"][0]["pointer"], "/display_name");
    let long = json!({"description": "x".repeat(10_001)});
    people.send(Method::PATCH, &format!("/identities/{a}"), Some(long)).await.expect(400);

    people.post(&format!("/identities/{a}/merge"), merge).await.expect(200);
    let c = identity(&people, "C", &[]).await;
    let merge = json!({"from": [a, b]});
    let problem = people.post(&format!("/identities/{c}/merge"), merge).await.expect(409);
    assert_eq!(problem["errors"][0]["pointer"], "/from/1");
    assert_eq!(problem["errors"][0]["suggestion"], a.to_string());
    let problem = people.send(Method::PATCH, "/profiles/1/emails/abc", Some(json!({}))).await;
    assert_eq!(problem.expect(400)["errors"][0]["parameter"], "email_id");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_may_be_compressed() {
    let people = People::new(0).await;
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(br#"{"display_name": "Jane Roe"}"#).unwrap();
    let gzip = gzip.finish().unwrap();
    let post = async |coding: &str| {
        let path = "/api/v1/users/identities";
        let request = request(Method::POST, path, Some(&people.token))
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::CONTENT_ENCODING, coding)
            .body(Body::from(gzip.clone()));
        people.app.send(request.unwrap()).await
    };
    assert_eq!(post("gzip").await.expect(201)["identity"]["display_name"], "Jane Roe");
    post("br").await.expect(400);
    post("rot13").await.expect(415);
}
