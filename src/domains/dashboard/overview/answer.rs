//! What a section answers: numbers of the window and of the one before, a series, the greatest.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use serde::Serialize;

use crate::db::sql::{Row, Value};

/// The numbers of a section.
#[derive(Debug, Default, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = DashboardSection)]
pub(super) struct Answer {
    /// Each measure over the whole window.
    totals: BTreeMap<String, i64>,
    /// Each measure over the window of the same length before it.
    previous: BTreeMap<String, i64>,
    /// Each measure by bucket, oldest first; buckets in which nothing happened are left out.
    series: Vec<Point>,
    /// The greatest, most first, among equals the first by name.
    top: BTreeMap<&'static str, Vec<Entry>>,
}

/// A bucket of a series.
#[derive(Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = DashboardPoint)]
struct Point {
    /// The first date of the bucket: a day, a Monday or the first of a month.
    bucket: NaiveDate,
    /// Each measure.
    #[serde(flatten)]
    measures: BTreeMap<String, i64>,
}

/// One of the greatest.
#[derive(Debug, Default, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = DashboardEntry)]
pub(super) struct Entry {
    /// Its name.
    pub(super) name: String,
    /// A person: `identity.id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) identity_id: Option<i64>,
    /// A person without an identity: `base_profile.id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) profile_id: Option<i64>,
    /// A library: `boost_library.id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) library_id: Option<i64>,
    /// A Slack channel: `slack_channel.id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) channel_id: Option<i64>,
    /// A thread of a mailing list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) thread_id: Option<String>,
    /// How many.
    pub(super) count: i64,
}

/// Numbers as they come from the database, on their way to an [`Answer`].
#[derive(Debug, Default)]
pub(super) struct Counts {
    /// What is counted in every bucket.
    measures: BTreeSet<String>,
    totals: BTreeMap<String, i64>,
    previous: BTreeMap<String, i64>,
    points: BTreeMap<NaiveDate, BTreeMap<String, i64>>,
    top: BTreeMap<&'static str, Vec<Entry>>,
}

impl Counts {
    /// Numbers of these measures, all of them zero.
    pub(super) fn of(measures: &[&str]) -> Self {
        let measures = measures.iter().map(|name| (*name).to_owned()).collect();
        Self { measures, ..Self::default() }
    }

    /// Adds a number to a bucket and to its total; without a bucket it is of the window before.
    pub(super) fn add(&mut self, measure: &str, bucket: Option<NaiveDate>, count: i64) {
        self.know(measure);
        let to = match bucket {
            Some(bucket) => {
                self.put(measure, bucket, count);
                &mut self.totals
            }
            None => &mut self.previous,
        };
        let sum = to.entry(measure.to_owned()).or_default();
        *sum = sum.saturating_add(count);
    }

    /// Adds a number to a bucket alone: of people, the sum of the days is not the total.
    pub(super) fn put(&mut self, measure: &str, bucket: NaiveDate, count: i64) {
        self.know(measure);
        let sum = self.points.entry(bucket).or_default().entry(measure.to_owned()).or_default();
        *sum = sum.saturating_add(count);
    }

    /// Says a total.
    pub(super) fn total(&mut self, measure: &str, count: i64) {
        self.know(measure);
        self.totals.insert(measure.to_owned(), count);
    }

    /// Says a total of the window before.
    pub(super) fn before(&mut self, measure: &str, count: i64) {
        self.know(measure);
        self.previous.insert(measure.to_owned(), count);
    }

    /// Says by how much a total differs from that of the window before.
    pub(super) fn change(&mut self, name: String, difference: i64) {
        self.totals.insert(name, difference);
    }

    fn know(&mut self, measure: &str) {
        if !self.measures.contains(measure) {
            self.measures.insert(measure.to_owned());
        }
    }

    /// Adds rows of measure, bucket, count.
    pub(super) fn extend(&mut self, rows: Vec<Row>) {
        for row in rows {
            if let Some((measure, bucket, count)) = counted(row) {
                self.add(&measure, bucket, count);
            }
        }
    }

    /// Says the greatest of a kind.
    pub(super) fn rank(&mut self, kind: &'static str, entries: Vec<Entry>) {
        self.top.insert(kind, entries);
    }

    /// The answer: every measure has a number in every bucket.
    pub(super) fn answer(mut self) -> Answer {
        for measure in self.measures {
            let numbers = [&mut self.totals, &mut self.previous].into_iter();
            for numbers in numbers.chain(self.points.values_mut()) {
                numbers.entry(measure.clone()).or_default();
            }
        }
        let point = |(bucket, measures)| Point { bucket, measures };
        Answer {
            totals: self.totals,
            previous: self.previous,
            series: self.points.into_iter().map(point).collect(),
            top: self.top,
        }
    }
}

/// A row of measure, bucket, count.
pub(super) fn counted(Row(values): Row) -> Option<(String, Option<NaiveDate>, i64)> {
    match <[Value; 3]>::try_from(values).ok()? {
        [Value::Text(measure), Value::Date(bucket), Value::BigInt(count)] => {
            Some((measure, Some(bucket), count))
        }
        [Value::Text(measure), Value::Null, Value::BigInt(count)] => Some((measure, None, count)),
        _ => None,
    }
}
