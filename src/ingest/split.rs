//! JSON bodies as documents: where each begins and ends, without parsing them.

use std::ops::Range;

use axum::http::StatusCode;
use bytes::Bytes;
use serde_json::value::RawValue;

use super::{
    clean,
    kind::{Items, Spec},
};
use crate::http::problem::{Fault, Problem, Result};

/// A body as one or several documents: the exact bytes of each.
pub fn split_body(body: &Bytes, spec: &Spec) -> Result<Vec<Bytes>> {
    let start = body.strip_prefix(b"\xEF\xBB\xBF").map_or(0, |_| 3);
    let text = body[start..].trim_ascii();
    match text.first() {
        Some(b'[') if spec.array_is_one => {
            split_array(text).map_err(|broken| match broken {
                Broken::Deep => too_deep(),
                Broken::Open => not_json(body),
            })?;
            Ok(vec![body.clone()])
        }
        Some(b'[') => split_list(body, body.len() - body[start..].trim_ascii_start().len()),
        Some(b'{') => match wrapped(text, spec.wrappers) {
            Some(list) => split_list(&body.slice_ref(list.as_bytes()), 0),
            None => whole(body, spec),
        },
        Some(_) => whole(body, spec),
        None => Err(not_json(body)),
    }
}

/// The elements of the array that begins at a position.
fn split_list(body: &Bytes, at: usize) -> Result<Vec<Bytes>> {
    let ranges = split_array(&body[at..]).map_err(|broken| match broken {
        Broken::Deep => too_deep(),
        Broken::Open => not_json(body),
    })?;
    Ok(ranges.into_iter().map(|range| body.slice(at + range.start..at + range.end)).collect())
}

/// A body that is one document, if it is JSON. Of one that may be large and has its items in a list
/// no tree is made to find out.
fn whole(body: &Bytes, spec: &Spec) -> Result<Vec<Bytes>> {
    let is_json = if spec.items == Items::Whole {
        clean::parse(body).is_ok()
    } else {
        let text = clean::readable(body);
        let text = text.strip_prefix('\u{FEFF}').unwrap_or(&text);
        serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
    };
    if is_json { Ok(vec![body.clone()]) } else { Err(not_json(body)) }
}

/// The list inside a source's wrapper: the `items` of a search.
fn wrapped<'b>(object: &'b [u8], wrappers: &[&str]) -> Option<&'b str> {
    if wrappers.is_empty() {
        return None;
    }
    let members: std::collections::BTreeMap<std::borrow::Cow<'b, str>, &'b RawValue> =
        serde_json::from_slice(object).ok()?;
    // What a source that reports a failure wraps counts for nothing: the whole is the item.
    if members.get("ok").is_some_and(|ok| ok.get() == "false") {
        return None;
    }
    wrappers
        .iter()
        .filter_map(|key| members.get(*key))
        .map(|value| value.get())
        .find(|value| value.starts_with('['))
}

/// How deep a body may be nested.
const DEPTH: usize = 128;

fn too_deep() -> Problem {
    Problem::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "too_deep",
        format!("The body is nested deeper than {DEPTH} levels."),
    )
}

fn not_json(body: &[u8]) -> Problem {
    let reason = match clean::parse(body) {
        Err(error) if error.to_string().contains("recursion limit") => {
            return too_deep();
        }
        Err(error) => error.to_string(),
        Ok(_) => "a list is broken".to_owned(),
    };
    let detail = format!("The body is not JSON: {reason}.");
    Problem::new(StatusCode::BAD_REQUEST, "invalid_json", detail.clone()).with(Fault::pointer(
        "",
        "invalid_json",
        detail,
    ))
}

/// Why an array has no elements to give.
#[derive(Debug, Clone, Copy)]
pub enum Broken {
    /// It is nested too deep.
    Deep,
    /// Its brackets, quotes or commas are not whole.
    Open,
}

/// The elements of a JSON array, by position. Elements are not parsed: a broken one is one bad
/// element, as long as its brackets and quotes are whole.
pub fn split_array(text: &[u8]) -> Result<Vec<Range<usize>>, Broken> {
    let mut elements = Vec::new();
    let mut depth = 0_usize;
    let mut start = 1;
    let mut at = 1;
    let element = |from: usize, to: usize| {
        let slice = &text[from..to];
        let leading = slice.len() - slice.trim_ascii_start().len();
        let trimmed = slice.trim_ascii().len();
        (trimmed > 0).then_some(from + leading..from + leading + trimmed)
    };
    loop {
        let next = text[at..].iter().position(|byte| b"\"[]{},".contains(byte));
        at += next.ok_or(Broken::Open)?;
        match text[at] {
            b'"' => {
                at += 1;
                loop {
                    let rest = text.get(at..).ok_or(Broken::Open)?;
                    at += memchr::memchr2(b'"', b'\\', rest).ok_or(Broken::Open)?;
                    if text[at] == b'"' {
                        break;
                    }
                    at += 2;
                }
            }
            // The array itself is a level, too.
            b'[' | b'{' if depth + 2 > DEPTH => return Err(Broken::Deep),
            b'[' | b'{' => depth += 1,
            b']' if depth == 0 => {
                match element(start, at) {
                    Some(last) => elements.push(last),
                    None if elements.is_empty() => {}
                    None => return Err(Broken::Open),
                }
                let ends = text[at + 1..].trim_ascii().is_empty();
                return if ends { Ok(elements) } else { Err(Broken::Open) };
            }
            b']' | b'}' => depth = depth.checked_sub(1).ok_or(Broken::Open)?,
            b',' if depth == 0 => {
                elements.push(element(start, at).ok_or(Broken::Open)?);
                start = at + 1;
            }
            _ => {}
        }
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn documents(body: &'static str) -> Option<Vec<String>> {
        const SPEC: Spec = Spec { wrappers: &["items"], ..Spec::new("a", "b", "") };
        let split = split_body(&Bytes::from_static(body.as_bytes()), &SPEC).ok()?;
        Some(split.iter().map(|bytes| String::from_utf8_lossy(bytes).into_owned()).collect())
    }

    #[test]
    fn bodies_are_split_without_being_parsed() {
        for (body, expected) in [
            ("[]", &[][..]),
            (" [ ] ", &[]),
            (r#"[{"a":"],[\""} , [1,2],3 ]"#, &[r#"{"a":"],[\""}"#, "[1,2]", "3"]),
            (r#"[{"a":1},{bad},{"c":3}]"#, &[r#"{"a":1}"#, "{bad}", r#"{"c":3}"#]),
            (r#"{"a":1}"#, &[r#"{"a":1}"#]),
            (r#"{"total_count":1,"items":[{"a":1}, {"b":2}]}"#, &[r#"{"a":1}"#, r#"{"b":2}"#]),
            (r#"{"items":7}"#, &[r#"{"items":7}"#]),
            (r#"{"ok":false,"items":[1]}"#, &[r#"{"ok":false,"items":[1]}"#]),
            ("\u{FEFF}[1]", &["1"]),
            ("null", &["null"]),
        ] {
            let expected: Vec<String> = expected.iter().map(|text| (*text).to_owned()).collect();
            assert_eq!(documents(body), Some(expected), "{body}");
        }
        for body in ["", "[", "[1,]", "[,1]", "[1 2", "[1]]", r#"{"a":1,}"#, "[{]", "nul"] {
            assert_eq!(documents(body), None, "{body}");
        }
    }
}
