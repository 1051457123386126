//! A list request after it was understood: every name is a column's, every value has its type.

use super::{operator::Operator, relation::Relation, window::Window};
use crate::db::sql::Value;

/// Rows on a page unless the request says otherwise.
pub const DEFAULT_LIMIT: usize = 50;
/// Most rows on a page.
pub const MAX_LIMIT: usize = 500;
/// Most values of one `__in`.
pub const MAX_VALUES: usize = 200;

/// A validated list request.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// All of them hold for every row.
    pub filters: Vec<Filter>,
    /// The span that the main time column lies in, as it was asked for.
    pub window: Option<Window>,
    /// The filters which that means now. They hold as well; a cursor is bound to the words instead.
    pub within: Vec<Filter>,
    /// The order. Its last key is the primary key, so no two rows are equal in it.
    pub sort: Vec<Key>,
    /// Rows on the page.
    pub limit: usize,
    /// Where the page begins: the sort keys' values of the last row before it.
    pub after: Option<Vec<Value>>,
    /// The columns shown, by index; all of them if none.
    pub fields: Option<Vec<usize>>,
    /// What is shown with each row besides its columns.
    pub include: Vec<&'static Relation>,
    /// Whether matching rows are counted.
    pub count: Count,
    /// Whether rows that are not public are among them.
    pub private: bool,
    /// What the rows' prose is searched for.
    pub search: Option<String>,
}

/// A validated request for a single row.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Shown {
    /// The columns shown, by index; all of them if none.
    pub fields: Option<Vec<usize>>,
    /// What is shown besides.
    pub include: Vec<&'static Relation>,
    /// Whether a row that is not public is found.
    pub private: bool,
}

impl Plan {
    /// Every filter that rows must pass.
    pub fn all_filters(&self) -> impl Iterator<Item = &Filter> + Clone {
        self.filters.iter().chain(&self.within)
    }
}

/// One filter on one column.
#[derive(Debug, Clone, PartialEq)]
pub struct Filter {
    /// Index of the column.
    pub column: usize,
    /// How it is compared.
    pub operator: Operator,
    /// What it is compared with: several values for [`Operator::In`], else one.
    pub values: Vec<Value>,
}

impl Filter {
    /// `column = value`.
    pub fn equals(column: usize, value: Value) -> Self {
        Self { column, operator: Operator::Eq, values: vec![value] }
    }

    /// Whether only rows pass whose column is null.
    pub(super) fn wants_null(&self) -> bool {
        self.operator == Operator::IsNull && self.values == [Value::Bool(true)]
    }

    /// Whether no row passes whose column is null.
    pub(super) fn excludes_null(&self) -> bool {
        self.operator != Operator::Ne && !self.wants_null()
    }
}

/// One key of the order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key {
    /// Index of the column.
    pub column: usize,
    /// Greatest first. Nulls come last either way.
    pub descending: bool,
}

/// Whether and how matching rows are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Count {
    /// Not at all.
    #[default]
    None,
    /// By counting.
    Exact,
    /// By the planner's estimate.
    Estimated,
}

impl Count {
    /// Every word the `count` parameter takes.
    pub const TEXTS: [&'static str; 3] = ["none", "exact", "estimated"];

    /// The value of a word.
    pub(super) fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "none" => Self::None,
            "exact" => Self::Exact,
            "estimated" => Self::Estimated,
            _ => return None,
        })
    }
}
