//! Lists in whole, as CSV and NDJSON.

use std::{
    io::Read as _,
    time::{Duration, Instant},
};

use axum::{
    body::{Body, Bytes},
    http::{Method, Request},
    response::Response,
};
use boost_dashboard::{
    config::Settings,
    db::sql::{Row, Statement, Value as SqlValue},
    query::{column::Type, resource::Resource},
};
use diesel_async::{RunQueryDsl as _, SimpleAsyncConnection as _};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};

use super::{
    all_rows, keys, pages::follow, repositories::named, resource, resources, seed, seeded,
};
use crate::support::{Answer, TestApp, request};

const CSV: &str = "text/csv";
const NDJSON: &str = "application/x-ndjson";
/// Rows of the table that is too large for any buffer on the way.
const MANY: usize = 60_000;

fn asked(path: &str, accept: &str, token: Option<&str>) -> Request<Body> {
    let request = request(Method::GET, path, token).header("accept", accept);
    request.body(Body::empty()).unwrap()
}

async fn get(app: &TestApp, path: &str, accept: &str, token: &str) -> Answer {
    app.send(asked(path, accept, Some(token))).await
}

/// The rows of an NDJSON answer.
fn lines(answer: &Answer) -> Vec<Value> {
    assert_eq!(answer.status(), 200, "{}", answer.text());
    assert_eq!(answer.header("content-type"), Some(NDJSON));
    assert!(answer.text().is_empty() || answer.text().ends_with('\n'));
    answer.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The rows of a CSV answer, as they would be in JSON.
fn records(resource: &Resource, answer: &Answer) -> Vec<Value> {
    assert_eq!(answer.status(), 200, "{}", answer.text());
    assert_eq!(answer.header("content-type"), Some("text/csv; charset=utf-8; header=present"));
    let mut reader = csv::Reader::from_reader(answer.text().as_bytes());
    let names: Vec<_> = reader.headers().unwrap().iter().map(str::to_owned).collect();
    reader
        .records()
        .map(|record| {
            let record = record.unwrap();
            let members = names.iter().zip(record.iter()).map(|(name, text)| {
                let ty = resource.column(name).unwrap().ty;
                let value = match ty {
                    _ if text.is_empty() => Value::Null,
                    Type::Int | Type::BigInt | Type::Bool | Type::Json => {
                        serde_json::from_str(text).unwrap()
                    }
                    _ => json!(text),
                };
                (name.clone(), value)
            });
            Value::Object(members.collect())
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_list_is_exported_as_its_pages_show_it() {
    let (app, token) = seeded().await;
    for resource in resources() {
        let expected = all_rows(&app, &token, resource.path).await;
        let path = format!("/api/v1{}", resource.path);
        let ndjson = get(&app, &path, NDJSON, &token).await;
        assert_eq!(lines(&ndjson), expected, "{path}");
        let csv = get(&app, &path, CSV, &token).await;
        assert_eq!(records(&resource, &csv), expected, "{path}");
        for answer in [&ndjson, &csv] {
            assert_eq!(answer.header("x-row-order"), Some(resource.key().name), "{path}");
            assert!(answer.header("x-as-of").is_some_and(|it| it.ends_with('Z')), "{path}");
            assert_eq!(answer.header("cache-control"), Some("no-store"), "{path}");
            assert_eq!(answer.header("etag"), None, "{path}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_order_fields_limit_and_cursor_hold() {
    let (app, token) = seeded().await;
    let resource = resource("/github/issues");
    for query in [
        "sort=-issue_closed_at",
        "sort=issue_closed_at,-id",
        "sort=-issue_created_at&issue_number__gte=6",
        "issue_closed_at__isnull=true",
        "id__lt=0",
    ] {
        let expected = follow(&app, &token, &format!("/github/issues?{query}"), 500).await;
        let path = format!("/api/v1/github/issues?{query}");
        assert_eq!(lines(&get(&app, &path, NDJSON, &token).await), expected, "{query}");
        assert_eq!(records(&resource, &get(&app, &path, CSV, &token).await), expected, "{query}");
        for limit in [1, 4, 12, 100_000] {
            let part = get(&app, &format!("{path}&limit={limit}"), NDJSON, &token).await;
            assert_eq!(lines(&part), expected[..limit.min(expected.len())], "{query} {limit}");
        }
        let page = app.get_as(&token, &format!("{path}&limit=2")).await.expect(200);
        if let Some(cursor) = page["page"]["next_cursor"].as_str() {
            let rest = get(&app, &format!("{path}&cursor={cursor}"), NDJSON, &token).await;
            assert_eq!(lines(&rest), expected[2..], "{query}");
        }
    }
    let path = "/api/v1/github/issues?sort=-issue_closed_at&fields=title,id&limit=3";
    let part = get(&app, path, CSV, &token).await;
    assert_eq!(part.header("x-row-order"), Some("-issue_closed_at,-id"));
    assert!(part.text().starts_with("id,title\r\n"), "{}", part.text());
    let whole = lines(&get(&app, "/api/v1/github/issues", NDJSON, &token).await);
    assert_eq!(keys(&resource, &whole).len(), seed::ROWS);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_list_is_a_header_or_nothing() {
    let app = TestApp::new().await;
    let token = app.token(&["read"]);
    let csv = get(&app, "/api/v1/github/languages", CSV, &token).await;
    assert_eq!(csv.text(), "id,name,created_at\r\n");
    let ndjson = get(&app, "/api/v1/github/languages", NDJSON, &token).await;
    assert_eq!((ndjson.status(), ndjson.text(), ndjson.header("etag")), (200, "", None));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_null_is_not_an_empty_text() {
    let (app, token) = seeded().await;
    let mut connection = app.db().connect().await;
    let odd = "update issue set state_reason = null, body = case id when 1 then 'x' when 2 then '' \
               when 3 then '=1+1' else E'a \"b\",\\r\\nc' end where id <= 4";
    connection.batch_execute(odd).await.unwrap();
    let ask = async |query: &str| {
        let path = format!("/api/v1/github/issues?{query}");
        get(&app, &path, CSV, &token).await.text().to_owned()
    };
    let texts = ask("id__lte=4&fields=body").await;
    assert_eq!(texts, "body\r\nx\r\n\"\"\r\n=1+1\r\n\"a \"\"b\"\",\r\nc\"\r\n");
    let both = ask("id__lte=2&fields=id,body,state_reason").await;
    assert_eq!(both, "id,body,state_reason\r\n1,x,\r\n2,\"\",\r\n");
    // Readers skip empty lines.
    let nulls = ask("id__lte=2&fields=state_reason").await;
    assert_eq!(nulls, "state_reason\r\n\"\"\r\n\"\"\r\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_go_with_an_export_is_refused() {
    let (app, token) = seeded().await;
    for (query, parameter, code) in [
        ("count=exact", "count", "not_exported"),
        ("count=estimated", "count", "not_exported"),
        ("include=repo", "include", "not_exported"),
        ("limit=0", "limit", "out_of_range"),
        ("limit=-1", "limit", "invalid_type"),
        ("limit=99999999999999999999", "limit", "out_of_range"),
        ("lmit=1", "lmit", "unknown_parameter"),
        ("sort=title_", "sort", "unknown_field"),
        ("cursor=x", "cursor", "invalid_cursor"),
    ] {
        let path = format!("/api/v1/github/issues?{query}");
        let answer = get(&app, &path, CSV, &token).await;
        assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{query}");
        let problem = answer.expect(400);
        assert_eq!(problem["errors"][0]["parameter"], parameter, "{query}");
        assert_eq!(problem["errors"][0]["code"], code, "{query}");
    }
    let none = get(&app, "/api/v1/github/issues?count=none", NDJSON, &token).await;
    assert_eq!(lines(&none).len(), seed::ROWS);
    // Where `count` is a column, a number is its filter.
    let some = get(&app, "/api/v1/website/visit-counts?count=3", NDJSON, &token).await;
    assert!(lines(&some).iter().all(|row| row["count"] == 3));
    // A page is as it was, whatever else is asked for.
    app.send(asked("/api/v1/github/issues", "image/png, */*;q=0.1", None)).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_shows_nobody_more_than_a_page() {
    let (app, _) = seeded().await;
    let reader = app.token(&["read"]);
    for resource in resources().into_iter().filter(|it| it.public.is_some()) {
        let path = format!("/api/v1{}", resource.path);
        let page = app.get_as(&reader, &format!("{path}?limit=500")).await.expect(200);
        let rows = lines(&get(&app, &path, NDJSON, &reader).await);
        assert_eq!(json!(rows), page["data"], "{path}");
        assert!(rows.len() < seed::ROWS, "{path}");
    }
    assert_eq!(app.send(asked("/api/v1/users/emails", CSV, None)).await.status(), 401);
    assert_eq!(get(&app, "/api/v1/users/emails", CSV, &reader).await.status(), 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_below_a_repository_is_exported_too() {
    let (app, token, _) = named().await;
    for segment in ["commits", "issues", "pull-requests"] {
        let below = format!("/api/v1/github/repositories/boostorg/json/{segment}");
        let page = app.get(&below).await.expect(200);
        assert_eq!(json!(lines(&get(&app, &below, NDJSON, &token).await)), page["data"]);
    }
}

/// A server with a table that fills every buffer on the way to a client.
async fn with_many(change: impl FnOnce(&mut Settings)) -> TestApp {
    let app = TestApp::with(change).await;
    let fill = format!(
        "set session_replication_role = replica; \
         insert into language (name) select repeat('x', 200) || n from generate_series(1, {MANY}) n"
    );
    app.db().connect().await.batch_execute(&fill).await.unwrap();
    app
}

/// An export of that table, begun.
async fn begun(app: &TestApp) -> Response {
    let response = app.open(asked("/api/v1/github/languages", NDJSON, None)).await;
    assert_eq!(response.status(), 200);
    response
}

async fn next(response: &mut Response) -> Result<Bytes, axum::Error> {
    response.body_mut().frame().await.unwrap().map(|frame| frame.into_data().unwrap())
}

/// How many statements on that table run or wait.
async fn running(app: &TestApp) -> i64 {
    // What PostgreSQL does by itself, such as to analyse the table, is no export.
    let sql = "select count(*) from pg_stat_activity where datname = current_database() \
               and pid <> pg_backend_pid() and backend_type = 'client backend' \
               and state <> 'idle' and query like '%language%'";
    let mut connection = app.db().connect().await;
    let Row(values) = Statement::new(sql).get_result(&mut connection).await.unwrap();
    match values[..] {
        [SqlValue::BigInt(count)] => count,
        _ => panic!("{values:?}"),
    }
}

/// Waits until as many run.
async fn until_running(app: &TestApp, count: i64) -> Duration {
    let begun = Instant::now();
    while running(app).await != count {
        assert!(begun.elapsed() < Duration::from_secs(20), "not {count}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    begun.elapsed()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_ends_the_statement() {
    let app = with_many(|settings| (settings.pool_size, settings.max_exports) = (2, 1)).await;
    let mut response = begun(&app).await;
    next(&mut response).await.unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(running(&app).await, 1, "it waits for the client");
    drop(response);
    let took = until_running(&app, 0).await;
    assert!(took < Duration::from_secs(5), "{took:?}");
    // Its place and its connection are free.
    let connections = [app.app().pool.get().await.unwrap(), app.app().pool.get().await.unwrap()];
    drop(connections);
    drop(begun(&app).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_before_the_first_row_ends_the_statement() {
    let app = with_many(|_| {}).await;
    let mut other = app.db().connect().await;
    other.batch_execute("begin; lock table language in access exclusive mode").await.unwrap();
    let export = app.open(asked("/api/v1/github/languages", CSV, None));
    tokio::select! {
        _ = export => panic!("the table is locked"),
        _ = until_running(&app, 2) => {}
    }
    // The transaction that holds the lock counts, too.
    until_running(&app, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_that_fails_is_never_a_short_file() {
    let app = with_many(|_| {}).await;
    let mut response = begun(&app).await;
    next(&mut response).await.unwrap();
    let end = "select pg_terminate_backend(pid, 5000) from pg_stat_activity \
               where datname = current_database() and pid <> pg_backend_pid() \
               and query like '%language%'";
    app.db().connect().await.batch_execute(end).await.unwrap();
    response.into_body().collect().await.unwrap_err();
    app.get("/api/v1/github/languages?limit=1").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_takes_no_longer_than_it_may() {
    let app = with_many(|settings| settings.export_timeout_ms = 500).await;
    let mut response = begun(&app).await;
    next(&mut response).await.unwrap();
    tokio::time::sleep(Duration::from_millis(800)).await;
    response.into_body().collect().await.unwrap_err();
    until_running(&app, 0).await;

    let mut other = app.db().connect().await;
    other.batch_execute("begin; lock table language in access exclusive mode").await.unwrap();
    let problem = app.send(asked("/api/v1/github/languages", CSV, None)).await;
    assert!(problem.header("retry-after").is_some());
    problem.expect(503);
}

#[tokio::test(flavor = "multi_thread")]
async fn exports_leave_connections_for_pages() {
    let app = with_many(|settings| (settings.pool_size, settings.max_exports) = (2, 9)).await;
    let running = begun(&app).await;
    let refused = app.send(asked("/api/v1/github/languages", CSV, None)).await;
    assert!(refused.header("retry-after").is_some());
    assert_eq!(refused.expect(503)["type"], "urn:boost-dashboard:too_many_exports");
    app.get("/api/v1/github/languages?limit=1").await.expect(200);
    drop(running);
    until_running(&app, 0).await;
    drop(begun(&app).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_shows_one_moment() {
    let app = with_many(|_| {}).await;
    let mut response = begun(&app).await;
    let first = next(&mut response).await.unwrap();
    let mut other = app.db().connect().await;
    other
        .batch_execute("set session_replication_role = replica; delete from language")
        .await
        .unwrap();
    let rest = response.into_body().collect().await.unwrap().to_bytes();
    let rows = [first, rest].concat().split(|byte| *byte == b'\n').skip(1).count();
    assert_eq!(rows, MANY);
}

#[tokio::test(flavor = "multi_thread")]
async fn compression_does_not_wait_for_the_end() {
    let app = with_many(|settings| (settings.pool_size, settings.max_exports) = (2, 1)).await;
    let path = "/api/v1/github/languages";
    let request = request(Method::GET, path, None).header("accept", NDJSON);
    let request = request.header("accept-encoding", "gzip").body(Body::empty()).unwrap();
    let mut response = app.open(request).await;
    assert_eq!(response.headers()["content-encoding"], "gzip");
    let first = next(&mut response).await.unwrap();
    let rest = response.into_body().collect().await.unwrap().to_bytes();
    assert!(first.len() < rest.len());
    let mut text = String::new();
    let coded = [first, rest].concat();
    flate2::read::GzDecoder::new(&coded[..]).read_to_string(&mut text).unwrap();
    assert_eq!(text.lines().count(), MANY);
}
