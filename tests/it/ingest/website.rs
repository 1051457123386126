//! The website's days.

use serde_json::{Value, json};

use super::{
    domain::{Domain, at_once, documents, same_in_any_order},
    sender::{counts, notes},
};

/// Totals, countries and words.
async fn rows(domain: &Domain) -> Vec<String> {
    domain
        .texts(
            "select stat_date || ' ' || website_visit_count from website \
             union all select stat_date || ' ' || country || ' ' || count from website_visit_count \
             union all select stat_date || ' ' || word || ' ' || count from website_word_count \
             order by 1",
        )
        .await
}

fn day(members: Value) -> Value {
    let mut day = members;
    day["stat_date"] = json!("2025-01-15");
    day
}

#[tokio::test(flavor = "multi_thread")]
async fn days_become_rows_and_come_again_unchanged() {
    let domain = Domain::new("website").await;
    let days = documents("website/days.ndjson");
    let receipt = domain.post("days", &Value::Array(days.clone())).await;
    assert_eq!(counts(&receipt), [5, 0, 0, 0, 0], "{receipt}");
    let total: i64 = days.iter().map(|day| day["website_visit_count"].as_i64().unwrap()).sum();
    assert_eq!(domain.sender.number("select sum(website_visit_count) from website").await, total);
    let counted = |list: &str| -> i64 {
        let entries = days.iter().flat_map(|day| day[list].as_array().unwrap());
        entries.map(|entry| entry["count"].as_i64().unwrap()).sum()
    };
    let sum = "select sum(count) from website_visit_count";
    assert_eq!(domain.sender.number(sum).await, counted("countries"));
    let sum = "select sum(count) from website_word_count";
    assert_eq!(domain.sender.number(sum).await, counted("words"));
    let before = domain.dump().await;
    let receipt = domain.post("days", &Value::Array(days)).await;
    assert_eq!(counts(&receipt), [0, 0, 5, 0, 0]);
    let mut after = domain.dump().await;
    // Every delivery is a statement of its own time.
    for table in ["website", "website_visit_count", "website_word_count"] {
        let unstamped = |rows: &[String]| -> Vec<Value> {
            let row = |row: &String| -> Value {
                let mut row: Value = serde_json::from_str(&row[row.find('{').unwrap()..]).unwrap();
                row["source_at"] = Value::Null;
                row
            };
            rows.iter().map(row).collect()
        };
        assert_eq!(unstamped(&before[table]), unstamped(&after.remove(table).unwrap()));
    }
    assert_eq!(domain.sender.number("select count(*) from drift").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn names_are_normal_and_equal_ones_are_summed() {
    let domain = Domain::new("website").await;
    let body = day(json!({
        "countries": [{"country": "us", "count": 1}, {"country": "US ", "count": "2"},
                      {"country": " ", "count": 3}, {"country": null, "count": 4},
                      {"country": "Côte d’Ivoire", "count": 5}],
        "words": {"Asio": 1, " asio": 2, "Ｂｏｏｓｔ  Beast": 3_000_000_000_i64, "  ": 7},
    }));
    let receipt = domain.post("days", &body).await;
    assert_eq!(counts(&receipt), [1, 0, 0, 0, 0]);
    assert_eq!(notes(&receipt, "warnings"), ["0 ignored /words/"]);
    assert_eq!(
        rows(&domain).await,
        [
            "2025-01-15 Côte d’Ivoire 5",
            "2025-01-15 US 3",
            "2025-01-15 ZZ 7",
            "2025-01-15 asio 3",
            "2025-01-15 boost beast 3000000000",
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_adds_and_a_replacement_removes() {
    let domain = Domain::new("website").await;
    let full =
        day(json!({"website_visit_count": 9, "words": {"a": 1, "b": 2}, "countries": {"US": 3}}));
    assert_eq!(domain.action("days", &full).await, "inserted");
    let fewer = day(json!({"words": {"a": 1}}));
    assert_eq!(domain.action("days", &fewer).await, "unchanged");
    assert_eq!(rows(&domain).await.len(), 4);
    assert_eq!(domain.action("days?replace=true", &fewer).await, "updated");
    assert_eq!(rows(&domain).await, ["2025-01-15 9", "2025-01-15 US 3", "2025-01-15 a 1"]);
    assert_eq!(domain.action("days?as_of=2025-01-20T00:00:00Z", &full).await, "stale");
    assert_eq!(rows(&domain).await, ["2025-01-15 9", "2025-01-15 US 3", "2025-01-15 a 1"]);
    assert_eq!(domain.action("days", &day(json!({"website_visit_count": 0}))).await, "updated");
    let tally = domain.post("days?replace=true", &day(json!({"words": []}))).await;
    assert_eq!(tally["tables"]["website_word_count"]["deleted"], 1);
    assert_eq!(rows(&domain).await, ["2025-01-15 0", "2025-01-15 US 3"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn replacements_hold_in_any_order() {
    let posts: Vec<(String, Value)> = [
        (
            "as_of=2025-01-16T00:00:00Z",
            json!({"website_visit_count": 5, "words": {"a": 1, "b": 2}}),
        ),
        ("as_of=2025-01-18T00:00:00Z&replace=true", json!({"words": {"b": 3, "c": 4}})),
        ("as_of=2025-01-17T00:00:00Z", json!({"words": {"a": 7, "c": 8}, "countries": {"DE": 1}})),
        ("as_of=2025-01-17T00:00:00Z&replace=true", json!({"words": {"e": 1}, "countries": {}})),
        ("as_of=2025-01-19T00:00:00Z", json!({"words": {"d": 9}, "website_visit_count": null})),
    ]
    .into_iter()
    .map(|(params, members)| (format!("days?{params}"), day(members)))
    .collect();
    let dump = same_in_any_order("website", &posts).await;
    let words: Vec<&str> =
        dump["website_word_count"].iter().map(|row| row.split(' ').nth(1).unwrap_or(row)).collect();
    assert_eq!(words.len(), 3, "{words:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_days_are_named_and_others_stored() {
    let domain = Domain::new("website").await;
    let receipt = domain.post("days", &Value::Array(documents("website/corrections.json"))).await;
    assert_eq!(counts(&receipt), [4, 0, 1, 0, 4], "{receipt}");
    assert_eq!(
        notes(&receipt, "errors"),
        [
            "3 missing_time /stat_date",
            "5 missing_time /stat_date",
            "6 out_of_range /website_visit_count",
            "7 invalid_type /website_visit_count",
        ]
    );
    assert_eq!(
        rows(&domain).await,
        ["2025-01-05 7", "2025-03-01 0", "2025-03-05 DE 3", "2025-03-31 49818"]
    );
    for (members, fault) in [
        (json!({}), "0 unknown_shape"),
        (json!({"words": 5}), "0 invalid_type /words"),
        (json!({"words": [{"word": "a"}]}), "0 missing_field /words/0/count"),
        (json!({"words": {"a": -1}}), "0 out_of_range /words/a"),
        (json!({"words": [{"word": 5, "count": 1}]}), "0 invalid_type /words/0/word"),
        (json!({"words": {"a".repeat(2_001): 1}}), "0 too_long"),
        (json!({"words": {"a": i64::MAX, "A": 1}}), "0 out_of_range /words/a"),
    ] {
        let receipt = domain.post("days", &day(members)).await;
        let errors = notes(&receipt, "errors");
        assert!(errors.len() == 1 && errors[0].starts_with(fault), "{fault}: {errors:?}");
    }
    let receipt =
        domain.post("days?mode=atomic", &json!([day(json!({"words": {"x": 1}})), {}])).await;
    assert_eq!(counts(&receipt)[4], 2);
    assert_eq!(rows(&domain).await.len(), 4);
    let receipt = domain.post("days?dry_run=true", &day(json!({"words": {"x": 1}}))).await;
    assert_eq!(counts(&receipt), [1, 0, 0, 0, 0]);
    assert_eq!(rows(&domain).await.len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_at_once_end_in_one_set_of_rows() {
    let domain = Domain::new("website").await;
    at_once(
        &domain,
        "days?as_of=2025-04-01T00:00:00Z",
        &Value::Array(documents("website/days.ndjson")),
    )
    .await;
    let before = rows(&domain).await.len();
    at_once(
        &domain,
        "days?as_of=2025-04-02T00:00:00Z&replace=true",
        &day(json!({"words": {"q": 1}})),
    )
    .await;
    assert_eq!(rows(&domain).await.len(), before + 1);
}
