//! The list grammar: query parameters in, a [`Plan`] or every fault out.

use std::{borrow::Cow, collections::HashSet, mem};

use super::{
    column::{Column, Type},
    cursor,
    operator::Operator,
    plan::{Count, DEFAULT_LIMIT, Filter, Key, MAX_VALUES, Plan, Shown},
    relation::{self, Relation},
    search, value,
    view::View,
    window::Window,
};
use crate::{db::sql::Value, http::problem::Fault};

/// The parameters of a list that are not columns.
pub const LIST_WORDS: [&str; 8] =
    ["sort", "limit", "cursor", "count", "fields", "window", "include", "q"];
/// Unknown parameters for which the nearest known one is looked for; it takes a look at all of them.
const SUGGESTED: usize = 10;
/// The parameters of a single row.
pub const ROW_WORDS: [&str; 2] = ["fields", "include"];

/// Reads the parameters of a list. `fixed` filters are the route's own: they hold besides, and the
/// cursor is bound to them too. The plan is for public rows.
pub fn list(view: &View, pairs: &[(String, String)], fixed: &[Filter]) -> Result<Plan, Vec<Fault>> {
    read(Reader::new(view, &LIST_WORDS), pairs, fixed)
}

/// Reads the filters of a request that is no list, and its `window`. `words` are its parameters that
/// are not columns; those among `pairs` are the caller's to read, all but `window`.
pub(super) fn filters(
    view: &View,
    pairs: &[(String, String)],
    words: &[&str],
) -> Result<Plan, Vec<Fault>> {
    read(Reader::new(view, words), pairs, &[])
}

fn read(
    mut reader: Reader<'_>,
    pairs: &[(String, String)],
    fixed: &[Filter],
) -> Result<Plan, Vec<Fault>> {
    let plan = reader.list(pairs, fixed);
    if reader.faults.is_empty() { Ok(plan) } else { Err(reader.faults) }
}

/// Reads the parameters of a single row. It is for a public one.
pub fn detail(view: &View, pairs: &[(String, String)]) -> Result<Shown, Vec<Fault>> {
    let mut reader = Reader::new(view, &ROW_WORDS);
    let mut shown = Shown::default();
    let mut seen = HashSet::with_capacity(pairs.len());
    for (name, text) in pairs {
        match name.as_str() {
            _ if !seen.insert(name) => reader.duplicate(name),
            "fields" => shown.fields = Some(reader.fields(text)),
            "include" => shown.include = reader.include(text, false),
            _ => {
                let detail = format!("There is no parameter `{name}` here.");
                let fault = Fault::parameter(name, "unknown_parameter", detail);
                reader.faults.push(fault.suggest(name, ROW_WORDS));
            }
        }
    }
    if reader.faults.is_empty() { Ok(shown) } else { Err(reader.faults) }
}

/// Reads parameters against a view and keeps what is wrong with them.
struct Reader<'a> {
    view: &'a View,
    /// The parameters that are not columns.
    words: &'a [&'a str],
    faults: Vec<Fault>,
}

