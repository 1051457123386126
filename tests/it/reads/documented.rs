//! The document says of reads what they do.

use std::collections::BTreeSet;

use boost_dashboard::{
    http::openapi,
    query::{operator::Operator, relation},
};
use serde_json::Value;

use super::resources;

#[test]
fn every_read_is_documented_with_all_its_parameters() {
    let document = openapi::document().unwrap().value().unwrap();
    let document = &document;
    let mut ids = BTreeSet::new();
    for resource in resources() {
        let path = format!("/api/v1{}", resource.path);
        let list = &document["paths"][&path]["get"];
        let row = &document["paths"][format!("{path}/{{id}}")]["get"];
        for operation in [list, row] {
            let id = operation["operationId"].as_str().unwrap_or_else(|| panic!("{path}"));
            assert!(ids.insert(id.to_owned()), "{id} twice");
            assert!(operation["summary"].is_string(), "{id}");
            assert_eq!(operation["x-scope"], resource.scope.to_string(), "{id}");
        }
        let parameters = list["parameters"].as_array().unwrap();
        let mut parameters: Vec<_> = parameters.iter().map(|it| resolve(document, it)).collect();
        parameters.retain(|parameter| parameter["in"] != "header");
        let names: BTreeSet<_> = parameters.iter().map(|it| it["name"].as_str().unwrap()).collect();
        assert_eq!(names.len(), parameters.len(), "{path}: a parameter twice");
        let filters = resource.columns.iter().flat_map(|column| {
            Operator::of(column).map(|operator| format!("{}{}", column.name, operator.suffix()))
        });
        let words = ["limit", "cursor", "sort", "fields", "count"].map(str::to_owned);
        let includes = relation::of(&resource).iter().any(relation::Relation::is_one);
        let include = includes.then(|| "include".to_owned());
        let search = (!resource.prose.is_empty()).then(|| "q".to_owned());
        let window = resource.time.map(|_| "window".to_owned());
        let words = words.into_iter().chain(include).chain(search).chain(window);
        let expected: BTreeSet<_> = filters.chain(words).collect();
        assert_eq!(names, expected.iter().map(String::as_str).collect(), "{path}");
        for parameter in parameters {
            assert!(parameter["schema"].is_object() && parameter["description"].is_string());
        }
        let component = &document["components"]["schemas"][resource.name]["properties"];
        for column in &resource.columns {
            assert!(component[column.name].is_object(), "{path}: {}", column.name);
        }
        // Each relation is a member of the row and a word of the single row's `include`.
        let parameters = row["parameters"].as_array().unwrap().iter();
        let mut parameters = parameters.map(|it| resolve(document, it));
        let include = parameters.find(|it| it["name"] == "include");
        let names = include.map_or(&Value::Null, |it| &it["schema"]["items"]["enum"]);
        let relations = relation::of(&resource);
        assert_eq!(names.as_array().map_or(0, Vec::len), relations.len(), "{path}");
        for relation in relations {
            assert!(component[&relation.name].is_object(), "{path}: {}", relation.name);
            assert!(names.as_array().unwrap().contains(&relation.name.as_str().into()));
        }
    }
}

/// Follows a reference into the components.
fn resolve<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    match value["$ref"].as_str() {
        Some(reference) => document.pointer(reference.trim_start_matches('#')).unwrap(),
        None => value,
    }
}
