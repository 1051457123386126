//! Windows: a span of time in words, such as `30d` or `boost:1.85..1.86`.
//!
//! [`Window::parse`] is pure. What the words mean depends on the clock and on the releases that are
//! known, so [`Window::resolve`] says it for one moment. A cursor is bound to the words: `7d` stays
//! `7d` while the pages are turned, though its days move at midnight.

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveTime, Utc};
use diesel::QueryResult;
use diesel_async::RunQueryDsl;

use super::{
    column::{Column, Type},
    operator::Operator,
    plan::Filter,
    value,
};
use crate::{
    db::{
        Connection,
        sql::{Row, Statement, Value},
    },
    domains::boost::ingest::version::Version,
    http::problem::{Fault, Problem},
};

/// The words that stand for themselves.
pub const WORDS: [&str; 6] = ["today", "7d", "30d", "90d", "365d", "last_release"];

/// What the parameter takes, for whoever documents it.
pub const DOC: &str = "`today`, `7d`, `30d`, `90d`, `365d` (that many dates ending today), \
    `last_release` (since the newest release of Boost), `boost:1.85..1.86` (from one release to \
    another), or `from/to` as ISO dates, of which one may be left out. All in UTC and half-open: \
    `2024-01-01/2025-01-01` is the year 2024.";

/// A window as it was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Window {
    /// That many dates, the last of which is today.
    Dates(u64),
    /// From the newest release to the end of today.
    LastRelease,
    /// From the instant of one release to that of another.
    Releases(Version, Version),
    /// From one time to another, either of them open.
    Between(Option<DateTime<Utc>>, Option<DateTime<Utc>>),
}

/// What a window means at some moment: from, inclusive, to, exclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Its first instant; none if it has no beginning.
    pub from: Option<DateTime<Utc>>,
    /// The instant that it ends before; none if it has no end.
    pub to: Option<DateTime<Utc>>,
}

impl Window {
    /// Reads the words.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        if let Some(window) = Self::of_word(text) {
            return Ok(window);
        }
        if let Some(releases) = text.strip_prefix("boost:") {
            return of_releases(releases);
        }
        if let Some((from, to)) = text.split_once('/') {
            return between(from, to);
        }
        let detail = format!("`{text}` is no window; it is one of {DOC}");
        Err(Fault::parameter("window", "unknown_value", detail).suggest(text, WORDS))
    }

    fn of_word(text: &str) -> Option<Self> {
        Some(match text {
            "today" => Self::Dates(1),
            "7d" => Self::Dates(7),
            "30d" => Self::Dates(30),
            "90d" => Self::Dates(90),
            "365d" => Self::Dates(365),
            "last_release" => Self::LastRelease,
            _ => return None,
        })
    }

    /// What the words mean at `now`. Asks the database only where releases are named, once.
    pub async fn resolve(
        &self,
        now: DateTime<Utc>,
        connection: &mut Connection,
    ) -> Result<Span, Problem> {
        let tomorrow = midnight(now.date_naive() + Days::new(1));
        Ok(match self {
            Self::Dates(dates) => {
                let first = now.date_naive() - Days::new(dates - 1);
                Span { from: Some(midnight(first)), to: Some(tomorrow) }
            }
            Self::Between(from, to) => Span { from: *from, to: *to },
            Self::LastRelease => {
                let released = releases(connection).await?.into_iter().filter_map(|it| it.at);
                // Where nothing was released, nothing has happened since.
                let from = released.filter(|at| *at <= now).max().unwrap_or(tomorrow);
                Span { from: Some(from), to: Some(tomorrow) }
            }
            Self::Releases(from, to) => {
                let known = releases(connection).await?;
                let (from, to) = (instant(&known, *from), instant(&known, *to));
                match (from, to) {
                    (Ok(from), Ok(to)) if from <= to => Span { from: Some(from), to: Some(to) },
                    (Ok(_), Ok(_)) => return Err(Problem::invalid(vec![backwards()])),
                    (from, to) => {
                        let faults = [from.err(), to.err()].into_iter().flatten().collect();
                        return Err(Problem::invalid(faults));
                    }
                }
            }
        })
    }
}

impl Span {
    /// The filters that hold for the rows within it. `column` is a time or a date; a date stands
    /// for its midnight.
    pub fn filters(&self, index: usize, column: &Column) -> Vec<Filter> {
        let bound = |operator, at: DateTime<Utc>| {
            let value = match column.ty {
                Type::Date => Value::Date(first_date_from(at)),
                _ => Value::Timestamptz(at),
            };
            Filter { column: index, operator, values: vec![value] }
        };
        let from = self.from.map(|at| bound(Operator::Gte, at));
        let to = self.to.map(|at| bound(Operator::Lt, at));
        from.into_iter().chain(to).collect()
    }
}

/// Reads the parameter `as_of`: a time, or a date as its midnight. Only times that a window can be
/// counted back from.
pub fn as_of(text: &str) -> Result<DateTime<Utc>, Fault> {
    let at = value::timestamp("as_of", text)?;
    if (1900..=9000).contains(&at.year()) {
        return Ok(at);
    }
    let detail = format!("`{text}` is not between 1900 and 9000.");
    Err(Fault::parameter("as_of", "out_of_range", detail))
}

/// The midnight that a date begins with.
pub fn midnight(date: NaiveDate) -> DateTime<Utc> {
    date.and_time(NaiveTime::MIN).and_utc()
}

