//! Statements whose text is built at run time: the list grammar and set-based writes.
//!
//! [`Statement`] is an ordinary diesel query: it runs on the same connections, inside the same
//! transactions, and is prepared once per text, because every value is a bind.

use chrono::{DateTime, NaiveDate, Utc};
use diesel::{
    QueryResult,
    deserialize::{FromSql, QueryableByName},
    pg::Pg,
    query_builder::{AstPass, Query, QueryFragment, QueryId},
    row::{Field, NamedRow},
    sql_types::{
        Array, BigInt, Bool, Bytea, Date, Double, Integer, Jsonb, Nullable, SmallInt, Text,
        Timestamptz, Untyped,
    },
};

/// A value of any column type the schema uses.
#[derive(Debug, Clone, PartialEq, PartialOrd)]
#[expect(missing_docs, reason = "each variant is the PostgreSQL type of its name")]
pub enum Value {
    Null,
    Bool(bool),
    SmallInt(i16),
    Int(i32),
    BigInt(i64),
    Double(f64),
    Text(String),
    Timestamptz(DateTime<Utc>),
    Date(NaiveDate),
    Bytea(Vec<u8>),
    Jsonb(Json),
}

/// A `jsonb` value; ordered only so that [`Value`] is.
#[derive(Debug, Clone, PartialEq)]
pub struct Json(pub serde_json::Value);

impl PartialOrd for Json {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        self.0.to_string().partial_cmp(&other.0.to_string())
    }
}

/// The PostgreSQL type that a bind is sent as. Native enums are sent as `Text` and cast in the
/// statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each variant is the PostgreSQL type of its name")]
pub enum SqlType {
    Bool,
    SmallInt,
    Int,
    BigInt,
    Double,
    Text,
    Timestamptz,
    Date,
    Bytea,
    Jsonb,
}

impl SqlType {
    /// The type's name in SQL.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bool => "boolean",
            Self::SmallInt => "smallint",
            Self::Int => "integer",
            Self::BigInt => "bigint",
            Self::Double => "double precision",
            Self::Text => "text",
            Self::Timestamptz => "timestamptz",
            Self::Date => "date",
            Self::Bytea => "bytea",
            Self::Jsonb => "jsonb",
        }
    }
}

/// A bind: one value, or an array of them for `unnest` and `= any`.
#[derive(Debug, Clone)]
enum Bind {
    One(SqlType, Value),
    Many(Many),
}

/// An array bind, already in the shape that diesel serialises.
#[derive(Debug, Clone)]
enum Many {
    Bool(Vec<Option<bool>>),
    SmallInt(Vec<Option<i16>>),
    Int(Vec<Option<i32>>),
    BigInt(Vec<Option<i64>>),
    Double(Vec<Option<f64>>),
    Text(Vec<Option<String>>),
    Timestamptz(Vec<Option<DateTime<Utc>>>),
    Date(Vec<Option<NaiveDate>>),
    Bytea(Vec<Option<Vec<u8>>>),
    Jsonb(Vec<Option<serde_json::Value>>),
}

/// A statement: its text, and the binds between the pieces of it.
#[derive(Debug, Clone, Default)]
pub struct Statement {
    sql: String,
    /// Each bind with the offset in `sql` at which its placeholder stands.
    binds: Vec<(usize, Bind)>,
    /// Whether it is prepared for this run alone.
    is_once: bool,
}

impl Statement {
    /// A statement that begins with `sql`.
    pub fn new(sql: impl Into<String>) -> Self {
        Self { sql: sql.into(), ..Self::default() }
    }

    /// The same statement, not kept prepared by the connection that runs it.
    #[must_use]
    pub fn once(self) -> Self {
        Self { is_once: true, ..self }
    }

    /// The statement that asks how this one would be run, as JSON.
    #[must_use]
    pub fn explained(self) -> Self {
        const EXPLAIN: &str = "explain (format json) ";
        let binds = self.binds.into_iter().map(|(at, bind)| (at + EXPLAIN.len(), bind)).collect();
        Self { sql: format!("{EXPLAIN}{}", self.sql), binds, ..self }
    }

    /// The text so far, without the placeholders of its binds.
    pub fn text(&self) -> &str {
        &self.sql
    }

    /// Appends text. Never pass anything a client sent: that is what [`Self::bind`] is for.
    pub fn push(&mut self, sql: &str) -> &mut Self {
        self.sql.push_str(sql);
        self
    }

