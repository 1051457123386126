//! Identities over HTTP, as somebody who looks after them meets them.

use axum::http::Method;
use serde_json::{Value, json};

use super::People;

/// Makes an identity of profiles; gives its id.
pub(super) async fn identity(people: &People, name: &str, profiles: &[i64]) -> i64 {
    let body = json!({"display_name": name, "profiles": profiles});
    people.post("/identities", body).await.expect(201)["identity"]["id"].as_i64().unwrap()
}

fn profiles(identity: &Value) -> Vec<i64> {
    let profiles = identity["profiles"].as_array().unwrap();
    profiles.iter().map(|profile| profile["id"].as_i64().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_identity_is_made_changed_and_deleted() {
    let people = People::new(2).await;
    let body = json!({"display_name": "Jane Roe", "description": "C++", "profiles": [1]});
    let made = people.post("/identities", body).await;
    let location = made.header("location").unwrap().to_owned();
    let made = made.expect(201);
    let id = made["identity"]["id"].as_i64().unwrap();
    assert_eq!(location, format!("/api/v1/users/identities/{id}"));
    assert_eq!(profiles(&made["identity"]), [1]);
    assert_eq!(made["identity"]["profiles"][0]["username"], "user1");
    let read = people.app.get(&location).await.expect(200);
    assert_eq!(read, made["identity"]);

    let path = format!("/identities/{id}");
    let edit = json!({"display_name": "Jane R. Roe", "is_locked": true});
    let edited = people.send(Method::PATCH, &path, Some(edit.clone())).await.expect(200);
    assert_eq!(edited["identity"]["display_name"], "Jane R. Roe");
    assert_eq!(edited["identity"]["description"], "C++");
    let again = people.send(Method::PATCH, &path, Some(edit)).await.expect(200);
    assert_eq!(again["operation_id"], Value::Null, "nothing changed");

    let deleted = people.send(Method::DELETE, &path, None).await.expect(200);
    people.get(&path).await.expect(404);
    assert_eq!(people.get("/profiles/1").await.expect(200)["identity_id"], Value::Null);
    people.undo(&deleted["operation_id"]).await.expect(200);
    assert_eq!(people.get(&path).await.expect(200), edited["identity"]);
    let fields = people.get(&format!("{path}?fields=id")).await.expect(200);
    assert_eq!(fields, json!({"id": id}));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_is_linked_and_unlinked() {
    let people = People::new(2).await;
    let id = identity(&people, "Jane", &[]).await;
    let put = |identity: Value| {
        people.send(Method::PUT, "/profiles/1/identity", Some(json!({"identity_id": identity})))
    };
    let linked = put(json!(id)).await.expect(200);
    assert_eq!(linked["profile"]["identity_id"], id);
    assert_eq!(profiles(&linked["identity"]), [1]);
    assert_eq!(put(json!(id)).await.expect(200)["operation_id"], Value::Null);
    let problem = put(json!(99)).await.expect(422);
    assert_eq!(problem["errors"][0]["pointer"], "/identity_id");
    let unlinked = put(Value::Null).await.expect(200);
    assert_eq!(unlinked["identity"], Value::Null);
    // An empty body is no order to unlink.
    let problem = people.send(Method::PUT, "/profiles/1/identity", Some(json!({}))).await;
    assert_eq!(problem.expect(400)["errors"][0]["code"], "missing_member");
    let nobody = json!({"identity_id": id});
    people.send(Method::PUT, "/profiles/7/identity", Some(nobody)).await.expect(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn merged_away_ids_lead_to_the_survivor_through_every_later_merge() {
    let people = People::new(3).await;
    let (a, b, c) = (
        identity(&people, "A", &[1]).await,
        identity(&people, "B", &[2]).await,
        identity(&people, "C", &[3]).await,
    );
    let merge = |into: i64, from: i64| {
        let path = format!("/identities/{into}/merge");
        let people = &people;
        async move { people.post(&path, json!({"from": [from]})).await.expect(200) }
    };
    let first = merge(b, a).await;
    assert_eq!(profiles(&first["identity"]), [1, 2]);
    let second = merge(c, b).await;
    assert_eq!(profiles(&second["identity"]), [1, 2, 3]);
    for gone in [a, b] {
        let answer = people.get(&format!("/identities/{gone}?fields=id")).await;
        assert_eq!(answer.status(), 301);
        let location = answer.header("location").unwrap();
        assert_eq!(location, format!("/api/v1/users/identities/{c}?fields=id"));
        let kept = "private, max-age=0, must-revalidate";
        assert_eq!(answer.header("cache-control"), Some(kept), "an undone merge leads nowhere");
        let edit = Some(json!({"description": "x"}));
        let problem = people.send(Method::PATCH, &format!("/identities/{gone}"), edit).await;
        let problem = problem.expect(409);
        assert_eq!(problem["type"], "urn:boost-dashboard:merged_away");
        assert_eq!(problem["errors"][0]["suggestion"], c.to_string());
    }
    // The first merge cannot be undone under the second, and says so.
    let problem = people.undo(&first["operation_id"]).await.expect(409);
    assert_eq!(problem["errors"][0]["code"], "operation_in_the_way");
    assert_eq!(problem["errors"][0]["suggestion"], second["operation_id"].to_string());
    people.undo(&second["operation_id"]).await.expect(200);
    let again = people.undo(&second["operation_id"]).await.expect(409);
    assert_eq!(again["type"], "urn:boost-dashboard:already_undone");
    let location = people.get(&format!("/identities/{a}")).await;
    assert_eq!(location.header("location").unwrap(), format!("/api/v1/users/identities/{b}"));
    people.undo(&first["operation_id"]).await.expect(200);
    assert_eq!(profiles(&people.get(&format!("/identities/{a}")).await.expect(200)), [1]);
    people.undo(&json!(99)).await.expect(404);
    let log = people.get("/identity-operations?kind=undo&sort=id").await.expect(200);
    assert_eq!(log["data"][0]["undoes"], second["operation_id"]);
    assert_eq!(log["data"][0]["subject"], "test");
    assert_eq!(log["data"][0]["what"]["operation_id"], second["operation_id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn splitting_takes_profiles_of_the_identity_only() {
    let people = People::new(3).await;
    let id = identity(&people, "Both", &[1, 2]).await;
    let path = format!("/identities/{id}/split");
    let problem = people.post(&path, json!({"profiles": [2, 3]})).await.expect(422);
    assert_eq!(problem["errors"][0]["pointer"], "/profiles/1");
    people.post(&path, json!({"profiles": []})).await.expect(422);
    let split = people.post(&path, json!({"profiles": [2]})).await.expect(201);
    assert_eq!(split["identity"]["display_name"], "User 2");
    assert_eq!(profiles(&split["identity"]), [2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_identity_is_never_merged() {
    let people = People::new(2).await;
    let (a, b) = (identity(&people, "A", &[1]).await, identity(&people, "B", &[2]).await);
    let lock = Some(json!({"is_locked": true}));
    people.send(Method::PATCH, &format!("/identities/{a}"), lock).await.expect(200);
    for (into, from) in [(a, b), (b, a)] {
        let path = format!("/identities/{into}/merge");
        let problem = people.post(&path, json!({"from": [from]})).await.expect(409);
        assert_eq!(problem["type"], "urn:boost-dashboard:identity_locked");
    }
    let body = json!({"display_name": "T", "profiles": [2]});
    let staged = people.post("/tmp-identities", body).await.expect(201);
    let path = format!("/tmp-identities/{}/promote", staged["tmp_identity"]["id"]);
    people.post(&path, json!({"identity_id": a})).await.expect(409);
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_are_read_strictly() {
    let people = People::new(1).await;
    let problem = people.post("/identities", json!({"displayname": "x"})).await.expect(400);
    assert_eq!(problem["errors"][0]["pointer"], "/displayname");
    assert_eq!(problem["errors"][0]["suggestion"], "display_name");
    people.post("/identities", json!({"display_name": " "})).await.expect(400);
    people.post("/identities", json!({"display_name": "x\u{0}"})).await.expect(400);
    people.post("/identities", json!([])).await.expect(400);
    let problem = people.post("/identities", json!({"display_name": "x", "profiles": [9]})).await;
    assert_eq!(problem.expect(422)["errors"][0]["pointer"], "/profiles/0");
    let id = identity(&people, "A", &[]).await;
    let merge = format!("/identities/{id}/merge");
    people.post(&merge, json!({"from": []})).await.expect(422);
    people.post(&merge, json!({"from": [id]})).await.expect(422);
    let problem = people.post(&merge, json!({"from": [77]})).await.expect(422);
    assert_eq!(problem["errors"][0]["pointer"], "/from/0");
    let text = people.app.post("/api/v1/users/identities", &people.token, "text/plain", "x").await;
    text.expect(415);
}

#[tokio::test(flavor = "multi_thread")]
async fn staged_profiles_are_promoted_or_discarded() {
    let people = People::new(3).await;
    let body = json!({"display_name": "Jane", "description": "two accounts", "profiles": [1]});
    let staged = people.post("/tmp-identities", body).await.expect(201);
    let target = staged["tmp_identity"]["id"].clone();
    let relation = json!({"base_profile_id": 2, "target_identity_id": target});
    let made = people.post("/temp-profile-identity-relations", relation.clone()).await.expect(201);
    let again = people.post("/temp-profile-identity-relations", relation).await.expect(200);
    assert_eq!(made["relation"], again["relation"]);
    let nobody = json!({"base_profile_id": 9, "target_identity_id": target});
    people.post("/temp-profile-identity-relations", nobody).await.expect(422);
    let path = format!("/temp-profile-identity-relations/{}", made["relation"]["id"]);
    let withdrawn = people.send(Method::DELETE, &path, None).await.expect(200);
    people.send(Method::DELETE, &path, None).await.expect(404);
    people.undo(&withdrawn["operation_id"]).await.expect(200);
    assert_eq!(people.get(&path).await.expect(200), made["relation"]);

    let promote = format!("/tmp-identities/{target}/promote");
    let promoted = people.send(Method::POST, &promote, None).await.expect(200);
    assert_eq!(promoted["identity"]["display_name"], "Jane");
    assert_eq!(profiles(&promoted["identity"]), [1, 2]);
    people.get(&format!("/tmp-identities/{target}")).await.expect(404);
    people.undo(&promoted["operation_id"]).await.expect(200);
    let id = identity(&people, "Canonical", &[3]).await;
    let promoted = people.post(&promote, json!({"identity_id": id})).await.expect(200);
    assert_eq!(profiles(&promoted["identity"]), [1, 2, 3]);

    let staged =
        people.post("/tmp-identities", json!({"display_name": "X", "profiles": [1]})).await;
    let path = format!("/tmp-identities/{}", staged.expect(201)["tmp_identity"]["id"]);
    people.send(Method::DELETE, &path, None).await.expect(200);
    let left = people.get("/temp-profile-identity-relations").await.expect(200);
    assert_eq!(left["data"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_has_one_primary_address_and_addresses_are_private() {
    let people = People::new(1).await;
    people
        .sql(
            "insert into email (base_profile_id, email, email_lower, is_primary, last_seen_at) \
             values (1, 'a@x.org', 'a@x.org', true, now()), \
             (1, 'b@x.org', 'b@x.org', false, now() - interval '1 day')",
        )
        .await;
    let all = "select string_agg(email || ':' || is_primary, ' ' order by id) from email";
    let emails = async || match &people.rows(all).await[0][..] {
        [boost_dashboard::db::sql::Value::Text(text)] => text.clone(),
        other => panic!("{other:?}"),
    };
    let body = json!({"email": "C@x.org", "is_primary": true});
    let added = people.post("/profiles/1/emails", body.clone()).await.expect(201);
    assert_eq!(emails().await, "a@x.org:false b@x.org:false C@x.org:true");
    assert!(added.get("email").is_none() && !added.to_string().contains("x.org"), "{added}");
    people.post("/profiles/1/emails", body).await.expect(409);
    people.post("/profiles/1/emails", json!({"email": "nobody"})).await.expect(400);
    let id = added["email_id"].clone();
    let path = format!("/profiles/1/emails/{id}");
    let removed = people.send(Method::DELETE, &path, None).await.expect(200);
    assert_eq!(emails().await, "a@x.org:true b@x.org:false");
    people.undo(&removed["operation_id"]).await.expect(200);
    assert_eq!(emails().await, "a@x.org:false b@x.org:false C@x.org:true");
    let back = people.send(Method::PATCH, &path, Some(json!({"is_primary": false}))).await;
    back.expect(200);
    assert_eq!(emails().await, "a@x.org:true b@x.org:false C@x.org:false");
    people.send(Method::PATCH, "/profiles/1/emails/99", Some(json!({}))).await.expect(404);

    let one = identity(&people, "Jane", &[1]).await;
    let path = format!("/api/v1/users/identities/{one}");
    assert!(!people.app.get(&path).await.text().contains("x.org"));
    let reader = people.app.token(&["read:pii"]);
    let seen = people.app.get_as(&reader, &path).await.expect(200);
    assert_eq!(seen["profiles"][0]["emails"][0]["email"], "a@x.org");
    // The journal says nothing of addresses to those who may not read them.
    assert!(!people.get("/identity-operations").await.text().contains("x.org"));
    let rows = format!("/api/v1/users/identity-operations/{}/rows", added["operation_id"]);
    people.app.get_as(&people.token, &rows).await.expect(403);
    let seen = people.app.get_as(&reader, &rows).await.expect(200);
    assert!(seen.to_string().contains("C@x.org"));
}

#[tokio::test(flavor = "multi_thread")]
async fn undo_does_not_lose_what_ingest_said_since() {
    let people = People::new(1).await;
    let added = people.post("/profiles/1/emails", json!({"email": "a@x.org"})).await.expect(201);
    people.sql("update email set last_seen_at = now()").await;
    let problem = people.undo(&added["operation_id"]).await.expect(409);
    assert_eq!(problem["type"], "urn:boost-dashboard:changed_since");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_took_the_place_of_a_row_is_in_the_way_of_its_return() {
    let people = People::new(1).await;
    let address = json!({"email": "a@x.org"});
    let added = people.post("/profiles/1/emails", address.clone()).await.expect(201);
    let path = format!("/profiles/1/emails/{}", added["email_id"]);
    let removed = people.send(Method::DELETE, &path, None).await.expect(200);
    let again = people.post("/profiles/1/emails", address).await.expect(201);
    let problem = people.undo(&removed["operation_id"]).await.expect(409);
    assert_eq!(problem["errors"][0]["suggestion"], again["operation_id"].to_string());
    people.undo(&again["operation_id"]).await.expect(200);
    people.undo(&removed["operation_id"]).await.expect(200);
}
