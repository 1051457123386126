//! What lists refuse, and what they say of it.

use diesel_async::SimpleAsyncConnection as _;
use serde_json::Value;

use super::seeded;
use crate::support::TestApp;

/// Each query with the code, the parameter and the suggestion of its first fault.
const REFUSED: &[(&str, &str, &str, Option<&str>)] = &[
    ("limit=501", "out_of_range", "limit", None),
    ("limit=0", "out_of_range", "limit", None),
    ("limit=-1", "invalid_type", "limit", None),
    ("limit=ten", "invalid_type", "limit", None),
    ("limit=99999999999999999999", "out_of_range", "limit", None),
    ("limt=5", "unknown_parameter", "limt", Some("limit")),
    ("issue_numbr=5", "unknown_parameter", "issue_numbr", Some("issue_number")),
    ("issue_number__gtt=5", "unknown_parameter", "issue_number__gtt", Some("issue_number__gt")),
    ("issue_number__contains=5", "unsupported_operator", "issue_number__contains", None),
    ("id__isnull=true", "unsupported_operator", "id__isnull", None),
    ("state__gt=open", "unsupported_operator", "state__gt", None),
    ("issue_number=x", "invalid_type", "issue_number", None),
    ("issue_number=", "invalid_type", "issue_number", None),
    ("issue_number=2147483648", "out_of_range", "issue_number", None),
    ("issue_number__in=1,,2", "invalid_type", "issue_number__in", None),
    ("issue_number__in=", "invalid_type", "issue_number__in", None),
    ("title__contains=", "empty", "title__contains", None),
    ("id=9223372036854775808", "out_of_range", "id", None),
    ("id=1.5", "invalid_type", "id", None),
    ("state=opne", "unknown_value", "state", Some("open")),
    ("state_reason__isnull=maybe", "invalid_type", "state_reason__isnull", None),
    ("issue_created_at__gte=yesterday", "invalid_type", "issue_created_at__gte", None),
    ("issue_created_at__gte=2024-02-30", "invalid_type", "issue_created_at__gte", None),
    ("issue_created_at__gte=2024-02-29T25:00:00Z", "invalid_type", "issue_created_at__gte", None),
    ("sort=titel", "unknown_field", "sort", None),
    ("sort=title", "not_sortable", "sort", None),
    ("sort=issue_numbre", "unknown_field", "sort", Some("issue_number")),
    ("sort=", "unknown_field", "sort", None),
    ("sort=id,id,id,id,id,id,id,id,id,id,id,id,id,id,id,id", "too_many_items", "sort", None),
    ("fields=titel", "unknown_field", "fields", Some("title")),
    ("fields=", "unknown_field", "fields", None),
    ("fields=id,id", "duplicate_field", "fields", None),
    ("fields=a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p", "too_many_items", "fields", None),
    ("include=a,b,c,d,e,f,g,h", "too_many_items", "include", None),
    ("count=exakt", "unknown_value", "count", Some("exact")),
    ("id=1&id=1", "duplicate_parameter", "id", None),
    ("title=%00", "invalid_encoding", "title", None),
    ("q=", "empty", "q", None),
    ("include=reppo", "unknown_include", "include", Some("repo")),
    ("window=30", "unknown_value", "window", Some("30d")),
    ("window=2024-02-02/2024-02-01", "empty_window", "window", None),
    ("window=boost:1.85..1.86", "unknown_release", "window", None),
];

#[tokio::test(flavor = "multi_thread")]
async fn each_fault_is_named() {
    let (app, token) = seeded().await;
    for (query, code, parameter, suggestion) in REFUSED {
        let answer = app.get_as(&token, &format!("/api/v1/github/issues?{query}")).await;
        assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{query}");
        let problem = answer.expect(400);
        let fault = &problem["errors"][0];
        assert_eq!(fault["code"], *code, "{query}: {fault}");
        assert_eq!(fault["parameter"], *parameter, "{query}: {fault}");
        if let Some(suggestion) = suggestion {
            assert_eq!(fault["suggestion"], *suggestion, "{query}: {fault}");
        }
    }
    let far = app.get_as(&token, "/api/v1/github/issues?is_deleted=true").await.expect(400);
    assert_eq!(far["errors"][0].get("suggestion"), None, "{far}");
}

