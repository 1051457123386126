//! `website/days`: what a payload says about a day.

use std::collections::BTreeMap;

use chrono::{Datelike, NaiveDate};
use serde::Serialize;
use unicode_normalization::UnicodeNormalization;

use crate::ingest::{
    archive::Folder,
    kind::{Accepted, Context, Read},
    stamp::{Stamp, digest},
    value::Node,
};

/// The archive folder of the website's collector.
const TRACKER: &str = "website_tracker";
/// The most countries of a day.
const COUNTRIES: usize = 5_000;
/// The most words of a day.
const WORDS: usize = 200_000;
/// The longest country or word, in bytes.
const LONGEST: usize = 2_000;
/// Where a visit comes from if nobody knows.
const NOWHERE: &str = "ZZ";

/// Counts by country or word.
pub type Counts = BTreeMap<String, i64>;

/// A day. What is `None` is not stated.
#[derive(Debug, Serialize)]
pub struct Day {
    /// The day.
    pub date: NaiveDate,
    /// Visits on it; counts go into digests as text, which is exact.
    #[serde(serialize_with = "text")]
    pub visits: Option<i64>,
    /// Visits by country.
    #[serde(serialize_with = "texts")]
    pub countries: Option<Counts>,
    /// Searches by word.
    #[serde(serialize_with = "texts")]
    pub words: Option<Counts>,
    /// Whether the lists are all there is.
    pub replaces: bool,
    /// The statement's stamp.
    #[serde(skip)]
    pub stamp: Stamp,
}

fn text<S: serde::Serializer>(count: &Option<i64>, serializer: S) -> Result<S::Ok, S::Error> {
    count.map(|count| count.to_string()).serialize(serializer)
}

fn texts<S: serde::Serializer>(list: &Option<Counts>, serializer: S) -> Result<S::Ok, S::Error> {
    let exact = |counts: &Counts| -> BTreeMap<String, String> {
        counts.iter().map(|(name, count)| (name.clone(), count.to_string())).collect()
    };
    list.as_ref().map(exact).serialize(serializer)
}

/// A date: `YYYY-MM-DD` or `YYYY/MM/DD`, between 1970 and 9999.
pub fn date(text: &str) -> Option<NaiveDate> {
    let text = text.trim();
    let parsed = NaiveDate::parse_from_str(text, "%Y-%m-%d")
        .or_else(|_| NaiveDate::parse_from_str(text, "%Y/%m/%d"));
    parsed.ok().filter(|date| (1970..=9999).contains(&date.year()))
}

/// Reads a day.
pub fn read(node: Node<'_>, context: &Context) -> Option<Read<Day>> {
    if node.raw().is_none_or(|value| !value.is_object()) {
        node.fault("unknown_shape", "A day is an object.");
        return None;
    }
    let stated = node.get("stat_date");
    let date = stated.str().and_then(date);
    if stated.is_blank() {
        stated.fault("missing_field", "The day is missing.");
    } else if date.is_none() {
        stated.fault("missing_time", "This is not a date such as `2025-01-15`.");
    }
    let visits = node.get("website_visit_count").count64().or_default();
    let countries = list(node.get("countries"), "country", COUNTRIES, |name| Some(country(name)));
    let words = list(node.get("words"), "word", WORDS, word);
    if !["website_visit_count", "countries", "words"].iter().any(|key| node.get(key).is_stated()) {
        node.fault("unknown_shape", "A day has `website_visit_count`, `countries` or `words`.");
    }
    let mut day = Day {
        date: date?,
        visits,
        countries,
        words,
        replaces: context.flag("replace") && !context.excerpt,
        stamp: Stamp::BOTTOM,
    };
    day.stamp = Stamp {
        source_at: Some(context.stated_at()),
        rank: 0,
        as_of: context.as_of,
        digest: digest(&day),
    };
    let (year, date) = (day.date.year().to_string(), day.date.to_string());
    let accepted = Accepted {
        path: Folder::of(TRACKER).said(&year).file(&date, "json"),
        key: date,
        stamp: day.stamp.clone(),
    };
    Some(Read { item: day, accepted })
}

/// Reads a list of counts, or an object of them. Entries that are equal once they are normal are
/// summed; an entry without a normal form is left out.
fn list(
    node: Node<'_>,
    name: &'static str,
    most: usize,
    normal: fn(&str) -> Option<String>,
) -> Option<Counts> {
    let entries: Vec<(Option<&str>, Node<'_>, Node<'_>)> = match (node.elements(), node.members()) {
        (Some(elements), _) => elements
            .map(|entry| (entry.get(name).str(), entry.get(name), entry.get("count")))
            .collect(),
        (None, Some(members)) => members.map(|(key, count)| (Some(key), count, count)).collect(),
        (None, None) => {
            if !node.is_blank() {
                node.fault("invalid_type", "This is neither a list nor an object.");
            }
            return None;
        }
    };
    if entries.len() > most {
        node.fault("too_many_items", format!("A day has at most {most} entries here."));
        return None;
    }
    let mut counts = Counts::new();
    for (said, place, count) in entries {
        if said.is_none() && !place.is_blank() {
            place.fault("invalid_type", "This is not a text.");
            continue;
        }
        let key = normal(said.unwrap_or_default());
        if !count.is_stated() {
            count.fault("missing_field", "The count is missing.");
        }
        let number = count.count64().or_default().unwrap_or_default();
        let Some(key) = key else {
            place.warn("ignored", "The entry has no name.");
            continue;
        };
        if key.len() > LONGEST {
            place.fault("too_long", "This is at most 2,000 bytes.");
            continue;
        }
        let sum = counts.entry(key).or_default();
        if let Some(total) = sum.checked_add(number) {
            *sum = total;
        } else {
            count.fault("out_of_range", "The sum of equal entries does not fit.");
        }
    }
    Some(counts)
}

/// Two letters are a code, in capitals; other names stay as they are.
fn country(name: &str) -> String {
    let name = name.trim();
    match name.len() {
        0 => NOWHERE.to_owned(),
        2 if name.bytes().all(|byte| byte.is_ascii_alphabetic()) => name.to_ascii_uppercase(),
        _ => name.to_owned(),
    }
}

/// A word as it is searched for: without case and compatibility forms.
fn word(said: &str) -> Option<String> {
    let normal: String = said.nfkc().collect::<String>().to_lowercase();
    let word = normal.split_whitespace().collect::<Vec<_>>().join(" ");
    (!word.is_empty()).then_some(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_made_normal() {
        for (said, normal) in [
            (" us ", "US"),
            ("", "ZZ"),
            ("XK", "XK"),
            ("Côte d’Ivoire ", "Côte d’Ivoire"),
            ("ÅÅ", "ÅÅ"),
        ] {
            assert_eq!(country(said), normal, "{said}");
        }
        for (said, normal) in
            [("  Asio ", Some("asio")), ("ﬁle\u{a0} System", Some("file system")), ("\t", None)]
        {
            assert_eq!(word(said).as_deref(), normal, "{said}");
        }
    }

    #[test]
    fn dates_are_real() {
        assert_eq!(date("2025/01/05"), NaiveDate::from_ymd_opt(2025, 1, 5));
        for text in ["2025-02-30", "2025-03-02T00:00:00Z", "", "0001-01-01"] {
            assert_eq!(date(text), None, "{text}");
        }
    }
}
