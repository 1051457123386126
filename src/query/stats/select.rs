//! Statistics as one statement: rows are put into buckets and groups where they are.
//!
//! A chain of named queries, each there only if it is needed: `grouped` has a row a bucket and
//! group; `ranked` the groups that `top` keeps, and `kept` what is grouped of them; `filled` has
//! every bucket of the `series` with every one of the `groups`.

use chrono::{NaiveDate, TimeDelta};

use super::plan::{Function, MAX_ROWS, Measure, Series, Stats};
use crate::{
    db::sql::{SqlType, Statement, Value},
    query::{
        column::Type,
        operator::Operator,
        plan::{Filter, Plan},
        select,
        view::View,
        window::Span,
    },
};

/// The first and the last date of a series, where the window says them.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Edges {
    first: Option<NaiveDate>,
    last: Option<NaiveDate>,
}

impl Edges {
    /// The dates that a span touches.
    pub(super) fn of(span: Span) -> Self {
        let last = span.to.map(|to| (to - TimeDelta::microseconds(1)).date_naive());
        Self { first: span.from.map(|from| from.date_naive()), last }
    }
}

/// The statement. Its columns are the bucket, the groups, the measures; it gives one row more than
/// an answer may hold.
pub(super) fn statement(view: &View, plan: &Plan, stats: &Stats, edges: Edges) -> Statement {
    let mut plan = plan.clone();
    if let Some(series) = stats.series
        && view.column(series.time).nullable
    {
        // What has no time is in no bucket.
        let values = vec![Value::Bool(false)];
        plan.within.push(Filter { column: series.time, operator: Operator::IsNull, values });
    }
    let mut sql = Sql { view, plan: &plan, stats, statement: Statement::default() };
    sql.push("with grouped as (");
    sql.grouped();
    sql.push(")");
    let mut rows = "grouped";
    if let (Some(top), Some(_)) = (stats.top, stats.series) {
        sql.kept(top);
        rows = "kept";
    }
    if let Some(series) = stats.series
        && series.fill
    {
        sql.filled(series, edges, rows);
        rows = "filled";
    }
    sql.answer(rows);
    sql.statement
}

struct Sql<'a> {
    view: &'a View,
    plan: &'a Plan,
    stats: &'a Stats,
    statement: Statement,
}

