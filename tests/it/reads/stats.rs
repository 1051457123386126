//! Statistics against the naive: all rows, grouped by hand.

use std::collections::{BTreeMap, BTreeSet};

use boost_dashboard::{
    db::sql::Statement,
    query::{
        column::{Column, Type},
        resource::Resource,
        stats::plan::{Function, is_group, is_time},
    },
};
use chrono::{DateTime, Datelike, Days, Months, NaiveDate, Utc};
use rand::{Rng, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use serde_json::{Value, json};

use super::{
    all_rows,
    oracle::{Comparable, comparable},
    resources, seed, seeded,
};
use crate::support::TestApp;

/// What is asked of a table.
#[derive(Debug)]
struct Asked<'a> {
    series: Option<(&'a Column, &'static str, bool)>,
    groups: Vec<&'a Column>,
    measures: Vec<(Function, Option<&'a Column>)>,
    top: Option<usize>,
}

impl<'a> Asked<'a> {
    fn random(resource: &'a Resource, random: &mut StdRng) -> Self {
        let columns = &resource.columns;
        let times: Vec<_> = columns.iter().filter(|it| is_time(it)).collect();
        let series = times.choose(random).filter(|_| random.random_bool(0.7)).map(|time| {
            let bucket = *["day", "week", "month", "quarter", "year"].choose(random).unwrap();
            (*time, bucket, random.random_bool(0.5))
        });
        let mut groups: Vec<&Column> = Vec::new();
        let fit: Vec<_> = columns.iter().filter(|it| is_group(it) && it.name != "count").collect();
        for _ in 0..random.random_range(0..3) {
            let column = *fit.choose(random).unwrap();
            if !groups.iter().any(|it| it.name == column.name) {
                groups.push(column);
            }
        }
        let mut measures = vec![(Function::Count, None)];
        let all: Vec<_> = columns
            .iter()
            .flat_map(|it| Function::ALL.into_iter().map(move |f| (f, it)))
            .filter(|(function, column)| function.applies_to(column))
            .collect();
        for _ in 0..random.random_range(0..4) {
            let (function, column) = *all.choose(random).unwrap();
            let known = |(f, c): &(Function, Option<&Column>)| {
                *f == function && c.is_some_and(|it| it.name == column.name)
            };
            if !measures.iter().any(known) {
                let place = random.random_range(0..=measures.len());
                measures.insert(place, (function, Some(column)));
            }
        }
        let top =
            (!groups.is_empty() && random.random_bool(0.4)).then(|| random.random_range(1..6));
        Self { series, groups, measures, top }
    }

    fn query(&self) -> String {
        let mut parts = Vec::new();
        if let Some((time, bucket, fill)) = self.series {
            parts.push(format!("bucket={bucket}&time={}&fill={fill}", time.name));
        }
        if !self.groups.is_empty() {
            let names: Vec<_> = self.groups.iter().map(|it| it.name).collect();
            parts.push(format!("group_by={}", names.join(",")));
        }
        let names = self.measures.iter().map(|(function, column)| {
            column
                .map_or_else(|| "count".to_owned(), |it| format!("{}:{}", function.name(), it.name))
        });
        parts.push(format!("measure={}", names.collect::<Vec<_>>().join(",")));
        parts.extend(self.top.map(|top| format!("top={top}")));
        format!("&{}", parts.join("&"))
    }

    /// The answer, worked out row by row.
    fn answer(&self, rows: &[&Value]) -> Vec<Value> {
        let rows: Vec<_> = rows
            .iter()
            .filter(|row| self.series.is_none_or(|(time, ..)| !row[time.name].is_null()))
            .copied()
            .collect();
        let groups = self.ranked(&rows);
        if self.series.is_none() {
            let of = |key: &Vec<Value>| self.row(None, key, &self.of_group(&rows, key));
            return groups.iter().map(of).collect();
        }
        let kept: Vec<_> =
            rows.iter().filter(|row| groups.contains(&self.key(row))).copied().collect();
        let mut answer = Vec::new();
        for bucket in self.buckets(&kept) {
            for key in &groups {
                let of = self.of_group(&kept, key);
                let of: Vec<_> = of.into_iter().filter(|row| self.bucket(row) == bucket).collect();
                if !of.is_empty() || self.series.unwrap().2 {
                    answer.push(self.row(Some(bucket), key, &of));
                }
            }
        }
        answer
    }

    fn key(&self, row: &Value) -> Vec<Value> {
        self.groups.iter().map(|column| row[column.name].clone()).collect()
    }

    fn of_group<'r>(&self, rows: &[&'r Value], key: &[Value]) -> Vec<&'r Value> {
        rows.iter().filter(|row| self.key(row) == key).copied().collect()
    }

    /// The groups in their order: by the first measure with `top`, else by name.
    fn ranked(&self, rows: &[&Value]) -> Vec<Vec<Value>> {
        let mut groups: Vec<Vec<Value>> = Vec::new();
        for row in rows {
            let key = self.key(row);
            if !groups.contains(&key) {
                groups.push(key);
            }
        }
        let name = |key: &Vec<Value>| -> Vec<Comparable> {
            self.groups.iter().zip(key).map(|(column, value)| comparable(column, value)).collect()
        };
        groups.sort_by(|a, b| name(a).partial_cmp(&name(b)).unwrap());
        if let Some(top) = self.top {
            let (function, column) = self.measures[0];
            let first = |key: &Vec<Value>| measure(function, column, &self.of_group(rows, key));
            groups.sort_by(|a, b| {
                let (a, b) = (first(a), first(b));
                let order = |value: &Value| match (column, value) {
                    (_, Value::Null) => None,
                    (_, Value::Number(number)) => Some((number.as_f64().unwrap(), None)),
                    (column, value) => Some((0.0, Some(comparable(column.unwrap(), value)))),
                };
                match (order(&a), order(&b)) {
                    (Some(a), Some(b)) => b.partial_cmp(&a).unwrap(),
                    (a, b) => a.is_none().cmp(&b.is_none()),
                }
            });
            groups.truncate(top);
        }
        groups
    }

    fn bucket(&self, row: &Value) -> NaiveDate {
        let (time, bucket, _) = self.series.unwrap();
        let text = row[time.name].as_str().unwrap();
        let date = match time.ty {
            Type::Date => text.parse().unwrap(),
            _ => text.parse::<DateTime<Utc>>().unwrap().date_naive(),
        };
        start(date, bucket)
    }

    fn buckets(&self, rows: &[&Value]) -> Vec<NaiveDate> {
        let (_, bucket, fill) = self.series.unwrap();
        let found: BTreeSet<_> = rows.iter().map(|row| self.bucket(row)).collect();
        let (Some(first), Some(last)) = (found.first(), found.last()) else { return Vec::new() };
        if !fill {
            return found.into_iter().collect();
        }
        let mut all = vec![*first];
        while all.last().unwrap() < last {
            all.push(next(*all.last().unwrap(), bucket));
        }
        all
    }

    fn row(&self, bucket: Option<NaiveDate>, key: &[Value], rows: &[&Value]) -> Value {
        let mut shown = serde_json::Map::new();
        if let Some(bucket) = bucket {
            shown.insert("bucket".to_owned(), json!(bucket.to_string()));
        }
        for (column, value) in self.groups.iter().zip(key) {
            shown.insert(column.name.to_owned(), value.clone());
        }
        for (function, column) in &self.measures {
            let name = column.map_or_else(String::new, |it| format!("_{}", it.name));
            let value = measure(*function, *column, rows);
            shown.insert(format!("{}{name}", function.name()), value);
        }
        Value::Object(shown)
    }
}

