//! What a refusal looks like: RFC 9457 `application/problem+json`.

use std::{borrow::Cow, time::Duration};

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

/// Faults that a refusal tells of at most.
pub const MAX_FAULTS: usize = 100;
/// Bytes of a name that may be a misspelt one: paths are the longest.
const LONGEST_NAME: usize = 200;

/// The result of every handler.
pub type Result<T, E = Problem> = std::result::Result<T, E>;

/// One thing that is wrong with a request: where, what, and the nearest valid name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// RFC 6901 pointer into the body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
    /// Name of the query or path parameter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameter: Option<String>,
    /// Stable, machine-readable code.
    pub code: Cow<'static, str>,
    /// One sentence for people.
    pub detail: String,
    /// The nearest valid name, where a name was misspelt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suggestion: Option<String>,
}

impl Fault {
    /// A fault of a query or path parameter.
    pub fn parameter(
        name: impl Into<String>,
        code: impl Into<Cow<'static, str>>,
        detail: impl Into<String>,
    ) -> Self {
        Self {
            pointer: None,
            parameter: Some(name.into()),
            code: code.into(),
            detail: detail.into(),
            suggestion: None,
        }
    }

    /// A fault at an RFC 6901 pointer of the body.
    pub fn pointer(
        pointer: impl Into<String>,
        code: impl Into<Cow<'static, str>>,
        detail: impl Into<String>,
    ) -> Self {
        Self {
            pointer: Some(pointer.into()),
            parameter: None,
            code: code.into(),
            detail: detail.into(),
            suggestion: None,
        }
    }

    /// Adds the nearest of `valid` to `wrong`, if one is near enough to be meant.
    #[must_use]
    pub fn suggest<'a>(mut self, wrong: &str, valid: impl IntoIterator<Item = &'a str>) -> Self {
        self.suggestion = nearest(wrong, valid).map(str::to_owned);
        self
    }
}

/// The valid name nearest to a misspelt one, or none if nothing is near.
pub fn nearest<'a>(wrong: &str, valid: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // What is longer than any name is none misspelt, and dear to compare.
    if wrong.len() > LONGEST_NAME {
        return None;
    }
    valid
        .into_iter()
        .map(|name| (strsim::jaro_winkler(wrong, name), name))
        .filter(|(score, name)| *score > 0.75 && is_near(wrong, name))
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

/// Whether one may be the other misspelt or cut short. Long names that only share letters score high,
/// too, but are not meant.
fn is_near(wrong: &str, name: &str) -> bool {
    let (short, long) = if wrong.len() <= name.len() { (wrong, name) } else { (name, wrong) };
    let is_cut = short.len() >= 3 && long.starts_with(short);
    is_cut || strsim::damerau_levenshtein(wrong, name) * 3 <= long.chars().count()
}

/// A refusal. Handlers return it; the outermost layer writes it, with `instance` and `request_id`.
#[derive(Debug, Clone)]
pub struct Problem {
    /// HTTP status.
    pub status: StatusCode,
    /// Stable, machine-readable code; the problem's `type` is `urn:boost-dashboard:<code>`.
    pub code: Cow<'static, str>,
    /// One sentence for people. Never holds internals or secrets.
    pub detail: String,
    /// Each single fault, where there are any.
    pub errors: Vec<Fault>,
    /// Sent as `Retry-After`, in whole seconds.
    pub retry_after: Option<Duration>,
    /// Sent as `WWW-Authenticate`.
    pub challenge: Option<&'static str>,
}

impl Problem {
    /// A problem with one sentence and no single faults.
    pub fn new(
        status: StatusCode,
        code: impl Into<Cow<'static, str>>,
        detail: impl Into<String>,
    ) -> Self {
        Self {
            status,
            code: code.into(),
            detail: detail.into(),
            errors: Vec::new(),
            retry_after: None,
            challenge: None,
        }
    }