impl<'a> Reader<'a> {
    fn new(view: &'a View, words: &'a [&'a str]) -> Self {
        Self { view, words, faults: Vec::new() }
    }

    fn list(&mut self, pairs: &[(String, String)], fixed: &[Filter]) -> Plan {
        let mut plan = Plan {
            filters: fixed.to_vec(),
            window: None,
            within: Vec::new(),
            sort: Vec::new(),
            limit: DEFAULT_LIMIT,
            after: None,
            fields: None,
            include: Vec::new(),
            count: Count::None,
            private: false,
            search: None,
        };
        let mut cursor = None;
        let mut seen = HashSet::with_capacity(pairs.len());
        for (name, text) in pairs {
            if !seen.insert(name) {
                self.duplicate(name);
                continue;
            }
            // Three tables have a column `count`: its filter is a number, the grammar's a word.
            let is_word = self.words.contains(&name.as_str())
                && (name != "count" || self.view.index(name).is_none() || !is_numeric(text));
            match name.as_str() {
                _ if !is_word => plan.filters.extend(self.filter(name, text)),
                "sort" => plan.sort = self.sort(text),
                "limit" => plan.limit = self.limit(text),
                "count" => plan.count = self.count(text),
                "fields" => plan.fields = Some(self.fields(text)),
                "window" => plan.window = self.window(text),
                "include" => plan.include = self.include(text, true),
                "q" => plan.search = self.accept(search::read(self.view.resource(), text)),
                _ => cursor = Some(text),
            }
        }
        if plan.search.is_some() && plan.sort.is_empty() {
            plan.sort.push(Key { column: self.view.rank(), descending: true });
        }
        end_with_key(&mut plan.sort);
        // A cursor is checked against sort and filters, which only then are what was meant.
        if let Some(text) = cursor
            && self.faults.is_empty()
        {
            match cursor::open(self.view, &plan, text) {
                Ok(after) => plan.after = Some(after),
                Err(fault) => self.faults.push(fault),
            }
        }
        plan
    }

    fn fault(&mut self, parameter: &str, code: &'static str, detail: impl Into<String>) {
        self.faults.push(Fault::parameter(parameter, code, detail));
    }

    /// Keeps the fault, if there is one.
    fn accept<T>(&mut self, result: Result<T, Fault>) -> Option<T> {
        result.map_err(|fault| self.faults.push(fault)).ok()
    }

    fn duplicate(&mut self, name: &str) {
        self.fault(name, "duplicate_parameter", format!("`{name}` is given more than once."));
    }

    fn limit(&mut self, text: &str) -> usize {
        let limit = value::integer("limit", text).and_then(|limit| value::limit(Some(limit)));
        self.accept(limit).unwrap_or(DEFAULT_LIMIT)
    }

    fn count(&mut self, text: &str) -> Count {
        Count::parse(text).unwrap_or_else(|| {
            let words = value::list(&Count::TEXTS);
            let detail = match self.view.index("count") {
                Some(_) => format!("`{text}` is neither a whole number nor one of {words}."),
                None => format!("`{text}` is none of {words}."),
            };
            let fault = Fault::parameter("count", "unknown_value", detail);
            self.faults.push(fault.suggest(text, Count::TEXTS));
            Count::None
        })
    }

    fn window(&mut self, text: &str) -> Option<Window> {
        if self.view.resource().time.is_none() {
            let detail = "The rows of this table have no time, so there is no `window` of them.";
            self.fault("window", "unsupported_parameter", detail);
            return None;
        }
        self.accept(Window::parse(text))
    }

    /// The columns named, in the resource's order.
    fn fields(&mut self, text: &str) -> Vec<usize> {
        let mut fields = Vec::new();
        let most = self.view.resource().columns.len();
        for name in self.items("fields", text, most) {
            match self.view.index(name) {
                Some(index) if fields.contains(&index) => {
                    self.fault("fields", "duplicate_field", format!("`{name}` is named twice."));
                }
                Some(index) => fields.push(index),
                None => self.unknown_column("fields", name, |_| true),
            }
        }
        fields.sort_unstable();
        fields
    }

    /// The names of a list of columns; none if they are more than there can be.
    fn items<'t>(&mut self, parameter: &str, text: &'t str, most: usize) -> Vec<&'t str> {
        let items = self.accept(value::items(parameter, text, most, "columns"));
        items.into_iter().flatten().collect()
    }

    fn include(&mut self, text: &str, is_list: bool) -> Vec<&'static Relation> {
        relation::read(self.view.resource(), text, is_list).unwrap_or_else(|faults| {
            self.faults.extend(faults);
            Vec::new()
        })
    }

    fn sort(&mut self, text: &str) -> Vec<Key> {
        let most = self.view.sortable().count();
        let mut keys: Vec<Key> = Vec::new();
        for part in self.items("sort", text, most) {
            let (name, descending) = match part.strip_prefix('-') {
                Some(name) => (name, true),
                None => (part, false),
            };
            let Some(index) = self.view.index(name) else {
                self.unknown_column("sort", name, |column| column.indexed);
                continue;
            };
            if !self.view.column(index).indexed {
                let sortable: Vec<_> = self.view.sortable().collect();
                let detail = format!(
                    "No index serves a sort by `{name}`; these can be sorted by: {}.",
                    value::list(&sortable)
                );
                self.fault("sort", "not_sortable", detail);
                continue;
            }
            let column = self.view.column(index).order.and_then(|it| self.view.index(it));
            let column = column.unwrap_or(index);
            // Named once more it would have nothing left to order.
            if !keys.iter().any(|key| key.column == column) {
                keys.push(Key { column, descending });
            }
        }
        keys
    }

    fn unknown_column(&mut self, parameter: &str, name: &str, valid: fn(&Column) -> bool) {
        let columns = self.view.resource().columns.iter().filter(|column| valid(column));
        let detail = match name {
            "" => format!("`{parameter}` names no column between two commas."),
            _ => format!("There is no column `{name}`."),
        };
        let fault = Fault::parameter(parameter, "unknown_field", detail);
        self.faults.push(fault.suggest(name, columns.map(|column| column.name)));
    }

    fn filter(&mut self, parameter: &str, text: &str) -> Option<Filter> {
        let (column, operator) = self.resolve(parameter)?;
        let described = self.view.column(column);
        let values = match operator {
            Operator::In => self.values(parameter, described, text)?,
            Operator::IsNull => vec![Value::Bool(self.accept(value::boolean(parameter, text))?)],
            Operator::Contains => vec![self.pattern(parameter, described, text, "%")?],
            Operator::StartsWith => vec![self.pattern(parameter, described, text, "")?],
            _ => vec![self.accept(value::parse(parameter, described, text))?],
        };
        Some(Filter { column, operator, values })
    }

    /// The column and the operator that a parameter's name means.
    fn resolve(&mut self, parameter: &str) -> Option<(usize, Operator)> {
        if let Some(column) = self.view.index(parameter) {
            return self.usable(parameter, column, Operator::Eq);
        }
        let named = parameter.rfind("__").and_then(|at| {
            let column = self.view.index(&parameter[..at])?;
            let operator = Operator::ALL.into_iter().find(|it| it.suffix() == &parameter[at..])?;
            Some((column, operator))
        });
        let Some((column, operator)) = named else {
            self.unknown_parameter(parameter);
            return None;
        };
        self.usable(parameter, column, operator)
    }

    fn usable(
        &mut self,
        parameter: &str,
        column: usize,
        operator: Operator,
    ) -> Option<(usize, Operator)> {
        let described = self.view.column(column);
        if operator.applies_to(described) {
            return Some((column, operator));
        }
        let name = described.name;
        let usable: Vec<_> =
            Operator::of(described).map(|it| format!("{name}{}", it.suffix())).collect();
        let detail = match operator {
            Operator::IsNull => format!("`{name}` is never null."),
            _ if described.ty == Type::Json => format!("`{name}` cannot be filtered by."),
            _ => format!("`{parameter}` does not go with the type of `{name}`."),
        };
        let fault = Fault::parameter(parameter, "unsupported_operator", detail);
        self.faults.push(fault.suggest(parameter, usable.iter().map(String::as_str)));
        None
    }

    fn unknown_parameter(&mut self, parameter: &str) {
        let detail = format!("There is no parameter `{parameter}` here.");
        let fault = Fault::parameter(parameter, "unknown_parameter", detail);
        if self.faults.len() >= SUGGESTED {
            self.faults.push(fault);
            return;
        }
        let columns = &self.view.resource().columns;
        let filters: Vec<_> = columns
            .iter()
            .flat_map(|column| {
                Operator::of(column).map(|it| format!("{}{}", column.name, it.suffix()))
            })
            .collect();
        let valid = filters.iter().map(String::as_str).chain(self.words.iter().copied());
        self.faults.push(fault.suggest(parameter, valid));
    }

    fn values(&mut self, parameter: &str, column: &Column, text: &str) -> Option<Vec<Value>> {
        let texts = separated(text);
        self.accept(value::at_most(parameter, texts.len(), MAX_VALUES, "values"))?;
        let before = self.faults.len();
        let values = texts
            .iter()
            .filter_map(|text| self.accept(value::parse(parameter, column, text)))
            .collect();
        (self.faults.len() == before).then_some(values)
    }

    /// The `ilike` pattern of a text that is meant letter by letter.
    fn pattern(
        &mut self,
        parameter: &str,
        column: &Column,
        text: &str,
        before: &str,
    ) -> Option<Value> {
        let mut value = self.accept(value::parse(parameter, column, text))?;
        let Value::Text(text) = &mut value else { return None };
        if text.is_empty() {
            self.fault(parameter, "empty", format!("`{parameter}` needs some text."));
            return None;
        }
        let literal = mem::take(text).replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
        *text = format!("{before}{literal}%");
        Some(value)
    }
}

