//! A [`Plan`] as SQL. The text depends only on the shape of the plan, never on its values, so each
//! shape is prepared once a connection.

use super::{
    column::{Column, PREFIX, Type},
    operator::Operator,
    plan::{Filter, Plan},
    search,
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
    let mut on_leading = plan.all_filters().filter(|filter| filter.column == leading);
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
    sql.search(plan.search.as_deref(), plan.sort[0].column == view.rank());
    sql.rows(plan.all_filters(), plan.private);
    let leading = view.path(plan.sort[0].column);
    match part {
        Part::Whole => {}
        Part::Present => {
            sql.condition().push(leading).push(" is not null");
        }
        Part::Absent => {
            sql.condition().push(leading).push(" is null");
        }
    }
    let terms = terms(view, plan, part);
    let begins = match (plan.after.as_deref(), part) {
        // The rows without the leading key begin where those with it end.
        (Some([leading, ..]), Part::Absent) => *leading != Value::Null,
        (after, _) => after.is_none(),
    };
    if !begins {
        sql.after(&terms);
    }
    sql.order(&terms);
    // Written out and not bound: a plan that does not know how few rows are wanted is a bad one.
    sql.statement.push(&format!(" limit {limit}"));
    sql.statement
}

/// The rows that pass the filters, in no order: those of a key, or of several.
pub(super) fn one(
    view: &View,
    fields: Option<&Vec<usize>>,
    extra: &[usize],
    filters: &[Filter],
    private: bool,
) -> Statement {
    let mut sql = Clauses::new(Statement::new(view.select(fields, extra)), view);
    sql.rows(filters, private);
    sql.statement
}

/// The number of rows that pass the filters.
pub(super) fn count(view: &View, plan: &Plan) -> Statement {
    counted("select count(*)", view, plan)
}

/// The planner's estimate of that number, in its JSON.
pub(super) fn estimate(view: &View, plan: &Plan) -> Statement {
    counted("explain (format json) select 1", view, plan)
}

fn counted(select: &str, view: &View, plan: &Plan) -> Statement {
    matching(Statement::new(select), view, plan)
}

