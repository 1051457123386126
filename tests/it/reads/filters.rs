//! Filters against the oracle.

use boost_dashboard::query::{column::Type, operator::Operator};
use serde_json::{Value, json};

use super::{all_rows, keys, oracle, query_text, resource, seeded};

#[tokio::test(flavor = "multi_thread")]
async fn every_operator_finds_what_a_search_by_hand_finds() {
    let (app, token) = seeded().await;
    for path in [
        "/github/issues",
        "/github/commit-file-changes",
        "/users/github-accounts",
        "/discord/messages",
        "/discord/channels",
        "/youtube/videos",
        "/wg21/papers",
        "/usage/usages",
        "/usage/external-repositories",
        "/website/visit-counts",
    ] {
        let resource = resource(path);
        let all = all_rows(&app, &token, path).await;
        for column in &resource.columns {
            let values: Vec<_> = all.iter().map(|row| &row[column.name]).collect();
            let known: Vec<_> = values.iter().filter(|value| !value.is_null()).collect();
            for operator in Operator::of(column) {
                let texts: Vec<String> = match operator {
                    Operator::IsNull => vec!["true".to_owned(), "false".to_owned()],
                    Operator::In => vec![
                        raw(known[0]),
                        known.iter().take(3).map(|it| raw(it)).collect::<Vec<_>>().join(","),
                        known
                            .iter()
                            .map(|it| format!("\"{}\"", raw(it)))
                            .collect::<Vec<_>>()
                            .join(","),
                    ],
                    Operator::Contains => {
                        vec!["_%".into(), "%".into(), "_".into(), raw(known[0]).to_uppercase()]
                    }
                    Operator::StartsWith => {
                        vec![column.name[..2].to_uppercase(), "%".into(), raw(known[0])]
                    }
                    _ => known.iter().step_by(2).map(|value| raw(value)).collect(),
                };
                for text in texts {
                    let escaped = query_text(&Value::String(text.clone()));
                    let suffix = operator.suffix();
                    let asked =
                        format!("/api/v1{path}?limit=500&{}{suffix}={escaped}", column.name);
                    let page = app.get_as(&token, &format!("{asked}&count=exact")).await;
                    let expected: Vec<_> = all
                        .iter()
                        .filter(|row| oracle::passes(column, operator, &text, row))
                        .cloned()
                        .collect();
                    // Where `count` is a column, its filter has the name that the word would have.
                    if asked.contains("&count=") {
                        continue;
                    }
                    let page = page.expect(200);
                    let found = page["data"].as_array().unwrap();
                    assert_eq!(keys(&resource, found), keys(&resource, &expected), "{asked}");
                    let count = json!({"value": expected.len(), "exact": true});
                    assert_eq!(page["meta"]["count"], count, "{asked}");
                }
            }
        }
    }
}

fn raw(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_hold_together() {
    let (app, token) = seeded().await;
    let resource = resource("/github/issues");
    let all = all_rows(&app, &token, resource.path).await;
    let asked = "/api/v1/github/issues?state=open&issue_closed_at__isnull=false&id__gt=3";
    let page = app.get_as(&token, asked).await.expect(200);
    let expected: Vec<_> = all
        .into_iter()
        .filter(|row| row["state"] == "open" && !row["issue_closed_at"].is_null())
        .filter(|row| row["id"].as_i64().unwrap() > 3)
        .collect();
    assert!(!expected.is_empty());
    assert_eq!(page["data"], Value::Array(expected));
}

#[tokio::test(flavor = "multi_thread")]
async fn times_take_any_offset_and_whole_days() {
    let (app, token) = seeded().await;
    let count = async |filter: &str| {
        let asked = format!("/api/v1/github/commits?count=exact&{filter}");
        let page = app.get_as(&token, &asked).await.expect(200);
        page["meta"]["count"]["value"].as_u64().unwrap()
    };
    let day = count("commit_at__gte=2024-02-29").await;
    assert!(day > 0);
    for same in [
        "commit_at__gte=2024-02-29T00:00:00Z",
        "commit_at__gte=2024-02-29t00:00:00.000z",
        "commit_at__gte=2024-02-29T02:00:00%2B02:00",
        // As a shell user types it: an unescaped plus is a space.
        "commit_at__gte=2024-02-29T02:00:00+02:00",
        "commit_at__gte=2024-02-28T19:00:00-05:00",
    ] {
        assert_eq!(count(same).await, day, "{same}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn global_ids_are_strings_and_taken_as_they_are_given() {
    let (app, token) = seeded().await;
    let row = &all_rows(&app, &token, "/discord/servers").await[1];
    let server_id = row["server_id"].as_str().unwrap();
    let asked = format!("/api/v1/discord/servers?server_id={server_id}");
    assert_eq!(app.get_as(&token, &asked).await.expect(200)["data"], json!([row]));
    // Beyond what a double holds, next to its neighbour.
    let asked = "/api/v1/discord/servers?server_id__in=9007199254740993,9223372036854775807";
    assert_eq!(app.get_as(&token, asked).await.expect(200)["data"], json!([]));
    assert!(resource("/discord/servers").columns.iter().any(|it| it.ty == Type::IdText));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_column_called_count_is_a_filter_and_the_word_still_counts() {
    let (app, token) = seeded().await;
    let path = "/api/v1/website/visit-counts";
    let page = app.get_as(&token, &format!("{path}?count=0")).await.expect(200);
    assert!(page["data"].as_array().unwrap().iter().all(|row| row["count"] == 0));
    assert_eq!(page["meta"].get("count"), None);
    let page = app.get_as(&token, &format!("{path}?count=exact&count__gte=0")).await.expect(200);
    assert_eq!(page["meta"]["count"], json!({"value": super::seed::ROWS, "exact": true}));
    let page = app.get_as(&token, &format!("{path}?count=estimated&limit=1")).await.expect(200);
    assert_eq!(page["meta"]["count"]["exact"], false);
    assert!(page["meta"]["count"]["value"].is_u64());
    // One parameter cannot be both: `count__in` is the filter then.
    let both = app.get_as(&token, &format!("{path}?count=exact&count__in=0")).await.expect(200);
    let zeros = app.get_as(&token, &format!("{path}?count=0")).await.expect(200);
    assert_eq!(both["data"], zeros["data"]);
    assert_eq!(both["meta"]["count"]["value"], zeros["data"].as_array().unwrap().len());
    for (query, code, suggestion) in [
        ("count=exact&count=0", "duplicate_parameter", None),
        ("count=exakt", "unknown_value", Some("exact")),
        ("count=0&count__in=exact", "invalid_type", None),
        ("count=99999999999999999999", "out_of_range", None),
        ("count=", "unknown_value", None),
    ] {
        let problem = app.get_as(&token, &format!("{path}?{query}")).await.expect(400);
        let fault = &problem["errors"][0];
        assert_eq!(fault["code"], code, "{query}: {fault}");
        assert_eq!(fault["suggestion"].as_str(), suggestion, "{query}: {fault}");
    }
}
