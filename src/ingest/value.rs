//! Reading values out of a payload by the rules of every kind: what is missing, what is null, what
//! has the wrong type, and where.

use std::cell::RefCell;

use chrono::{DateTime, NaiveDateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// Something to say about an item: an error, or a warning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Note {
    /// RFC 6901 pointer inside the item.
    pub pointer: String,
    /// Stable, machine-readable code.
    pub code: String,
    /// One sentence for people.
    pub detail: String,
}

/// The code of what is not public and was not asked for.
pub const PRIVATE: &str = "private_channel";

impl Note {
    /// Whether it says that the item is not public: then nothing of the item is kept.
    pub fn is_private(&self) -> bool {
        self.code == PRIVATE
    }
}

/// What was noticed while an item was read. An item with faults is rejected.
#[derive(Debug, Default)]
pub struct Notes {
    faults: RefCell<Vec<Note>>,
    warnings: RefCell<Vec<Note>>,
}

impl Notes {
    /// Adds an error.
    pub fn fault(&self, pointer: String, code: &str, detail: impl Into<String>) {
        self.faults.borrow_mut().push(Note { pointer, code: code.into(), detail: detail.into() });
    }

    /// Adds a warning.
    pub fn warn(&self, pointer: String, code: &str, detail: impl Into<String>) {
        self.warnings.borrow_mut().push(Note { pointer, code: code.into(), detail: detail.into() });
    }

    /// Whether an error was noticed.
    pub fn failed(&self) -> bool {
        !self.faults.borrow().is_empty()
    }

    /// Errors and warnings.
    pub fn into_parts(self) -> (Vec<Note>, Vec<Note>) {
        (self.faults.into_inner(), self.warnings.into_inner())
    }
}

/// What a payload says about a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stated<T> {
    /// The key is missing: the column stays as it is.
    Missing,
    /// `null`: a statement of its own.
    Null,
    /// A value.
    Value(T),
}

impl<T> Stated<T> {
    /// The value, if there is one.
    pub fn value(self) -> Option<T> {
        match self {
            Self::Value(value) => Some(value),
            _ => None,
        }
    }

    /// For columns that cannot be null: null states the type's default. `None` when missing.
    pub fn or_default(self) -> Option<T>
    where
        T: Default,
    {
        match self {
            Self::Missing => None,
            Self::Null => Some(T::default()),
            Self::Value(value) => Some(value),
        }
    }

    /// For columns that can be null. `None` when missing.
    pub fn nullable(self) -> Option<Option<T>> {
        match self {
            Self::Missing => None,
            Self::Null => Some(None),
            Self::Value(value) => Some(Some(value)),
        }
    }

    /// Applies `f` to a value.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Stated<U> {
        match self {
            Self::Missing => Stated::Missing,
            Self::Null => Stated::Null,
            Self::Value(value) => Stated::Value(f(value)),
        }
    }
}

/// A step of a pointer.
#[derive(Debug, Clone, Copy)]
enum Step<'v> {
    Key(&'v str),
    Index(usize),
}

/// How deep the payloads that we read go.
const DEPTH: usize = 8;

/// A place in a payload: its value, its pointer, and where to note what is wrong with it.
#[derive(Debug, Clone, Copy)]
pub struct Node<'v> {
    value: Option<&'v Value>,
    path: [Option<Step<'v>>; DEPTH],
    notes: &'v Notes,
}

impl<'v> Node<'v> {
    /// The whole item.
    pub fn root(value: &'v Value, notes: &'v Notes) -> Self {
        Self { value: Some(value), path: [None; DEPTH], notes }
    }

    fn child(self, step: Step<'v>, value: Option<&'v Value>) -> Self {
        let mut path = self.path;
        if let Some(free) = path.iter_mut().find(|step| step.is_none()) {
            *free = Some(step);
        }
        Self { value, path, notes: self.notes }
    }

    /// The member of a name; missing where this is no object.
    #[must_use]
    pub fn get(self, key: &'v str) -> Self {
        self.child(Step::Key(key), self.value.and_then(|value| value.get(key)))
    }

    /// The first of several members that has a value (is neither missing nor null).
    #[must_use]
    pub fn first(self, keys: &[&'v str]) -> Self {
        let nodes = || keys.iter().map(|key| self.get(key));
        nodes().find(|node| !node.is_blank()).or_else(|| nodes().next()).unwrap_or(self)
    }

    /// The elements, if this is an array.
    pub fn elements(self) -> Option<impl Iterator<Item = Node<'v>>> {
        let array = self.value?.as_array()?;
        Some(
            array.iter().enumerate().map(move |(n, value)| self.child(Step::Index(n), Some(value))),
        )
    }

