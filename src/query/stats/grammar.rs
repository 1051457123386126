//! The parameters of statistics: a list's filters, window and search, and what is to be worked out.

use super::plan::{
    Bucket, Function, MAX_GROUPS, MAX_MEASURES, MAX_TOP, Measure, Series, Stats, is_group, is_time,
};
use crate::{
    http::problem::Fault,
    query::{column::Column, grammar, plan::Plan, value, view::View},
};

/// The parameters that say nothing about which rows are meant.
pub const STATS_WORDS: [&str; 6] = ["bucket", "time", "group_by", "measure", "top", "fill"];
/// Every parameter that is no filter, for suggestions.
const WORDS: [&str; 8] = ["bucket", "time", "group_by", "measure", "top", "fill", "window", "q"];

/// Reads the parameters: which rows are meant, and what is worked out of them.
pub fn stats(view: &View, pairs: &[(String, String)]) -> Result<(Plan, Stats), Vec<Fault>> {
    let is_own = |name: &str| STATS_WORDS.contains(&name);
    let (own, filters): (Vec<_>, Vec<_>) =
        pairs.iter().cloned().partition(|(name, _)| is_own(name));
    let mut reader = Reader { view, own: &own, faults: Vec::new() };
    let stats = reader.stats();
    match grammar::filters(view, &filters, &WORDS) {
        Ok(plan) if reader.faults.is_empty() => Ok((plan, stats)),
        outcome => {
            reader.faults.extend(outcome.err().unwrap_or_default());
            Err(reader.faults)
        }
    }
}

struct Reader<'a> {
    view: &'a View,
    own: &'a [(String, String)],
    faults: Vec<Fault>,
}

