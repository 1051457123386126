//! Statistics after they were understood.

use crate::query::column::{Column, Type};

/// Most rows of an answer.
pub const MAX_ROWS: usize = 10_000;
/// Most columns of `group_by`.
pub const MAX_GROUPS: usize = 4;
/// Most measures.
pub const MAX_MEASURES: usize = 10;
/// Greatest `top`.
pub const MAX_TOP: usize = 1_000;

/// What is worked out of the rows that pass the filters.
#[derive(Debug, Clone, PartialEq)]
pub struct Stats {
    /// The column that makes the buckets, and their length. Without it time does not matter.
    pub series: Option<Series>,
    /// Index of each column that rows are told apart by.
    pub groups: Vec<usize>,
    /// What is measured, at least one. Groups are ranked by the first.
    pub measures: Vec<Measure>,
    /// Only so many of the greatest groups.
    pub top: Option<usize>,
}

/// How rows are put into buckets of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Series {
    /// Index of the time or date.
    pub time: usize,
    /// The length of a bucket.
    pub bucket: Bucket,
    /// Whether buckets without rows are shown, with zeros.
    pub fill: bool,
}

/// The length of a bucket, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Bucket {
    /// A date.
    Day,
    /// An ISO week, which begins on Monday.
    Week,
    /// A month.
    Month,
    /// A quarter.
    Quarter,
    /// A year.
    Year,
}

impl Bucket {
    /// Every bucket, shortest first.
    pub const ALL: [Self; 5] = [Self::Day, Self::Week, Self::Month, Self::Quarter, Self::Year];

    /// Its word, which PostgreSQL has too.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Quarter => "quarter",
            Self::Year => "year",
        }
    }

    /// Its length as an interval.
    pub(super) const fn interval(self) -> &'static str {
        match self {
            Self::Day => "interval '1 day'",
            Self::Week => "interval '7 days'",
            Self::Month => "interval '1 month'",
            Self::Quarter => "interval '3 months'",
            Self::Year => "interval '1 year'",
        }
    }
}

/// One number of each row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Measure {
    /// What is done with the column's values.
    pub function: Function,
    /// Index of the column; none for [`Function::Count`].
    pub column: Option<usize>,
}

/// What is done with the values of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Function {
    /// The number of rows.
    Count,
    /// Their sum; 0 where there are none.
    Sum,
    /// Their mean.
    Avg,
    /// The least.
    Min,
    /// The greatest.
    Max,
    /// How many different ones there are.
    Distinct,
}

impl Function {
    /// Every function, in the order they are documented.
    pub const ALL: [Self; 6] =
        [Self::Count, Self::Sum, Self::Avg, Self::Min, Self::Max, Self::Distinct];

    /// Its word.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Count => "count",
            Self::Sum => "sum",
            Self::Avg => "avg",
            Self::Min => "min",
            Self::Max => "max",
            Self::Distinct => "distinct",
        }
    }

    /// Whether it can be worked out of a column. Ids are no amounts: they are never added up.
    pub fn applies_to(self, column: &Column) -> bool {
        let is_id = column.name == "id" || column.name.ends_with("_id");
        match self {
            Self::Count => false,
            Self::Sum | Self::Avg => matches!(column.ty, Type::Int | Type::BigInt) && !is_id,
            Self::Min | Self::Max => !matches!(column.ty, Type::Bool | Type::Enum(_) | Type::Json),
            Self::Distinct => column.ty != Type::Json,
        }
    }

    /// Whether a bucket without rows has the value 0 rather than none.
    pub(super) const fn is_zero_of_nothing(self) -> bool {
        matches!(self, Self::Count | Self::Sum | Self::Distinct)
    }
}

/// Whether rows can be grouped by a column.
pub fn is_group(column: &Column) -> bool {
    column.ty != Type::Json
}

/// Whether a column can make buckets.
pub fn is_time(column: &Column) -> bool {
    matches!(column.ty, Type::Timestamp | Type::Date)
}