    /// The members, if this is an object.
    pub fn members(self) -> Option<impl Iterator<Item = (&'v str, Node<'v>)>> {
        let object = self.value?.as_object()?;
        Some(
            object
                .iter()
                .map(move |(key, value)| (key.as_str(), self.child(Step::Key(key), Some(value)))),
        )
    }

    /// The value as it stands.
    pub fn raw(self) -> Option<&'v Value> {
        self.value
    }

    /// The text, if this is one.
    pub fn str(self) -> Option<&'v str> {
        self.value?.as_str()
    }

    /// Whether the key is there, also with null.
    pub fn is_stated(self) -> bool {
        self.value.is_some()
    }

    /// Whether the key is missing or null.
    pub fn is_blank(self) -> bool {
        self.value.is_none_or(Value::is_null)
    }

    /// Whether this is an object with at least one member.
    pub fn is_filled(self) -> bool {
        self.value.and_then(Value::as_object).is_some_and(|object| !object.is_empty())
    }

    /// Whether this is an array.
    pub fn is_array(self) -> bool {
        self.value.is_some_and(Value::is_array)
    }

    /// RFC 6901 pointer.
    pub fn pointer(self) -> String {
        use std::fmt::Write;
        let mut pointer = String::new();
        for step in self.path.iter().flatten() {
            let _ = match step {
                Step::Key(key) => {
                    write!(pointer, "/{}", key.replace('~', "~0").replace('/', "~1"))
                }
                Step::Index(index) => write!(pointer, "/{index}"),
            };
        }
        pointer
    }

    /// Notes an error here.
    pub fn fault(self, code: &str, detail: impl Into<String>) {
        self.notes.fault(self.pointer(), code, detail);
    }

    /// Notes a warning here.
    pub fn warn(self, code: &str, detail: impl Into<String>) {
        self.notes.warn(self.pointer(), code, detail);
    }

    fn stated<T>(self, read: impl FnOnce(&'v Value) -> Option<T>) -> Stated<T> {
        match self.value {
            None => Stated::Missing,
            Some(Value::Null) => Stated::Null,
            Some(value) => read(value).map_or(Stated::Missing, Stated::Value),
        }
    }

    /// A text.
    pub fn text(self) -> Stated<String> {
        self.stated(|value| {
            if let Value::String(text) = value {
                Some(text.clone())
            } else {
                self.fault("invalid_type", "This is not a text.");
                None
            }
        })
    }

    /// A text that says nothing when it is blank: `None` for missing, null and `''`.
    pub fn filled_text(self) -> Option<String> {
        self.text().value().filter(|text| !text.trim().is_empty())
    }

    /// A boolean.
    pub fn boolean(self) -> Stated<bool> {
        self.stated(|value| {
            let boolean = value.as_bool();
            if boolean.is_none() {
                self.fault("invalid_type", "This is not a boolean.");
            }
            boolean
        })
    }

    /// An integer of a range: a JSON integer, an integral float or a digit string.
    pub fn integer<T: TryFrom<i64>>(self, range: std::ops::RangeInclusive<i64>) -> Stated<T> {
        self.stated(|value| match integer(value) {
            Integer::Exact(number) if range.contains(&number) => {
                let narrow = T::try_from(number).ok();
                if narrow.is_none() {
                    self.fault("out_of_range", format!("{number} does not fit."));
                }
                narrow
            }
            Integer::Exact(_) | Integer::Huge => {
                self.fault(
                    "out_of_range",
                    format!("The number is outside {} to {}.", range.start(), range.end()),
                );
                None
            }
            Integer::Not => {
                self.fault("invalid_type", "This is not an integer.");
                None
            }
        })
    }

    /// A counter of 32 bits: not negative.
    pub fn count32(self) -> Stated<i32> {
        self.integer(0..=i64::from(i32::MAX))
    }

    /// A counter of 64 bits: not negative.
    pub fn count64(self) -> Stated<i64> {
        self.integer(0..=i64::MAX)
    }

    /// A positive 64-bit id, exact; anything else is `invalid_id`.
    pub fn id(self) -> Option<i64> {
        match self.value.map(integer) {
            Some(Integer::Exact(id)) if id > 0 => Some(id),
            _ => {
                self.fault("invalid_id", "This is not a positive 64-bit integer.");
                None
            }
        }
    }

    /// A positive 64-bit id, if there is one; says nothing when there is not.
    pub fn maybe_id(self) -> Option<i64> {
        match self.value.map(integer) {
            Some(Integer::Exact(id)) if id > 0 => Some(id),
            _ => None,
        }
    }

    /// A time; one that cannot be read is null with the warning `bad_time`.
    pub fn instant(self) -> Stated<DateTime<Utc>> {
        match self.value {
            None => Stated::Missing,
            Some(Value::Null) => Stated::Null,
            Some(value) => {
                if let Some(at) = value.as_str().and_then(instant) {
                    Stated::Value(at)
                } else {
                    self.warn("bad_time", "This is not a time between 1970 and 9999.");
                    Stated::Null
                }
            }
        }
    }

    /// A time that may also be in Unix seconds.
    pub fn instant_or_unix(self) -> Stated<DateTime<Utc>> {
        match self.value.map(integer) {
            Some(Integer::Exact(seconds)) => {
                if let Some(at) = in_range(DateTime::from_timestamp(seconds, 0)) {
                    Stated::Value(at)
                } else {
                    self.warn("bad_time", "This is not a time between 1970 and 9999.");
                    Stated::Null
                }
            }
            _ => self.instant(),
        }
    }
}