    /// Appends another statement with its binds.
    pub fn append(&mut self, other: Self) -> &mut Self {
        let at = self.sql.len();
        self.binds.extend(other.binds.into_iter().map(|(offset, bind)| (at + offset, bind)));
        self.push(&other.sql)
    }

    /// Appends one bind.
    pub fn bind(&mut self, kind: SqlType, value: Value) -> &mut Self {
        self.binds.push((self.sql.len(), Bind::One(kind, value)));
        self
    }

    /// Appends an array bind with its type, as in `$3::bigint[]`.
    ///
    /// # Panics
    /// If a value is not of the type: a programming error.
    pub fn bind_all(
        &mut self,
        kind: SqlType,
        values: impl IntoIterator<Item = Value>,
    ) -> &mut Self {
        self.binds.push((self.sql.len(), Bind::Many(Many::collect(kind, values))));
        self.push("::").push(kind.name()).push("[]")
    }
}

impl Many {
    fn collect(kind: SqlType, values: impl IntoIterator<Item = Value>) -> Self {
        macro_rules! collect {
            ($variant:ident, $pattern:pat => $value:expr) => {
                Self::$variant(
                    values
                        .into_iter()
                        .map(|value| match value {
                            $pattern => Some($value),
                            Value::Null => None,
                            other => panic!("{other:?} is not a {}", kind.name()),
                        })
                        .collect(),
                )
            };
        }
        match kind {
            SqlType::Bool => collect!(Bool, Value::Bool(v) => v),
            SqlType::SmallInt => collect!(SmallInt, Value::SmallInt(v) => v),
            SqlType::Int => collect!(Int, Value::Int(v) => v),
            SqlType::BigInt => collect!(BigInt, Value::BigInt(v) => v),
            SqlType::Double => collect!(Double, Value::Double(v) => v),
            SqlType::Text => collect!(Text, Value::Text(v) => v),
            SqlType::Timestamptz => collect!(Timestamptz, Value::Timestamptz(v) => v),
            SqlType::Date => collect!(Date, Value::Date(v) => v),
            SqlType::Bytea => collect!(Bytea, Value::Bytea(v) => v),
            SqlType::Jsonb => collect!(Jsonb, Value::Jsonb(Json(v)) => v),
        }
    }
}

impl QueryFragment<Pg> for Statement {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        if self.is_once {
            out.unsafe_to_cache_prepared();
        }
        let mut from = 0;
        for (at, bind) in &self.binds {
            out.push_sql(&self.sql[from..*at]);
            from = *at;
            match bind {
                Bind::One(kind, value) => push_one(&mut out, *kind, value)?,
                Bind::Many(many) => push_many(&mut out, many)?,
            }
        }
        out.push_sql(&self.sql[from..]);
        Ok(())
    }
}

fn push_one<'b>(out: &mut AstPass<'_, 'b, Pg>, kind: SqlType, value: &'b Value) -> QueryResult<()> {
    match (kind, value) {
        (_, Value::Bool(v)) => out.push_bind_param::<Bool, _>(v),
        (_, Value::SmallInt(v)) => out.push_bind_param::<SmallInt, _>(v),
        (_, Value::Int(v)) => out.push_bind_param::<Integer, _>(v),
        (_, Value::BigInt(v)) => out.push_bind_param::<BigInt, _>(v),
        (_, Value::Double(v)) => out.push_bind_param::<Double, _>(v),
        (_, Value::Text(v)) => out.push_bind_param::<Text, _>(v),
        (_, Value::Timestamptz(v)) => out.push_bind_param::<Timestamptz, _>(v),
        (_, Value::Date(v)) => out.push_bind_param::<Date, _>(v),
        (_, Value::Bytea(v)) => out.push_bind_param::<Bytea, _>(v),
        (_, Value::Jsonb(Json(v))) => out.push_bind_param::<Jsonb, _>(v),
        (SqlType::Bool, Value::Null) => out.push_bind_param::<Nullable<Bool>, _>(&None::<bool>),
        (SqlType::SmallInt, Value::Null) => {
            out.push_bind_param::<Nullable<SmallInt>, _>(&None::<i16>)
        }
        (SqlType::Int, Value::Null) => out.push_bind_param::<Nullable<Integer>, _>(&None::<i32>),
        (SqlType::BigInt, Value::Null) => out.push_bind_param::<Nullable<BigInt>, _>(&None::<i64>),
        (SqlType::Double, Value::Null) => out.push_bind_param::<Nullable<Double>, _>(&None::<f64>),
        (SqlType::Text, Value::Null) => out.push_bind_param::<Nullable<Text>, _>(&None::<String>),
        (SqlType::Timestamptz, Value::Null) => {
            out.push_bind_param::<Nullable<Timestamptz>, _>(&None::<DateTime<Utc>>)
        }
        (SqlType::Date, Value::Null) => {
            out.push_bind_param::<Nullable<Date>, _>(&None::<NaiveDate>)
        }
        (SqlType::Bytea, Value::Null) => {
            out.push_bind_param::<Nullable<Bytea>, _>(&None::<Vec<u8>>)
        }
        (SqlType::Jsonb, Value::Null) => {
            out.push_bind_param::<Nullable<Jsonb>, _>(&None::<serde_json::Value>)
        }
    }
}