/// The first date whose midnight is not before `at`.
pub fn first_date_from(at: DateTime<Utc>) -> NaiveDate {
    let date = at.date_naive();
    if midnight(date) == at { date } else { date.succ_opt().unwrap_or(date) }
}

fn backwards() -> Fault {
    Fault::parameter("window", "empty_window", "The window ends before it begins.")
}

fn of_releases(text: &str) -> Result<Window, Fault> {
    let Some((from, to)) = text.split_once("..") else {
        let detail = "A window of releases names two of them, as in `boost:1.85..1.86`.";
        return Err(Fault::parameter("window", "invalid_type", detail));
    };
    let release = |text: &str| {
        Version::parse(text).ok_or_else(|| {
            let detail = format!("`{text}` is not a release such as `1.86` or `1.86.0`.");
            Fault::parameter("window", "invalid_type", detail)
        })
    };
    let (from, to) = (release(from)?, release(to)?);
    if from < to { Ok(Window::Releases(from, to)) } else { Err(backwards()) }
}

fn between(from: &str, to: &str) -> Result<Window, Fault> {
    let edge = |text: &str| match text {
        "" | ".." => Ok(None),
        text => value::timestamp("window", text).map(Some),
    };
    match (edge(from)?, edge(to)?) {
        (None, None) => {
            let detail = "A window has a beginning or an end.";
            Err(Fault::parameter("window", "empty", detail))
        }
        (Some(from), Some(to)) if from >= to => Err(backwards()),
        (from, to) => Ok(Window::Between(from, to)),
    }
}

/// A release that is known.
struct Release {
    version: String,
    key: i32,
    /// When it was made, if that is known.
    at: Option<DateTime<Utc>>,
}

async fn releases(connection: &mut Connection) -> QueryResult<Vec<Release>> {
    let sql = "select version, version_key, version_created_at from boost_version";
    let rows: Vec<Row> = Statement::new(sql).load(connection).await?;
    let release = |Row(values): Row| match <[Value; 3]>::try_from(values) {
        Ok([Value::Text(version), Value::Int(key), at]) => {
            let at = if let Value::Timestamptz(at) = at { Some(at) } else { None };
            Some(Release { version, key, at })
        }
        _ => None,
    };
    Ok(rows.into_iter().filter_map(release).collect())
}

fn instant(known: &[Release], version: Version) -> Result<DateTime<Utc>, Fault> {
    let found = known.iter().find(|release| release.key == version.key());
    let detail = match found {
        Some(Release { at: Some(at), .. }) => return Ok(*at),
        Some(_) => format!("It is not known when `{version}` was released."),
        None => format!("There is no release `{version}`."),
    };
    // The nearest by number, of two the newer: letters say little about releases.
    let dated = known.iter().filter(|it| it.at.is_some());
    let near = dated.min_by_key(|it| (it.key.abs_diff(version.key()), -it.key));
    let suggestion = near.map(|it| it.version.trim_start_matches("boost-").to_owned());
    Err(Fault { suggestion, ..Fault::parameter("window", "unknown_release", detail) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn words_are_read() {
        let version = |text| Version::parse(text).unwrap();
        for (text, window) in [
            ("today", Window::Dates(1)),
            ("365d", Window::Dates(365)),
            ("last_release", Window::LastRelease),
            ("boost:1.85..1.86", Window::Releases(version("1.85"), version("1.86.0"))),
            ("boost:boost-1.9.0..1_10_0", Window::Releases(version("1.9"), version("1.10"))),
            ("2024-01-01/", Window::Between(Some(at("2024-01-01T00:00:00Z")), None)),
            ("/2024-01-01", Window::Between(None, Some(at("2024-01-01T00:00:00Z")))),
            (
                "2024-01-01T02:00:00+02:00/2024-01-02",
                Window::Between(Some(at("2024-01-01T00:00:00Z")), Some(at("2024-01-02T00:00:00Z"))),
            ),
        ] {
            assert_eq!(Window::parse(text), Ok(window), "{text}");
        }
    }

    #[test]
    fn what_is_none_is_refused() {
        for (text, code, suggestion) in [
            ("", "unknown_value", None),
            ("todya", "unknown_value", Some("today")),
            ("last-release", "unknown_value", Some("last_release")),
            ("8d", "unknown_value", None),
            ("/", "empty", None),
            ("2024-02-30/", "invalid_type", None),
            ("2024-01-02/2024-01-01", "empty_window", None),
            ("2024-01-01/2024-01-01", "empty_window", None),
            ("boost:1.85", "invalid_type", None),
            ("boost:1.85..", "invalid_type", None),
            ("boost:develop..1.86", "invalid_type", None),
            ("boost:1.86..1.85", "empty_window", None),
        ] {
            let fault = Window::parse(text).unwrap_err();
            assert_eq!(
                (&*fault.code, fault.parameter.as_deref()),
                (code, Some("window")),
                "{text}"
            );
            if let Some(suggestion) = suggestion {
                assert_eq!(fault.suggestion.as_deref(), Some(suggestion), "{text}");
            }
        }
    }

    #[test]
    fn a_date_stands_for_its_midnight() {
        assert_eq!(first_date_from(at("2024-01-01T00:00:00Z")).to_string(), "2024-01-01");
        assert_eq!(first_date_from(at("2024-01-01T00:00:00.000001Z")).to_string(), "2024-01-02");
    }
}
