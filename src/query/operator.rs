//! The operators of a filter: `{column}__gte=5`.

use super::column::{Column, Type};

/// How a filter compares a column with its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operator {
    /// `{column}=v`.
    Eq,
    /// `__ne`: not equal; null counts as not equal.
    Ne,
    /// `__gt`.
    Gt,
    /// `__gte`.
    Gte,
    /// `__lt`.
    Lt,
    /// `__lte`.
    Lte,
    /// `__in`: any of several, separated by commas.
    In,
    /// `__isnull`: `true` or `false`.
    IsNull,
    /// `__contains`: case-insensitive.
    Contains,
    /// `__startswith`: case-insensitive.
    StartsWith,
}

impl Operator {
    /// Every operator, in the order they are documented.
    pub const ALL: [Self; 10] = [
        Self::Eq,
        Self::Ne,
        Self::Gt,
        Self::Gte,
        Self::Lt,
        Self::Lte,
        Self::In,
        Self::IsNull,
        Self::Contains,
        Self::StartsWith,
    ];

    /// What follows the column's name in a parameter.
    pub const fn suffix(self) -> &'static str {
        match self {
            Self::Eq => "",
            Self::Ne => "__ne",
            Self::Gt => "__gt",
            Self::Gte => "__gte",
            Self::Lt => "__lt",
            Self::Lte => "__lte",
            Self::In => "__in",
            Self::IsNull => "__isnull",
            Self::Contains => "__contains",
            Self::StartsWith => "__startswith",
        }
    }

    /// The operator in SQL, for those that compare with one value.
    pub(super) const fn sql(self) -> &'static str {
        match self {
            Self::Eq => " = ",
            Self::Ne => " is distinct from ",
            Self::Gt => " > ",
            Self::Gte => " >= ",
            Self::Lt => " < ",
            Self::Lte => " <= ",
            Self::In => " = any",
            Self::IsNull => " is null",
            Self::Contains | Self::StartsWith => " ilike ",
        }
    }

    /// Whether filters on `column` may use it.
    pub fn applies_to(self, column: &Column) -> bool {
        let ordered = !matches!(column.ty, Type::Bool | Type::Enum(_) | Type::Json);
        match self {
            Self::Eq | Self::Ne | Self::In => column.ty != Type::Json,
            Self::Gt | Self::Gte | Self::Lt | Self::Lte => ordered,
            Self::IsNull => column.nullable,
            Self::Contains | Self::StartsWith => column.ty == Type::Text,
        }
    }

    /// Whether the index of `column` finds the rows; else all are looked at.
    pub fn is_indexed(self, column: &Column) -> bool {
        let finds = match self {
            Self::Eq | Self::In => true,
            Self::Gt | Self::Gte | Self::Lt | Self::Lte | Self::IsNull => !column.prefix,
            Self::Ne | Self::Contains | Self::StartsWith => false,
        };
        column.indexed && finds
    }

    /// The operators that filters on `column` may use.
    pub fn of(column: &Column) -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(|operator| operator.applies_to(column))
    }
}
