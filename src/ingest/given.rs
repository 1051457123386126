//! Rows as parallel arrays: how a batch reaches a statement.

use crate::db::sql::{SqlType, Statement, Value};

/// Named columns of equal length, bound as `unnest(…) with ordinality`.
#[derive(Debug, Default)]
pub struct Given<'a> {
    columns: Vec<(&'a str, SqlType, Vec<Value>)>,
}

impl<'a> Given<'a> {
    /// Adds a column.
    pub fn push(
        &mut self,
        name: &'a str,
        ty: SqlType,
        values: impl IntoIterator<Item = Value>,
    ) -> &mut Self {
        self.columns.push((name, ty, values.into_iter().collect()));
        self
    }

    /// A statement column with a column of values.
    #[must_use]
    pub fn with(
        mut self,
        name: &'a str,
        ty: SqlType,
        values: impl IntoIterator<Item = Value>,
    ) -> Self {
        self.push(name, ty, values);
        self
    }

    /// Ids.
    #[must_use]
    pub fn ids(self, name: &'a str, ids: impl IntoIterator<Item = i64>) -> Self {
        self.with(name, SqlType::BigInt, ids.into_iter().map(Value::BigInt))
    }

    /// Texts.
    #[must_use]
    pub fn texts<T: Into<String>>(self, name: &'a str, texts: impl IntoIterator<Item = T>) -> Self {
        self.with(name, SqlType::Text, texts.into_iter().map(|text| Value::Text(text.into())))
    }

    /// Appends `unnest(…) with ordinality as u("name", …, ord)`; `ord` counts from 1.
    pub fn append(self, statement: &mut Statement) {
        statement.push("unnest(");
        let mut names = String::new();
        for (index, (name, ty, values)) in self.columns.into_iter().enumerate() {
            if index > 0 {
                statement.push(", ");
            }
            statement.bind_all(ty, values);
            names.push('"');
            names.push_str(name);
            names.push_str("\", ");
        }
        statement.push(") with ordinality as u(").push(&names).push("ord)");
    }

    /// `{before} unnest(…) as u(…) {after}`.
    pub fn statement(self, before: &str, after: &str) -> Statement {
        let mut statement = Statement::new(before);
        statement.push(" ");
        self.append(&mut statement);
        statement.push(" ").push(after);
        statement
    }
}
