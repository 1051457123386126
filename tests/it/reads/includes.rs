//! Related rows inside rows.

use std::collections::{BTreeMap, BTreeSet};

use boost_dashboard::{
    db::sql::{Row, Statement, Value as Sql},
    http::scope::Scope,
    query::{
        relation::{self, Relation},
        resource::Resource,
    },
};
use diesel_async::{RunQueryDsl as _, SimpleAsyncConnection as _};
use serde_json::{Value, json};

use super::{all_rows, query_text, resources, seed, seeded};
use crate::support::TestApp;

/// All rows of every table, by its path.
async fn world(app: &TestApp, token: &str) -> BTreeMap<&'static str, Vec<Value>> {
    let mut world = BTreeMap::new();
    for resource in resources() {
        world.insert(resource.path, all_rows(app, token, resource.path).await);
    }
    world
}

/// What a relation must show in `row`: found by hand.
pub(super) fn expected(
    world: &BTreeMap<&str, Vec<Value>>,
    resource: &Resource,
    relation: &Relation,
    row: &Value,
) -> Value {
    let target = relation.target().resource();
    let (from, by) = (resource.columns[relation.from].name, target.columns[relation.by].name);
    let mut found =
        world[target.path].iter().filter(|it| !row[from].is_null() && it[by] == row[from]);
    if relation.is_one() {
        found.next().cloned().unwrap_or(Value::Null)
    } else {
        Value::Array(found.cloned().collect())
    }
}

/// The row with the members that its relations add.
fn with_related(
    world: &BTreeMap<&str, Vec<Value>>,
    resource: &Resource,
    relations: &[&Relation],
    row: &Value,
) -> Value {
    let mut row = row.clone();
    for relation in relations {
        let related = expected(world, resource, relation, &row);
        row[relation.name.as_str()] = related;
    }
    row
}