impl<'a> Reader<'a> {
    fn given(&self, parameter: &str) -> Option<&'a str> {
        let mut own = self.own.iter();
        own.find(|(name, _)| name == parameter).map(|(_, text)| text.as_str())
    }

    fn fault(&mut self, parameter: &str, code: &'static str, detail: impl Into<String>) {
        self.faults.push(Fault::parameter(parameter, code, detail));
    }

    fn accept<T>(&mut self, result: Result<T, Fault>) -> Option<T> {
        result.map_err(|fault| self.faults.push(fault)).ok()
    }

    fn stats(&mut self) -> Stats {
        let stats = Stats {
            series: self.series(),
            groups: self.groups(),
            measures: self.measures(),
            top: self.top(),
        };
        if stats.top.is_some() && self.given("group_by").is_none() {
            self.fault("top", "missing_parameter", "`top` keeps groups: it needs `group_by`.");
        }
        self.refuse_one_name_twice(&stats);
        stats
    }

    /// Three tables have a column `count`: grouped by it, a count of rows has no name left.
    fn refuse_one_name_twice(&mut self, stats: &Stats) {
        let counts = stats.measures.iter().any(|it| it.function == Function::Count);
        if counts && stats.groups.iter().any(|it| self.view.column(*it).name == "count") {
            let detail = "Grouped by the column `count`, a `measure` must be one that is not called \
                          `count`, such as `distinct:id`.";
            self.fault("group_by", "ambiguous", detail);
        }
    }

    fn series(&mut self) -> Option<Series> {
        let bucket = self.given("bucket").map(|text| self.bucket(text));
        let time = self.given("time").map(|text| self.column("time", text, is_time));
        let fill = self.given("fill").map(|text| self.accept(value::boolean("fill", text)));
        let Some(bucket) = bucket else {
            for (parameter, given) in [("time", time.is_some()), ("fill", fill == Some(Some(true)))]
            {
                if given {
                    let detail = format!("`{parameter}` is about buckets: it needs `bucket`.");
                    self.fault(parameter, "missing_parameter", detail);
                }
            }
            return None;
        };
        let main = self.view.resource().time.and_then(|name| self.view.index(name));
        let time = time.unwrap_or(main);
        if time.is_none() && self.given("time").is_none() {
            let detail = "The rows of this table have no time, so there are no buckets of them.";
            self.fault("bucket", "unsupported_parameter", detail);
        }
        Some(Series { time: time?, bucket: bucket?, fill: fill.flatten().unwrap_or(false) })
    }

    fn bucket(&mut self, text: &str) -> Option<Bucket> {
        let found = Bucket::ALL.into_iter().find(|bucket| bucket.name() == text);
        if found.is_none() {
            let names = Bucket::ALL.map(Bucket::name);
            let detail = format!("`{text}` is none of {}.", value::list(&names));
            let fault = Fault::parameter("bucket", "unknown_value", detail);
            self.faults.push(fault.suggest(text, names));
        }
        found
    }

    fn groups(&mut self) -> Vec<usize> {
        let Some(text) = self.given("group_by") else { return Vec::new() };
        let mut groups = Vec::new();
        let names = self.accept(value::items("group_by", text, MAX_GROUPS, "columns"));
        for name in names.into_iter().flatten() {
            match self.column("group_by", name, is_group) {
                Some(index) if groups.contains(&index) => {
                    let detail = format!("`{name}` is named twice.");
                    self.fault("group_by", "duplicate_field", detail);
                }
                Some(index) => groups.push(index),
                None => {}
            }
        }
        groups
    }

    fn measures(&mut self) -> Vec<Measure> {
        let text = self.given("measure").unwrap_or("count");
        let mut measures = Vec::new();
        let names = self.accept(value::items("measure", text, MAX_MEASURES, "measures"));
        for name in names.into_iter().flatten() {
            match self.measure(name) {
                Some(measure) if measures.contains(&measure) => {
                    let detail = format!("`{name}` is named twice.");
                    self.fault("measure", "duplicate_field", detail);
                }
                Some(measure) => measures.push(measure),
                None => {}
            }
        }
        measures
    }

    fn measure(&mut self, text: &str) -> Option<Measure> {
        if text == Function::Count.name() {
            return Some(Measure { function: Function::Count, column: None });
        }
        let named = text.split_once(':').and_then(|(name, column)| {
            let function = Function::ALL.into_iter().find(|it| it.name() == name)?;
            (function != Function::Count).then_some((function, column))
        });
        let Some((function, column)) = named else {
            let detail =
                format!("`{text}` is no measure; it is `count`, or one such as `sum:column`.");
            let known = measures(&self.view.resource().columns);
            let fault = Fault::parameter("measure", "unknown_value", detail);
            self.faults.push(fault.suggest(text, known.iter().map(String::as_str)));
            return None;
        };
        let column = self.column("measure", column, |column| function.applies_to(column))?;
        Some(Measure { function, column: Some(column) })
    }

    fn top(&mut self) -> Option<usize> {
        let top = self.given("top")?;
        let top = self.accept(value::integer::<usize>("top", top))?;
        if !(1..=MAX_TOP).contains(&top) {
            let detail = format!("`top` is between 1 and {MAX_TOP}, not {top}.");
            self.fault("top", "out_of_range", detail);
        }
        Some(top)
    }

    /// The column of that name, if it is one of the right kind.
    fn column(
        &mut self,
        parameter: &str,
        name: &str,
        is_right: impl Fn(&Column) -> bool,
    ) -> Option<usize> {
        let index = self.view.index(name);
        if let Some(index) = index
            && is_right(self.view.column(index))
        {
            return Some(index);
        }
        let (code, detail) = match (index, name) {
            (Some(_), _) => {
                ("unsupported_field", format!("`{parameter}` does not go with `{name}`."))
            }
            (None, "") => ("unknown_field", format!("`{parameter}` names no column there.")),
            (None, _) => ("unknown_field", format!("There is no column `{name}`.")),
        };
        let columns = self.view.resource().columns.iter().filter(|column| is_right(column));
        let fault = Fault::parameter(parameter, code, detail);
        self.faults.push(fault.suggest(name, columns.map(|column| column.name)));
        None
    }
}

/// Every measure that the columns allow, as it is asked for.
pub(super) fn measures(columns: &[Column]) -> Vec<String> {
    let of = |column| {
        let functions = Function::ALL.into_iter();
        functions.filter(move |function| function.applies_to(column)).map(move |function| {
            let name: &str = column.name;
            format!("{}:{name}", function.name())
        })
    };
    let count = Function::Count.name().to_owned();
    [count].into_iter().chain(columns.iter().flat_map(of)).collect()
}