fn start(date: NaiveDate, bucket: &str) -> NaiveDate {
    let month = |month| NaiveDate::from_ymd_opt(date.year(), month, 1).unwrap();
    match bucket {
        "day" => date,
        "week" => date - Days::new(date.weekday().num_days_from_monday().into()),
        "month" => month(date.month()),
        "quarter" => month((date.month() - 1) / 3 * 3 + 1),
        _ => month(1),
    }
}

fn next(date: NaiveDate, bucket: &str) -> NaiveDate {
    match bucket {
        "day" => date + Days::new(1),
        "week" => date + Days::new(7),
        "month" => date + Months::new(1),
        "quarter" => date + Months::new(3),
        _ => date + Months::new(12),
    }
}

fn measure(function: Function, column: Option<&Column>, rows: &[&Value]) -> Value {
    let Some(column) = column else { return json!(rows.len()) };
    let mut values: Vec<_> =
        rows.iter().map(|row| &row[column.name]).filter(|value| !value.is_null()).collect();
    let sum: i64 = values.iter().filter_map(|value| value.as_i64()).sum();
    values.sort_by(|a, b| comparable(column, a).partial_cmp(&comparable(column, b)).unwrap());
    match function {
        Function::Count => json!(rows.len()),
        Function::Sum => json!(sum),
        Function::Avg if values.is_empty() => Value::Null,
        #[expect(clippy::cast_precision_loss, reason = "the numbers are small")]
        Function::Avg => json!(sum as f64 / values.len() as f64),
        Function::Min => values.first().copied().cloned().unwrap_or_default(),
        Function::Max => values.last().copied().cloned().unwrap_or_default(),
        Function::Distinct => {
            values.dedup();
            json!(values.len())
        }
    }
}