pub(super) fn names(relations: &[&Relation]) -> String {
    relations.iter().map(|it| it.name.as_str()).collect::<Vec<_>>().join(",")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_relation_of_every_table_is_included() {
    let (app, token) = seeded().await;
    let world = world(&app, &token).await;
    let (mut found, mut lists) = (0, 0);
    for resource in resources() {
        let all: Vec<_> = relation::of(&resource).iter().collect();
        let ones: Vec<_> = all.iter().filter(|it| it.is_one()).copied().collect();
        let rows = &world[resource.path];
        if !ones.is_empty() {
            let path = format!("/api/v1{}?limit=500&include={}", resource.path, names(&ones));
            let page = app.get_as(&token, &path).await.expect(200);
            let with: Vec<_> =
                rows.iter().map(|row| with_related(&world, &resource, &ones, row)).collect();
            assert_eq!(page["data"], Value::Array(with), "{path}");
            lists += 1;
        }
        if !all.is_empty() {
            for row in rows.iter().take(3) {
                let key = query_text(&row[resource.key().name]);
                let path = format!("/api/v1{}/{key}?include={}", resource.path, names(&all));
                let shown = app.get_as(&token, &path).await.expect(200);
                let with = with_related(&world, &resource, &all, row);
                assert_eq!(shown, with, "{path}");
                found += with.as_object().unwrap().values().filter(|it| it.is_object()).count();
            }
        }
    }
    assert!(lists > 50 && found > 200, "{lists} lists, {found} objects");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_shows_what_is_included_and_its_fields() {
    let (app, token) = seeded().await;
    let path = "/api/v1/github/issues?fields=title&include=account,repo&sort=-issue_closed_at";
    let first = app.get_as(&token, &format!("{path}&limit=4")).await.expect(200);
    let cursor = first["page"]["next_cursor"].as_str().unwrap();
    // A cursor holds whatever is included.
    let bare = path.replace("&include=account,repo", "");
    let second = app.get_as(&token, &format!("{bare}&limit=4&cursor={cursor}")).await.expect(200);
    assert_eq!(second["data"][0].as_object().unwrap().len(), 1);
    for row in first["data"].as_array().unwrap() {
        let members: BTreeSet<_> = row.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(members, BTreeSet::from(["account", "repo", "title"]));
        assert!(row["account"]["identity_id"].is_i64() || row["account"]["identity_id"].is_null());
        assert!(row["repo"]["stars"].is_i64());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_below_a_repository_include_as_well() {
    let (app, token) = seeded().await;
    let issue = all_rows(&app, &token, "/github/issues").await.remove(0);
    let name = format!(
        "update github_repository set repo_name = 'json' where id = {0}; \
         update github_account set username = 'boostorg' where id = \
            (select owner_account_id from github_repository where id = {0})",
        issue["repo_id"]
    );
    app.db().connect().await.batch_execute(&name).await.unwrap();
    let repo = format!("/api/v1/github/repositories/{}", issue["repo_id"]);
    let repo = app.get_as(&token, &repo).await.expect(200);
    let path = "/api/v1/github/repositories/boostorg/json/issues";
    let page = app.get_as(&token, &format!("{path}?include=account,repo")).await.expect(200);
    let rows = page["data"].as_array().unwrap();
    assert!(!rows.is_empty());
    assert!(rows.iter().all(|row| row["repo"] == repo && row["account"].is_object()));
    let path = format!("{path}/{}?include=comments,repo", issue["issue_number"]);
    let row = app.get_as(&token, &path).await.expect(200);
    assert!(row["comments"].is_array() && row["repo"] == repo);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_sees_through_another_row_what_is_hidden() {
    let (app, token) = seeded().await;
    let reader = app.token(&["read"]);
    let mut visible = BTreeMap::new();
    for resource in resources().iter().filter(|it| it.scope == Scope::Read) {
        let path = format!("{}?limit=500", resource.path);
        let page = app.get_as(&reader, &format!("/api/v1{path}")).await.expect(200);
        let rows = page["data"].as_array().unwrap();
        let rows: BTreeSet<_> = rows.iter().map(ToString::to_string).collect();
        visible.insert(resource.path, rows);
    }
    let mut hidden = 0;
    for resource in resources() {
        let all = relation::of(&resource);
        let (open, guarded): (Vec<_>, Vec<_>) =
            all.iter().partition(|it| it.target().resource().scope == Scope::Read);
        for row in all_rows(&app, &token, resource.path).await.iter().take(4) {
            let key = query_text(&row[resource.key().name]);
            let path = format!("/api/v1{}/{key}", resource.path);
            for relation in &guarded {
                let path = format!("{path}?include={}", relation.name);
                assert_eq!(app.get(&path).await.status(), 401, "{path}");
                assert_eq!(app.get_as(&reader, &path).await.status(), 403, "{path}");
                assert_eq!(app.get_as(&token, &path).await.status(), 200, "{path}");
            }
            if open.is_empty() || resource.scope != Scope::Read {
                continue;
            }
            let answer = app.get(&format!("{path}?include={}", names(&open))).await;
            if answer.status() == 404 {
                continue;
            }
            let shown = answer.expect(200);
            for relation in &open {
                let visible = &visible[relation.target().resource().path];
                let member = &shown[relation.name.as_str()];
                let related = member.as_array().cloned().unwrap_or_else(|| vec![member.clone()]);
                for row in related.iter().filter(|row| !row.is_null()) {
                    assert!(visible.contains(&row.to_string()), "{path} {}", relation.name);
                }
                hidden += usize::from(member.is_null() || *member == json!([]));
            }
        }
    }
    assert!(hidden > 0);
    // The other way round: addresses name profiles, and who may read them may see both.
    let pii = app.token(&["read", "read:pii"]);
    let page = app.get_as(&pii, "/api/v1/users/emails?include=base_profile").await.expect(200);
    let first = &page["data"][0];
    assert!(first["base_profile"]["id"].is_i64() && first["email"].is_string());
}

/// How often the pool's only connection has run the statements that it has prepared.
async fn runs(app: &TestApp) -> i64 {
    let mut connection = app.app().pool.get().await.unwrap();
    let sql = "select coalesce(sum(generic_plans + custom_plans), 0)::bigint \
               from pg_prepared_statements where statement not like '%pg_prepared_statements%'";
    let Row(counted) = Statement::new(sql).get_result(&mut *connection).await.unwrap();
    match counted[..] {
        [Sql::BigInt(runs)] => runs,
        _ => panic!("{counted:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_include_is_one_statement_however_many_rows_there_are() {
    let app = TestApp::with(|settings| settings.pool_size = 1).await;
    seed::fill(&app).await;
    let token = app.token(&["read", "read:pii"]);
    for (path, statements) in [
        ("/github/issues?limit=13", 1),
        ("/github/issues?limit=13&include=repo", 2),
        ("/github/issues?limit=13&include=repo,account", 3),
        ("/github/issues?limit=1&include=repo,account", 3),
        ("/github/issues/1?include=repo,account,comments,labels,assignees", 6),
        ("/users/profiles?limit=13&include=identity,github_account,slack_user", 4),
    ] {
        let path = format!("/api/v1{path}");
        // A shape is kept from its second run on, so every statement counts by the fourth.
        for _ in 0..3 {
            app.get_as(&token, &path).await.expect(200);
        }
        let before = runs(&app).await;
        app.get_as(&token, &path).await.expect(200);
        assert_eq!(runs(&app).await - before, statements, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_with_many_children_tells_where_the_others_are() {
    let (app, token) = seeded().await;
    let mut connection = app.db().connect().await;
    let labels = "delete from issue_label where issue_id = 1; \
        insert into issue_label (issue_id, label_name) \
        select 1, 'label ' || n from generate_series(1, 230) n";
    connection.batch_execute(labels).await.unwrap();
    let path = "/api/v1/github/issues/1?include=labels,assignees";
    let row = app.get_as(&token, path).await.expect(200);
    let mut labels = row["labels"].as_array().unwrap().clone();
    assert_eq!(labels.len(), 100);
    assert_eq!(row["more"].as_object().unwrap().len(), 1);
    let mut rest = row["more"]["labels"].as_str().unwrap().to_owned();
    rest.push_str("&limit=500");
    let page = app.get_as(&token, &rest).await.expect(200);
    labels.extend(page["data"].as_array().unwrap().iter().cloned());
    let names: BTreeSet<_> = labels.iter().map(|it| it["label_name"].as_str().unwrap()).collect();
    assert_eq!((labels.len(), names.len()), (230, 230));
    // Exactly as many as are shown: there are no others.
    let cut = "delete from issue_label where issue_id = 1 and id > \
        (select max(id) from (select id from issue_label where issue_id = 1 order by id limit 100) it)";
    connection.batch_execute(cut).await.unwrap();
    let row = app.get_as(&token, path).await.expect(200);
    assert_eq!(row["labels"].as_array().unwrap().len(), 100);
    assert_eq!(row.get("more"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_included_is_named() {
    let (app, token) = seeded().await;
    for (path, code, suggestion) in [
        ("/github/issues?include=repos", "unknown_include", Some("repo")),
        ("/github/issues?include=account_id", "unknown_include", Some("account")),
        ("/github/issues?include=", "unknown_include", None),
        ("/github/issues?include=repo,", "unknown_include", None),
        ("/github/issues?include=repo,repo", "duplicate_include", None),
        ("/github/issues?include=comments", "unknown_include", None),
        ("/github/issues/1?include=coments", "unknown_include", Some("comments")),
        ("/github/issues/1?include=labels,labels", "duplicate_include", None),
        ("/github/languages?include=repo", "unknown_include", None),
        ("/github/languages?inclued=repo", "unknown_parameter", Some("include")),
    ] {
        let problem = app.get_as(&token, &format!("/api/v1{path}")).await.expect(400);
        let fault = &problem["errors"][0];
        assert_eq!(fault["code"], code, "{path}: {fault}");
        if let Some(suggestion) = suggestion {
            assert_eq!(fault["suggestion"], suggestion, "{path}: {fault}");
        }
    }
}
