//! Rows as JSON, straight from PostgreSQL's bytes: no value in between, no allocation a row.

use diesel::{
    pg::Pg,
    row::{Field, Row},
};

use super::{column::Type, view::View};

/// 2000-01-01, PostgreSQL's epoch, in microseconds since 1970.
pub(super) const EPOCH_MICROS: i64 = 946_684_800_000_000;
/// 2000-01-01 in days since 1970.
pub(super) const EPOCH_DAYS: i32 = 10_957;
const DAY_MICROS: i64 = 86_400_000_000;

type Result<T = ()> = diesel::deserialize::Result<T>;

/// Appends a row as a JSON object: the columns `shown`, in the order they were selected.
pub(super) fn row<'a>(
    view: &View,
    shown: &[usize],
    row: &impl Row<'a, Pg>,
    out: &mut Vec<u8>,
) -> Result {
    out.push(b'{');
    for (position, column) in shown.iter().enumerate() {
        if position > 0 {
            out.push(b',');
        }
        out.extend_from_slice(view.label(*column));
        let field = row.get(position).ok_or("a column is missing")?;
        match field.value() {
            Some(raw) => value(view.column(*column).ty, raw.as_bytes(), out)?,
            None => out.extend_from_slice(b"null"),
        }
    }
    out.push(b'}');
    Ok(())
}

/// Appends a number; one that JSON cannot hold is null.
fn double(value: f64, out: &mut Vec<u8>) {
    match serde_json::Number::from_f64(value) {
        Some(number) => out.extend_from_slice(number.to_string().as_bytes()),
        None => out.extend_from_slice(b"null"),
    }
}

/// Appends one value, given in PostgreSQL's binary format.
pub(super) fn value(ty: Type, raw: &[u8], out: &mut Vec<u8>) -> Result {
    match ty {
        Type::Int => integer(i32::from_be_bytes(raw.try_into()?), out),
        Type::BigInt => integer(i64::from_be_bytes(raw.try_into()?), out),
        Type::IdText => {
            out.push(b'"');
            integer(i64::from_be_bytes(raw.try_into()?), out);
            out.push(b'"');
        }
        Type::Double => double(f64::from_be_bytes(raw.try_into()?), out),
        Type::Text | Type::Enum(_) => text(std::str::from_utf8(raw)?, out)?,
        Type::Bool => out.extend_from_slice(if raw == [1] { b"true" } else { b"false" }),
        Type::Timestamp => timestamp(i64::from_be_bytes(raw.try_into()?), out),
        Type::Date => match i32::from_be_bytes(raw.try_into()?) {
            // `infinity` and `-infinity` are no dates that JSON clients know.
            i32::MAX | i32::MIN => out.extend_from_slice(b"null"),
            days => {
                out.push(b'"');
                date(i64::from(days) + i64::from(EPOCH_DAYS), out);
                out.push(b'"');
            }
        },
        // `jsonb` is sent as a version byte and the text.
        Type::Json => out.extend_from_slice(raw.get(1..).ok_or("jsonb without its version")?),
    }
    Ok(())
}

fn integer(value: impl itoa::Integer, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// Appends a JSON string.
pub(super) fn text(text: &str, out: &mut Vec<u8>) -> serde_json::Result<()> {
    serde_json::to_writer(out, text)
}

/// Appends `"2024-05-01T00:00:00Z"`, with microseconds if there are any.
fn timestamp(since_2000: i64, out: &mut Vec<u8>) {
    if matches!(since_2000, i64::MAX | i64::MIN) {
        out.extend_from_slice(b"null");
        return;
    }
    let micros = since_2000.rem_euclid(DAY_MICROS);
    let (seconds, fraction) = (micros / 1_000_000, micros % 1_000_000);
    out.push(b'"');
    date(since_2000.div_euclid(DAY_MICROS) + i64::from(EPOCH_DAYS), out);
    let [hours, minutes, seconds] = [seconds / 3600, seconds / 60 % 60, seconds % 60].map(two);
    out.extend_from_slice(&[
        b'T', hours[0], hours[1], b':', minutes[0], minutes[1], b':', seconds[0], seconds[1],
    ]);
    if fraction > 0 {
        out.push(b'.');
        digits(fraction, 6, out);
    }
    out.extend_from_slice(b"Z\"");
}

/// The last two digits of a number that is not negative.
fn two(number: i64) -> [u8; 2] {
    // What is below 100 is one byte.
    let number = (number % 100).to_le_bytes()[0];
    [b'0' + number / 10, b'0' + number % 10]
}

/// Appends `YYYY-MM-DD` of a day counted from 1970-01-01, in the proleptic Gregorian calendar.
///
/// Eras of 400 years have the same number of days; counted from a March 1st, leap days come last
/// in their year, and months follow a line of slope 153/5.
fn date(days: i64, out: &mut Vec<u8>) {
    const ERA_DAYS: i64 = 146_097;
    let from_march_0 = days + 719_468;
    let era = from_march_0.div_euclid(ERA_DAYS);
    let day_of_era = from_march_0.rem_euclid(ERA_DAYS);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / (ERA_DAYS - 1)) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);

    if (0..10_000).contains(&year) {
        let [century, rest] = [year / 100, year].map(two);
        out.extend_from_slice(&[century[0], century[1], rest[0], rest[1]]);
    } else {
        if year < 0 {
            out.push(b'-');
        }
        digits(year.abs(), 4, out);
    }
    let [month, day] = [month, day].map(two);
    out.extend_from_slice(&[b'-', month[0], month[1], b'-', day[0], day[1]]);
}

/// Appends a number that is not negative with at least `width` digits.
fn digits(value: i64, width: usize, out: &mut Vec<u8>) {
    let mut buffer = itoa::Buffer::new();
    let text = buffer.format(value).as_bytes();
    for _ in text.len()..width {
        out.push(b'0');
    }
    out.extend_from_slice(text);
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, SecondsFormat};

    use super::*;

    #[test]
    fn timestamps_are_what_chrono_says() {
        for micros in [
            0,
            -1,
            951_782_400_000_000,
            1_714_521_600_000_000,
            1_714_521_600_000_001,
            -62_135_596_800_000_000,
            253_402_300_799_999_999,
            4_107_542_399_500_000,
        ] {
            let mut out = Vec::new();
            timestamp(micros - EPOCH_MICROS, &mut out);
            let time = DateTime::from_timestamp_micros(micros).unwrap();
            let format = match micros % 1_000_000 {
                0 => SecondsFormat::Secs,
                _ => SecondsFormat::Micros,
            };
            let expected = format!("\"{}\"", time.to_rfc3339_opts(format, true));
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
    }

    #[test]
    fn every_day_of_four_centuries_has_its_date() {
        for days in -146_097..=146_097 {
            let mut out = Vec::new();
            date(days, &mut out);
            let expected = DateTime::from_timestamp(days * 86_400, 0).unwrap().date_naive();
            assert_eq!(String::from_utf8(out).unwrap(), expected.to_string());
        }
    }
}
