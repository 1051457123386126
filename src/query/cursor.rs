//! Cursors: where a page begins, opaque and bound to the order and the filters.
//!
//! A cursor is the sort keys' values of a page's last row, as PostgreSQL sent them, under a MAC
//! over the resource, the order, the filters and those values. The MAC's key is fixed, so that
//! cursors outlive restarts and hold on every server. It is no secret that guards anything: values
//! are of the columns that the list is sorted by, checked as they are read and bound like any
//! filter's, so a forged cursor shows what the list shows anyhow, from a place of one's own choice. It
//! turns a damaged or borrowed cursor into a refusal instead of a wrong page.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, NaiveDate};
use hmac::{Hmac, Mac};
use sha2::Sha256;

use super::{
    column::Type,
    plan::Plan,
    render::{EPOCH_DAYS, EPOCH_MICROS},
    view::View,
};
use crate::{db::sql::Value, http::problem::Fault};

const MAC_KEY: &[u8] = b"boost-dashboard cursor 1";
/// Bytes of the MAC that are kept.
const MAC_LENGTH: usize = 12;
/// Stands for the length of a null.
const NULL: u32 = u32::MAX;

/// The cursor that continues after a row; `values` are its sort keys' as they came from PostgreSQL.
pub(super) fn seal<'a>(
    view: &View,
    plan: &Plan,
    values: impl Iterator<Item = Option<&'a [u8]>>,
) -> String {
    let mut sealed = vec![0; MAC_LENGTH];
    for value in values {
        let length = value.map_or(NULL, |value| u32::try_from(value.len()).unwrap_or(NULL));
        sealed.extend(length.to_be_bytes());
        sealed.extend(value.unwrap_or_default());
    }
    let mac = mac(view, plan, &sealed[MAC_LENGTH..]).finalize().into_bytes();
    sealed[..MAC_LENGTH].copy_from_slice(&mac[..MAC_LENGTH]);
    URL_SAFE_NO_PAD.encode(sealed)
}

/// The values in a cursor, if it was made for the plan's order, filters, search and window.
pub(super) fn open(view: &View, plan: &Plan, text: &str) -> Result<Vec<Value>, Fault> {
    let refuse = |detail: &str| Fault::parameter("cursor", "invalid_cursor", detail);
    let sealed = URL_SAFE_NO_PAD.decode(text).unwrap_or_default();
    let Some((given, payload)) = sealed.split_at_checked(MAC_LENGTH) else {
        return Err(refuse("This is not a cursor of this API."));
    };
    mac(view, plan, payload).verify_truncated_left(given).map_err(|_| {
        refuse(
            "The cursor is damaged, or was given for another list, `sort`, `q` or filters. \
             Begin again without a cursor.",
        )
    })?;
    let mut rest = payload;
    plan.sort
        .iter()
        .map(|key| read(&mut rest, view.column(key.column).ty))
        .collect::<Option<_>>()
        .ok_or_else(|| refuse("The cursor comes from another version of the server."))
}

/// The MAC over everything a cursor is bound to.
fn mac(view: &View, plan: &Plan, payload: &[u8]) -> Hmac<Sha256> {
    let mut bound = view.resource().table.to_owned();
    for key in &plan.sort {
        let direction = if key.descending { " -" } else { " +" };
        bound.push_str(direction);
        bound.push_str(view.column(key.column).name);
    }
    let mut filters: Vec<_> = plan
        .filters
        .iter()
        .map(|filter| {
            let name = view.column(filter.column).name;
            format!("\n{name}{} {:?}", filter.operator.suffix(), filter.values)
        })
        .collect();
    // The same filters in another order are the same filters.
    filters.sort_unstable();
    bound.extend(filters);
    if let Some(window) = &plan.window {
        bound.extend([format!("\nwindow {window:?}")]);
    }
    // No filter is called so: a line begins with a column's name.
    bound.extend(plan.search.iter().map(|text| format!("\n?{text}")));

    hmac(&bound, payload)
}

/// The MAC over a payload and what it is bound to.
fn hmac(bound: &str, payload: &[u8]) -> Hmac<Sha256> {
    // HMAC takes keys of any length.
    let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(MAC_KEY)
        .unwrap_or_else(|_| unreachable!("HMAC takes keys of any length"));
    mac.update(&(bound.len() as u64).to_be_bytes());
    mac.update(bound.as_bytes());
    mac.update(payload);
    mac
}

/// The cursor of a list that is no table's: a text, bound to another.
pub(super) fn seal_text(bound: &str, text: &str) -> String {
    let mut sealed = hmac(bound, text.as_bytes()).finalize().into_bytes()[..MAC_LENGTH].to_vec();
    sealed.extend(text.as_bytes());
    URL_SAFE_NO_PAD.encode(sealed)
}

/// The text in such a cursor, if it is bound to `bound`.
pub(super) fn open_text(bound: &str, cursor: &str) -> Option<String> {
    let sealed = URL_SAFE_NO_PAD.decode(cursor).ok()?;
    let (given, text) = sealed.split_at_checked(MAC_LENGTH)?;
    hmac(bound, text).verify_truncated_left(given).ok()?;
    String::from_utf8(text.to_vec()).ok()
}

/// Takes the next value off `rest`; none if it is not one that PostgreSQL has.
fn read(rest: &mut &[u8], ty: Type) -> Option<Value> {
    let length = u32::from_be_bytes(take(rest, 4)?.try_into().ok()?);
    if length == NULL {
        return Some(Value::Null);
    }
    let bytes = take(rest, usize::try_from(length).ok()?)?;
    Some(match ty {
        Type::Int => Value::Int(i32::from_be_bytes(bytes.try_into().ok()?)),
        Type::BigInt | Type::IdText => Value::BigInt(i64::from_be_bytes(bytes.try_into().ok()?)),
        Type::Double => Value::Double(f64::from_be_bytes(bytes.try_into().ok()?)),
        Type::Bool => Value::Bool(bytes == [1]),
        Type::Timestamp => {
            let micros = i64::from_be_bytes(bytes.try_into().ok()?).checked_add(EPOCH_MICROS)?;
            let time = DateTime::from_timestamp_micros(micros)?;
            (first_date() <= time.date_naive()).then_some(Value::Timestamptz(time))?
        }
        Type::Date => {
            let days = i32::from_be_bytes(bytes.try_into().ok()?).checked_add(EPOCH_DAYS)?;
            let date = NaiveDate::from_epoch_days(days)?;
            (first_date() <= date).then_some(Value::Date(date))?
        }
        Type::Enum(texts) => {
            let text = std::str::from_utf8(bytes).ok()?;
            Value::Text((*texts.iter().find(|known| **known == text)?).to_owned())
        }
        Type::Text => {
            let text = String::from_utf8(bytes.to_vec()).ok()?;
            (!text.contains('\0')).then_some(Value::Text(text))?
        }
        Type::Json => return None,
    })
}

/// The first date that PostgreSQL has; the last is beyond those of chrono.
fn first_date() -> NaiveDate {
    NaiveDate::from_ymd_opt(-4713, 11, 24).unwrap_or(NaiveDate::MIN)
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, left) = rest.split_at_checked(length)?;
    *rest = left;
    Some(taken)
}
