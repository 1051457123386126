//! The rows of a paper, as a function of everything that was said about its number.
//!
//! What is said with a year is about that year's row. What is said without one is about the row of the
//! earliest year that anybody names, and about the row of year 0 while nobody names any. So a year-less
//! payload makes no second row, a dated one promotes the row of year 0, and a dated one that comes late
//! takes the year-less over, whatever the order.

use std::collections::BTreeMap;

use super::paper::Said;
use crate::ingest::statements::Statement;

/// The statements kept about papers: one scope a number.
pub const FOLD: &str = "wg21.papers";

/// A paper's row as the statements make it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Derived {
    /// Everything but the year; `None` is the column's default.
    pub said: Option<Said>,
    /// The item of the batch at hand that it follows from.
    pub item: i32,
}

/// The year of the row that a statement of `year` is about, among the years that are named.
pub fn row_of(year: i32, named: impl IntoIterator<Item = i32>) -> i32 {
    if year != 0 {
        return year;
    }
    named.into_iter().filter(|year| *year != 0).min().unwrap_or(0)
}

/// The rows of one number by year, from its statements in the order of their stamps.
pub fn derive(statements: &[Statement]) -> BTreeMap<i32, Derived> {
    let said: Vec<Said> = statements
        .iter()
        .filter_map(|statement| serde_json::from_value(statement.body.clone()).ok())
        .collect();
    let mut rows: BTreeMap<i32, Derived> = BTreeMap::new();
    for one in &said {
        let year = row_of(one.year, said.iter().map(|said| said.year));
        let row = rows.entry(year).or_default();
        match &mut row.said {
            None => row.said = Some(Said { year, ..one.clone() }),
            Some(row) => apply(row, one),
        }
    }
    rows
}

/// Whatever a later statement says replaces what was said before.
fn apply(row: &mut Said, one: &Said) {
    row.url.clone_from(&one.url);
    replace(&mut row.title, one.title.as_ref());
    replace(&mut row.document_date, one.document_date.as_ref());
    replace(&mut row.mailing, one.mailing.as_ref());
    replace(&mut row.subgroup, one.subgroup.as_ref());
    replace(&mut row.is_downloaded, one.is_downloaded.as_ref());
    replace(&mut row.authors, one.authors.as_ref());
}

fn replace<T: Clone>(old: &mut Option<T>, new: Option<&T>) {
    if new.is_some() {
        *old = new.cloned();
    }
}

/// Whether a row says everything that a statement says.
pub fn holds(row: &Said, one: &Said) -> bool {
    fn has<T: PartialEq>(row: Option<&T>, one: Option<&T>) -> bool {
        one.is_none() || row == one
    }
    row.url == one.url
        && has(row.title.as_ref(), one.title.as_ref())
        && has(row.document_date.as_ref(), one.document_date.as_ref())
        && has(row.mailing.as_ref(), one.mailing.as_ref())
        && has(row.subgroup.as_ref(), one.subgroup.as_ref())
        && has(row.is_downloaded.as_ref(), one.is_downloaded.as_ref())
        && has(row.authors.as_ref(), one.authors.as_ref())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::ingest::stamp::Stamp;

    fn statement(year: i32, title: &str) -> Statement {
        Statement {
            scope: "p1r0".to_owned(),
            key: format!("{year}:{title}"),
            stamp: Stamp::BOTTOM,
            body: json!({"year": year, "url": "https://x.org", "title": title}),
            item: 0,
        }
    }

    fn rows(statements: &[Statement]) -> Vec<(i32, String)> {
        derive(statements)
            .into_iter()
            .map(|(year, row)| (year, row.said.and_then(|said| said.title).unwrap_or_default()))
            .collect()
    }

    #[test]
    fn year_less_statements_are_about_the_earliest_year() {
        let row = |year, title: &str| (year, title.to_owned());
        assert_eq!(rows(&[statement(0, "a")]), [row(0, "a")]);
        assert_eq!(rows(&[statement(0, "a"), statement(2020, "b")]), [row(2020, "b")]);
        assert_eq!(rows(&[statement(2020, "b"), statement(0, "a")]), [row(2020, "a")]);
        assert_eq!(
            rows(&[statement(2020, "b"), statement(0, "a"), statement(2018, "c")]),
            [row(2018, "c"), row(2020, "b")]
        );
        assert_eq!(
            rows(&[statement(2018, "c"), statement(2020, "b"), statement(0, "a")]),
            [row(2018, "a"), row(2020, "b")]
        );
    }
}