enum Integer {
    Exact(i64),
    /// A number, but not one of 64 bits.
    Huge,
    Not,
}

fn integer(value: &Value) -> Integer {
    match value {
        Value::Number(number) => {
            if let Some(exact) = number.as_i64() {
                return Integer::Exact(exact);
            }
            match number.as_f64() {
                #[expect(clippy::cast_possible_truncation, reason = "it is integral and in range")]
                Some(float) if float.fract() == 0.0 && float.abs() < 9_007_199_254_740_992.0 => {
                    Integer::Exact(float as i64)
                }
                Some(float) if float.fract() == 0.0 => Integer::Huge,
                _ => Integer::Not,
            }
        }
        Value::String(text) => {
            let digits = text.trim();
            let bare = digits.strip_prefix('-').unwrap_or(digits);
            if bare.is_empty() || !bare.bytes().all(|byte| byte.is_ascii_digit()) {
                return Integer::Not;
            }
            digits.parse().map_or(Integer::Huge, Integer::Exact)
        }
        _ => Integer::Not,
    }
}

/// A time: RFC 3339, or `YYYY-MM-DD HH:MM:SS` with or without fraction and offset. No offset means
/// UTC. Whole microseconds, as PostgreSQL keeps them.
pub fn instant(text: &str) -> Option<DateTime<Utc>> {
    let text = text.trim();
    let at = DateTime::parse_from_rfc3339(text)
        .map(|at| at.to_utc())
        .or_else(|_| {
            NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f")
                .or_else(|_| NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f"))
                .map(|naive| naive.and_utc())
        })
        .or_else(|_| {
            DateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f%#z").map(|at| at.to_utc())
        })
        .ok();
    in_range(at)
}

fn in_range(at: Option<DateTime<Utc>>) -> Option<DateTime<Utc>> {
    use chrono::Datelike;
    let at = at.filter(|at| (1970..=9999).contains(&at.year()))?;
    DateTime::from_timestamp_micros(at.timestamp_micros())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn integers_are_exact() {
        let notes = Notes::default();
        let read = |value: Value| {
            let value = Box::leak(Box::new(value));
            let notes = Box::leak(Box::new(Notes::default()));
            Node::root(value, notes).integer::<i64>(i64::MIN..=i64::MAX).value()
        };
        assert_eq!(read(json!(9_223_372_036_854_775_807_i64)), Some(i64::MAX));
        assert_eq!(read(json!("9007199254740993")), Some(9_007_199_254_740_993));
        assert_eq!(read(json!(2023.0)), Some(2023));
        assert_eq!(read(json!(1.5)), None);
        assert_eq!(read(json!(true)), None);
        assert_eq!(read(json!("9223372036854775808")), None);
        assert!(!notes.failed());
    }

    #[test]
    fn times_are_utc_and_in_range() {
        let at = |text| instant(text).map(|at| at.to_rfc3339());
        assert_eq!(at("2013-06-07T12:34:56+05:30").as_deref(), Some("2013-06-07T07:04:56+00:00"));
        assert_eq!(at("2024-01-01 00:00:00").as_deref(), Some("2024-01-01T00:00:00+00:00"));
        assert_eq!(at("1969-12-31T23:59:59Z"), None);
        assert_eq!(at("2024-13-01T00:00:00Z"), None);
        assert_eq!(at("2024-01-02"), None);
    }
}
