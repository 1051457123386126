//! Extractors that refuse with problem documents. axum's own refuse in plain text.

mod body;
mod pairs;
mod values;

pub use body::Body;

use axum::{
    extract::{FromRequestParts, RawPathParams, path::ErrorKind, rejection::PathRejection},
    http::request::Parts,
};
use serde::de::DeserializeOwned;

use super::problem::{Fault, Problem, Result};

/// Path parameters, as `axum::extract::Path` takes them.
#[derive(Debug, Clone, Copy)]
pub struct Path<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        match axum::extract::Path::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(value)) => Ok(Self(value)),
            Err(PathRejection::FailedToDeserializePathParams(error)) => {
                let raw = RawPathParams::from_request_parts(parts, state).await;
                let raw = raw.map_err(Problem::internal)?;
                let names: Vec<&str> = raw.iter().map(|(name, _)| name).collect();
                Err(explain(error.kind(), &names))
            }
            Err(error) => Err(Problem::internal(error)),
        }
    }
}

/// A path's text, as a statement can bind it.
pub fn text(name: &str, text: String) -> Result<String> {
    if text.contains('\0') {
        let detail = format!("The path parameter `{name}` holds the character NUL.");
        return Err(Problem::invalid(vec![Fault::parameter(
            name,
            "invalid_path_parameter",
            detail,
        )]));
    }
    Ok(text)
}

/// What is wrong with a path; `names` are its parameters' in order.
fn explain(kind: &ErrorKind, names: &[&str]) -> Problem {
    let nth = |index: usize| names.get(index).copied().unwrap_or("id").to_owned();
    let (name, detail) = match kind {
        ErrorKind::ParseErrorAtKey { key, value, expected_type } => {
            (key.clone(), format!("`{value}` is not a {}", readable(expected_type)))
        }
        ErrorKind::ParseErrorAtIndex { index, value, expected_type } => {
            (nth(*index), format!("`{value}` is not a {}", readable(expected_type)))
        }
        ErrorKind::ParseError { value, expected_type } => {
            (nth(0), format!("`{value}` is not a {}", readable(expected_type)))
        }
        ErrorKind::InvalidUtf8InPathParam { key } => {
            (key.clone(), "it is not UTF-8 once percent-decoded".to_owned())
        }
        ErrorKind::DeserializeError { key, message, .. } => (key.clone(), message.clone()),
        other => return Problem::internal(other),
    };
    Problem::invalid(vec![Fault::parameter(
        name.clone(),
        "invalid_path_parameter",
        format!("The path parameter `{name}` is wrong: {detail}."),
    )])
}

/// A Rust type in words that a client understands.
fn readable(rust: &str) -> &str {
    match rust {
        "i16" | "i32" | "i64" | "u16" | "u32" | "u64" | "usize" => "whole number in range",
        "bool" => "boolean (`true` or `false`)",
        other => other,
    }
}

/// The query's pairs in the order they were sent, percent-decoded. Bad encoding, or one name twice,
/// is a 400. `+` is a space, as in a form.
#[derive(Debug, Clone, Default)]
pub struct Params(pub Vec<(String, String)>);

impl<S: Send + Sync> FromRequestParts<S> for Params {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        pairs::parse(parts.uri.query().unwrap_or_default()).map(Self)
    }
}

/// Query parameters as a struct of `Option`s, numbers, booleans, texts, unit enums and (separated
/// by commas) lists of these. A parameter that is not a field is refused with the nearest name.
#[derive(Debug, Clone, Copy)]
pub struct Query<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        let pairs = pairs::parse(parts.uri.query().unwrap_or_default())?;
        values::read(&pairs).map(Self).map_err(Problem::invalid)
    }
}
