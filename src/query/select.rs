//! A [`Plan`] as SQL. The text depends only on the shape of the plan, never on its values, so each
//! shape is prepared once a connection.

use super::{
    column::{Column, Type},
    operator::Operator,
    plan::{Filter, Key, Plan},
    view::View,
};
use crate::db::sql::{Statement, Value};

/// The rows of one statement of a page, by the leading sort key.
///
/// Nulls come last in either direction, but an index is read in one order or its reverse, and the
/// reverse begins with the nulls. So the rows that have the leading key and those that lack it are
/// read one after the other: each part follows the plain index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// All of them: the leading key is never null.
    Whole,
    /// Those with the leading key.
    Present,
    /// Those without it.
    Absent,
}

/// The parts of a page, in order.
pub(super) fn parts(view: &View, plan: &Plan) -> &'static [Part] {
    let leading = plan.sort[0].column;
    if !view.column(leading).nullable {
        return &[Part::Whole];
    }
    let mut on_leading = plan.filters.iter().filter(|filter| filter.column == leading);
    let after_null = matches!(plan.after.as_deref(), Some([Value::Null, ..]));
    if after_null || on_leading.clone().any(Filter::wants_null) {
        &[Part::Absent]
    } else if on_leading.any(Filter::excludes_null) {
        &[Part::Present]
    } else {
        &[Part::Present, Part::Absent]
    }
}

/// The rows of `part` after the cursor, at most `limit`. `extra` columns are selected after those
/// shown.
pub(super) fn page(
    view: &View,
    plan: &Plan,
    extra: &[usize],
    part: Part,
    limit: usize,
) -> Statement {
    let mut sql = Clauses::new(Statement::new(view.select(plan.fields.as_ref(), extra)), view);
    sql.filters(&plan.filters);
    let keys = match part {
        Part::Whole => &plan.sort[..],
        Part::Present => {
            sql.condition().push(view.path(plan.sort[0].column)).push(" is not null");
            &plan.sort[..]
        }
        Part::Absent => {
            sql.condition().push(view.path(plan.sort[0].column)).push(" is null");
            &plan.sort[1..]
        }
    };
    match (&plan.after, part) {
        (Some(values), Part::Absent) if values[0] == Value::Null => sql.after(keys, &values[1..]),
        (Some(values), Part::Whole | Part::Present) => sql.after(keys, values),
        _ => {}
    }
    sql.order(keys, part);
    // Written out and not bound: a plan that does not know how few rows are wanted is a bad one.
    sql.statement.push(&format!(" limit {limit}"));
    sql.statement
}

/// The row of a key.
pub(super) fn one(view: &View, fields: Option<&Vec<usize>>, filters: &[Filter]) -> Statement {
    let mut sql = Clauses::new(Statement::new(view.select(fields, &[])), view);
    sql.filters(filters);
    sql.statement
}

/// The number of rows that pass the filters.
pub(super) fn count(view: &View, filters: &[Filter]) -> Statement {
    let mut sql = Clauses::new(Statement::new(format!("select count(*){}", view.from())), view);
    sql.filters(filters);
    sql.statement
}

/// The planner's estimate of that number, in its JSON.
pub(super) fn estimate(view: &View, filters: &[Filter]) -> Statement {
    let select = format!("explain (format json) select 1{}", view.from());
    let mut sql = Clauses::new(Statement::new(select), view);
    sql.filters(filters);
    sql.statement
}

/// A statement whose conditions are being written.
struct Clauses<'a> {
    statement: Statement,
    view: &'a View,
    conditions: usize,
}

impl<'a> Clauses<'a> {
    fn new(statement: Statement, view: &'a View) -> Self {
        Self { statement, view, conditions: 0 }
    }

    /// Begins one more condition.
    fn condition(&mut self) -> &mut Statement {
        self.statement.push(if self.conditions == 0 { " where " } else { " and " });
        self.conditions += 1;
        &mut self.statement
    }

    fn filters(&mut self, filters: &[Filter]) {
        for filter in filters {
            let column = self.view.column(filter.column);
            let path = self.view.path(filter.column);
            let sql = self.condition().push(path);
            match (filter.operator, &filter.values[..]) {
                (Operator::IsNull, [Value::Bool(false)]) => {
                    sql.push(" is not null");
                }
                (Operator::IsNull, _) => {
                    sql.push(" is null");
                }
                (Operator::In, values) => any(sql, column, values),
                (operator, values) => {
                    sql.push(operator.sql());
                    operand(sql, column, values.first().unwrap_or(&Value::Null));
                }
            }
        }
    }