fn push_many<'b>(out: &mut AstPass<'_, 'b, Pg>, many: &'b Many) -> QueryResult<()> {
    match many {
        Many::Bool(v) => out.push_bind_param::<Array<Nullable<Bool>>, _>(v),
        Many::SmallInt(v) => out.push_bind_param::<Array<Nullable<SmallInt>>, _>(v),
        Many::Int(v) => out.push_bind_param::<Array<Nullable<Integer>>, _>(v),
        Many::BigInt(v) => out.push_bind_param::<Array<Nullable<BigInt>>, _>(v),
        Many::Double(v) => out.push_bind_param::<Array<Nullable<Double>>, _>(v),
        Many::Text(v) => out.push_bind_param::<Array<Nullable<Text>>, _>(v),
        Many::Timestamptz(v) => out.push_bind_param::<Array<Nullable<Timestamptz>>, _>(v),
        Many::Date(v) => out.push_bind_param::<Array<Nullable<Date>>, _>(v),
        Many::Bytea(v) => out.push_bind_param::<Array<Nullable<Bytea>>, _>(v),
        Many::Jsonb(v) => out.push_bind_param::<Array<Nullable<Jsonb>>, _>(v),
    }
}

impl QueryId for Statement {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for Statement {
    type SqlType = Untyped;
}

impl<C> diesel::query_dsl::RunQueryDsl<C> for Statement {}

/// A row of a [`Statement`]'s result, column by column, decoded by the type PostgreSQL names.
///
/// Native enums and every type not in [`SqlType`] arrive as their text.
#[derive(Debug, Clone)]
pub struct Row(pub Vec<Value>);

impl QueryableByName<Pg> for Row {
    fn build<'a>(row: &impl NamedRow<'a, Pg>) -> diesel::deserialize::Result<Self> {
        let mut values = Vec::with_capacity(row.field_count());
        for index in 0..row.field_count() {
            let field = diesel::row::Row::get(row, index).ok_or("a column is missing")?;
            let Some(raw) = field.value() else {
                values.push(Value::Null);
                continue;
            };
            values.push(match raw.get_oid().get() {
                16 => Value::Bool(<bool as FromSql<Bool, Pg>>::from_sql(raw)?),
                17 => Value::Bytea(raw.as_bytes().to_vec()),
                20 => Value::BigInt(<i64 as FromSql<BigInt, Pg>>::from_sql(raw)?),
                21 => Value::SmallInt(<i16 as FromSql<SmallInt, Pg>>::from_sql(raw)?),
                23 => Value::Int(<i32 as FromSql<Integer, Pg>>::from_sql(raw)?),
                701 => Value::Double(<f64 as FromSql<Double, Pg>>::from_sql(raw)?),
                1082 => Value::Date(<NaiveDate as FromSql<Date, Pg>>::from_sql(raw)?),
                1184 => {
                    Value::Timestamptz(<DateTime<Utc> as FromSql<Timestamptz, Pg>>::from_sql(raw)?)
                }
                3802 => {
                    Value::Jsonb(Json(<serde_json::Value as FromSql<Jsonb, Pg>>::from_sql(raw)?))
                }
                _ => Value::Text(String::from_utf8(raw.as_bytes().to_vec())?),
            });
        }
        Ok(Self(values))
    }
}
