//! Which time is meant, and in which buckets.

use chrono::{DateTime, Days, TimeDelta, Utc};

use crate::{
    db::{
        Connection,
        sql::{SqlType, Statement, Value},
    },
    http::problem::{Fault, Problem, Result},
    query::{
        stats::plan::Bucket,
        window::{Window, first_date_from, midnight},
    },
};

/// The longest window there is: a hundred years.
const LONGEST: TimeDelta = TimeDelta::days(36_525);

/// The window, the one before it, and whose things count. Two requests of the same period have the
/// same answer while the rows are the same.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Period {
    /// Where the window before begins; it ends where this one begins.
    pub(super) before: DateTime<Utc>,
    /// Where the window begins.
    pub(super) from: DateTime<Utc>,
    /// The instant that it ends before.
    pub(super) to: DateTime<Utc>,
    /// The buckets of the series.
    pub(super) bucket: Bucket,
    /// Whose repositories count, lower-case; everybody's if none.
    pub(super) owner: Option<String>,
    /// Whether what is not public counts.
    pub(super) private: bool,
}

impl Period {
    /// What a window means at `as_of`.
    pub(super) async fn of(
        window: &Window,
        as_of: DateTime<Utc>,
        owner: Option<&str>,
        private: bool,
        connection: &mut Connection,
    ) -> Result<Self> {
        let span = window.resolve(as_of, connection).await?;
        let refuse = |detail: &str| {
            Problem::invalid(vec![Fault::parameter("window", "invalid_window", detail)])
        };
        let from = span.from.ok_or_else(|| {
            refuse("The dashboard compares a window with the one before: it needs a beginning.")
        })?;
        let to = span.to.unwrap_or_else(|| midnight(as_of.date_naive() + Days::new(1)));
        let length = to - from;
        if length < TimeDelta::zero() {
            return Err(refuse("The window ends before it begins."));
        }
        if length > LONGEST {
            return Err(refuse("The window is longer than a hundred years."));
        }
        let bucket = match length.num_microseconds().unwrap_or(i64::MAX) {
            length if length <= days(90) => Bucket::Day,
            length if length <= days(365) => Bucket::Week,
            _ => Bucket::Month,
        };
        let owner = owner.map(str::to_lowercase);
        Ok(Self { before: from - length, from, to, bucket, owner, private })
    }

    /// The expression of the bucket that `at` falls in; null for what is of the window before.
    pub(super) fn bucket_of(&self, at: &str, is_date: bool, sql: &mut Statement) {
        let unit = self.bucket.name();
        sql.push("case when ").push(at).push(" >= ");
        bind(sql, self.from, is_date);
        sql.push(" then ");
        let local = if is_date { "::timestamp" } else { " at time zone 'UTC'" };
        sql.push(&format!("date_trunc('{unit}', {at}{local})::date end"));
    }
}

const fn days(days: i64) -> i64 {
    days * 86_400_000_000
}

/// Binds an instant as what it is compared with.
pub(super) fn bind(sql: &mut Statement, at: DateTime<Utc>, is_date: bool) {
    if is_date {
        sql.bind(SqlType::Date, Value::Date(first_date_from(at)));
    } else {
        sql.bind(SqlType::Timestamptz, Value::Timestamptz(at));
    }
}
