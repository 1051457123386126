//! Extractors that refuse with problem documents. axum's own refuse in plain text.

mod body;
mod pairs;
mod values;

pub use body::Body;
pub use pairs::{MAX_PAIRS, decoded, percent_decoded};

use axum::{
    extract::{FromRequestParts, RawPathParams, path::ErrorKind, rejection::PathRejection},
    http::request::Parts,
};
use serde::de::DeserializeOwned;

use super::problem::{Fault, Problem, Result};

/// Path parameters, as `axum::extract::Path` takes them. None holds NUL, which no statement can bind.
#[derive(Debug, Clone, Copy)]
pub struct Path<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        refuse_nul(parts, state).await?;
        match axum::extract::Path::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(value)) => Ok(Self(value)),
            Err(PathRejection::FailedToDeserializePathParams(error)) => {
                // The names are known only where every value can be decoded.
                let raw = RawPathParams::from_request_parts(parts, state).await.ok();
                let names = raw.iter().flatten().map(|(name, _)| name).collect::<Vec<_>>();
                Err(explain(error.kind(), &names))
            }
            Err(error) => Err(Problem::internal(error)),
        }
    }
}

async fn refuse_nul<S: Send + Sync>(parts: &mut Parts, state: &S) -> Result<()> {
    // Hardly any path has one: the others are not decoded twice.
    if !parts.uri.path().contains("%00") {
        return Ok(());
    }
    // What cannot be decoded is refused by whoever reads it.
    let Ok(decoded) = RawPathParams::from_request_parts(parts, state).await else { return Ok(()) };
    let Some((name, _)) = decoded.iter().find(|(_, value)| value.contains('\0')) else {
        return Ok(());
    };
    let detail = format!("The path parameter `{name}` holds the character NUL.");
    Err(Problem::invalid(vec![Fault::parameter(name, "invalid_path_parameter", detail)]))
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

/// No query parameters: whatever there is, is refused by name.
#[derive(Debug, Clone, Copy)]
pub struct NoParams;

impl<S: Send + Sync> FromRequestParts<S> for NoParams {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        let pairs = pairs::parse(parts.uri.query().unwrap_or_default())?;
        let unknown = |(name, _): &(String, String)| {
            let detail = format!("There is no parameter `{name}`: this takes none.");
            Fault::parameter(name, "unknown_parameter", detail)
        };
        let faults: Vec<Fault> = pairs.iter().map(unknown).collect();
        if faults.is_empty() { Ok(Self) } else { Err(Problem::invalid(faults)) }
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
