//! How a table is written: its natural key, its registers, its child sets.
//!
//! Every column outside the key is a last-writer-wins register with a stamp. A row keeps one stamp
//! for all of them, and a map for the few that differ, so that payloads which state different
//! columns of one row (a mention and a full user, a list item and its detail) still end in the same
//! row in any order.

use chrono::{DateTime, NaiveDate, Utc};

use super::stamp::Stamp;
use crate::db::sql::{SqlType, Value};

/// What a payload says about one register.
#[derive(Debug, Clone)]
pub enum Cell<T> {
    /// It says so, with the draft's stamp.
    Stated(T),
    /// It says so, with a stamp of its own.
    StatedAt(T, Stamp),
    /// It says nothing; a new row takes this value, and anything real overwrites it.
    Unstated(T),
}

impl<T: Default> Cell<T> {
    /// Stated when there is a value, else not, with the type's default for a new row.
    pub fn of(value: Option<T>) -> Self {
        value.map_or_else(|| Self::Unstated(T::default()), Self::Stated)
    }
}

impl<T> Cell<T> {
    /// The cell without its type.
    pub fn erase(self) -> Cell<Value>
    where
        T: Field,
    {
        match self {
            Self::Stated(value) => Cell::Stated(value.into_value()),
            Self::StatedAt(value, stamp) => Cell::StatedAt(value.into_value(), stamp),
            Self::Unstated(value) => Cell::Unstated(value.into_value()),
        }
    }
}

/// Which stamp a register has when the row's map does not name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Follows {
    /// The row's stamp.
    Row,
    /// None: few statements name it, so it is kept in the map when they do.
    Nothing,
    /// The row's stamp without its source time, with the rank kept in this column.
    Rank(&'static str),
}

/// A column that drafts write.
#[derive(Debug, Clone)]
pub struct Register {
    /// The column.
    pub name: &'static str,
    /// The type it is bound as.
    pub ty: SqlType,
    /// The native enum it is cast to.
    pub cast: Option<String>,
    /// Where its stamp is kept.
    pub follows: Follows,
}

/// A table as it is written.
#[derive(Debug)]
pub struct Table {
    /// The table.
    pub name: &'static str,
    /// The table it extends by a shared id, and the value of that table's `type`.
    pub base: Option<(&'static str, &'static str)>,
    /// The natural key.
    pub keys: Vec<Register>,
    /// What `on conflict` names: the key's columns, or the expressions of the unique index.
    pub conflict: String,
    /// The registers, in the order of a draft's cells.
    pub registers: Vec<Register>,
    /// Child sets: their stamps live in the row, their members in tables of their own.
    pub sets: &'static [&'static str],
    /// Whether the table has `created_at` and `updated_at` of our clock.
    pub created_at: bool,
    /// See [`Self::created_at`].
    pub updated_at: bool,
}

impl Table {
    /// The names of registers and sets, in the order of a draft's cells.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.registers.iter().map(|register| register.name).chain(self.sets.iter().copied())
    }

    /// Where the stamp of cell `index` is kept.
    pub fn follows(&self, index: usize) -> Follows {
        self.registers.get(index).map_or(Follows::Row, |register| register.follows)
    }
}

/// A draft without its type.
#[derive(Debug, Clone)]
pub struct RawDraft {
    /// The key's values.
    pub key: Vec<Value>,
    /// The statement's stamp.
    pub stamp: Stamp,
    /// Registers, then sets (whose value is `Null`).
    pub cells: Vec<Cell<Value>>,
    /// The item it comes from: its index in the body.
    pub item: i32,
}

/// What one payload says about one row. Declared by [`draft!`](crate::draft).
pub trait Draft: Send + Sized {
    /// The table it writes.
    fn table() -> &'static Table;
    /// The draft without its type.
    fn erase(self) -> RawDraft;
}

/// A Rust type that a column can be written from.
pub trait Field {
    /// The type it is bound as.
    const TYPE: SqlType;
    /// The native enum it is cast to.
    fn cast() -> Option<String> {
        None
    }
    /// The value that is bound.
    fn into_value(self) -> Value;
}

macro_rules! field {
    ($($rust:ty => $variant:ident),+ $(,)?) => {$(
        impl Field for $rust {
            const TYPE: SqlType = SqlType::$variant;
            fn into_value(self) -> Value {
                Value::$variant(self)
            }
        }
    )+};
}
field! {
    bool => Bool,
    i16 => SmallInt,
    i32 => Int,
    i64 => BigInt,
    String => Text,
    DateTime<Utc> => Timestamptz,
    NaiveDate => Date,
    Vec<u8> => Bytea,
}

impl<T: Field> Field for Option<T> {
    const TYPE: SqlType = T::TYPE;
    fn cast() -> Option<String> {
        T::cast()
    }
    fn into_value(self) -> Value {
        self.map_or(Value::Null, Field::into_value)
    }
}

