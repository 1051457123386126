//! A document taken apart: what surrounds its items, and each item, parsed only when it is read.

use std::{borrow::Cow, collections::BTreeMap};

use bytes::Bytes;
use serde_json::{Value, value::RawValue};

use super::{
    clean,
    kind::{Items, Spec},
    split::split_array,
    value::Note,
};

/// A document of a body.
#[derive(Debug)]
pub struct Document {
    /// The index of its first item in the body.
    pub index: i32,
    /// The bytes as sent: what is archived. Empty where it continues another.
    pub bytes: Bytes,
    /// What is in it, or why it cannot be read.
    pub parts: Result<Parts, Note>,
    /// Whether it goes on where the document before it ended: rows of one file, in batches.
    pub continues: bool,
}

/// What is in a document.
#[derive(Debug, Default)]
pub struct Parts {
    /// What surrounds the items: the document without its list. `null` where the document is a list,
    /// or the item.
    pub envelope: Value,
    /// What was cleaned in it.
    pub cleaned: Vec<Note>,
    /// The items.
    pub items: Vec<Part>,
    /// The key that the list stands under, if it does.
    pub list: Option<&'static str>,
    /// How an item is sent alone.
    pub form: Form,
}

/// How an item is sent alone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Form {
    /// As the document: it is the only item.
    #[default]
    Whole,
    /// In a list of its own, with the same surroundings.
    Listed,
    /// As the only member of an object, with the same surroundings.
    Member,
    /// As a file of one row.
    Row,
    /// As a line.
    Line,
}

/// An item.
#[derive(Debug)]
pub enum Part {
    /// JSON as it stands in the document.
    Json(Bytes),
    /// Parsed, with what was cleaned.
    Ready(Value, Vec<Note>),
}

impl Part {
    /// The item, parsed and cleaned.
    pub fn parse(&self) -> Result<(Cow<'_, Value>, Vec<Note>), Note> {
        match self {
            Self::Json(bytes) => clean::parse(bytes)
                .map(|(value, cleaned)| (Cow::Owned(value), cleaned))
                .map_err(|error| not_json(&error)),
            Self::Ready(value, cleaned) => Ok((Cow::Borrowed(value), cleaned.clone())),
        }
    }
}

fn not_json(error: &serde_json::Error) -> Note {
    Note {
        pointer: String::new(),
        code: "invalid_json".to_owned(),
        detail: format!("This is not JSON: {error}."),
    }
}

impl Document {
    /// A document of JSON.
    pub fn json(bytes: Bytes, index: i32, spec: &Spec) -> Self {
        let parts = take_apart(&bytes, spec).and_then(|parts| within(parts, spec));
        Self { index, bytes, parts, continues: false }
    }

    /// A document that is one text.
    pub fn text(bytes: Bytes, index: i32) -> Self {
        let item = text_part(&bytes);
        let parts = Ok(Parts { items: vec![item], ..Parts::default() });
        Self { index, bytes, parts, continues: false }
    }

    /// A document of which each line is an item.
    pub fn lines(bytes: Bytes, index: i32, spec: &Spec) -> Self {
        let lines = bytes.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
        let items = lines.filter(|line| !line.is_empty()).map(text_part).collect();
        let parts = within(Parts { items, form: Form::Line, ..Parts::default() }, spec);
        Self { index, bytes, parts, continues: false }
    }

    /// What can be told of a document that could not be taken apart: its members without its list.
    pub fn surroundings(&self, spec: &Spec) -> Value {
        let text = clean::readable(&self.bytes);
        let text = text.strip_prefix('\u{FEFF}').unwrap_or(&text);
        let members: BTreeMap<String, &RawValue> = serde_json::from_str(text).unwrap_or_default();
        let around = |(name, raw): (String, &RawValue)| {
            let is_list = spec.items.keys().contains(&name.as_str());
            let value = serde_json::from_str(raw.get()).ok().filter(|_| !is_list)?;
            Some((name, value))
        };
        members.into_iter().filter_map(around).collect::<serde_json::Map<_, _>>().into()
    }

    /// How many items it has; a document that cannot be read counts as one.
    pub fn len(&self) -> usize {
        self.parts.as_ref().map_or(1, |parts| parts.items.len())
    }

