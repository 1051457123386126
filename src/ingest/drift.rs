//! Drift: keys that a source sends and that no schema of ours names.

use std::collections::{BTreeMap, HashMap};

use diesel::QueryResult;
use serde_json::Value;

use super::{given::Given, kind::Spec, tx::Tx};
use crate::db::sql::{SqlType, Statement, Value as Bind};

/// A kind's JSON Schema as a tree of known keys.
#[derive(Debug)]
enum Shape {
    /// Anything below here is known.
    Any,
    /// An object, an array, or both.
    Known {
        keys: HashMap<String, Shape>,
        /// Keys that a pattern covers: addresses and node ids.
        addresses: bool,
        /// Whether unknown keys are fine.
        open: bool,
        items: Option<Box<Shape>>,
    },
}

/// How many different unknown keys of a request are counted. A hostile body can make them up without
/// end; what matters is that there are some.
const DISTINCT: usize = 1_000;

/// Unknown keys of a request: how often, and the type of their value.
#[derive(Debug, Default)]
pub struct Drift(BTreeMap<String, (i64, String)>);

/// Finds unknown keys in the documents of one kind.
#[derive(Debug)]
pub struct Detector(Shape);

impl Detector {
    /// The detector of a kind's schema.
    pub fn of(spec: &Spec) -> Self {
        let schema: Value = serde_json::from_str(spec.schema)
            .unwrap_or_else(|error| unreachable!("{}/{}: {error}", spec.domain, spec.name));
        Self(Shape::of(&schema, &schema))
    }

    /// Counts the unknown keys of a document, or of what surrounds its items.
    pub fn inspect(&self, document: &Value, drift: &mut Drift) {
        walk(&self.0, document, &mut String::new(), drift);
    }

    /// Counts the unknown keys of an item that stands in a list, or is the document.
    pub fn inspect_item(&self, list: Option<&str>, item: &Value, drift: &mut Drift) {
        let Some(list) = list else { return self.inspect(item, drift) };
        if let Shape::Known { keys, .. } = &self.0
            && let Some(Shape::Known { items: Some(shape), .. }) = keys.get(list)
        {
            walk(shape, item, &mut format!("/{list}/*"), drift);
        }
    }
}

impl Shape {
    fn of(schema: &Value, root: &Value) -> Self {
        if let Some(name) = schema.get("$ref").and_then(Value::as_str) {
            let target = name.strip_prefix('#').and_then(|pointer| root.pointer(pointer));
            return target.map_or(Self::Any, |target| Self::of(target, root));
        }
        let properties = schema.get("properties").and_then(Value::as_object);
        let items = schema.get("items").map(|items| Box::new(Self::of(items, root)));
        if properties.is_none() && items.is_none() {
            return Self::Any;
        }
        Self::Known {
            keys: properties
                .into_iter()
                .flatten()
                .map(|(key, schema)| (key.clone(), Self::of(schema, root)))
                .collect(),
            addresses: schema.get("patternProperties").is_some(),
            open: properties.is_none()
                || schema.get("additionalProperties") == Some(&Value::Bool(true)),
            items,
        }
    }
}

fn walk(shape: &Shape, value: &Value, pointer: &mut String, drift: &mut Drift) {
    let Shape::Known { keys, addresses, open, items } = shape else { return };
    let length = pointer.len();
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                let known = keys.get(key);
                if known.is_none() && (*open || (*addresses && is_address(key))) {
                    continue;
                }
                pointer.push('/');
                pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
                match known {
                    Some(shape) => walk(shape, member, pointer, drift),
                    None => drift.add(pointer, member),
                }
                pointer.truncate(length);
            }
        }
        Value::Array(elements) => {
            if let Some(shape) = items {
                pointer.push_str("/*");
                for element in elements {
                    walk(shape, element, pointer, drift);
                }
                pointer.truncate(length);
            }
        }
        _ => {}
    }
}

/// What `patternProperties` covers in our schemas: addresses and ids of other interfaces.
fn is_address(key: &str) -> bool {
    key == "url" || key.ends_with("_url") || key == "node_id" || key == "gravatar_id"
}

impl Drift {
    /// The unknown keys, by their place.
    pub fn pointers(&self) -> Vec<&str> {
        self.0.keys().map(String::as_str).collect()
    }

    /// Counts one unknown key. Only the shape of its value is kept, never the value: it may be
    /// personal.
    fn add(&mut self, pointer: &str, value: &Value) {
        let example = match value {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Number(_) => "number",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        };
        if self.0.len() < DISTINCT || self.0.contains_key(pointer) {
            let cut = pointer.char_indices().nth(500).map_or(pointer.len(), |(at, _)| at);
            self.0.entry(pointer[..cut].to_owned()).or_insert((0, example.to_owned())).0 += 1;
        }
    }

    /// Adds the counts to the table, in the same transaction as the rows.
    pub async fn store(&self, tx: &mut Tx<'_>, spec: &Spec) -> QueryResult<()> {
        if self.0.is_empty() {
            return Ok(());
        }
        let mut statement = Statement::new(
            "insert into drift (domain, kind, pointer, occurrences, example, first_seen_at, \
             last_seen_at) select ",
        );
        let text = |text: &str| Bind::Text(text.to_owned());
        statement.bind(SqlType::Text, text(spec.domain)).push("::text, ");
        statement
            .bind(SqlType::Text, text(spec.name))
            .push("::text, u.pointer, u.seen, u.example, ");
        statement.bind(SqlType::Timestamptz, Bind::Timestamptz(tx.now)).push("::timestamptz, ");
        statement.bind(SqlType::Timestamptz, Bind::Timestamptz(tx.now)).push("::timestamptz from ");
        Given::default()
            .texts("pointer", self.0.keys().map(String::as_str))
            .ids("seen", self.0.values().map(|(seen, _)| *seen))
            .texts("example", self.0.values().map(|(_, example)| example.as_str()))
            .append(&mut statement);
        statement.push(
            " on conflict (domain, kind, pointer) do update set \
             occurrences = drift.occurrences + excluded.occurrences, \
             last_seen_at = excluded.last_seen_at",
        );
        tx.execute(statement).await?;
        Ok(())
    }
}
