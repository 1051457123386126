//! The document has the keys and types of the published one.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{by_hand, document};

const SHAPE: &str = include_str!("../../../fixtures/dashboard/dashboard_data.shape.json");

/// All values at a path; `{…}` stands for every key, `[]` for every item.
fn at<'a>(document: &'a Value, path: &str) -> Vec<&'a Value> {
    let path = path.replace("[]", ".[]").replace("[0]", ".[0]").replace("[1]", ".[1]");
    let mut found = vec![document];
    for segment in path.split('.').skip(1) {
        let step = |value: &'a Value| -> Vec<&'a Value> {
            match segment {
                "[]" => value.as_array().into_iter().flatten().collect(),
                "[0]" => value.get(0).into_iter().collect(),
                "[1]" => value.get(1).into_iter().collect(),
                _ if segment.starts_with('{') => {
                    value.as_object().into_iter().flat_map(|map| map.values()).collect()
                }
                _ => value.get(segment).into_iter().collect(),
            }
        };
        found = found.into_iter().flat_map(step).collect();
    }
    found
}

fn has_type(value: &Value, ty: &str) -> bool {
    match ty {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "integer" => value.is_i64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        other => panic!("no type {other}"),
    }
}

/// Whether the keys of an object are data: versions, years, headers, languages.
fn are_data(map: &serde_json::Map<String, Value>) -> bool {
    map.keys().any(|key| {
        key.is_empty()
            || key.contains(|c: char| "./+0123456789".contains(c) && !key.starts_with("top20"))
    })
}

/// Every key that names something.
fn names(value: &Value, into: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            let is_data =
                are_data(map) && !map.keys().any(|key| key == "stars_10_plus" || key == "over_10");
            for (key, value) in map {
                if !is_data {
                    into.insert(key.clone());
                }
                names(value, into);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| names(item, into)),
        _ => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_and_types_are_the_published_ones_with_the_changes_that_are_declared() {
    let shape: Value = serde_json::from_str(SHAPE).unwrap();
    let served = document(&by_hand::rows(), "2026-06-01T00:00:00Z").await;
    let list = |list: &Value| list.as_array().unwrap().clone();
    let is_single = |entry: &&Value| !entry["path"].as_str().unwrap().contains(", ");
    let changed: Vec<Value> = list(&shape["served"]["changed"]);
    let changed: Vec<&Value> = changed.iter().filter(is_single).collect();
    let left_out: Vec<Value> = list(&shape["served"]["left_out"]);
    let mut expected = list(&shape["published"]);
    expected.retain(|entry| {
        let is = |others: &[&Value]| others.iter().any(|other| other["path"] == entry["path"]);
        !is(&changed) && !is(&left_out.iter().collect::<Vec<_>>())
    });
    expected.extend(
        changed
            .iter()
            .filter(|it| !it["path"].as_str().unwrap().contains('*'))
            .map(|it| (*it).clone()),
    );
    expected.extend(list(&shape["served"]["added"]));
    assert!(expected.len() > 80);
    for entry in &expected {
        let (path, ty) = (entry["path"].as_str().unwrap(), entry["type"].as_str().unwrap());
        let found = at(&served, path);
        assert!(!found.is_empty(), "nothing at {path}");
        for value in &found {
            assert!(has_type(value, ty), "{path} is no {ty}: {value}");
        }
        // Samples of objects show their keys.
        if let Some(sample) =
            entry["sample"].as_object().filter(|sample| path.ends_with("[]") || !are_data(sample))
        {
            let keys =
                |map: &serde_json::Map<String, Value>| map.keys().cloned().collect::<Vec<_>>();
            for value in found {
                assert_eq!(keys(value.as_object().unwrap()), keys(sample), "{path}");
            }
        }
    }
    for entry in &left_out {
        assert!(at(&served, entry["path"].as_str().unwrap()).is_empty(), "{entry}");
    }
    let mut shown = BTreeSet::new();
    names(&served, &mut shown);
    let known = |name: &String| {
        SHAPE.contains(&format!(".{name}")) || SHAPE.contains(&format!("\"{name}\""))
    };
    let unknown: Vec<&String> = shown.iter().filter(|name| !known(name)).collect();
    assert!(unknown.is_empty(), "not declared: {unknown:?}");
}
