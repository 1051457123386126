//! A column as it is served: its name, its type, and what the two allow.

use chrono::{DateTime, NaiveDate, Utc};
use diesel::{
    deserialize::{FromSql, FromSqlRow},
    pg::Pg,
};

use crate::db::sql::SqlType;

/// How a column's values look in JSON, and which operators they take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// `integer`: a JSON number.
    Int,
    /// `bigint`: a JSON number (surrogate ids and counters stay below 2⁵³).
    BigInt,
    /// `bigint` as a JSON string: global ids that JavaScript would round. Input takes both.
    IdText,
    /// `double precision`: a JSON number.
    Double,
    /// `text`.
    Text,
    /// `boolean`.
    Bool,
    /// `timestamptz`: RFC 3339, UTC, `Z`.
    Timestamp,
    /// `date`: `YYYY-MM-DD`.
    Date,
    /// `jsonb`: shown as is, not filtered.
    Json,
    /// A native enum, with its texts.
    Enum(&'static [&'static str]),
}

impl Type {
    /// The type a filter's value is bound as.
    pub const fn sql(self) -> SqlType {
        match self {
            Self::Int => SqlType::Int,
            Self::BigInt | Self::IdText => SqlType::BigInt,
            Self::Double => SqlType::Double,
            Self::Text | Self::Enum(_) => SqlType::Text,
            Self::Bool => SqlType::Bool,
            Self::Timestamp => SqlType::Timestamptz,
            Self::Date => SqlType::Date,
            Self::Json => SqlType::Jsonb,
        }
    }
}

/// A Rust type that a served column may have.
pub trait Served {
    /// Its JSON type.
    const TYPE: Type;
    /// Whether it may be null.
    const NULLABLE: bool = false;
}

/// A 64-bit id that is a string in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, FromSqlRow)]
pub struct IdText(pub i64);

impl FromSql<diesel::sql_types::BigInt, Pg> for IdText {
    fn from_sql(value: diesel::pg::PgValue<'_>) -> diesel::deserialize::Result<Self> {
        <i64 as FromSql<diesel::sql_types::BigInt, Pg>>::from_sql(value).map(Self)
    }
}

macro_rules! served {
    ($($rust:ty => $type:ident),+ $(,)?) => {
        $(impl Served for $rust { const TYPE: Type = Type::$type; })+
    };
}
served! {
    i32 => Int,
    i64 => BigInt,
    f64 => Double,
    IdText => IdText,
    String => Text,
    bool => Bool,
    DateTime<Utc> => Timestamp,
    NaiveDate => Date,
    serde_json::Value => Json,
}

impl<T: Served> Served for Option<T> {
    const TYPE: Type = T::TYPE;
    const NULLABLE: bool = true;
}

/// Characters of a free text that its index holds, as the migrations have it.
pub const PREFIX: usize = 200;

/// A column of a resource.
#[derive(Debug, Clone)]
pub struct Column {
    /// The JSON key, the filter's and the sort's name.
    pub name: &'static str,
    /// The table it is stored in (a subtype's column may be its base's).
    pub table: &'static str,
    /// Its name there.
    pub column: &'static str,
    /// Its type.
    pub ty: Type,
    /// Whether it may be null.
    pub nullable: bool,
    /// Whether an index leads with it: such columns can be sorted by.
    pub indexed: bool,
    /// Whether that index holds only the first [`PREFIX`] characters.
    pub prefix: bool,
    /// The column whose order is meant when this one is sorted by.
    pub order: Option<&'static str>,
    /// The table whose key it holds.
    pub references: Option<&'static str>,
    /// What it is: the field's doc comment.
    pub doc: &'static str,
}

impl Column {
    /// The column `C` of `table`, served as `T`. Does not compile unless `T` can be read from it.
    pub fn of<T, C>(name: &'static str, table: &'static str, _column: C, doc: &'static str) -> Self
    where
        C: diesel::Column,
        T: Served + FromSql<C::SqlType, Pg>,
    {
        Self {
            name: name.trim_start_matches("r#"),
            table,
            column: C::NAME,
            ty: T::TYPE,
            nullable: T::NULLABLE,
            indexed: false,
            prefix: false,
            order: None,
            references: None,
            doc: doc.trim(),
        }
    }

    /// Marks the column as a foreign key. Does not compile unless there is such a table.
    #[must_use]
    pub fn refers_to<T: diesel::Table>(self, _parent: T, parent: &'static str) -> Self {
        Self { references: Some(parent), ..self }
    }

    /// Marks the column as indexed.
    #[must_use]
    pub fn indexed(self) -> Self {
        Self { indexed: true, ..self }
    }

    /// Marks the column as indexed by its first [`PREFIX`] characters.
    #[must_use]
    pub fn prefix_indexed(self) -> Self {
        Self { indexed: true, prefix: true, ..self }
    }

    /// Marks the column as sorted by the column `version_key`: 1.9 comes before 1.10.
    #[must_use]
    pub fn sorted_by_version_key(self) -> Self {
        Self { indexed: true, order: Some("version_key"), ..self }
    }

    /// `table.column`, as SQL.
    pub fn path(&self) -> String {
        format!("{}.\"{}\"", self.table, self.column)
    }
}
