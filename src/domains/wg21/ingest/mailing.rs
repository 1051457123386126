//! Mailings: the months in which papers are published.

use std::collections::{BTreeMap, HashMap};

use diesel::QueryResult;
use serde::Serialize;

use crate::{
    db::sql::{SqlType, Statement, Value},
    draft,
    ingest::{
        kind::Context,
        register::Cell,
        stamp::{Stamp, digest},
        tx::Tx,
        upsert::{Done, upsert},
        value::Node,
    },
};

draft! {
    /// What a payload says about a mailing.
    pub struct MailingDraft, table wg21_mailing, key { mailing_date: String };
    registers { title: String }
    dates { created_at, updated_at }
}

/// The mailing of papers of which none is known.
pub const UNKNOWN: &str = "unknown";

/// A mailing as a payload names it.
#[derive(Debug, Clone, Serialize)]
pub struct Mailing {
    /// `YYYY-MM`, or `unknown`.
    #[serde(skip)]
    pub date: String,
    /// The title, if it says more than the date.
    pub title: Option<String>,
    /// The statement's stamp.
    #[serde(skip)]
    pub stamp: Stamp,
}

impl Mailing {
    /// A mailing with its title, true when the request says so.
    pub fn new(date: String, title: Option<&str>, context: &Context) -> Self {
        let title = title
            .map(|title| title.split_whitespace().collect::<Vec<_>>().join(" "))
            .filter(|title| !title.is_empty() && !title.eq_ignore_ascii_case(&date));
        let mut mailing = Self { date, title, stamp: Stamp::BOTTOM };
        mailing.stamp = Stamp {
            source_at: Some(context.stated_at()),
            rank: 0,
            as_of: context.as_of,
            digest: digest(&mailing),
        };
        mailing
    }
}

/// A mailing's date, if this is one: `YYYY-MM`, or `unknown`.
pub fn date(text: &str) -> Option<String> {
    let text = text.trim();
    if text.eq_ignore_ascii_case(UNKNOWN) {
        return Some(UNKNOWN.to_owned());
    }
    let (year, month) = text.split_once('-')?;
    let digits =
        |part: &str, length| part.len() == length && part.bytes().all(|b| b.is_ascii_digit());
    let is_month = digits(month, 2) && (1..=12).contains(&month.parse::<u8>().unwrap_or_default());
    (digits(year, 4) && is_month).then(|| text.to_owned())
}

/// The date at a node; `None` if nothing is stated. One that is none is a fault.
pub fn date_at(node: Node<'_>) -> Option<String> {
    if node.is_blank() || node.str().is_some_and(|text| text.trim().is_empty()) {
        return None;
    }
    let date = node.str().and_then(date);
    if date.is_none() {
        node.fault("invalid_mailing", "A mailing is `YYYY-MM`, or `unknown`.");
    }
    date
}

/// `2025-03` as 202503: where a mailing stands among others.
pub fn position(date: &str) -> Option<i64> {
    date.replace('-', "").parse().ok()
}

/// Reads a mailing's own payload.
pub fn read(node: Node<'_>, context: &Context) -> Option<Mailing> {
    if node.raw().is_none_or(|value| !value.is_object()) {
        node.fault("unknown_shape", "A mailing is an object.");
        return None;
    }
    let said = node.get("mailing_date");
    if said.is_blank() {
        said.fault("missing_field", "The mailing has no date.");
    } else if said.str().is_none_or(|text| text.trim().is_empty()) {
        said.fault("invalid_mailing", "A mailing is `YYYY-MM`, or `unknown`.");
    }
    let title = node.get("title").filled_text();
    Some(Mailing::new(date_at(said)?, title.as_deref(), context))
}

/// Stores mailings; one answer for each, in order. Those without a title are made if they are missing.
pub async fn store(tx: &mut Tx<'_>, mailings: &[(i32, &Mailing)]) -> QueryResult<Vec<Done>> {
    let drafts = mailings
        .iter()
        .map(|(item, mailing)| MailingDraft {
            mailing_date: mailing.date.clone(),
            title: match &mailing.title {
                Some(title) => Cell::Stated(title.clone()),
                None if mailing.date == UNKNOWN => Cell::Unstated("Unknown".to_owned()),
                None => Cell::Unstated(mailing.date.clone()),
            },
            stamp: mailing.stamp.clone(),
            item: *item,
        })
        .collect();
    upsert(tx, drafts).await
}

/// Stores each mailing once, and gives the rows of these.
pub async fn store_once(
    tx: &mut Tx<'_>,
    named: impl IntoIterator<Item = (i32, Mailing)>,
) -> QueryResult<()> {
    let mut newest: BTreeMap<String, (i32, Mailing)> = BTreeMap::new();
    for (item, mailing) in named {
        let known = newest.get(&mailing.date);
        let rank = |mailing: &Mailing| (mailing.title.is_some(), mailing.stamp.clone());
        if known.is_none_or(|(_, known)| rank(&mailing) > rank(known)) {
            newest.insert(mailing.date.clone(), (item, mailing));
        }
    }
    let mailings: Vec<(i32, &Mailing)> =
        newest.values().map(|(item, mailing)| (*item, mailing)).collect();
    store(tx, &mailings).await?;
    Ok(())
}

/// The rows of mailings.
pub async fn ids<'d>(
    tx: &mut Tx<'_>,
    dates: impl IntoIterator<Item = &'d str>,
) -> QueryResult<HashMap<String, i64>> {
    let mut statement =
        Statement::new("select mailing_date, id from wg21_mailing where mailing_date = any(");
    let dates = dates.into_iter().map(|date| Value::Text(date.to_owned()));
    statement.bind_all(SqlType::Text, dates).push(")");
    Ok(tx
        .query(statement)
        .await?
        .into_iter()
        .filter_map(|row| match <[Value; 2]>::try_from(row.0) {
            Ok([Value::Text(date), Value::BigInt(id)]) => Some((date, id)),
            _ => None,
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mailings_are_months() {
        assert_eq!(date(" 2025-01 ").as_deref(), Some("2025-01"));
        assert_eq!(date("Unknown").as_deref(), Some("unknown"));
        for text in ["2025-13", "2025-00", "2025-1", "2025", "25-01", "2025-01-01", ""] {
            assert_eq!(date(text), None, "{text}");
        }
        assert_eq!(position("2025-03"), Some(202_503));
        assert_eq!(position(UNKNOWN), None);
    }
}