    /// The rows that come after `values` in the order of `keys`.
    fn after(&mut self, keys: &[Key], values: &[Value]) {
        self.condition();
        let uniform = keys.iter().all(|key| key.descending == keys[0].descending);
        // A part's leading key is not null in it, so only the others may be.
        let plain = keys[1..].iter().all(|key| !self.view.column(key.column).nullable);
        if uniform && plain {
            self.row_comparison(keys, values);
        } else {
            self.lexicographic(keys, values, true);
        }
    }

    /// `(a, b) > ($1, $2)`, which an index on `a` or on both serves.
    fn row_comparison(&mut self, keys: &[Key], values: &[Value]) {
        let sql = &mut self.statement;
        sql.push("(");
        for (position, key) in keys.iter().enumerate() {
            sql.push(if position > 0 { ", " } else { "" }).push(self.view.path(key.column));
        }
        sql.push(if keys[0].descending { ") < (" } else { ") > (" });
        for (position, (key, value)) in keys.iter().zip(values).enumerate() {
            sql.push(if position > 0 { ", " } else { "" });
            operand(sql, self.view.column(key.column), value);
        }
        sql.push(")");
    }

    /// The same spelt out, for keys of both directions and for nulls among them:
    /// `a >= $1 and (a > $1 or b < $2)`. The first bound is what an index on `a` serves.
    fn lexicographic(&mut self, keys: &[Key], values: &[Value], leading: bool) {
        let (Some((key, keys)), Some((value, values))) = (keys.split_first(), values.split_first())
        else {
            self.statement.push("false");
            return;
        };
        let (column, path) = (self.view.column(key.column), self.view.path(key.column));
        let beyond = if key.descending { " < " } else { " > " };
        if *value == Value::Null {
            // Nulls are last: what follows one shares it.
            self.statement.push("(").push(path).push(" is null and ");
            self.lexicographic(keys, values, false);
            self.statement.push(")");
            return;
        }
        self.statement.push("(");
        if leading {
            self.statement.push(path).push(if key.descending { " <= " } else { " >= " });
            operand(&mut self.statement, column, value);
            self.statement.push(" and (");
        }
        self.statement.push(path).push(beyond);
        operand(&mut self.statement, column, value);
        if column.nullable && !leading {
            self.statement.push(" or ").push(path).push(" is null");
        }
        if !keys.is_empty() {
            self.statement.push(" or ");
            if !leading {
                self.statement.push("(").push(path).push(" = ");
                operand(&mut self.statement, column, value);
                self.statement.push(" and ");
            }
            self.lexicographic(keys, values, false);
            if !leading {
                self.statement.push(")");
            }
        }
        self.statement.push(if leading { "))" } else { ")" });
    }

    fn order(&mut self, keys: &[Key], part: Part) {
        for (position, key) in keys.iter().enumerate() {
            let separator = if position == 0 { " order by " } else { ", " };
            self.statement.push(separator).push(self.view.path(key.column));
            if key.descending {
                self.statement.push(" desc");
                let has_nulls =
                    self.view.column(key.column).nullable && (position > 0 || part == Part::Absent);
                if has_nulls {
                    self.statement.push(" nulls last");
                }
            }
        }
    }
}

/// Appends one value. A native enum's is written out, as one of the texts that the type declares:
/// bound as text it would not be comparable, cast it would hide the index.
fn operand(sql: &mut Statement, column: &Column, value: &Value) {
    match (column.ty, value) {
        (Type::Enum(texts), Value::Text(text)) => {
            enum_literal(sql, texts, text);
        }
        _ => {
            sql.bind(column.ty.sql(), value.clone());
        }
    }
}

/// Appends ` = any ($1)`, or ` in ('a', 'b')` for a native enum.
fn any(sql: &mut Statement, column: &Column, values: &[Value]) {
    if let Type::Enum(texts) = column.ty {
        for (position, value) in values.iter().enumerate() {
            sql.push(if position == 0 { " in (" } else { ", " });
            if let Value::Text(text) = value {
                enum_literal(sql, texts, text);
            }
        }
        sql.push(")");
    } else {
        sql.push(" = any(");
        sql.bind_all(column.ty.sql(), values.iter().cloned());
        sql.push(")");
    }
}

fn enum_literal(sql: &mut Statement, texts: &'static [&'static str], text: &str) {
    // Only the declared text itself is ever written, so nothing a client sent can be.
    let declared = texts.iter().find(|known| **known == text).copied().unwrap_or_default();
    sql.push("'").push(declared).push("'");
}