    /// Whether it has no items.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes of a body that has only these items of the document; all of it if none is named.
    pub fn excerpt(&self, only: &[usize]) -> Vec<u8> {
        let Ok(parts) = &self.parts else { return self.bytes.to_vec() };
        let items: Vec<&Part> = only.iter().filter_map(|nth| parts.items.get(*nth)).collect();
        if items.is_empty() {
            return self.bytes.to_vec();
        }
        let text = |item: &&Part| match item {
            Part::Json(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            Part::Ready(Value::String(line), _) if parts.form == Form::Line => line.clone(),
            Part::Ready(value, _) => value.to_string(),
        };
        let texts = || items.iter().map(text).collect::<Vec<_>>();
        match parts.form {
            Form::Whole => self.bytes.to_vec(),
            Form::Line => texts().join("\n").into_bytes(),
            Form::Row => csv_of(&items),
            Form::Listed => surround(parts, &format!("[{}]", texts().join(","))),
            // Each is an object of one member.
            Form::Member => {
                let members: Vec<String> =
                    texts().iter().map(|text| text[1..text.len() - 1].to_owned()).collect();
                surround(parts, &format!("{{{}}}", members.join(",")))
            }
        }
    }
}

fn text_part(bytes: &[u8]) -> Part {
    let text = clean::readable(bytes);
    let mut value = Value::String(text.strip_prefix('\u{FEFF}').unwrap_or(&text).to_owned());
    let cleaned = clean::value(&mut value);
    Part::Ready(value, cleaned)
}

/// The envelope with a list in its place.
fn surround(parts: &Parts, list: &str) -> Vec<u8> {
    let Some(key) = parts.list else { return list.as_bytes().to_vec() };
    let mut envelope = parts.envelope.clone();
    let list = serde_json::from_str(list).unwrap_or_default();
    if let Some(members) = envelope.as_object_mut() {
        members.insert(key.to_owned(), list);
    }
    envelope.to_string().into_bytes()
}

fn csv_of(rows: &[&Part]) -> Vec<u8> {
    let rows = rows.iter().filter_map(|part| match part {
        Part::Ready(Value::Object(row), _) => Some(row),
        _ => None,
    });
    let mut writer = csv::Writer::from_writer(Vec::new());
    let mut written = Ok(());
    for (nth, row) in rows.enumerate() {
        if nth == 0 {
            written = written.and_then(|()| writer.write_record(row.keys()));
        }
        let cells = row.values().map(|cell| cell.as_str().unwrap_or_default());
        written = written.and_then(|()| writer.write_record(cells));
    }
    written.ok().and_then(|()| writer.into_inner().ok()).unwrap_or_default()
}

fn within(parts: Parts, spec: &Spec) -> Result<Parts, Note> {
    if parts.items.len() > spec.limit {
        return Err(Note {
            pointer: parts.list.map(|list| format!("/{list}")).unwrap_or_default(),
            code: "too_many_items".to_owned(),
            detail: format!(
                "There are {} items; a document has at most {}.",
                parts.items.len(),
                spec.limit
            ),
        });
    }
    Ok(parts)
}

fn take_apart(bytes: &Bytes, spec: &Spec) -> Result<Parts, Note> {
    let whole = || {
        let (value, cleaned) = clean::parse(bytes).map_err(|error| not_json(&error))?;
        Ok(Parts { items: vec![Part::Ready(value, cleaned)], ..Parts::default() })
    };
    if spec.items == Items::Whole {
        return whole();
    }
    // Items are slices of a text whose poison is marked; most documents have none.
    let text = match clean::readable(bytes) {
        Cow::Borrowed(text) => bytes.slice_ref(text.as_bytes()),
        Cow::Owned(text) => text.into(),
    };
    let text = text.slice_ref(text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&text).trim_ascii());
    if text.starts_with(b"[") {
        return if spec.array_is_one {
            list(&text, Parts::default(), Form::Listed)
        } else {
            whole()
        };
    }
    if !text.starts_with(b"{") {
        return whole();
    }
    let mut members: BTreeMap<String, &RawValue> =
        serde_json::from_slice(&text).map_err(|error| not_json(&error))?;
    let Some(key) = spec.items.keys().iter().find(|key| members.contains_key(**key)) else {
        return whole();
    };
    let found = members.remove(*key).map_or("null", RawValue::get);
    let envelope: Value = members
        .into_iter()
        .map(|(name, raw)| Ok((name, serde_json::from_str(raw.get())?)))
        .collect::<serde_json::Result<serde_json::Map<_, _>>>()
        .map_err(|error| not_json(&error))?
        .into();
    let mut parts = Parts { envelope, list: Some(key), ..Parts::default() };
    parts.cleaned = clean::value(&mut parts.envelope);
    match (found.as_bytes()[0], spec.items) {
        (b'[', _) => list(&text.slice_ref(found.as_bytes()), parts, Form::Listed),
        (b'{', Items::Members(_)) => {
            let members: BTreeMap<String, &RawValue> =
                serde_json::from_str(found).map_err(|error| not_json(&error))?;
            let item = |(name, raw): (String, &RawValue)| {
                let name = Value::String(name);
                Part::Json(format!("{{{name}:{}}}", raw.get()).into())
            };
            parts.items = members.into_iter().map(item).collect();
            parts.form = Form::Member;
            Ok(parts)
        }
        (b'{', _) => {
            parts.items = vec![Part::Json(text.slice_ref(found.as_bytes()))];
            parts.form = Form::Listed;
            Ok(parts)
        }
        (b'n', _) => Ok(parts),
        _ => Err(Note {
            pointer: format!("/{key}"),
            code: "invalid_type".to_owned(),
            detail: "This is no list.".to_owned(),
        }),
    }
}

