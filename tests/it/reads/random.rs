//! Random requests against the oracle: the whole grammar at once, over every table.
//!
//! `QUERIES` in the environment is the number of requests a table gets, `SEED` where they begin.

use std::{collections::BTreeMap, fmt::Write as _, sync::Arc};

use boost_dashboard::query::{
    column::{Column, Type},
    operator::Operator,
    relation::{self, Relation},
    resource::Resource,
};
use rand::{Rng as _, SeedableRng as _, rngs::StdRng, seq::IndexedRandom as _};
use serde_json::{Value, json};
use tokio::{sync::Semaphore, task::JoinSet};

use super::{all_rows, includes, oracle, query_text, resources, seeded};
use crate::support::TestApp;

/// A number from the environment.
pub(super) fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

/// What every table holds, and a token that may read it.
struct World {
    app: TestApp,
    token: String,
    rows: BTreeMap<&'static str, Vec<Value>>,
}

/// A random request of a list.
struct Request<'a> {
    filters: Vec<(&'a Column, Operator, String)>,
    order: Vec<(&'a Column, bool)>,
    limit: Option<usize>,
    fields: Vec<&'a Column>,
    include: Vec<&'a Relation>,
    /// The word for `count`.
    count: Option<&'static str>,
}

impl<'a> Request<'a> {
    fn any(resource: &'a Resource, rows: &[Value], random: &mut StdRng) -> Self {
        let mut filters: Vec<(&Column, Operator, String)> = Vec::new();
        for _ in 0..random.random_range(0..=3) {
            let column = resource.columns.choose(random).unwrap();
            let operators: Vec<_> = Operator::of(column).collect();
            if let Some(operator) = operators.choose(random).copied()
                && !filters.iter().any(|it| (it.0.name, it.1) == (column.name, operator))
            {
                filters.push((column, operator, any_value(column, operator, rows, random)));
            }
        }
        let sortable: Vec<_> = resource.columns.iter().filter(|column| column.indexed).collect();
        let keys = random.random_range(0..=3);
        let mut order: Vec<(&Column, bool)> = Vec::new();
        for column in sortable.choose_multiple(random, keys) {
            // Two columns may stand for one order; a list refuses that.
            if !order.iter().any(|(other, _)| by(resource, other).name == by(resource, column).name)
            {
                order.push((column, random.random_bool(0.5)));
            }
        }
        let some = |random: &mut StdRng, chance| random.random_bool(chance);
        let mut fields: Vec<_> = resource.columns.iter().collect();
        fields.retain(|_| random.random_bool(0.4));
        if some(random, 0.5) {
            fields.clear();
        }
        let ones = relation::of(resource).iter().filter(|it| it.is_one());
        let include = ones.filter(|_| random.random_bool(0.25)).collect();
        // Where a column is called so, its filter may not be given twice.
        let count = ["none", "exact", "estimated"].choose(random).copied();
        let taken = filters.iter().any(|it| it.0.name == "count" && it.1 == Operator::Eq);
        Self {
            filters,
            order,
            limit: some(random, 0.8).then(|| random.random_range(1..=8)),
            fields,
            include,
            count: count.filter(|_| !taken && some(random, 0.5)),
        }
    }

    /// The request's address.
    fn address(&self, path: &str) -> String {
        let mut parameters = Vec::new();
        for (column, operator, text) in &self.filters {
            let text = query_text(&Value::String(text.clone()));
            parameters.push(format!("{}{}={text}", column.name, operator.suffix()));
        }
        let names = |all: &[&Column]| all.iter().map(|it| it.name).collect::<Vec<_>>().join(",");
        if !self.order.is_empty() {
            let keys = self.order.iter();
            let keys: Vec<_> = keys
                .map(|(it, down)| format!("{}{}", if *down { "-" } else { "" }, it.name))
                .collect();
            parameters.push(format!("sort={}", keys.join(",")));
        }
        if !self.fields.is_empty() {
            parameters.push(format!("fields={}", names(&self.fields)));
        }
        if !self.include.is_empty() {
            parameters.push(format!("include={}", includes::names(&self.include)));
        }
        parameters.extend(self.limit.map(|limit| format!("limit={limit}")));
        parameters.extend(self.count.map(|word| format!("count={word}")));
        format!("/api/v1{path}?{}", parameters.join("&"))
    }

    /// All rows that its pages must show, in order.
    fn expected(&self, resource: &Resource, world: &BTreeMap<&str, Vec<Value>>) -> Vec<Value> {
        let mut rows = world[resource.path].clone();
        rows.retain(|row| {
            self.filters
                .iter()
                .all(|(column, operator, text)| oracle::passes(column, *operator, text, row))
        });
        let order = self.order.iter().map(|(column, down)| (by(resource, column), *down));
        oracle::sort(resource, &mut rows, &order.collect::<Vec<_>>());
        rows.iter()
            .map(|row| {
                let mut shown = row.clone();
                if !self.fields.is_empty() {
                    shown = self.fields.iter().map(|it| (it.name, row[it.name].clone())).collect();
                }
                for relation in &self.include {
                    shown[relation.name.as_str()] =
                        includes::expected(world, resource, relation, row);
                }
                shown
            })
            .collect()
    }
}

/// The column whose order is meant by a sort.
fn by<'a>(resource: &'a Resource, column: &'a Column) -> &'a Column {
    column.order.and_then(|name| resource.column(name)).unwrap_or(column)
}

/// A value to compare with: one that some row has, or one beside it.
fn any_value(column: &Column, operator: Operator, rows: &[Value], random: &mut StdRng) -> String {
    let known: Vec<_> =
        rows.iter().map(|row| &row[column.name]).filter(|it| !it.is_null()).collect();
    let one = |random: &mut StdRng| {
        let value = known.choose(random).map_or(Value::Null, |value| (*value).clone());
        beside(column, &value, random)
    };
    match operator {
        Operator::IsNull => random.random_bool(0.5).to_string(),
        Operator::In => {
            let count = random.random_range(1..=5);
            let values = (0..count).map(|_| match one(random) {
                text if text.contains([',', '"']) => format!("\"{}\"", text.replace('"', "\"\"")),
                text => text,
            });
            values.collect::<Vec<_>>().join(",")
        }
        Operator::Contains | Operator::StartsWith => {
            let text: Vec<_> = one(random).chars().collect();
            let from = match operator {
                Operator::Contains => random.random_range(0..text.len().max(1)),
                _ => 0,
            };
            let to = random.random_range(from..=text.len());
            let part: String = text[from..to].iter().collect();
            let part = if part.is_empty() { "%".to_owned() } else { part };
            if random.random_bool(0.3) { part.to_uppercase() } else { part }
        }
        _ => one(random),
    }
}

/// The value as text, or now and then another one.
fn beside(column: &Column, value: &Value, random: &mut StdRng) -> String {
    let is_other = random.random_bool(0.25);
    match (column.ty, value) {
        (Type::Int | Type::BigInt, _) => {
            let number = value.as_i64().unwrap_or(7);
            (number + i64::from(is_other) * random.random_range(-2..=2)).to_string()
        }
        (Type::IdText, _) if is_other => i64::MAX.to_string(),
        (Type::IdText, Value::Null) => "0".to_owned(),
        (Type::Bool, _) => random.random_bool(0.5).to_string(),
        (Type::Enum(texts), _) => (*texts.choose(random).unwrap()).to_owned(),
        (Type::Timestamp, Value::Null) => "2024-02-29T01:00:00Z".to_owned(),
        (Type::Timestamp, Value::String(text)) if is_other => {
            let time: chrono::DateTime<chrono::Utc> = text.parse().unwrap();
            let east = chrono::FixedOffset::east_opt(5 * 3600 + 1800).unwrap();
            let micros = chrono::Duration::microseconds(random.random_range(-1..=1));
            (time + micros).with_timezone(&east).to_rfc3339()
        }
        (Type::Date, Value::Null) => "2024-03-01".to_owned(),
        (Type::Text, Value::String(text)) if is_other => {
            let mut text = text.clone();
            let _ = write!(text, "{}", ["x", "%", "_", "\\", "'", "ö"].choose(random).unwrap());
            text
        }
        (_, Value::String(text)) => text.clone(),
        _ => "none".to_owned(),
    }
}

/// Sends a request and follows its cursors; the pages must be what the oracle says.
async fn check(world: &World, resource: &Resource, request: &Request<'_>, is_walked: bool) {
    let address = request.address(resource.path);
    let expected = request.expected(resource, &world.rows);
    let limit = request.limit.unwrap_or(50);
    let (mut rest, mut asked) = (&expected[..], address.clone());
    loop {
        let page = world.app.get_as(&world.token, &asked).await.expect(200);
        let (shown, later) = rest.split_at(limit.min(rest.len()));
        assert_eq!(page["data"], Value::Array(shown.to_vec()), "{asked}");
        assert_eq!(page["page"]["next_cursor"].is_string(), !later.is_empty(), "{asked}");
        assert_eq!(page["page"]["limit"], limit);
        let count = &page["meta"]["count"];
        let exact = json!({"value": expected.len(), "exact": true});
        match request.count {
            Some("exact") => assert_eq!(*count, exact, "{asked}"),
            // What is all on the first page is not estimated.
            Some("estimated") if expected.len() <= limit => assert_eq!(*count, exact, "{asked}"),
            Some("estimated") => assert_eq!(count["exact"], false, "{asked}"),
            _ => assert!(count.is_null(), "{asked}"),
        }
        let Some(cursor) = page["page"]["next_cursor"].as_str().filter(|_| is_walked) else {
            return;
        };
        asked = format!("{address}&cursor={cursor}");
        rest = later;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn any_request_is_answered_as_a_search_by_hand_would() {
    let (app, token) = seeded().await;
    let mut rows = BTreeMap::new();
    for resource in resources() {
        rows.insert(resource.path, all_rows(&app, &token, resource.path).await);
    }
    let world = Arc::new(World { app, token, rows });
    let (queries, seed) = (setting("QUERIES", 1_000), setting("SEED", 20_240_501));
    let (few, mut tables) = (Arc::new(Semaphore::new(4)), JoinSet::new());
    for (resource, number) in resources().into_iter().zip(0..) {
        let (world, few) = (Arc::clone(&world), Arc::clone(&few));
        tables.spawn(async move {
            let _one = few.acquire_owned().await.unwrap();
            let mut random = StdRng::seed_from_u64(seed + number);
            for _ in 0..queries {
                let request = Request::any(&resource, &world.rows[resource.path], &mut random);
                check(&world, &resource, &request, random.random_bool(0.3)).await;
            }
        });
    }
    while let Some(table) = tables.join_next().await {
        table.unwrap();
    }
}
