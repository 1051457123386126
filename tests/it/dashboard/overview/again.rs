//! The numbers worked out again, from the rows that lists show.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::{Value, json};

use super::section;
use crate::{reads::seed, support::TestApp};

/// Which rows of a list a measure counts, and when: path, time, condition.
type Counted = (&'static str, &'static str, fn(&Value) -> bool);

fn all(_: &Value) -> bool {
    true
}

const TOTALS: [(&str, &[Counted]); 6] = [
    ("commits", &[("/github/commits", "commit_at", all)]),
    (
        "issues",
        &[
            ("/github/issues", "issue_created_at", all),
            ("/github/issue-comments", "issue_comment_created_at", all),
        ],
    ),
    (
        "pull_requests",
        &[
            ("/github/pull-requests", "pr_created_at", all),
            ("/github/pull-request-comments", "pr_comment_created_at", all),
            ("/github/pull-request-reviews", "pr_review_created_at", all),
        ],
    ),
    ("mails", &[("/mailing-list/messages", "sent_at", all)]),
    ("slack", &[("/slack/messages", "slack_message_created_at", all)]),
    (
        "discord",
        &[("/discord/messages", "message_created_at", |row| row["is_deleted"] == json!(false))],
    ),
];

const THREADS: [(&str, &[Counted]); 6] = [
    ("issues_opened", &[("/github/issues", "issue_created_at", all)]),
    ("issues_closed", &[("/github/issues", "issue_closed_at", all)]),
    ("pull_requests_merged", &[("/github/pull-requests", "pr_merged_at", all)]),
    (
        "pull_requests_closed_unmerged",
        &[("/github/pull-requests", "pr_closed_at", |row| row["pr_merged_at"].is_null())],
    ),
    (
        "review_comments",
        &[("/github/pull-request-reviews", "pr_review_created_at", |row| row["kind"] == "comment")],
    ),
    (
        "reviews",
        &[("/github/pull-request-reviews", "pr_review_created_at", |row| row["kind"] == "review")],
    ),
];

async fn rows(app: &TestApp, token: &str, path: &str) -> Vec<Value> {
    let page = app.get_as(token, &format!("/api/v1{path}?limit=500")).await.expect(200);
    page["data"].as_array().unwrap().clone()
}

fn time(row: &Value, column: &str) -> Option<DateTime<Utc>> {
    row[column].as_str().map(|text| text.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_are_those_of_the_lists() {
    let app = TestApp::new().await;
    seed::fill(&app).await;
    let token = app.token(&["read", "read:pii"]);
    let mut told = 0;
    // The rows are of the night to the 29th of February.
    for (from, to) in [
        ("2024-02-29T00:00:00Z", "2024-02-29T03:00:00Z"),
        ("2024-02-28T00:00:00Z", "2024-03-01T00:00:00Z"),
        ("2024-02-29T01:00:00Z", "2025-02-28T00:00:00Z"),
    ] {
        let [first, last] = [from, to].map(|it| it.parse::<DateTime<Utc>>().unwrap());
        let before = first - (last - first);
        for (name, measures) in [("totals", &TOTALS), ("issues-and-pulls", &THREADS)] {
            let path = format!("/api/v1/dashboard/{name}?window={from}/{to}");
            let found = app.get_as(&token, &path).await.expect(200);
            for (measure, counted) in measures {
                let (mut now, mut previous) = (0, 0);
                let mut buckets = BTreeMap::<NaiveDate, i64>::new();
                for (path, column, counts) in *counted {
                    for row in rows(&app, &token, path).await.iter().filter(|row| counts(row)) {
                        let Some(at) = time(row, column) else { continue };
                        if (first..last).contains(&at) {
                            now += 1;
                            *buckets.entry(at.date_naive()).or_default() += 1;
                        } else if (before..first).contains(&at) {
                            previous += 1;
                        }
                    }
                }
                told += now + previous;
                let context = format!("{path}: {measure}");
                assert_eq!(found["totals"][measure], now, "{context}");
                assert_eq!(found["previous"][measure], previous, "{context}");
                let points = found["series"].as_array().unwrap();
                let sum: i64 = points.iter().map(|point| point[measure].as_i64().unwrap()).sum();
                assert_eq!(sum, now, "{context}");
                // Of a year the buckets are weeks.
                if to.starts_with("2024") {
                    for (date, count) in buckets {
                        let point = points.iter().find(|it| it["bucket"] == date.to_string());
                        assert_eq!(point.unwrap()[measure], count, "{context} {date}");
                    }
                } else if let Some(point) = points.first() {
                    assert_eq!(point["bucket"], "2024-02-26", "{context}");
                }
            }
        }
    }
    assert!(told > 100, "{told} rows tell too little");
}

#[tokio::test(flavor = "multi_thread")]
async fn committers_are_those_of_the_lists() {
    let app = TestApp::new().await;
    seed::fill(&app).await;
    let token = app.token(&["read", "read:pii"]);
    let accounts = rows(&app, &token, "/users/github-accounts").await;
    let identities = rows(&app, &token, "/users/identities").await;
    let mut people = BTreeMap::<(String, bool, i64), i64>::new();
    for commit in rows(&app, &token, "/github/commits").await {
        let account = accounts.iter().find(|it| it["id"] == commit["account_id"]).unwrap();
        let own = account["display_name"].as_str().filter(|name| !name.is_empty());
        let own = own.or(account["username"].as_str()).unwrap();
        let identity = identities.iter().find(|it| it["id"] == account["identity_id"]);
        let (name, person) = match identity {
            Some(identity) => (identity["display_name"].as_str().unwrap(), &identity["id"]),
            None => (own, &account["id"]),
        };
        let person = (name.to_owned(), identity.is_none(), person.as_i64().unwrap());
        *people.entry(person).or_default() += 1;
    }
    let mut people: Vec<(_, i64)> = people.into_iter().collect();
    // Of equals the first by name, which is the order that they have.
    people.sort_by_key(|(_, count)| -count);
    let expected = people.into_iter().take(5).map(|((name, is_profile, id), count)| {
        let key = if is_profile { "profile_id" } else { "identity_id" };
        json!({ "name": name, key: id, "count": count })
    });
    let expected: Vec<_> = expected.collect();
    let commits = section(&app, "commits", "window=2024-02-01/2024-04-01").await;
    assert_eq!(commits["top"]["committers"], json!(expected));
    assert!(expected.len() > 2);
}
