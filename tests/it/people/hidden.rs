//! Hidden identities: no answer holds what is hidden, and all of it comes back.

use std::collections::BTreeMap;

use axum::{
    body::Body,
    http::{Method, header},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use boost_dashboard::{
    app::Clock,
    domains,
    query::{column::Type, relation, resource::Resource},
};
use serde_json::{Value, json};

use super::{People, journeys::identity};
use crate::{
    openapi::{operations, served},
    reads::seed,
    support::{TestApp, request},
};

/// What every personal text holds in this world, and no other text.
pub(super) const SECRET: &str = "qzsecret";

/// The personal columns, of profiles, of identities and of what belongs to them.
pub(super) const PERSONAL: [(&str, &[&str]); 9] = [
    ("github_account", &["username", "display_name", "avatar_url"]),
    ("slack_user", &["username", "display_name", "avatar_url"]),
    ("discord_profile", &["username", "display_name", "avatar_url"]),
    ("mailing_list_profile", &["display_name", "profile_key"]),
    ("wg21_paper_author_profile", &["display_name", "author_alias", "profile_key"]),
    ("youtube_speaker", &["display_name", "external_id"]),
    ("email", &["email", "email_lower"]),
    ("identity", &["display_name", "description"]),
    ("tmp_identity", &["display_name", "description"]),
];

/// Reads that are no table's, by the path that documents them.
const OTHERS: [(&str, &str); 29] = [
    ("/boost/libraries/{id}/contributors", "/boost/libraries/1/contributors"),
    ("/boost/libraries/{id}/dependents", "/boost/libraries/1/dependents?version=1.1.0"),
    ("/boost/versions/latest", "/boost/versions/latest"),
    ("/boost/versions/{a}/diff/{b}", "/boost/versions/1.1.0/diff/1.2.0"),
    ("/changes", "/changes?limit=500"),
    ("/dashboard/boost-usage", "/dashboard/boost-usage"),
    ("/dashboard/boost-usage/languages", "/dashboard/boost-usage/languages"),
    ("/dashboard/boost-usage/libraries", "/dashboard/boost-usage/libraries"),
    ("/dashboard/boost-usage/libraries/{id}", "/dashboard/boost-usage/libraries/1"),
    ("/dashboard/boost-usage/repositories/top", "/dashboard/boost-usage/repositories/top"),
    ("/dashboard/boost-usage/summary", "/dashboard/boost-usage/summary"),
    ("/dashboard/boost-usage/versions", "/dashboard/boost-usage/versions"),
    ("/dashboard/overview", "/dashboard/overview?window=2024-01-01/2025-01-01"),
    ("/dashboard/{section}", "/dashboard/commits?window=2024-01-01/2025-01-01"),
    ("/dashboard/{section}", "/dashboard/mailing-list?window=2024-01-01/2025-01-01"),
    ("/dashboard/{section}", "/dashboard/slack?window=2024-01-01/2025-01-01"),
    ("/docs/contents/{id}/text", "/docs/contents/1/text"),
    ("/github/files/{id}/renames", "/github/files/1/renames"),
    ("/mailing-list/threads/{thread_id}", "/mailing-list/threads/t"),
    ("/slack/channels/{id}/threads/{thread_ts}", "/slack/channels/1/threads/1.0"),
    ("/usage/missing-headers/summary", "/usage/missing-headers/summary"),
    ("/users/identities/{id}", "/users/identities/1"),
    ("/users/identities/{id}/activity", "/users/identities/1/activity"),
    ("/users/identities/{id}/timeline", "/users/identities/1/timeline?limit=500"),
    ("/users/profiles/unlinked", "/users/profiles/unlinked"),
    ("/wg21/papers/{paper_id}/revisions", "/wg21/papers/p1r1/revisions"),
    ("/youtube/videos/{id}/transcript", "/youtube/videos/none/transcript"),
    ("/users/identity-operations", "/users/identity-operations"),
    ("/users/identity-suggestions", "/users/identity-suggestions"),
];

/// A world in which every profile is one person's, whose identity is 1.
pub(super) async fn world() -> People {
    let now = Clock::system().now();
    let app = TestApp::with_clock(Clock::new(move || now), |_| {}).await;
    seed::fill(&app).await;
    let token = app.token(&["read", "read:pii", "identity:write", "ingest:*"]);
    let people = People { app, token };
    let mut sql = String::from(
        "update base_profile set identity_id = 1;
         update identity set is_locked = false;
         update mailing_list_message set thread_id = 't';
         update slack_channel set channel_type = 'public_channel';
         update slack_message set channel_id = 1, thread_ts = '1.0';
         update boost_version set version = 'boost-1.' || id || '.0',
            version_key = 100000 + id * 100, version_created_at = date '2024-02-25' + id::int;
         update wg21_paper set paper_id = 'p1r' || id;
         update boost_file set library_id = 1;",
    );
    for (table, columns) in PERSONAL {
        let set = columns.iter().map(|column| format!("{column} = '{SECRET}-' || id"));
        let set = set.collect::<Vec<_>>().join(", ");
        let only = match table {
            "identity" => "where id = 1",
            "tmp_identity" => {
                "where id in (select target_identity_id from temp_profile_identity_relation)"
            }
            _ => "",
        };
        sql.extend([format!("update {table} set {set} {only};")]);
    }
    people.sql(&sql).await;
    // The journal has images of it all.
    let away = identity(&people, &format!("{SECRET} Away"), &[]).await;
    people.post("/identities/1/merge", json!({"from": [away]})).await.expect(200);
    let edit = Some(json!({"description": format!("{SECRET} of the journal")}));
    people.send(Method::PATCH, "/identities/1", edit).await.expect(200);
    let address = format!("{SECRET}@journal.example");
    people.post("/profiles/1/emails", json!({"email": address})).await.expect(201);
    let staged = json!({"display_name": format!("{SECRET} staged"), "profiles": [1]});
    people.post("/tmp-identities", staged).await.expect(201);
    people
}

fn resources() -> Vec<Resource> {
    domains::all().into_iter().flat_map(|domain| domain.resources).collect()
}

/// Every address that is read, and the formats it is read in.
async fn addresses(people: &People) -> Vec<(String, &'static str)> {
    let mut paths = Vec::new();
    for resource in resources() {
        let path = resource.path;
        let names = relation::of(&resource).iter();
        let all: Vec<&str> = names.clone().map(|it| it.name.as_str()).collect();
        let one: Vec<&str> = names.filter(|it| it.is_one()).map(|it| it.name.as_str()).collect();
        let list = format!("{path}?limit=500");
        for format in ["application/json", "text/csv", "application/x-ndjson"] {
            paths.push((list.clone(), format));
        }
        for include in one {
            paths.push((format!("{list}&include={include}"), "application/json"));
        }
        paths.push((format!("{path}/changes?limit=500"), "application/json"));
        for column in resource.columns.iter().filter(|column| column.ty == Type::Text) {
            let stats = format!("{path}/stats?group_by={0}&measure=count,min:{0}", column.name);
            paths.push((stats, "application/json"));
            let stats = format!("{path}/stats?group_by={}", column.name);
            paths.push((stats, "application/json"));
        }
        let page = people.app.get_as(&people.token, &format!("/api/v1{list}")).await.expect(200);
        for row in page["data"].as_array().unwrap() {
            let key = match &row[resource.key().name] {
                Value::String(key) => key.replace('%', "%25"),
                key => key.to_string(),
            };
            paths.push((format!("{path}/{key}"), "application/json"));
            paths.push((format!("{path}/{key}/provenance"), "application/json"));
            if !all.is_empty() {
                let whole = format!("{path}/{key}?include={}", all.join(","));
                paths.push((whole, "application/json"));
            }
        }
    }
    paths.extend(OTHERS.iter().map(|(_, path)| ((*path).to_owned(), "application/json")));
    for operation in 1..=8 {
        let rows = format!("/users/identity-operations/{operation}/rows?limit=500");
        paths.push((rows, "application/json"));
    }
    paths
}

/// Every answer, as text.
async fn answers(
    people: &People,
    addresses: &[(String, &'static str)],
) -> BTreeMap<String, String> {
    people.app.db().settle().await;
    let mut answers = BTreeMap::new();
    for (path, format) in addresses {
        let request = request(Method::GET, &format!("/api/v1{path}"), Some(&people.token))
            .header(header::ACCEPT, *format);
        let answer = people.app.send(request.body(Body::empty()).unwrap()).await;
        assert!(answer.status() < 500, "{path}: {}", answer.text());
        // A refusal names its request.
        let request = answer.header("x-request-id").unwrap_or_default();
        answers.insert(format!("{path} {format}"), answer.text().replace(request, ""));
    }
    answers
}

/// The addresses whose answers hold the secret.
fn told(answers: &BTreeMap<String, String>) -> Vec<&String> {
    let told = answers.iter().filter(|(_, text)| text.to_lowercase().contains(SECRET));
    told.map(|(path, _)| path).collect()
}

/// Whether an answer is about what was done, and not about what is.
fn is_history(path: &str) -> bool {
    path.contains("/changes") || path.contains("identity-operations")
}

#[tokio::test(flavor = "multi_thread")]
async fn no_answer_tells_who_is_hidden_and_every_answer_comes_back() {
    let people = world().await;
    let addresses = addresses(&people).await;
    let before = answers(&people, &addresses).await;
    let told_before = told(&before);
    // The test would show nothing of an answer that holds nothing.
    for path in [
        "/users/emails?limit=500 text/csv",
        "/users/github-accounts?limit=500 application/x-ndjson",
        "/users/github-accounts/changes?limit=500 application/json",
        "/github/commits?limit=500&include=account application/json",
        "/users/identities/1 application/json",
        "/users/tmp-identities?limit=500 application/json",
        "/users/identities/1/timeline?limit=500 application/json",
        "/users/identity-operations/1/rows?limit=500 application/json",
        "/mailing-list/threads/t application/json",
        "/slack/channels/1/threads/1.0 application/json",
        "/boost/libraries/1/contributors application/json",
        "/dashboard/commits?window=2024-01-01/2025-01-01 application/json",
        "/changes?limit=500 application/json",
    ] {
        assert!(told_before.iter().any(|it| *it == path), "{path}: {}", before[path]);
    }

    let hidden = people.send(Method::POST, "/identities/1/hide", None).await.expect(200);
    assert_eq!(hidden["identity"]["is_hidden"], true);
    assert_eq!(hidden["identity"]["display_name"], "person-1");
    assert_eq!(hidden["identity"]["profiles"][0]["display_name"], "person-1");
    assert!(!hidden.to_string().contains(SECRET), "{hidden}");
    let during = answers(&people, &addresses).await;
    assert_eq!(told(&during), Vec::<&String>::new());
    // The same rows, with another name.
    let accounts = &during["/users/github-accounts?limit=500 application/json"];
    assert_eq!(accounts.matches("\"username\":\"person-1\"").count(), seed::ROWS, "{accounts}");
    // Again, and whoever asks: it is the same.
    let again = people.app.get("/api/v1/users/github-accounts?limit=500").await;
    assert_eq!(again.json()["data"], serde_json::from_str::<Value>(accounts).unwrap()["data"]);

    people.undo(&hidden["operation_id"]).await.expect(200);
    let after = answers(&people, &addresses).await;
    for (path, text) in before.iter().filter(|(path, _)| !is_history(path)) {
        assert_eq!(&after[path], text, "{path}");
    }
    assert!(told(&after).len() >= told_before.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_read_of_the_document_is_looked_at() {
    let app = TestApp::new().await;
    let tables: Vec<&str> = resources().iter().map(|it| it.path).collect();
    for (method, path, _) in operations(&served(&app).await) {
        let Some(path) = path.strip_prefix("/api/v1").filter(|_| method == "GET") else { continue };
        let table = ["/{id}/provenance", "/{id}", "/stats", "/changes", ""];
        let is_tables = table
            .iter()
            .any(|end| path.strip_suffix(end).is_some_and(|table| tables.contains(&table)));
        let is_other = OTHERS.iter().any(|(documented, _)| *documented == path);
        // Lists that are a table's with one filter more; and what is no row: payloads in the archive,
        // receipts, examples.
        let is_known = ["/github/repositories/{owner}/{name}", "/ingest/", "/openapi.json"]
            .iter()
            .any(|begin| path.starts_with(begin))
            || path.starts_with("/users/identity-operations/")
            || path.starts_with("/users/identity-suggestions/");
        assert!(is_tables || is_other || is_known, "{path} is not looked at");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_found_by_what_is_hidden() {
    let people = world().await;
    people.send(Method::POST, "/identities/1/hide", None).await.expect(200);
    let get = async |path: &str| {
        people.app.get_as(&people.token, &format!("/api/v1{path}")).await.expect(200)
    };
    let count = async |path: &str| get(path).await["data"].as_array().unwrap().len();
    for path in [
        "/users/github-accounts?username=qzsecret-1",
        "/users/github-accounts?username__contains=qzsecret",
        "/users/github-accounts?display_name__in=qzsecret-1,qzsecret-2",
        "/users/emails?email=qzsecret-1",
        "/users/emails?email__startswith=qzsecret",
        "/users/identities?display_name=qzsecret-1",
        "/users/youtube-speakers?external_id__gte=qz",
        "/users/wg21-paper-author-profiles?author_alias__ne=",
    ] {
        assert_eq!(count(path).await, 0, "{path}");
    }
    assert_eq!(count("/users/github-accounts?username=person-1").await, seed::ROWS);

    // A walk by a hidden column meets each row once, and its cursors hold the pseudonym.
    for sort in ["username", "-display_name"] {
        let first = format!("/users/github-accounts?limit=2&sort={sort}");
        let (mut next, mut met) = (first.clone(), Vec::new());
        loop {
            let page = get(&next).await;
            met.extend(page["data"].as_array().unwrap().iter().map(|row| row["id"].as_i64()));
            let Some(cursor) = page["page"]["next_cursor"].as_str() else { break };
            let sealed = URL_SAFE_NO_PAD.decode(cursor).unwrap();
            assert!(!String::from_utf8_lossy(&sealed).contains(SECRET));
            next = format!("{first}&cursor={cursor}");
        }
        met.sort_unstable();
        met.dedup();
        assert_eq!(met.len(), seed::ROWS, "{sort}");
    }

    // A repository is found under its owner's pseudonym, and under no other name.
    let repository = get("/github/repositories?limit=1").await["data"][0]["repo_name"].clone();
    let name = repository.as_str().unwrap().replace('%', "%25");
    for (owner, status) in [("qzsecret-1", 404), ("person-1", 200)] {
        for more in ["", "/commits", "/issues", "/pull-requests"] {
            let path = format!("/api/v1/github/repositories/{owner}/{name}{more}");
            assert_eq!(people.app.get(&path).await.status(), status, "{path}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_merged_with_a_hidden_one_is_hidden_until_that_is_undone() {
    let people = People::new(3).await;
    let a = identity(&people, "Ada", &[1]).await;
    let b = identity(&people, "Bo", &[2]).await;
    people.send(Method::POST, &format!("/identities/{a}/hide"), None).await.expect(200);
    let again = people.send(Method::POST, &format!("/identities/{a}/hide"), None).await;
    assert_eq!(again.expect(200)["operation_id"], Value::Null);
    let name = async |id: i64| {
        people.get(&format!("/identities/{id}")).await.expect(200)["display_name"].clone()
    };
    let user = async |id: i64| {
        people.get(&format!("/github-accounts/{id}")).await.expect(200)["username"].clone()
    };
    assert_eq!((name(a).await, name(b).await), (json!(format!("person-{a}")), json!("Bo")));

    let merge = json!({"from": [a]});
    let merged = people.post(&format!("/identities/{b}/merge"), merge).await.expect(200);
    assert_eq!(merged["identity"]["is_hidden"], true);
    assert_eq!((user(1).await, user(2).await), (json!("person-2"), json!("person-2")));
    assert_eq!(user(3).await, "user3");
    // What is split off is hidden too; what is linked elsewhere is not.
    let split = people.post(&format!("/identities/{b}/split"), json!({"profiles": [2]})).await;
    let split = split.expect(201);
    assert_eq!(split["identity"]["is_hidden"], true);
    let c = split["identity"]["id"].clone();
    assert_eq!(user(2).await, format!("person-{c}"));
    people.undo(&split["operation_id"]).await.expect(200);
    let body = Some(json!({"identity_id": null}));
    let unlinked = people.send(Method::PUT, "/profiles/2/identity", body).await.expect(200);
    assert_eq!(user(2).await, "user2");
    people.undo(&unlinked["operation_id"]).await.expect(200);

    people.undo(&merged["operation_id"]).await.expect(200);
    assert_eq!((name(a).await, name(b).await), (json!(format!("person-{a}")), json!("Bo")));
    assert_eq!((user(1).await, user(2).await), (json!(format!("person-{a}")), json!("user2")));
    people.send(Method::POST, &format!("/identities/{a}/unhide"), None).await.expect(200);
    assert_eq!((name(a).await, user(1).await), (json!("Ada"), json!("user1")));
    people.send(Method::POST, "/identities/99/hide", None).await.expect(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hidden_bot_is_a_bot() {
    let people = People::new(1).await;
    people.sql("update github_account set username = 'Renovate[Bot]'").await;
    let a = identity(&people, "Renovate", &[1]).await;
    let hidden = people.send(Method::POST, &format!("/identities/{a}/hide"), None).await;
    let profile = &hidden.expect(200)["identity"]["profiles"][0];
    assert_eq!((&profile["username"], &profile["is_bot"]), (&json!("person-1[bot]"), &json!(true)));
}

#[tokio::test(flavor = "multi_thread")]
async fn ingest_goes_on_with_what_is_hidden() {
    let mut people = People::new(0).await;
    people.token = people.app.token(&["identity:write", "ingest:*", "read:pii"]);
    let account = |name: &str, at: &str| {
        json!({"id": 1001, "login": "qzsecret", "name": name, "type": "User",
            "avatar_url": "https://qzsecret.example/a", "email": "qzsecret@example.org",
            "updated_at": at})
    };
    let send = async |body: Value| {
        let path = "/api/v1/ingest/github/accounts";
        people.app.post_json(path, &people.token, &body).await.expect(200)
    };
    send(account("qzsecret Roe", "2024-05-01T00:00:00Z")).await;
    let list = "/api/v1/users/github-accounts";
    let before = people.app.get(list).await.expect(200)["data"].clone();
    let profile = before[0]["id"].as_i64().unwrap();
    let id = identity(&people, "qzsecret Roe", &[profile]).await;
    people.send(Method::POST, &format!("/identities/{id}/hide"), None).await.expect(200);
    send(account("qzsecret R. Roe", "2024-06-01T00:00:00Z")).await;
    for path in [list, "/api/v1/users/emails", "/api/v1/users/profiles"] {
        let rows = people.app.get_as(&people.token, path).await.expect(200);
        assert_eq!(rows["data"].as_array().unwrap().len(), 1, "{rows}");
        assert!(!rows.to_string().contains(SECRET), "{rows}");
    }
    let shown = people.app.get(list).await.expect(200)["data"][0].clone();
    assert_eq!(shown["display_name"], format!("person-{id}"));
    let provenance = format!("{list}/{profile}/provenance");
    let provenance = people.app.get(&provenance).await.expect(200);
    assert!(!provenance.to_string().contains(SECRET), "{provenance}");
    people.send(Method::POST, &format!("/identities/{id}/unhide"), None).await.expect(200);
    let shown = people.app.get(list).await.expect(200)["data"][0].clone();
    assert_eq!(shown["display_name"], "qzsecret R. Roe");
    assert_eq!(shown["username"], "qzsecret");
}

/// The columns of a relation, in order.
async fn columns(people: &People, schema: &str, table: &str) -> Vec<String> {
    let rows = people
        .rows(&format!(
            "select column_name::text || ' ' || udt_name from information_schema.columns \
             where table_schema = '{schema}' and table_name = '{table}' order by ordinal_position"
        ))
        .await;
    rows.into_iter().map(|row| format!("{:?}", row[0])).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_views_have_the_columns_of_their_tables_and_hide_what_is_text() {
    let people = People::new(0).await;
    for (table, personal) in PERSONAL.into_iter().chain([("identity_operation_row", &[][..])]) {
        let stored = columns(&people, "public", table).await;
        assert_eq!(columns(&people, "pseudonymous", table).await, stored, "{table}");
        // A new text is personal, or somebody says here why not.
        let texts = stored.iter().filter(|column| column.contains(" text"));
        let texts = texts.filter(|column| !personal.iter().any(|it| column.contains(it)));
        let known = ["stub_key", "slack_user_id", "table_name", "role"];
        let new: Vec<_> =
            texts.filter(|it| !known.iter().any(|known| it.contains(known))).collect();
        assert!(new.is_empty(), "{table}: {new:?}");
    }
}
