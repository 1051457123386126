//! The feeds of changes.

mod expired;
mod order;
mod shown;
mod tables;
mod waiting;

use std::collections::BTreeMap;

use boost_dashboard::{domains, query::resource::Resource};
use diesel_async::SimpleAsyncConnection as _;
use serde_json::Value;

use crate::support::TestApp;

fn resources() -> Vec<Resource> {
    domains::all().into_iter().flat_map(|domain| domain.resources).collect()
}

/// Runs SQL, in one transaction unless it says otherwise.
async fn run(app: &TestApp, sql: &str) {
    app.db().connect().await.batch_execute(sql).await.unwrap();
}

/// One page of a feed.
async fn page(app: &TestApp, token: &str, path: &str, after: Option<&str>) -> Value {
    let separator = if path.contains('?') { '&' } else { '?' };
    let after = after.map_or_else(String::new, |cursor| format!("{separator}after={cursor}"));
    app.get_as(token, &format!("/api/v1{path}{after}")).await.expect(200)
}

/// The cursor that a page gives.
fn next(page: &Value) -> String {
    page["page"]["next_cursor"].as_str().unwrap().to_owned()
}

/// Everything of a feed to its end, and where that is.
async fn rest(app: &TestApp, token: &str, path: &str, after: Option<&str>) -> (Vec<Value>, String) {
    let (mut entries, mut after) = (Vec::new(), after.map(str::to_owned));
    loop {
        let page = page(app, token, path, after.as_deref()).await;
        entries.extend(page["data"].as_array().unwrap().iter().cloned());
        let cursor = next(&page);
        if page["page"]["has_more"] == false {
            return (entries, cursor);
        }
        assert_ne!(after.as_ref(), Some(&cursor), "it goes on");
        after = Some(cursor);
    }
}

/// A copy of tables that is kept by following a feed.
#[derive(Debug, Default)]
struct Copy(BTreeMap<(String, String), Value>);

impl Copy {
    fn apply(&mut self, entries: &[Value]) {
        for entry in entries {
            let key = (entry["table"].as_str().unwrap().to_owned(), entry["id"].to_string());
            if entry["op"] == "upsert" {
                assert!(entry["row"].is_object(), "{entry}");
                self.0.insert(key, entry["row"].clone());
            } else {
                assert_eq!((&entry["op"], &entry["row"]), (&"delete".into(), &Value::Null));
                self.0.remove(&key);
            }
        }
    }

    /// The rows of a table, in the order of their keys' texts.
    fn rows(&self, table: &str) -> Vec<&Value> {
        self.0.iter().filter(|((of, _), _)| of == table).map(|(_, row)| row).collect()
    }
}

/// The rows that a table's list shows, in the same order.
async fn listed(app: &TestApp, token: &str, resource: &Resource) -> Vec<Value> {
    let path = format!("/api/v1{}?limit=500", resource.path);
    let list = app.get_as(token, &path).await.expect(200);
    let mut rows = list["data"].as_array().unwrap().clone();
    rows.sort_by_key(|row| row[resource.key().name].to_string());
    rows
}