/// Whether a text is meant to be a number.
fn is_numeric(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_digit() || first == '-')
}

/// Ends the order with the primary key: after it nothing is left to order. It runs the way of the
/// key before it, as the indexes do.
fn end_with_key(sort: &mut Vec<Key>) {
    if let Some(position) = sort.iter().position(|key| key.column == 0) {
        sort.truncate(position + 1);
    } else {
        let descending = sort.last().is_some_and(|key| key.descending);
        sort.push(Key { column: 0, descending });
    }
}

/// The values of a list. They are separated by commas, and one that holds a comma stands in double
/// quotes, as in CSV.
fn separated(text: &str) -> Vec<Cow<'_, str>> {
    // NUL, which ends the line here, is refused by whoever reads the values.
    if !text.contains('"') || text.contains('\0') {
        return text.split(',').map(Cow::Borrowed).collect();
    }
    let mut reader = csv::ReaderBuilder::new();
    let reader = reader.has_headers(false).terminator(csv::Terminator::Any(0));
    let records = reader.from_reader(text.as_bytes()).into_records();
    let values = records.flatten().flat_map(|record| {
        record.iter().map(|value| Cow::Owned(value.to_owned())).collect::<Vec<_>>()
    });
    values.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_with_a_comma_stands_in_quotes() {
        for (text, values) in [
            ("", &[""] as &[_]),
            ("a,,b", &["a", "", "b"]),
            ("\"a,b\",c", &["a,b", "c"]),
            ("c,\"a \"\"b\"\"\"", &["c", "a \"b\""]),
            ("a\"b,c", &["a\"b", "c"]),
            ("\"a\nb,\r\n\"", &["a\nb,\r\n"]),
            ("\"\",\"", &["", ""]),
            ("\"a,b", &["a,b"]),
        ] {
            assert_eq!(separated(text), values, "{text}");
        }
    }
}