/// Whether two values are the same, numbers up to rounding.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        (Value::Number(a), Value::Number(b)) => {
            (a.as_f64().unwrap() - b.as_f64().unwrap()).abs() < 1e-6
        }
        _ => a == b,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_table_measures_what_is_measured_by_hand() {
    let (app, token) = seeded().await;
    let mut random = StdRng::seed_from_u64(17);
    let mut told = 0;
    for resource in resources() {
        let rows = all_rows(&app, &token, resource.path).await;
        for _ in 0..12 {
            let asked = Asked::random(&resource, &mut random);
            let (filter, from) = match random.random_range(0..3) {
                0 => ("&id__gt=5".to_owned(), 5),
                _ => (String::new(), i64::MIN),
            };
            let filter = if resource.key().name == "id" { filter } else { String::new() };
            let of = |row: &&Value| filter.is_empty() || id(row) > from;
            let meant: Vec<_> = rows.iter().filter(of).collect();
            let path = format!("/api/v1{}/stats?{}{filter}", resource.path, asked.query());
            let found = app.get_as(&token, &path).await.expect(200);
            let expected = Value::Array(asked.answer(&meant));
            assert!(same(&found["data"], &expected), "{path}\n{}\n{expected}", found["data"]);
            told += expected.as_array().unwrap().len();
        }
    }
    assert!(told > 2_000, "{told} rows tell too little");
}

