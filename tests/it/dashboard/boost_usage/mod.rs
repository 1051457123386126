//! How Boost is used: every metric, by hand and by naive computation.

mod by_hand;
mod naive;
mod random;
mod rows;
mod shape;

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{body::Body, http::Method};
use boost_dashboard::{app::Clock, config::Settings};
use chrono::{DateTime, TimeDelta, Utc};
use diesel_async::SimpleAsyncConnection as _;
use serde_json::{Value, json};

use self::rows::Rows;
use crate::support::{TestApp, request};

const PATH: &str = "/api/v1/dashboard/boost-usage";

/// The server on these rows. Its clock stands in the middle of 2026.
async fn server(rows: &Rows, change: impl FnOnce(&mut Settings)) -> TestApp {
    let clock = Clock::new(|| "2026-06-15T12:00:00.5Z".parse().unwrap());
    let app = TestApp::with_clock(clock, change).await;
    rows.write(&mut app.db().connect().await).await;
    app
}

/// The document that the server gives of these rows.
async fn document(rows: &Rows, as_of: &str) -> Value {
    server(rows, |_| {}).await.get(&format!("{PATH}?as_of={as_of}")).await.expect(200)
}

/// Compares JSON, numbers but for their last bits; says where it differs.
#[track_caller]
fn assert_same(served: &Value, expected: &Value, at: &str) {
    match (served, expected) {
        (Value::Object(a), Value::Object(b)) => {
            let keys =
                |map: &serde_json::Map<String, Value>| map.keys().cloned().collect::<Vec<_>>();
            assert_eq!(keys(a), keys(b), "keys of {at}");
            for (key, value) in a {
                assert_same(value, &b[key], &format!("{at}.{key}"));
            }
        }
        (Value::Array(a), Value::Array(b)) => {
            assert_eq!(a.len(), b.len(), "length of {at}: {served} is not {expected}");
            for (index, (a, b)) in a.iter().zip(b).enumerate() {
                assert_same(a, b, &format!("{at}[{index}]"));
            }
        }
        (Value::Number(a), Value::Number(b)) if a.is_f64() || b.is_f64() => {
            let (a, b) = (a.as_f64().unwrap(), b.as_f64().unwrap());
            assert!((a - b).abs() < 1e-9, "{at}: {a} is not {b}");
        }
        _ => assert_eq!(served, expected, "{at}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_database_has_an_empty_document() {
    let mut document = document(&Rows::default(), "2026-01-01").await;
    let lists = json!({"top_libraries": [], "never_used_libraries": [], "top_active_libraries": [],
        "bottom_active_libraries": [], "total_repositories": 0, "affected_repositories": 0,
        "total_usage_records": 0, "total_libraries": 0});
    assert_eq!(document["statistics"].take(), lists);
    let expected = json!({
        "as_of": "2026-01-01T00:00:00Z",
        "repos_by_year": {},
        "repos_by_version": [],
        "repos_by_year_boost_rate": [],
        "language_comparison_data": {},
        "metrics_by_library": [],
        "top_repositories": {"top20_by_stars": [], "top20_by_usage": [], "top20_by_created": []},
        "libraries_page_data": {},
        "all_versions_for_chart": [],
        "version_related_stats": {
            "repos_with_version": 0,
            "repos_without_version": 0,
            "version_coverage_percent": 0.0,
            "distribution_by_version": [],
            "distribution_by_year_version": {},
        },
        "statistics": null,
    });
    assert_eq!(document, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_instant_gives_the_same_bytes() {
    let rows = by_hand::rows();
    let app = server(&rows, |_| {}).await;
    let path = format!("{PATH}?as_of=2026-06-01T00:00:00Z");
    let first = app.get(&path).await;
    assert_eq!(first.header("cache-control"), Some("max-age=300"));
    assert_eq!(first.header("content-type"), Some("application/json"));
    assert_eq!(app.get(&path).await.bytes(), first.bytes());
    // Another server, which has computed nothing yet.
    let other = server(&rows, |_| {}).await;
    assert_eq!(other.get(&path).await.bytes(), first.bytes());
    // Another instant of the same year, written with another offset, is another `as_of` alone.
    let second = app.get(&format!("{PATH}?as_of=2026-01-01T01:00:00%2B01:00")).await;
    let mut expected = first.json();
    expected["as_of"] = json!("2026-01-01T00:00:00Z");
    assert_eq!(second.json(), expected);
    // The time of the reading stands for now, so that clients who poll get the same bytes, too.
    let now = app.get(PATH).await;
    assert_eq!(now.json()["as_of"], "2026-06-15T12:00:00Z");
    assert_eq!(app.get(PATH).await.bytes(), now.bytes());
}

#[tokio::test(flavor = "multi_thread")]
async fn another_reading_of_the_same_changes_no_tag() {
    let noon: DateTime<Utc> = "2026-06-15T12:00:00.5Z".parse().unwrap();
    let seconds = AtomicI64::new(0);
    let clock = move || noon + TimeDelta::seconds(seconds.fetch_add(1, Ordering::Relaxed));
    // What others write in the same PostgreSQL would look like a change.
    let app = TestApp::alone(Clock::new(clock)).await;
    let mut connection = app.db().connect().await;
    by_hand::rows().write(&mut connection).await;
    let parts = ["", "/summary", "/versions", "/languages", "/libraries", "/repositories/top"];
    let paths: Vec<_> = parts.iter().map(|part| format!("{PATH}{part}")).collect();
    let mut held = Vec::new();
    for path in &paths {
        let answer = app.get(path).await;
        held.push(answer.header("etag").unwrap().to_owned());
        assert_eq!(app.get(path).await.header("etag"), Some(&*held[held.len() - 1]), "{path}");
    }
    let as_of = async || app.get(PATH).await.json()["as_of"].as_str().unwrap().to_owned();
    let (first, last) = (as_of().await, as_of().await);
    assert!(first < last, "while nothing changes it is so now: {first} {last}");
    // Of no concern to the figures, but the tables are read again.
    let write = "insert into license (name, spdx_id) values ('MIT License', 'MIT')";
    connection.batch_execute(write).await.unwrap();
    let began = Instant::now();
    while as_of().await <= last {
        assert!(began.elapsed() < Duration::from_secs(40), "they are not read again");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    for (path, tag) in paths.iter().zip(&held) {
        let asked = request(Method::GET, path, None).header("if-none-match", tag);
        let answer = app.send(asked.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status(), 304, "{path}");
        assert_eq!(answer.header("etag"), Some(&**tag), "{path}");
    }
    // An instant that the client gave is part of what it asked for.
    let tag = async |as_of: &str| {
        let answer = app.get(&format!("{PATH}?fields=as_of&as_of={as_of}")).await;
        answer.header("etag").unwrap().to_owned()
    };
    assert_ne!(tag("2026-01-01").await, tag("2026-01-02").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_year_needs_no_change_of_the_tables() {
    let begin: DateTime<Utc> = "2026-12-31T23:59:59Z".parse().unwrap();
    let seconds = Arc::new(AtomicI64::new(0));
    let told = Arc::clone(&seconds);
    let clock = move || begin + TimeDelta::seconds(AtomicI64::load(&told, Ordering::Relaxed));
    // What others write in the same PostgreSQL would look like a change.
    let app = TestApp::alone(Clock::new(clock)).await;
    by_hand::rows().write(&mut app.db().connect().await).await;
    for (past, as_of) in [(4, "2026-12-31T23:59:59Z"), (5, "2027-01-01T00:00:00Z")] {
        let mut answer = app.get(&format!("{PATH}/libraries")).await.expect(200);
        assert_eq!(answer["metrics_by_library"][0]["past_usage"].take(), past);
        assert_eq!(answer["as_of"], as_of);
        seconds.fetch_add(1, Ordering::Relaxed);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_year_is_another_running_year() {
    let app = server(&by_hand::rows(), |_| {}).await;
    for (year, recent, past) in [(2026, 2, 4), (2027, 2, 5), (2021, 4, 0), (2014, 7, 0)] {
        let path = format!("{PATH}/libraries?as_of={year}-12-31T23:59:59Z");
        let asio = app.get(&path).await.expect(200)["metrics_by_library"][0].take();
        assert_eq!(asio["recent_usage"], recent, "{year}");
        assert_eq!(asio["past_usage"], past, "{year}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_are_picked_and_parts_are_pieces() {
    let app = server(&by_hand::rows(), |_| {}).await;
    let whole = app.get(PATH).await.expect(200);
    let picked = app.get(&format!("{PATH}?fields=statistics,repos_by_year")).await.expect(200);
    let of = |names: &[&str]| -> Value {
        names
            .iter()
            .map(|name| ((*name).to_owned(), whole[*name].clone()))
            .collect::<serde_json::Map<_, _>>()
            .into()
    };
    assert_eq!(picked, of(&["repos_by_year", "statistics"]));
    for (part, names) in [
        ("summary", &["as_of", "repos_by_year", "statistics"][..]),
        (
            "versions",
            &["as_of", "all_versions_for_chart", "repos_by_version", "version_related_stats"],
        ),
        ("languages", &["as_of", "language_comparison_data", "repos_by_year_boost_rate"]),
        ("libraries", &["as_of", "metrics_by_library"]),
        ("repositories/top", &["as_of", "top_repositories"]),
    ] {
        let answer = app.get(&format!("{PATH}/{part}")).await;
        assert_eq!(answer.header("cache-control"), Some("max-age=300"), "{part}");
        assert_eq!(answer.expect(200), of(names), "{part}");
    }
    for library in whole["metrics_by_library"].as_array().unwrap() {
        let page = app.get(&format!("{PATH}/libraries/{}", library["library_id"])).await;
        let mut page = page.expect(200);
        let page = page.as_object_mut().unwrap();
        let pages = whole["libraries_page_data"].as_object().unwrap();
        assert_eq!(page.remove("as_of").unwrap(), whole["as_of"]);
        assert_eq!(page.remove("name").unwrap(), library["name"]);
        assert_eq!(page.remove("library_id").unwrap(), library["library_id"]);
        assert!(pages.values().any(|it| it.as_object() == Some(page)), "{library}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_meant_is_refused_by_name() {
    let app = server(&by_hand::rows(), |_| {}).await;
    for (path, code, suggestion) in [
        ("?fields=statistcs", "invalid_parameter", json!("statistics")),
        ("?fields=as_of,as_of", "duplicate_field", Value::Null),
        ("?fields=", "invalid_parameter", Value::Null),
        ("?as_off=2026-01-01T00:00:00Z", "unknown_parameter", json!("as_of")),
        ("?as_of=yesterday", "invalid_parameter", Value::Null),
        ("/summary?fields=statistics", "unknown_parameter", Value::Null),
        ("/libraries/asio", "invalid_path_parameter", Value::Null),
    ] {
        let problem = app.get(&format!("{PATH}{path}")).await.expect(400);
        assert_eq!(problem["errors"][0]["code"], code, "{path}");
        assert_eq!(problem["errors"][0].get("suggestion").unwrap_or(&Value::Null), &suggestion);
    }
    // Neither one that does not exist nor one that the latest release has no more.
    for id in [7, by_hand::OLD_LIBRARY] {
        app.get(&format!("{PATH}/libraries/{id}")).await.expect(404);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_settings_weigh_the_score() {
    let rows = by_hand::rows();
    let mut scores = Vec::new();
    for weights in [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [0.4, 0.3, 0.3]] {
        let app = server(&rows, |settings| {
            [
                settings.activity_derivation_weight,
                settings.activity_trend_weight,
                settings.activity_momentum_weight,
            ] = weights;
        })
        .await;
        let path = format!("{PATH}/libraries?as_of=2026-06-01T00:00:00Z");
        let metrics = app.get(&path).await.expect(200);
        scores.push(metrics["metrics_by_library"][0]["activity_score"].as_f64().unwrap());
    }
    let sum = 0.4 * scores[0] + 0.3 * scores[1] + 0.3 * scores[2];
    assert!((scores[3] - sum).abs() < 1e-12);
    assert!(scores[0] < -0.1 && scores[1] > 0.0 && scores[2] > 0.01, "{scores:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_address_is_shown() {
    let mut rows = by_hand::rows();
    for account in &mut rows.accounts {
        account.display_name.clone_from(&account.username);
    }
    let app = server(&rows, |_| {}).await;
    let addresses = "insert into email (base_profile_id, email, email_lower, is_primary) \
         select id, 'jane@example.org', 'jane@example.org', true from base_profile";
    let mut connection = app.db().connect().await;
    diesel_async::SimpleAsyncConnection::batch_execute(&mut connection, addresses).await.unwrap();
    let document = app.get(PATH).await;
    assert!(document.text().contains("Jane Roe") && !document.text().contains('@'));
}