fn list(text: &Bytes, mut parts: Parts, form: Form) -> Result<Parts, Note> {
    let ranges = split_array(text).map_err(|_| Note {
        pointer: parts.list.map(|list| format!("/{list}")).unwrap_or_default(),
        code: "invalid_json".to_owned(),
        detail: "The list is broken, or nested too deep.".to_owned(),
    })?;
    parts.items = ranges.into_iter().map(|range| Part::Json(text.slice(range))).collect();
    parts.form = form;
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPEC: Spec =
        Spec { items: Items::Under(&["messages"]), array_is_one: true, ..Spec::new("a", "b", "") };

    fn taken(spec: &Spec, body: &'static str) -> (Value, Vec<Value>) {
        let document = Document::json(Bytes::from_static(body.as_bytes()), 0, spec);
        let parts = document.parts.unwrap();
        let items = parts.items.iter().map(|part| part.parse().unwrap().0.into_owned()).collect();
        (parts.envelope, items)
    }

    #[test]
    fn a_document_is_taken_apart() {
        use serde_json::json;
        for (body, envelope, items) in [
            (r#"{"a":1,"messages":[{"b":2}, 3]}"#, json!({"a": 1}), json!([{"b": 2}, 3])),
            (r#"[{"b":2}]"#, json!(null), json!([{"b": 2}])),
            (r#"{"messages":null,"a":1}"#, json!({"a": 1}), json!([])),
            (r#"{"messages":{"b":2},"a":1}"#, json!({"a": 1}), json!([{"b": 2}])),
            (r#"{"b":2}"#, json!(null), json!([{"b": 2}])),
            (
                "{\"messages\":[\"x\\ud800\"],\"a\":\"\\ud83d\"}",
                json!({"a": "\u{FFFD}"}),
                json!(["x\u{FFFD}"]),
            ),
        ] {
            let (found, parts) = taken(&SPEC, body);
            assert_eq!((found, Value::Array(parts)), (envelope, items), "{body}");
        }
        let members = Spec { items: Items::Members(&["deps"]), ..SPEC };
        let (_, parts) = taken(&members, r#"{"deps":{"x":["y"]}}"#);
        assert_eq!(parts, [json!({"x": ["y"]})]);
    }

    #[test]
    fn an_item_is_sent_alone() {
        let body = Bytes::from_static(br#"{"a":1,"messages":[{"b":2},{"b":3}]}"#);
        let document = Document::json(body, 0, &SPEC);
        assert_eq!(document.excerpt(&[1]), br#"{"a":1,"messages":[{"b":3}]}"#);
        assert_eq!(document.excerpt(&[1, 0]), br#"{"a":1,"messages":[{"b":3},{"b":2}]}"#);
        assert_eq!(document.excerpt(&[]), document.bytes);
    }
}
