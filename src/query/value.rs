//! A parameter's text as a value of its column's type.

use std::num::IntErrorKind;

use chrono::{DateTime, NaiveDate, NaiveTime, SecondsFormat, Utc};

use super::{
    column::{Column, Type},
    plan::{DEFAULT_LIMIT, MAX_LIMIT},
};
use crate::{db::sql::Value, http::problem::Fault};

/// Reads `text` as a value of `column`; what is wrong with it is said of `parameter`.
pub fn parse(parameter: &str, column: &Column, text: &str) -> Result<Value, Fault> {
    match column.ty {
        Type::Int => integer::<i32>(parameter, text).map(Value::Int),
        Type::BigInt | Type::IdText => integer::<i64>(parameter, text).map(Value::BigInt),
        Type::Double => double(parameter, text).map(Value::Double),
        Type::Text => plain_text(parameter, text),
        Type::Bool => boolean(parameter, text).map(Value::Bool),
        Type::Timestamp => timestamp(parameter, text).map(Value::Timestamptz),
        Type::Date => date(text).map(Value::Date).ok_or_else(|| {
            invalid(parameter, format!("`{text}` is not a date such as `2024-05-01`."))
        }),
        Type::Enum(texts) => one_of(parameter, text, texts),
        Type::Json => Err(invalid(parameter, "A JSON column cannot be filtered by.".to_owned())),
    }
}

fn invalid(parameter: &str, detail: String) -> Fault {
    Fault::parameter(parameter, "invalid_type", detail)
}

/// Reads a whole number.
pub(super) fn integer<N>(parameter: &str, text: &str) -> Result<N, Fault>
where
    N: std::str::FromStr<Err = std::num::ParseIntError>,
{
    text.parse::<N>().map_err(|error| match error.kind() {
        IntErrorKind::PosOverflow | IntErrorKind::NegOverflow => {
            Fault::parameter(parameter, "out_of_range", format!("`{text}` is out of range."))
        }
        _ => invalid(parameter, format!("`{text}` is not a whole number.")),
    })
}

/// Reads a number that is one: neither infinite nor NaN.
fn double(parameter: &str, text: &str) -> Result<f64, Fault> {
    let number = text.parse::<f64>().ok().filter(|number| number.is_finite());
    number.ok_or_else(|| invalid(parameter, format!("`{text}` is not a number.")))
}

/// Reads `true` or `false`.
pub(super) fn boolean(parameter: &str, text: &str) -> Result<bool, Fault> {
    match text {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(invalid(parameter, format!("`{text}` is neither `true` nor `false`."))
            .suggest(&text.to_ascii_lowercase(), ["true", "false"])),
    }
}

fn plain_text(parameter: &str, text: &str) -> Result<Value, Fault> {
    if text.contains('\0') {
        let detail = "Text cannot hold the character NUL.".to_owned();
        return Err(invalid(parameter, detail));
    }
    Ok(Value::Text(text.to_owned()))
}

fn one_of(parameter: &str, text: &str, texts: &'static [&'static str]) -> Result<Value, Fault> {
    match texts.iter().find(|known| known.eq_ignore_ascii_case(text)) {
        Some(known) => Ok(Value::Text((*known).to_owned())),
        None => Err(Fault::parameter(
            parameter,
            "unknown_value",
            format!("`{text}` is none of {}.", list(texts)),
        )
        .suggest(text, texts.iter().copied())),
    }
}

/// Names in backticks, separated by commas.
pub(super) fn list<'a>(names: impl IntoIterator<Item = &'a &'a str>) -> String {
    names.into_iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// The rows of a page: as many as asked for, if that may be, or the usual number.
pub fn limit(asked: Option<usize>) -> Result<usize, Fault> {
    let limit = asked.unwrap_or(DEFAULT_LIMIT);
    if (1..=MAX_LIMIT).contains(&limit) {
        return Ok(limit);
    }
    let detail = format!("`limit` is between 1 and {MAX_LIMIT}, not {limit}.");
    Err(Fault::parameter("limit", "out_of_range", detail))
}

/// Refuses a list of more items than there can be; `noun` says of what.
pub fn at_most(parameter: &str, given: usize, most: usize, noun: &str) -> Result<(), Fault> {
    if given <= most {
        return Ok(());
    }
    let detail = format!("`{parameter}` takes at most {most} {noun}, not {given}.");
    Err(Fault::parameter(parameter, "too_many_items", detail))
}

/// The items of a list of names, if they are no more than there can be.
pub(super) fn items<'t>(
    parameter: &str,
    text: &'t str,
    most: usize,
    noun: &str,
) -> Result<std::str::Split<'t, char>, Fault> {
    let items = text.split(',');
    at_most(parameter, items.clone().count(), most, noun)?;
    Ok(items)
}

fn date(text: &str) -> Option<NaiveDate> {
    // chrono takes signs and short years as well: only the ten characters of the contract are meant.
    let plain = text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    plain.then(|| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok())?
}

/// A time as answers tell it.
pub fn rfc3339(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

pub(super) fn timestamp(parameter: &str, text: &str) -> Result<DateTime<Utc>, Fault> {
    if let Some(date) = date(text) {
        return Ok(date.and_time(NaiveTime::MIN).and_utc());
    }
    // A `+` that was not escaped arrives as a space, and no RFC 3339 time holds one after the `T`.
    let repaired = match text.rsplit_once(' ') {
        Some((time, offset)) if time.contains(['T', 't']) => format!("{time}+{offset}"),
        _ => text.to_owned(),
    };
    let time = DateTime::parse_from_rfc3339(&repaired).ok().map(DateTime::<Utc>::from);
    // PostgreSQL keeps microseconds, and compares with what it keeps.
    time.and_then(|time| DateTime::from_timestamp_micros(time.timestamp_micros())).ok_or_else(
        || {
            invalid(
                parameter,
                format!("`{text}` is not a time such as `2024-05-01T12:00:00Z`, nor a date."),
            )
        },
    )
}