#[tokio::test(flavor = "multi_thread")]
async fn all_faults_are_told_at_once() {
    let (app, token) = seeded().await;
    let asked = "/api/v1/github/issues?limit=0&stat=open&id=x&sort=title&fields=a,b&cursor=x";
    let problem = app.get_as(&token, asked).await.expect(400);
    let faults = problem["errors"].as_array().unwrap();
    let parameters: Vec<_> = faults.iter().map(|fault| &fault["parameter"]).collect();
    assert_eq!(parameters, ["limit", "stat", "id", "sort", "fields", "fields"]);
    let detail = faults[3]["detail"].as_str().unwrap();
    assert!(detail.contains("`issue_created_at`") && !detail.contains("`body`"), "{detail}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_request_is_read_without_end() {
    let app = TestApp::new().await;
    let query =
        |count: usize| (0..count).map(|at| format!("limit{at}")).collect::<Vec<_>>().join("&");
    for path in ["github/issues", "github/issues/1", "github/issues/stats", "changes", "nowhere"] {
        let asked = format!("/api/v1/{path}?{}", query(6_000));
        let problem = app.get(&asked).await;
        if path == "nowhere" {
            problem.expect(404);
            continue;
        }
        assert_eq!(problem.expect(400)["type"], "urn:boost-dashboard:too_many_parameters");
        // As many as there may be: not all are told, and only of the first what may be meant.
        let problem = app.get(&format!("/api/v1/{path}?{}", query(200))).await.expect(400);
        let faults = problem["errors"].as_array().unwrap();
        assert_eq!((faults.len(), &faults[99]["parameter"]), (100, &"limit99".into()), "{path}");
        assert!(faults.iter().all(|fault| fault["code"] == "unknown_parameter"), "{path}");
    }
    let problem = app.get(&format!("/api/v1/github/issues?{}", query(200))).await.expect(400);
    let faults = problem["errors"].as_array().unwrap().iter();
    assert_eq!(faults.filter(|fault| fault["suggestion"] == "limit").count(), 10);

    // A list of names has as many as there are.
    let names = (0..10_000).map(|at| format!("x{at}")).collect::<Vec<_>>().join(",");
    for list in [
        "github/issues?fields",
        "github/issues?sort",
        "github/issues?include",
        "github/issues/1?fields",
        "github/issues/1?include",
        "github/issues/stats?group_by",
        "github/issues/stats?measure",
        "changes?domain",
        "changes?table",
    ] {
        let problem = app.get(&format!("/api/v1/{list}={names}")).await.expect(400);
        let faults = problem["errors"].as_array().unwrap();
        assert_eq!((faults.len(), &faults[0]["code"]), (1, &"too_many_items".into()), "{list}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn at_most_two_hundred_values() {
    let (app, token) = seeded().await;
    let values = |count: usize| vec!["1"; count].join(",");
    let asked = format!("/api/v1/github/issues?issue_number__in={}", values(200));
    app.get_as(&token, &asked).await.expect(200);
    let asked = format!("/api/v1/github/issues?issue_number__in={}", values(201));
    let problem = app.get_as(&token, &asked).await.expect(400);
    assert_eq!(problem["errors"][0]["code"], "too_many_items");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_is_asked_for_by_its_key_only() {
    let (app, token) = seeded().await;
    for (path, status, code) in [
        ("/api/v1/github/issues/one", 400, "invalid_type"),
        ("/api/v1/github/issues/1.0", 400, "invalid_type"),
        ("/api/v1/github/issues/99999999999999999999", 400, "out_of_range"),
        ("/api/v1/github/issues/1?limit=5", 400, "unknown_parameter"),
        ("/api/v1/github/issues/1?feilds=id", 400, "unknown_parameter"),
        ("/api/v1/github/issues/999999", 404, ""),
        ("/api/v1/youtube/videos/none", 404, ""),
    ] {
        let problem = app.get_as(&token, path).await.expect(status);
        if status == 400 {
            assert_eq!(problem["errors"][0]["code"], code, "{path}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_a_client_sends_becomes_sql() {
    let (app, token) = seeded().await;
    let before = super::all_rows(&app, &token, "/github/languages").await;
    let attacks = ["'; drop table language; --", "' or '1'='1", "\\' or 1=1 --", "$1", "\"id\""];
    for attack in attacks.map(|attack| super::query_text(&Value::String(attack.to_owned()))) {
        for parameter in ["name", "name__ne", "name__in", "name__contains", "name__startswith"] {
            let asked = format!("/api/v1/github/languages?{parameter}={attack}");
            let page = app.get_as(&token, &asked).await.expect(200);
            let expected = if parameter == "name__ne" { before.len() } else { 0 };
            assert_eq!(page["data"].as_array().unwrap().len(), expected, "{asked}");
        }
        for refused in ["sort=", "fields=", "state=", "id=", "cursor=", "limit=", "count="] {
            let asked = format!("/api/v1/github/issues?{refused}{attack}");
            app.get_as(&token, &asked).await.expect(400);
        }
        app.get_as(&token, &format!("/api/v1/github/issues?{attack}=1")).await.expect(400);
        app.get_as(&token, &format!("/api/v1/github/issues/{attack}")).await.expect(400);
        app.get_as(&token, &format!("/api/v1/youtube/videos/{attack}")).await.expect(404);
    }
    assert_eq!(super::all_rows(&app, &token, "/github/languages").await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_that_takes_too_long_says_so() {
    let app = TestApp::with(|settings| settings.statement_timeout_ms = 100).await;
    let mut connection = app.db().connect().await;
    let lock = "begin; lock table language in access exclusive mode";
    connection.batch_execute(lock).await.unwrap();
    for path in ["/api/v1/github/languages", "/api/v1/github/languages/1"] {
        let answer = app.get(path).await;
        assert!(answer.header("retry-after").is_some());
        assert_eq!(answer.expect(503)["type"], "urn:boost-dashboard:statement_timeout");
    }
    connection.batch_execute("rollback").await.unwrap();
    app.get("/api/v1/github/languages").await.expect(200);
}
