//! Order and cursors.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use boost_dashboard::query::{column::Column, resource::Resource};
use hmac::{Hmac, Mac as _};
use rand::{Rng as _, SeedableRng as _, rngs::StdRng, seq::IndexedRandom as _};
use serde_json::Value;

use super::{all_rows, keys, oracle, resource, resources, seeded};
use crate::support::TestApp;

/// Follows the cursors of a list from its first page to its last.
pub(super) async fn follow(app: &TestApp, token: &str, path: &str, limit: usize) -> Vec<Value> {
    let mut rows = Vec::new();
    let mut next = Some(format!("/api/v1{path}&limit={limit}"));
    while let Some(path) = next {
        let answer = app.get_as(token, &path).await;
        let link = answer.header("link").map(str::to_owned);
        let page = answer.expect(200);
        let data = page["data"].as_array().unwrap();
        assert!(data.len() <= limit);
        rows.extend_from_slice(data);
        next = link.map(|link| {
            let target = link.strip_suffix(">; rel=\"next\"").unwrap();
            target.strip_prefix('<').unwrap().to_owned()
        });
        match (&next, &page["page"]["next_cursor"]) {
            (Some(next), Value::String(cursor)) => {
                assert_eq!(data.len(), limit);
                assert!(next.ends_with(&format!("cursor={cursor}")), "{next}");
            }
            (None, Value::Null) => {}
            (next, cursor) => panic!("{cursor} beside {next:?}"),
        }
    }
    rows
}

