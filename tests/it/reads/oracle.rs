//! What a list must answer, worked out in memory from all rows.

use std::cmp::Ordering;

use boost_dashboard::query::{
    column::{Column, Type},
    operator::Operator,
    resource::Resource,
};
use chrono::{DateTime, Utc};
use serde_json::Value;

/// A value as it is compared. Nulls come last.
#[derive(Debug, Clone, PartialEq, PartialOrd)]
pub(crate) enum Comparable {
    Number(i64),
    Bool(bool),
    Text(String),
    Time(DateTime<Utc>),
    Null,
}

pub(crate) fn comparable(column: &Column, value: &Value) -> Comparable {
    match (column.ty, value) {
        (_, Value::Null) => Comparable::Null,
        (Type::IdText, Value::String(text)) => Comparable::Number(text.parse().unwrap()),
        (Type::Timestamp, Value::String(text)) => Comparable::Time(text.parse().unwrap()),
        (Type::Enum(texts), Value::String(text)) => {
            let place = texts.iter().position(|known| known == text).unwrap();
            Comparable::Number(i64::try_from(place).unwrap())
        }
        (_, Value::Bool(value)) => Comparable::Bool(*value),
        (_, Value::Number(value)) => Comparable::Number(value.as_i64().unwrap()),
        (_, Value::String(text)) => Comparable::Text(text.clone()),
        (ty, value) => panic!("{value} is no {ty:?}"),
    }
}

/// Sorts rows by columns (true: descending), then by the key in the direction of the last.
pub(crate) fn sort(resource: &Resource, rows: &mut [Value], keys: &[(&Column, bool)]) {
    let last = (resource.key(), keys.last().is_some_and(|(_, descending)| *descending));
    let of = |row: &Value, column: &Column| comparable(column, &row[column.name]);
    rows.sort_by(|a, b| {
        keys.iter().chain([&last]).fold(Ordering::Equal, |so_far, (column, descending)| {
            let (a, b) = (of(a, column), of(b, column));
            let order = a.partial_cmp(&b).unwrap();
            let has_null = a == Comparable::Null || b == Comparable::Null;
            so_far.then(if *descending && !has_null { order.reverse() } else { order })
        })
    });
}

/// Whether a row passes a filter, given as its text.
pub(crate) fn passes(column: &Column, operator: Operator, text: &str, row: &Value) -> bool {
    let value = comparable(column, &row[column.name]);
    let given = |text: &str| {
        let number = matches!(column.ty, Type::Int | Type::BigInt);
        let json = match text {
            _ if number => Value::from(text.parse::<i64>().unwrap()),
            _ if column.ty == Type::Bool => Value::Bool(text == "true"),
            _ => Value::String(text.to_owned()),
        };
        comparable(column, &json)
    };
    let lower = |value: &Comparable| match value {
        Comparable::Text(text) => text.to_lowercase(),
        _ => String::new(),
    };
    let known = value != Comparable::Null;
    match operator {
        Operator::Eq => value == given(text),
        Operator::Ne => value != given(text),
        Operator::Gt => known && value > given(text),
        Operator::Gte => known && value >= given(text),
        Operator::Lt => known && value < given(text),
        Operator::Lte => known && value <= given(text),
        Operator::In => listed(text).iter().any(|text| value == given(text)),
        Operator::IsNull => (text == "true") != known,
        Operator::Contains => lower(&value).contains(&text.to_lowercase()),
        Operator::StartsWith => lower(&value).starts_with(&text.to_lowercase()),
    }
}

/// The values of a list: between quotes a comma is a letter, and two quotes are one.
fn listed(text: &str) -> Vec<String> {
    let (mut values, mut is_quoted) = (vec![String::new()], false);
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        let value = values.last_mut().unwrap();
        match letter {
            ',' if !is_quoted => values.push(String::new()),
            '"' if is_quoted && letters.next_if_eq(&'"').is_some() => value.push('"'),
            '"' if is_quoted || value.is_empty() => is_quoted = !is_quoted,
            other => value.push(other),
        }
    }
    values
}