impl Sql<'_> {
    fn push(&mut self, sql: &str) {
        self.statement.push(sql);
    }

    /// A row a bucket and group, with its measures.
    fn grouped(&mut self) {
        let mut columns = Vec::new();
        columns
            .extend(self.stats.series.map(|series| format!("{} as bucket", self.bucket(series))));
        let groups = self.stats.groups.iter().enumerate();
        columns.extend(groups.map(|(at, index)| format!("{} as g{at}", self.view.path(*index))));
        let keys: Vec<_> = (1..=columns.len()).map(|at| at.to_string()).collect();
        columns.extend(self.key());
        let measures = self.stats.measures.iter().enumerate();
        columns.extend(measures.map(|(at, it)| format!("{} as m{at}", self.measure(*it))));
        self.rows(&columns);
        if keys.is_empty() {
            // Of nothing, there is nothing to tell.
            self.push(" having count(*) > 0");
        } else {
            self.push(&format!(" group by {}", keys.join(", ")));
        }
    }

    /// The greatest groups over all buckets, and their rows.
    fn kept(&mut self, top: usize) {
        let first = self.measure(self.stats.measures[0]);
        let key = self.key();
        let paths: Vec<_> = self.stats.groups.iter().map(|it| self.view.path(*it)).collect();
        let paths = paths.join(", ");
        let names: Vec<_> =
            self.stats.groups.iter().map(|it| self.ordered(*it, self.view.path(*it))).collect();
        let order = format!("{first} desc nulls last, {}", names.join(", "));
        let rank = format!("row_number() over (order by {order}) as rank");
        self.push(", ranked as (");
        self.rows(&key.into_iter().chain([rank]).collect::<Vec<_>>());
        self.push(&format!(
            " group by {paths} order by rank limit {top}), kept as (\
             select grouped.*, ranked.rank from grouped join ranked using (key))"
        ));
    }

    /// Every bucket of the series with every group, and zeros where there are no rows.
    fn filled(&mut self, series: Series, edges: Edges, rows: &str) {
        let groups: Vec<_> = names('g', self.stats.groups.len())
            .chain(self.stats.top.map(|_| "rank".to_owned()))
            .collect();
        // Each group has every bucket. However long the series would be, and however many groups
        // there are, no more is made of either than shows that the answer is too long.
        let mut buckets = MAX_ROWS.to_string();
        if !groups.is_empty() {
            self.push(&format!(
                ", groups as (select distinct key, {} from {rows} limit {})",
                groups.join(", "),
                MAX_ROWS + 1
            ));
            buckets = format!("(select {MAX_ROWS} / greatest(count(*), 1) from groups)");
        }
        let unit = series.bucket.name();
        self.push(", edges as (select ");
        self.edge(unit, edges.first, "min(bucket)");
        self.push(" as first, ");
        self.edge(unit, edges.last, "max(bucket)");
        let step = series.bucket.interval();
        self.push(&format!(
            " as last from {rows} having count(*) > 0), series as (\
             select at::date as bucket from edges, \
             generate_series(first, least(last, first + {buckets} * {step}), {step}) at)"
        ));
        let mut columns = vec!["series.bucket".to_owned()];
        columns.extend(groups.iter().map(|name| format!("groups.{name}")));
        let measures = self.stats.measures.iter().enumerate();
        columns.extend(measures.map(|(at, it)| match it.function {
            Function::Sum => format!("coalesce(rows.m{at}, '0'::jsonb) as m{at}"),
            function if function.is_zero_of_nothing() => {
                format!("coalesce(rows.m{at}, 0) as m{at}")
            }
            _ => format!("rows.m{at}"),
        }));
        let columns = columns.join(", ");
        if groups.is_empty() {
            self.push(&format!(
                ", filled as (select {columns} from series left join {rows} rows using (bucket))"
            ));
        } else {
            self.push(&format!(
                ", filled as (select {columns} from series cross join groups \
                 left join {rows} rows on rows.bucket = series.bucket and rows.key = groups.key)"
            ));
        }
    }

    /// The bucket of a date, else of what is there.
    fn edge(&mut self, unit: &str, date: Option<NaiveDate>, otherwise: &str) {
        if let Some(date) = date {
            self.push(&format!("date_trunc('{unit}', "));
            self.statement.bind(SqlType::Date, Value::Date(date)).push("::date::timestamp)");
        } else {
            self.push(&format!("{otherwise}::timestamp"));
        }
    }

    /// Selects the answer, in its order.
    fn answer(&mut self, rows: &str) {
        let (series, top) = (self.stats.series.is_some(), self.stats.top);
        let bucket = series.then(|| "bucket".to_owned());
        let groups = names('g', self.stats.groups.len());
        let measures = names('m', self.stats.measures.len());
        let columns: Vec<_> = bucket.clone().into_iter().chain(groups).chain(measures).collect();
        let rank = match (series, top) {
            (true, Some(_)) => Some("rank".to_owned()),
            (false, Some(_)) => Some("m0 desc nulls last".to_owned()),
            (_, None) => None,
        };
        let by_name = self.stats.groups.iter().enumerate();
        let by_name = by_name.map(|(at, index)| self.ordered(*index, &format!("g{at}")));
        let order: Vec<_> = bucket.into_iter().chain(rank).chain(by_name).collect();
        self.push(&format!(" select {} from {rows}", columns.join(", ")));
        if !order.is_empty() {
            self.push(&format!(" order by {}", order.join(", ")));
        }
        let limit = if series { None } else { top };
        self.push(&format!(" limit {}", limit.unwrap_or(MAX_ROWS + 1)));
    }

    /// `select` these columns of the rows that are meant.
    fn rows(&mut self, columns: &[String]) {
        self.push(&format!("select {}", columns.join(", ")));
        let statement = std::mem::take(&mut self.statement);
        self.statement = select::matching(statement, self.view, self.plan);
    }

    fn bucket(&self, series: Series) -> String {
        let (unit, path) = (series.bucket.name(), self.view.path(series.time));
        match self.view.column(series.time).ty {
            Type::Date => format!("date_trunc('{unit}', {path}::timestamp)::date"),
            _ => format!("date_trunc('{unit}', {path} at time zone 'UTC')::date"),
        }
    }

    /// The groups as one value: of whole rows a null is like a null.
    fn key(&self) -> Option<String> {
        let paths: Vec<_> = self.stats.groups.iter().map(|it| self.view.path(*it)).collect();
        (self.stats.series.is_some() && !paths.is_empty())
            .then(|| format!("row({}) as key", paths.join(", ")))
    }

    fn measure(&self, measure: Measure) -> String {
        let path = measure.column.map_or_else(String::new, |index| match measure.function {
            Function::Min | Function::Max => self.ordered(index, self.view.path(index)),
            _ => self.view.path(index).to_owned(),
        });
        match measure.function {
            Function::Count => "count(*)".to_owned(),
            // As JSON, so that no sum is too great.
            Function::Sum => format!("to_jsonb(coalesce(sum({path}), 0))"),
            Function::Avg => format!("to_jsonb(avg({path})::double precision)"),
            Function::Min => format!("min({path})"),
            Function::Max => format!("max({path})"),
            Function::Distinct => format!("count(distinct {path})"),
        }
    }

    /// What values of a column are ordered by: texts by their bytes, on every server alike.
    fn ordered(&self, index: usize, expression: &str) -> String {
        match self.view.column(index).ty {
            Type::Text => format!("{expression} collate \"C\""),
            _ => expression.to_owned(),
        }
    }
}

fn names(letter: char, count: usize) -> impl Iterator<Item = String> {
    (0..count).map(move |at| format!("{letter}{at}"))
}