    /// 400 for one or more faults of parameters, the first [`MAX_FAULTS`].
    pub fn invalid(mut errors: Vec<Fault>) -> Self {
        errors.truncate(MAX_FAULTS);
        let detail = errors.first().map_or_else(String::new, |fault| fault.detail.clone());
        Self { errors, ..Self::new(StatusCode::BAD_REQUEST, "invalid_request", detail) }
    }

    /// 404.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", detail)
    }

    /// 409: what is asked for contradicts what is.
    pub fn conflict(code: impl Into<Cow<'static, str>>, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, code, detail)
    }

    /// 503 with `Retry-After`: something the server needs is busy or away.
    pub fn unavailable(code: impl Into<Cow<'static, str>>, detail: impl Into<String>) -> Self {
        Self {
            retry_after: Some(Duration::from_secs(1)),
            ..Self::new(StatusCode::SERVICE_UNAVAILABLE, code, detail)
        }
    }

    /// 500. The cause is logged here, once, and never answered.
    pub fn internal(cause: impl std::fmt::Display) -> Self {
        tracing::error!(%cause, "internal error");
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal_error",
            "The server failed. The request id finds the cause in its log.",
        )
    }

    /// Adds a single fault.
    #[must_use]
    pub fn with(mut self, fault: Fault) -> Self {
        self.errors.push(fault);
        self
    }

    /// The document of RFC 9457.
    pub fn document(&self, instance: &str, request_id: &str) -> serde_json::Value {
        let mut document = serde_json::json!({
            "type": format!("urn:boost-dashboard:{}", self.code),
            "title": self.status.canonical_reason().unwrap_or("Error"),
            "status": self.status.as_u16(),
            "detail": self.detail,
            "instance": instance,
            "request_id": request_id,
        });
        if !self.errors.is_empty() {
            document["errors"] = serde_json::json!(self.errors);
        }
        document
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}: {}", self.status.as_u16(), self.code, self.detail)
    }
}

impl std::error::Error for Problem {}

impl IntoResponse for Problem {
    /// Leaves the problem in the response's extensions: `http::layers` writes the document, because
    /// only it knows the path and the request id.
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        if let Some(wait) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, wait.as_secs().max(1).into());
        }
        if let Some(challenge) = self.challenge {
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        response.extensions_mut().insert(self);
        response
    }
}

/// Whether a statement failed because its connection did. The driver gives all errors that are not
/// PostgreSQL's own one kind, so the text has to tell a lost connection from a value of a wrong type.
fn is_lost(kind: diesel::result::DatabaseErrorKind, message: &str) -> bool {
    use diesel::result::DatabaseErrorKind as Kind;
    match kind {
        Kind::ClosedConnection => true,
        Kind::UnableToSendCommand => {
            message == "connection closed"
                || message.starts_with("error communicating with the server")
        }
        _ => message.starts_with("terminating connection"),
    }
}

impl From<diesel::result::Error> for Problem {
    fn from(error: diesel::result::Error) -> Self {
        use diesel::result::Error;
        match &error {
            Error::NotFound => Self::not_found("There is no such row."),
            Error::DatabaseError(kind, info) if is_lost(*kind, info.message()) => {
                tracing::warn!(%error, "database connection lost");
                Self::unavailable("database_away", "The database cannot be reached.")
            }
            Error::DatabaseError(_, info) if info.message().contains("statement timeout") => {
                Self::unavailable(
                    "statement_timeout",
                    "The query took longer than the server allows. Narrow it, or filter and sort \
                     by an indexed column.",
                )
            }
            _ => Self::internal(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn only_what_is_near_is_suggested() {
        let valid = ["issue_id__lte", "issue_id", "is_pinned", "state", "title", "lang", "limit"];
        for (wrong, expected) in [
            ("is_deleted", None),
            ("satte", Some("state")),
            ("stat", Some("state")),
            ("language", Some("lang")),
            ("issue_id__let", Some("issue_id__lte")),
            ("offset", None),
            ("", None),
        ] {
            assert_eq!(nearest(wrong, valid), expected, "{wrong}");
        }
        assert_eq!(nearest(&"limit".repeat(50), valid), None);
    }
}
