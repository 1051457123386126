//! Poison text: what PostgreSQL cannot store is taken out of every text and key of a document, with
//! a warning that says where. The archive keeps the bytes as sent.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::value::Note;

/// Stands for a lone surrogate while the document is parsed: a Unicode noncharacter, which no text
/// may interchange.
const SURROGATE: char = '\u{FDD0}';
/// Stands for an invalid byte sequence.
const INVALID: char = '\u{FDD1}';

/// What is cleaned out of texts that came through [`readable`].
pub const POISON: [char; 3] = ['\0', SURROGATE, INVALID];

/// Parses a document, its poison cleaned.
///
/// # Errors
/// If it is not JSON, or nested deeper than 128 levels.
pub fn parse(bytes: &[u8]) -> Result<(Value, Vec<Note>), serde_json::Error> {
    let text = readable(bytes);
    let suspicious = matches!(text, Cow::Owned(_))
        || memchr::memmem::find(text.as_bytes(), br"\u0000").is_some()
        || text.contains([SURROGATE, INVALID]);
    let mut value: Value = serde_json::from_str(text.strip_prefix('\u{FEFF}').unwrap_or(&text))?;
    let mut warnings = Vec::new();
    if suspicious {
        clean(&mut value, &mut String::new(), &mut warnings);
    }
    Ok((value, warnings))
}

/// Cleans a value whose texts came through [`readable`].
pub fn value(value: &mut Value) -> Vec<Note> {
    let mut warnings = Vec::new();
    clean(value, &mut String::new(), &mut warnings);
    warnings
}

/// The bytes as text that a JSON parser takes: invalid UTF-8 and lone surrogates replaced by marks.
pub fn readable(bytes: &[u8]) -> Cow<'_, str> {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(
            bytes
                .utf8_chunks()
                .flat_map(|chunk| {
                    let mark = if chunk.invalid().is_empty() { None } else { Some(INVALID) };
                    chunk.valid().chars().chain(mark)
                })
                .collect(),
        ),
    };
    if !has_surrogate_escape(text.as_bytes()) {
        return text;
    }
    Cow::Owned(mark_lone_surrogates(&text))
}

/// Whether there is an escape of the range D800 to DFFF; most documents have none.
fn has_surrogate_escape(bytes: &[u8]) -> bool {
    memchr::memmem::find_iter(bytes, br"\u")
        .any(|at| matches!(bytes.get(at + 2), Some(b'd' | b'D')))
}

/// Replaces each escaped surrogate without its partner by the mark.
fn mark_lone_surrogates(text: &str) -> String {
    let unit = |at: usize| -> Option<u16> {
        let escape = text.get(at..at + 6)?.strip_prefix(r"\u")?;
        u16::from_str_radix(escape, 16).ok()
    };
    let mut marked = String::with_capacity(text.len());
    let (mut from, mut at) = (0, 0);
    while let Some(next) = memchr::memchr(b'\\', &text.as_bytes()[at..]) {
        let escape = at + next;
        match unit(escape) {
            Some(0xD800..=0xDBFF) if matches!(unit(escape + 6), Some(0xDC00..=0xDFFF)) => {
                at = escape + 12;
            }
            Some(0xD800..=0xDFFF) => {
                marked.push_str(&text[from..escape]);
                marked.push(SURROGATE);
                at = escape + 6;
                from = at;
            }
            Some(_) => at = escape + 6,
            // An escaped backslash is two bytes, so `\\ud800` is no escape of a surrogate. What
            // follows may be the first byte of a longer character: step over it whole.
            None => {
                at = escape + 1;
                at += text[at..].chars().next().map_or(0, char::len_utf8);
            }
        }
    }
    marked.push_str(&text[from..]);
    marked
}

/// Takes NULs out and turns marks into U+FFFD.
fn clean(value: &mut Value, pointer: &mut String, warnings: &mut Vec<Note>) {
    let length = pointer.len();
    match value {
        Value::String(text) => {
            if let Some(cleaned) = clean_text(text, pointer, warnings) {
                *text = cleaned;
            }
        }
        Value::Array(elements) => {
            for (index, element) in elements.iter_mut().enumerate() {
                pointer.push('/');
                pointer.push_str(&index.to_string());
                clean(element, pointer, warnings);
                pointer.truncate(length);
            }
        }
        Value::Object(members) => {
            let mut renamed = Map::new();
            for (key, mut member) in std::mem::take(members) {
                let key = clean_text(&key, pointer, warnings).unwrap_or(key);
                pointer.push('/');
                pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
                clean(&mut member, pointer, warnings);
                pointer.truncate(length);
                renamed.insert(key, member);
            }
            *members = renamed;
        }
        _ => {}
    }
}

/// The text without poison, or `None` where it has none.
fn clean_text(text: &str, pointer: &str, warnings: &mut Vec<Note>) -> Option<String> {
    let rules = [
        ('\0', "", "nul_removed", "U+0000 was removed."),
        (SURROGATE, "\u{FFFD}", "surrogate_replaced", "A lone surrogate became U+FFFD."),
        (INVALID, "\u{FFFD}", "invalid_utf8", "Invalid UTF-8 became U+FFFD."),
    ];
    let mut cleaned = None;
    for (poison, instead, code, detail) in rules {
        let current: &str = cleaned.as_deref().unwrap_or(text);
        if current.contains(poison) {
            cleaned = Some(current.replace(poison, instead));
            warnings.push(Note {
                pointer: pointer.to_owned(),
                code: code.to_owned(),
                detail: detail.to_owned(),
            });
        }
    }
    cleaned
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn codes(bytes: &[u8]) -> (Value, Vec<(String, String)>) {
        let (value, warnings) = parse(bytes).expect("JSON");
        (value, warnings.into_iter().map(|note| (note.pointer, note.code)).collect())
    }

    #[test]
    fn poison_is_cleaned_where_it_stands() {
        let (value, warnings) =
            codes(br#"{"a":["x\u0000y"],"b":"\ud83d!","c":"\ud83d\ude00","d\u0000":1}"#);
        assert_eq!(value, json!({"a": ["xy"], "b": "\u{FFFD}!", "c": "😀", "d": 1}));
        assert_eq!(
            warnings,
            [
                ("/a/0".into(), "nul_removed".into()),
                ("/b".into(), "surrogate_replaced".into()),
                (String::new(), "nul_removed".into()),
            ]
        );
    }

    #[test]
    fn invalid_utf8_and_byte_order_marks_are_read() {
        let (value, warnings) = codes(b"\xEF\xBB\xBF{\"a\":\"x\xFF\xFEy\"}");
        assert_eq!(value, json!({"a": "x\u{FFFD}\u{FFFD}y"}));
        assert_eq!(warnings, [("/a".into(), "invalid_utf8".into())]);
    }

    #[test]
    fn escaped_backslashes_are_no_surrogates() {
        let (value, warnings) = codes(br#"{"a":"\\ud800","b":"\\\ud800\\"}"#);
        assert_eq!(value, json!({"a": "\\ud800", "b": "\\\u{FFFD}\\"}));
        assert_eq!(warnings.len(), 1);
    }
}