fn id(row: &Value) -> i64 {
    row["id"].as_i64().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_an_empty_series() {
    let app = TestApp::new().await;
    let token = app.token(&["read", "read:pii"]);
    for resource in resources() {
        let mut queries = vec!["", "?group_by=id&top=3", "?measure=count"];
        if resource.key().name != "id" {
            queries.remove(1);
        }
        if resource.time.is_some() {
            queries.extend(["?bucket=day&fill=true", "?bucket=week&window=365d&fill=true"]);
        }
        for query in queries {
            let path = format!("/api/v1{}/stats{query}", resource.path);
            let found = app.get_as(&token, &path).await.expect(200);
            assert_eq!(found["data"], json!([]), "{path}");
            assert!(found["meta"]["as_of"].is_string());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_window_is_filled_to_its_ends() {
    let (app, token) = seeded().await;
    let path = "/api/v1/github/commits/stats?bucket=month&fill=true&window=2024-01-15/2024-04-01";
    let found = app.get_as(&token, path).await.expect(200);
    let expected = json!([
        {"bucket": "2024-01-01", "count": 0},
        {"bucket": "2024-02-01", "count": found["data"][1]["count"]},
        {"bucket": "2024-03-01", "count": 0},
    ]);
    assert_eq!(found["data"], expected);
    assert_eq!(found["data"][1]["count"], seed::ROWS);
    // Of another time than the window's it says nothing.
    let path = "/api/v1/github/issues/stats?bucket=day&fill=true&time=issue_closed_at&\
                window=2020-01-01/2030-01-01";
    let found = app.get_as(&token, path).await.expect(200);
    assert!(found["data"].as_array().unwrap().len() < 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_absurd_series_is_refused() {
    // Not for the whole file: every `first` would be a query's.
    use diesel_async::RunQueryDsl as _;
    let app = TestApp::new().await;
    let sql = "insert into website (stat_date, website_visit_count) values \
               ('0001-01-01', 9223372036854775807), ('9999-12-31', 9223372036854775807), \
               ('2024-01-01', 1)";
    Statement::new(sql).execute(&mut app.db().connect().await).await.unwrap();
    let path = "/api/v1/website/daily-visits/stats?measure=sum:website_visit_count";
    let filled = app.get(&format!("{path}&bucket=day&fill=true")).await.expect(400);
    assert_eq!(filled["type"], "urn:boost-dashboard:too_many_rows");
    let years = app.get(&format!("{path}&bucket=year&fill=true")).await.expect(200);
    assert_eq!(years["data"].as_array().unwrap().len(), 9_999);
    // A sum may be greater than what is summed.
    let all = app.get(path).await;
    assert!(all.text().contains("\"sum_website_visit_count\":18446744073709551615"));
    assert_eq!(all.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_series_of_very_many_groups_is_refused_at_once() {
    // Not for the whole file: every `first` would be a query's.
    use diesel_async::RunQueryDsl as _;
    let app = TestApp::new().await;
    let mut connection = app.db().connect().await;
    let sql = "insert into website_word_count (stat_date, word, count)
               select date '2024-01-01' + n % 100, 'word' || n, 1 from generate_series(1, 50000) n";
    Statement::new(sql).execute(&mut connection).await.unwrap();
    let path = "/api/v1/website/word-counts/stats?fill=true&group_by=word&measure=sum:count";
    let window = "bucket=day&window=2000-01-01/2026-01-01";
    // Eleven words, on ten dates.
    let few = "bucket=day&word__startswith=word1000";
    for (query, rows) in [
        // What would be four hundred million rows is no matter of waiting.
        (window.to_owned(), None),
        ("bucket=day&id__lte=100".to_owned(), Some(100 * 100)),
        ("bucket=day&id__lte=101".to_owned(), None),
        ("bucket=year&id__lte=10000".to_owned(), Some(10_000)),
        ("bucket=year&id__lte=10001".to_owned(), None),
        (few.to_owned(), Some(11 * 10)),
        (format!("{few}&window=2024-01-01/2026-01-01"), Some(11 * 731)),
        (format!("{few}&window=2000-01-01/2026-01-01"), None),
        (format!("{window}&top=2"), None),
        (format!("{window}&top=1"), Some(9_497)),
    ] {
        let answer = app.get(&format!("{path}&{query}")).await;
        if let Some(rows) = rows {
            let found = answer.expect(200);
            assert_eq!(found["data"].as_array().unwrap().len(), rows, "{query}");
        } else {
            assert_eq!(answer.expect(400)["type"], "urn:boost-dashboard:too_many_rows", "{query}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_are_not_public_are_not_counted() {
    let (app, token) = seeded().await;
    let reader = app.token(&["read"]);
    for resource in resources().into_iter().filter(|it| it.public.is_some()) {
        let list = app.get(&format!("/api/v1{}?limit=500", resource.path)).await.expect(200);
        let shown = list["data"].as_array().unwrap().len();
        let path = format!("/api/v1{}/stats", resource.path);
        for (token, expected) in [(&reader, shown), (&token, seed::ROWS)] {
            let found = app.get_as(token, &path).await.expect(200);
            let count = found["data"][0]["count"].as_u64().unwrap_or(0);
            assert_eq!(count, expected as u64, "{path}");
        }
    }
    assert_eq!(app.get("/api/v1/users/emails/stats").await.status(), 401);
    assert_eq!(app.get_as(&reader, "/api/v1/users/emails/stats").await.status(), 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_fault_is_named() {
    let app = TestApp::new().await;
    for (query, code, parameter, suggestion) in [
        ("issues?buket=day", "unknown_parameter", "buket", Some("bucket")),
        ("issues?bucket=monht", "unknown_value", "bucket", Some("month")),
        ("issues?bucket=day&time=titel", "unknown_field", "time", None),
        ("issues?bucket=day&time=title", "unsupported_field", "time", None),
        (
            "issues?bucket=day&time=issue_create_at",
            "unknown_field",
            "time",
            Some("issue_created_at"),
        ),
        ("issues?time=issue_closed_at", "missing_parameter", "time", None),
        ("issues?fill=true", "missing_parameter", "fill", None),
        ("issues?bucket=day&fill=yes", "invalid_type", "fill", None),
        ("issues?group_by=stat", "unknown_field", "group_by", Some("state")),
        ("issues?group_by=", "unknown_field", "group_by", None),
        ("issues?group_by=state,state", "duplicate_field", "group_by", None),
        ("issues?group_by=id,state,title,body,repo_id", "too_many_items", "group_by", None),
        ("issues?measure=", "unknown_value", "measure", None),
        ("issues?measure=counts", "unknown_value", "measure", Some("count")),
        ("issues?measure=count:id", "unknown_value", "measure", None),
        ("issues?measure=sum:title", "unsupported_field", "measure", None),
        ("issues?measure=sum:repo_id", "unsupported_field", "measure", None),
        ("issues?measure=min:state", "unsupported_field", "measure", None),
        ("issues?measure=mxa:issue_number", "unknown_value", "measure", Some("max:issue_number")),
        ("issues?measure=max:issue_numbr", "unknown_field", "measure", Some("issue_number")),
        ("issues?measure=count,count", "duplicate_field", "measure", None),
        ("issues?top=5", "missing_parameter", "top", None),
        ("issues?group_by=state&top=0", "out_of_range", "top", None),
        ("issues?group_by=state&top=1001", "out_of_range", "top", None),
        ("issues?sort=id", "unknown_parameter", "sort", None),
        ("issues?limit=5", "unknown_parameter", "limit", None),
        ("issues?count=exact", "unknown_parameter", "count", None),
        ("issues?state=opne", "unknown_value", "state", Some("open")),
        ("issues?window=30", "unknown_value", "window", Some("30d")),
    ] {
        let problem = app.get(&format!("/api/v1/github/{query}").replace('?', "/stats?")).await;
        let problem = problem.expect(400);
        let fault = &problem["errors"][0];
        assert_eq!(fault["code"], code, "{query}: {fault}");
        assert_eq!(fault["parameter"], parameter, "{query}: {fault}");
        if let Some(suggestion) = suggestion {
            assert_eq!(fault["suggestion"], suggestion, "{query}: {fault}");
        }
    }
    let timeless = app.get("/api/v1/users/profiles/stats?bucket=day").await.expect(400);
    assert_eq!(timeless["errors"][0]["code"], "unsupported_parameter");
    let named = "/api/v1/website/word-counts/stats?group_by=count";
    assert_eq!(app.get(named).await.expect(400)["errors"][0]["code"], "ambiguous");
    app.get(&format!("{named}&measure=sum:count")).await.expect(200);
    // The column's filter, where a list would be counted.
    app.get("/api/v1/website/word-counts/stats?count=5").await.expect(200);
}

#[test]
fn every_bucket_of_the_oracle_begins_where_it_should() {
    let date = |text: &str| text.parse::<NaiveDate>().unwrap();
    let starts: BTreeMap<_, _> = ["day", "week", "month", "quarter", "year"]
        .map(|bucket| (bucket, start(date("2024-12-31"), bucket).to_string()))
        .into();
    assert_eq!(starts["week"], "2024-12-30");
    assert_eq!(starts["quarter"], "2024-10-01");
}