/// `sql_types::IssueState` → `issue_state`: a native enum's name, as diesel derives its Rust name.
pub fn enum_name(sql_type: &str) -> String {
    let name = sql_type.rsplit("::").next().unwrap_or(sql_type).trim();
    let mut snake = String::with_capacity(name.len() + 4);
    for c in name.chars() {
        if c.is_ascii_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.push(c.to_ascii_lowercase());
    }
    snake
}

/// Declares what payloads can say about a table: one field a column, so that a struct literal that
/// forgets one does not compile, and a type that the column does not take does not either.
///
/// ```ignore
/// draft! {
///     /// What a payload says about an issue.
///     pub struct IssueDraft, table issue, key { issue_id: i64 };
///     registers { repo_id: i64, title: String, state: IssueState }
///     sets { labels, assignees }
///     dates { created_at, updated_at }
/// }
/// ```
///
/// A register may say where its stamp is kept: `own` (few statements name it) or
/// `rank some_rank_column`. `on "…"` names the unique index's expressions where they are not the
/// key's columns; `extends base_profile as "github"` the table whose id it shares.
#[macro_export]
macro_rules! draft {
    (
        $(#[doc = $doc:literal])+
        pub struct $name:ident, table $table:ident
            $(, extends $base:ident as $kind:literal)?
            , key { $($key:ident: $key_ty:ty),+ $(,)? } $(on $conflict:literal)?;
        registers { $($field:ident: $ty:ty $([$follows:ident $($rank:ident)?])?),* $(,)? }
        $(sets { $($set:ident),* $(,)? })?
        $(dates { $($date:ident),* $(,)? })?
    ) => {
        $(#[doc = $doc])+
        #[derive(Debug, Clone)]
        #[expect(missing_docs, reason = "each field is the column of its name")]
        pub struct $name {
            $(pub $key: $key_ty,)+
            $(pub $field: $crate::ingest::register::Cell<$ty>,)*
            $($(pub $set: $crate::ingest::register::Cell<()>,)*)?
            /// The statement's stamp.
            pub stamp: $crate::ingest::stamp::Stamp,
            /// The item's index in the body.
            pub item: i32,
        }

        impl $crate::ingest::register::Draft for $name {
            fn table() -> &'static $crate::ingest::register::Table {
                use $crate::{ingest::register::{Field, Follows, Register, Table}, schema::$table as t};
                fn column<T, C>(_column: C, follows: Follows) -> Register
                where
                    C: diesel::Column,
                    C::SqlType: diesel::sql_types::SqlType + diesel::expression::TypedExpressionType,
                    T: Field + diesel::expression::AsExpression<C::SqlType>,
                {
                    Register { name: C::NAME, ty: T::TYPE, cast: T::cast(), follows }
                }
                static TABLE: std::sync::LazyLock<Table> = std::sync::LazyLock::new(|| {
                    #[allow(unused_mut, unused_assignments, reason = "only some tables extend one")]
                    let mut base = None;
                    $(base = Some((stringify!($base), $kind));)?
                    let keys = vec![$(column::<$key_ty, _>(t::$key, Follows::Row)),+];
                    #[allow(unused_mut, unused_assignments, reason = "only some keys are expressions")]
                    let mut conflict =
                        keys.iter().map(|key| key.name).collect::<Vec<_>>().join(", ");
                    $(conflict = $conflict.to_owned();)?
                    let dates: &[&str] = &[$($(stringify!($date)),*)?];
                    Table {
                        name: stringify!($table),
                        base,
                        keys,
                        conflict,
                        registers: vec![
                            $(column::<$ty, _>(t::$field, $crate::follows!($($follows $($rank)?)?))),*
                        ],
                        sets: &[$($(stringify!($set)),*)?],
                        created_at: dates.contains(&"created_at"),
                        updated_at: dates.contains(&"updated_at"),
                    }
                });
                &TABLE
            }

            fn erase(self) -> $crate::ingest::register::RawDraft {
                use $crate::ingest::register::Field;
                $crate::ingest::register::RawDraft {
                    key: vec![$(self.$key.into_value()),+],
                    stamp: self.stamp,
                    cells: vec![$(self.$field.erase(),)* $($(self.$set.erase(),)*)?],
                    item: self.item,
                }
            }
        }
    };
}

/// Where a register's stamp is kept: the words of [`draft!`](crate::draft).
#[macro_export]
macro_rules! follows {
    () => {
        $crate::ingest::register::Follows::Row
    };
    (own) => {
        $crate::ingest::register::Follows::Nothing
    };
    (rank $column:ident) => {
        $crate::ingest::register::Follows::Rank(stringify!($column))
    };
}

impl Field for () {
    const TYPE: SqlType = SqlType::Bool;
    fn into_value(self) -> Value {
        Value::Null
    }
}