#[tokio::test(flavor = "multi_thread")]
async fn every_sortable_column_pages_through() {
    let (app, token) = seeded().await;
    for resource in resources() {
        let mut expected = all_rows(&app, &token, resource.path).await;
        for column in resource.columns.iter().filter(|column| column.indexed) {
            for (minus, descending) in [("", false), ("-", true)] {
                let by = column.order.and_then(|by| resource.column(by)).unwrap_or(column);
                oracle::sort(&resource, &mut expected, &[(by, descending)]);
                let path = format!("{}?sort={minus}{}", resource.path, column.name);
                let rows = follow(&app, &token, &path, 5).await;
                assert_eq!(keys(&resource, &rows), keys(&resource, &expected), "{path}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn any_order_of_several_columns_pages_through() {
    let (app, token) = seeded().await;
    let seed = 20_240_501;
    let mut random = StdRng::seed_from_u64(seed);
    for path in ["/github/issues", "/github/pull-requests", "/slack/messages", "/wg21/papers"] {
        let resource = resource(path);
        let all = all_rows(&app, &token, path).await;
        for _ in 0..40 {
            let order = any_order(&resource, &mut random);
            let nullable = resource.columns.iter().filter(|column| column.nullable);
            let narrowed = nullable.collect::<Vec<_>>().choose(&mut random).copied();
            let narrowed = narrowed.filter(|_| random.random_bool(0.4));
            let is_null = random.random_bool(0.5);
            let mut expected = all.clone();
            expected.retain(|row| narrowed.is_none_or(|it| row[it.name].is_null() == is_null));
            oracle::sort(&resource, &mut expected, &order);

            let names: Vec<_> = order
                .iter()
                .map(|(column, down)| format!("{}{}", if *down { "-" } else { "" }, column.name))
                .collect();
            let filter =
                narrowed.map_or_else(String::new, |it| format!("&{}__isnull={is_null}", it.name));
            let asked = format!("{path}?sort={}{filter}", names.join(","));
            let rows = follow(&app, &token, &asked, random.random_range(1..6)).await;
            assert_eq!(keys(&resource, &rows), keys(&resource, &expected), "{asked}");
        }
    }
}

fn any_order<'a>(resource: &'a Resource, random: &mut StdRng) -> Vec<(&'a Column, bool)> {
    let sortable: Vec<_> =
        resource.columns.iter().skip(1).filter(|column| column.indexed).collect();
    let count = random.random_range(1..=3);
    sortable
        .choose_multiple(random, count)
        .map(|column| (*column, random.random_bool(0.5)))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_shows_neither_more_nor_less_for_its_fields() {
    let (app, token) = seeded().await;
    let resource = resource("/github/issues");
    let mut expected = all_rows(&app, &token, resource.path).await;
    let by = resource.column("issue_closed_at").unwrap();
    oracle::sort(&resource, &mut expected, &[(by, true)]);
    let path = "/github/issues?sort=-issue_closed_at&fields=title";
    let rows = follow(&app, &token, path, 4).await;
    let titles: Vec<_> =
        expected.iter().map(|row| serde_json::json!({"title": row["title"]})).collect();
    assert_eq!(rows, titles);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_holds_for_its_own_list_only() {
    let (app, token) = seeded().await;
    let asked = "/api/v1/github/issues?limit=3&sort=-issue_created_at&issue_number__gte=1";
    let page = app.get_as(&token, asked).await.expect(200);
    let cursor = page["page"]["next_cursor"].as_str().unwrap();
    let refused = async |path: String| {
        let problem = app.get_as(&token, &path).await.expect(400);
        assert_eq!(problem["errors"][0]["code"], "invalid_cursor", "{path}");
        assert_eq!(problem["errors"][0]["parameter"], "cursor", "{path}");
    };
    for other in [
        "/api/v1/github/issues?sort=-issue_created_at&issue_number__gte=2",
        "/api/v1/github/issues?sort=-issue_created_at&issue_number__gt=1",
        "/api/v1/github/issues?sort=-issue_created_at",
        "/api/v1/github/issues?sort=issue_created_at&issue_number__gte=1",
        "/api/v1/github/issues?issue_number__gte=1",
        "/api/v1/github/commits?",
    ] {
        refused(format!("{other}&cursor={cursor}")).await;
    }
    for at in 0..cursor.len() {
        let mut damaged = cursor.to_owned();
        let other = if damaged.as_bytes()[at] == b'A' { "B" } else { "A" };
        damaged.replace_range(at..=at, other);
        refused(format!("{asked}&cursor={damaged}")).await;
    }
    for odd in ["", "x", "AAAA", "%C3%B6", &cursor[1..], &format!("{cursor}AAAA")] {
        refused(format!("{asked}&cursor={odd}")).await;
    }
    // What is shown, and how much of it, may change from page to page; the filters' order as well.
    let same = "/api/v1/github/issues?issue_number__gte=1&sort=-issue_created_at&fields=id&limit=9";
    app.get_as(&token, &format!("{same}&cursor={cursor}")).await.expect(200);
}

/// A cursor that nobody was given: the key is no secret.
fn forged(bound: &str, values: &[&[u8]]) -> String {
    let payload = values.iter().fold(Vec::new(), |mut payload, value| {
        payload.extend(u32::try_from(value.len()).unwrap().to_be_bytes());
        payload.extend_from_slice(value);
        payload
    });
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(b"boost-dashboard cursor 1").unwrap();
    mac.update(&(bound.len() as u64).to_be_bytes());
    mac.update(bound.as_bytes());
    mac.update(&payload);
    let mut sealed = mac.finalize().into_bytes()[..12].to_vec();
    sealed.extend(payload);
    URL_SAFE_NO_PAD.encode(sealed)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_cursor_holds_what_the_database_can_have_or_nothing() {
    let (app, token) = seeded().await;
    let (name, time) = ("language +name +id", "git_commit +commit_at +id");
    let date = "website +stat_date +id";
    let micros = |years: i64| (years * 365 * 86_400_000_000).to_be_bytes();
    let days = |years: i32| (years * 365).to_be_bytes();
    for (path, bound, value, status) in [
        ("github/languages?sort=name", name, &b"a"[..], 200),
        ("github/languages?sort=name", name, b"a\0b", 400),
        ("github/languages?sort=name", name, b"\xff", 400),
        ("github/commits?sort=commit_at", time, &micros(-6_000), 200),
        ("github/commits?sort=commit_at", time, &micros(-7_000), 400),
        ("github/commits?sort=commit_at", time, &micros(260_000), 200),
        ("github/commits?sort=commit_at", time, &i64::MIN.to_be_bytes(), 400),
        ("github/commits?sort=commit_at", time, &i64::MAX.to_be_bytes(), 400),
        ("website/daily-visits?sort=stat_date", date, &days(-6_000), 200),
        ("website/daily-visits?sort=stat_date", date, &days(-7_000), 400),
        ("website/daily-visits?sort=stat_date", date, &i32::MIN.to_be_bytes(), 400),
        ("website/daily-visits?sort=stat_date", date, &i32::MAX.to_be_bytes(), 400),
    ] {
        let cursor = forged(bound, &[value, &7_i64.to_be_bytes()]);
        let answer = app.get_as(&token, &format!("/api/v1/{path}&cursor={cursor}")).await;
        let answer = answer.expect(status);
        if status == 400 {
            assert_eq!(answer["errors"][0]["code"], "invalid_cursor", "{path} {value:?}");
        }
    }
}
