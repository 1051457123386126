//! A query string as pairs.

use std::collections::HashSet;

use axum::http::StatusCode;

use crate::http::problem::{Fault, Problem, Result};

/// Most parameters of a request; no operation has as many.
pub const MAX_PAIRS: usize = 200;

/// Splits and decodes a query string.
pub(super) fn parse(query: &str) -> Result<Vec<(String, String)>> {
    let sent = query.split('&').filter(|pair| !pair.is_empty());
    let count = sent.clone().count();
    if count > MAX_PAIRS {
        let detail = format!("A request has at most {MAX_PAIRS} parameters, not {count}.");
        return Err(Problem::new(StatusCode::BAD_REQUEST, "too_many_parameters", detail));
    }
    let mut pairs: Vec<(String, String)> = Vec::with_capacity(count);
    let mut known = HashSet::with_capacity(count);
    let mut faults = Vec::new();
    for pair in sent {
        let Some((name, value)) = decoded(pair) else {
            let name = pair.split('=').next().unwrap_or_default();
            let detail = format!("`{pair}` is not percent-encoded UTF-8.");
            faults.push(Fault::parameter(name, "invalid_encoding", detail));
            continue;
        };
        // PostgreSQL cannot hold it.
        if name.contains('\0') || value.contains('\0') {
            let name = name.replace('\0', "%00");
            let detail = format!("`{pair}` holds the character NUL, which text cannot.");
            faults.push(Fault::parameter(name, "invalid_encoding", detail));
            continue;
        }
        if !known.insert(name.clone()) {
            faults.push(Fault::parameter(
                name.clone(),
                "duplicate_parameter",
                format!("The parameter `{name}` is given more than once."),
            ));
            continue;
        }
        pairs.push((name, value));
    }
    if faults.is_empty() { Ok(pairs) } else { Err(Problem::invalid(faults)) }
}

/// The name and the value of a pair as they are meant, if the pair can be decoded.
pub fn decoded(pair: &str) -> Option<(String, String)> {
    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
    Some((decode(name)?, decode(value)?))
}

fn decode(text: &str) -> Option<String> {
    percent_decoded(&text.replace('+', " "))
}

/// Percent-decodes, strictly: a `%` must be followed by two hex digits, the bytes must be UTF-8.
pub fn percent_decoded(text: &str) -> Option<String> {
    if !text.contains('%') {
        return Some(text.to_owned());
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let high = char::from(rest.next()?).to_digit(16)?;
                let low = char::from(rest.next()?).to_digit(16)?;
                u8::try_from(high * 16 + low).ok()?
            }
            other => other,
        });
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_forms() {
        let pairs = parse("a=1+2%2B&b&c=%C3%A9=x&&").unwrap();
        let expected = [("a", "1 2+"), ("b", ""), ("c", "é=x")];
        assert_eq!(pairs, expected.map(|(k, v)| (k.to_owned(), v.to_owned())));
    }

    #[test]
    fn refuses_what_is_not_one() {
        for (query, code) in [
            ("a=%", "invalid_encoding"),
            ("a=%4", "invalid_encoding"),
            ("a=%zz", "invalid_encoding"),
            ("a=%ff", "invalid_encoding"),
            ("a=%00", "invalid_encoding"),
            ("a%00=1", "invalid_encoding"),
            ("a=1&a=2", "duplicate_parameter"),
        ] {
            assert_eq!(parse(query).unwrap_err().errors[0].code, code, "{query}");
        }
        let most: Vec<_> = (0..MAX_PAIRS).map(|at| format!("a{at}=1")).collect();
        let most = most.join("&");
        assert_eq!(parse(&most).unwrap().len(), MAX_PAIRS);
        assert_eq!(parse(&format!("{most}&b=1")).unwrap_err().code, "too_many_parameters");
        let told = |query| parse(query).unwrap_err().detail;
        assert_eq!(told("a=%ff"), "`a=%ff` is not percent-encoded UTF-8.");
        assert_eq!(told("a=%00"), "`a=%00` holds the character NUL, which text cannot.");
    }
}
