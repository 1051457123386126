//! Repositories by name, and what lies below them.

use boost_dashboard::db::sql::Statement;
use diesel_async::RunQueryDsl as _;
use serde_json::{Value, json};

use super::{all_rows, seeded};
use crate::support::TestApp;

/// Names the first seeded repository `Boostorg/JSON`, formerly `old/json`.
pub(super) async fn named() -> (TestApp, String, Value) {
    let (app, token) = seeded().await;
    let repository = all_rows(&app, &token, "/github/repositories").await.remove(0);
    let (id, owner) = (&repository["id"], &repository["owner_account_id"]);
    let mut connection = app.db().connect().await;
    for sql in [
        format!("update github_account set username = 'Boostorg' where id = {owner}"),
        format!("update github_repository set repo_name = 'JSON' where id = {id}"),
        format!(
            "insert into former_repository_name (owner_lower, name_lower, repo_id, seen_at) \
             values ('old', 'json', {id}, now())"
        ),
    ] {
        Statement::new(sql).execute(&mut connection).await.unwrap();
    }
    let repository = app.get(&format!("/api/v1/github/repositories/{id}")).await.expect(200);
    (app, token, repository)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_is_found_by_its_name_in_any_case() {
    let (app, _, repository) = named().await;
    for name in ["Boostorg/JSON", "boostorg/json", "BOOSTORG/Json"] {
        let path = format!("/api/v1/github/repositories/{name}");
        assert_eq!(app.get(&path).await.expect(200), repository);
    }
    let path = "/api/v1/github/repositories/boostorg/json?fields=repo_name";
    assert_eq!(app.get(path).await.expect(200), json!({"repo_name": "JSON"}));
    for name in ["boostorg/jsn", "boost/json", "boostorg/%25", "%27/%27"] {
        app.get(&format!("/api/v1/github/repositories/{name}")).await.expect(404);
        app.get(&format!("/api/v1/github/repositories/{name}/commits")).await.expect(404);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_name_holds_nul() {
    let (app, ..) = named().await;
    for (path, parameter) in [
        ("github/repositories/%00/json", "owner"),
        ("github/repositories/boostorg/j%00son", "name"),
        ("github/repositories/%00/json/commits", "owner"),
        ("github/repositories/boostorg/%00/issues?state=open", "name"),
        ("github/repositories/boostorg/%00/pull-requests/1", "name"),
        ("github/repositories/boostorg/json/commits/%00", "sha"),
        ("ingest/receipts/%00", "id"),
        ("ingest/receipts/%00/items", "id"),
        ("youtube/videos/%00", "id"),
    ] {
        let problem = app.get(&format!("/api/v1/{path}")).await.expect(400);
        assert_eq!(problem["errors"][0]["code"], "invalid_path_parameter", "{path}");
        assert_eq!(problem["errors"][0]["parameter"], parameter, "{path}");
    }
    // `%2500` is the text `%00`, which nothing is called.
    app.get("/api/v1/github/repositories/%2500/json").await.expect(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_former_name_leads_to_the_present_one() {
    let (app, ..) = named().await;
    for rest in ["", "?fields=id", "/commits", "/commits/abc", "/issues?state=open&sort=-id"] {
        let answer = app.get(&format!("/api/v1/github/repositories/Old/JSON{rest}")).await;
        assert_eq!(answer.status(), 301);
        let present = format!("/api/v1/github/repositories/Boostorg/JSON{rest}");
        assert_eq!(answer.header("location"), Some(present.as_str()));
        // A browser would else keep it for ever, though the name may be another's one day.
        let kept = "private, max-age=0, must-revalidate";
        assert_eq!(answer.header("cache-control"), Some(kept));
        assert_eq!(answer.header("vary"), Some("accept, accept-encoding, authorization"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_lies_below_is_the_repositorys_own() {
    let (app, token, repository) = named().await;
    for (segment, table, key) in [
        ("commits", "/github/commits", "commit_hash"),
        ("issues", "/github/issues", "issue_number"),
        ("pull-requests", "/github/pull-requests", "pr_number"),
    ] {
        let mut own = all_rows(&app, &token, table).await;
        own.retain(|row| row["repo_id"] == repository["id"]);
        assert!(!own.is_empty(), "{table}");
        let below = format!("/api/v1/github/repositories/boostorg/json/{segment}");
        let page = app.get(&format!("{below}?sort=id&count=exact")).await.expect(200);
        assert_eq!(page["data"], json!(own));
        assert_eq!(page["meta"]["count"]["value"], own.len());
        app.get(&format!("{below}?repo_id=1&limit=501")).await.expect(400);

        let row = &own[0];
        let name = match &row[key] {
            Value::String(text) => super::query_text(&Value::String(text.to_uppercase())),
            number => number.to_string(),
        };
        if key == "commit_hash" {
            // Seeded hashes are no hexadecimals, but are in lower case as hashes are.
            assert_eq!(row[key], row[key].as_str().unwrap().to_lowercase());
        }
        assert_eq!(app.get(&format!("{below}/{name}")).await.expect(200), *row, "{below}/{name}");
        app.get(&format!("{below}/987654")).await.expect(404);
    }
    let path = "/api/v1/github/repositories/boostorg/json/issues/seven";
    let problem = app.get(path).await.expect(400);
    assert_eq!(problem["errors"][0]["parameter"], "number");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_below_a_repository_stays_there() {
    let (app, token, repository) = named().await;
    let mut connection = app.db().connect().await;
    let all = format!("update issue set repo_id = {}", repository["id"]);
    Statement::new(all).execute(&mut connection).await.unwrap();
    let page = app.get("/api/v1/github/repositories/boostorg/json/issues?limit=2").await;
    let page = page.expect(200);
    let cursor = page["page"]["next_cursor"].as_str().unwrap();
    app.get_as(&token, &format!("/api/v1/github/issues?cursor={cursor}")).await.expect(400);
    let same = format!("/api/v1/github/repositories/boostorg/json/issues?cursor={cursor}");
    assert_eq!(app.get(&same).await.expect(200)["data"].as_array().unwrap().len(), 11);
}