/// Appends where the rows of the plan are, and which of them are meant.
pub(super) fn matching(mut statement: Statement, view: &View, plan: &Plan) -> Statement {
    statement.push(view.from());
    let mut sql = Clauses::new(statement, view);
    sql.search(plan.search.as_deref(), false);
    sql.rows(plan.all_filters(), plan.private);
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

    /// Keeps the rows in whose prose the text is found, with their rank. It joins, so it comes first.
    fn search(&mut self, text: Option<&str>, is_ranked: bool) {
        if let Some(text) = text
            && let Some(prose) = self.view.prose()
        {
            search::join(&mut self.statement, text);
            if is_ranked {
                prose.join_rank(&mut self.statement);
            }
            self.condition().push(&prose.matches());
        }
    }

    /// The conditions that say which rows are meant.
    fn rows<'f>(&mut self, filters: impl IntoIterator<Item = &'f Filter>, private: bool) {
        if let Some(public) = self.view.resource().public
            && !private
        {
            self.condition().push("(").push(public).push(")");
        }
        self.filters(filters);
    }

    fn filters<'f>(&mut self, filters: impl IntoIterator<Item = &'f Filter>) {
        for filter in filters {
            if self.view.column(filter.column).prefix {
                self.prefix(filter);
            }
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

    /// Says of equal texts that they begin alike, which is what an index of prefixes serves.
    fn prefix(&mut self, filter: &Filter) {
        let column = self.view.column(filter.column);
        let path = self.view.prefix(filter.column);
        match (filter.operator, &filter.values[..]) {
            (Operator::Eq, [value]) => {
                prefix_operand(self.condition().push(path).push(" = "), column, value);
            }
            (Operator::In, values) => {
                let select = format!(" = any(array(select left(text, {PREFIX}) from unnest(");
                self.condition()
                    .push(path)
                    .push(&select)
                    .bind_all(column.ty.sql(), values.iter().cloned())
                    .push(") text))");
            }
            _ => {}
        }
    }

    /// The rows that come after the terms' values in their order.
    fn after(&mut self, terms: &[Term]) {
        self.condition();
        let uniform = terms.iter().all(|term| term.descending == terms[0].descending);
        if uniform && terms.iter().all(|term| !term.nullable) {
            self.row_comparison(terms);
        } else {
            self.lexicographic(terms, true);
        }
    }

    /// `(a, b) > ($1, $2)`, which an index on `a` or on both serves.
    fn row_comparison(&mut self, terms: &[Term]) {
        let sql = &mut self.statement;
        sql.push("(");
        for (position, term) in terms.iter().enumerate() {
            sql.push(if position > 0 { ", " } else { "" }).push(term.path);
        }
        sql.push(if terms[0].descending { ") < (" } else { ") > (" });
        for (position, term) in terms.iter().enumerate() {
            sql.push(if position > 0 { ", " } else { "" });
            term.operand(sql);
        }
        sql.push(")");
    }

    /// The same spelt out, for keys of both directions and for nulls among them:
    /// `(a >= $1 and (a > $1 or b < $2))`. The first bound is what an index on `a` serves; where `a`
    /// may be null there is none, since nulls follow whatever is bounded.
    fn lexicographic(&mut self, terms: &[Term], leading: bool) {
        let Some((term, rest)) = terms.split_first() else {
            self.statement.push("false");
            return;
        };
        let leading = leading && !term.nullable;
        let path = term.path;
        if term.value == Some(&Value::Null) {
            // Nulls are last: what follows one shares it.
            self.statement.push("(").push(path).push(" is null and ");
            self.lexicographic(rest, false);
            self.statement.push(")");
            return;
        }
        let (beyond, at_or_beyond) =
            if term.descending { (" < ", " <= ") } else { (" > ", " >= ") };
        self.statement.push("(");
        if leading {
            term.operand(self.statement.push(path).push(at_or_beyond));
            self.statement.push(" and (");
        }
        term.operand(self.statement.push(path).push(beyond));
        if term.nullable {
            self.statement.push(" or ").push(path).push(" is null");
        }
        if !rest.is_empty() {
            self.statement.push(" or ");
            if !leading {
                term.operand(self.statement.push("(").push(path).push(" = "));
                self.statement.push(" and ");
            }
            self.lexicographic(rest, false);
            if !leading {
                self.statement.push(")");
            }
        }
        self.statement.push(if leading { "))" } else { ")" });
    }

    fn order(&mut self, terms: &[Term]) {
        for (position, term) in terms.iter().enumerate() {
            let separator = if position == 0 { " order by " } else { ", " };
            self.statement.push(separator).push(term.path);
            // Where there are no nulls it is left out: with it, no index would be thought to fit.
            self.statement.push(match (term.descending, term.nullable) {
                (false, _) => "",
                (true, false) => " desc",
                (true, true) => " desc nulls last",
            });
        }
    }
}

/// One expression that rows are ordered by.
struct Term<'a> {
    path: &'a str,
    column: &'a Column,
    /// Whether the expression is the beginning of the column's text.
    is_prefix: bool,
    /// Whether it may be null in this part.
    nullable: bool,
    descending: bool,
    /// Its value in the last row before the page, if the page has a cursor.
    value: Option<&'a Value>,
}

impl Term<'_> {
    /// Appends the term's value.
    fn operand(&self, sql: &mut Statement) {
        let value = self.value.unwrap_or(&Value::Null);
        if self.is_prefix {
            prefix_operand(sql, self.column, value);
        } else {
            operand(sql, self.column, value);
        }
    }
}

/// The terms of a part's order. A column whose index holds only a prefix is ordered by that first.
fn terms<'a>(view: &'a View, plan: &'a Plan, part: Part) -> Vec<Term<'a>> {
    let mut terms = Vec::with_capacity(plan.sort.len() + 1);
    for (position, key) in plan.sort.iter().enumerate() {
        if position == 0 && part == Part::Absent {
            continue;
        }
        let column = view.column(key.column);
        let term = |path, is_prefix| Term {
            path,
            column,
            is_prefix,
            nullable: column.nullable && position > 0,
            descending: key.descending,
            value: plan.after.as_ref().and_then(|values| values.get(position)),
        };
        if column.prefix {
            terms.push(term(view.prefix(key.column), true));
        }
        terms.push(term(view.path(key.column), false));
    }
    terms
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

/// Appends the beginning of one text.
fn prefix_operand(sql: &mut Statement, column: &Column, value: &Value) {
    sql.push("left(");
    operand(sql, column, value);
    sql.push(&format!(", {PREFIX})"));
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
