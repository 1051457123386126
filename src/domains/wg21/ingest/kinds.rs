//! The WG21 kinds: their names, their words, how each takes its documents.

use std::collections::BTreeSet;

use super::{
    TRACKER,
    mailing::{self, Mailing},
    paper::{self, Columns, Paper},
    store::{self, Filed},
};
use crate::ingest::{
    archive::Folder,
    kind::{
        Accepted, Content, Context, DocumentKind, Items, Kind, Known, Location, Outcome, Place,
        Read, Seen, Sheet, Spec, Storing, Watermark,
    },
    read::AnyKind,
    stamp::{Stamp, digest},
    tx::Tx,
    value::Node,
};

/// Mailings.
#[derive(Debug)]
pub struct Mailings;

/// Papers of a mailing.
#[derive(Debug)]
pub struct Papers;

/// The collector's table of papers.
#[derive(Debug)]
pub struct Metadata;

static MAILINGS: Spec = Spec {
    source_time: false,
    schema: include_str!("schema/mailings.json"),
    example: include_str!("example/mailings.json"),
    watermark: Watermark::Of(
        "select '*' as scope, to_date(mailing_date, 'YYYY-MM')::timestamp at time zone 'UTC' as at, \
         mailing_date as key, replace(mailing_date, '-', '')::bigint as position \
         from wg21_mailing where mailing_date ~ '^[0-9]{4}-(0[1-9]|1[0-2])$' \
         and source_digest <> ''",
    ),
    known: Known {
        key: "{mailing_date}",
        stored: "u join wg21_mailing m on m.mailing_date = u.mailing_date and m.source_digest <> ''",
        deleted: None,
    },
    ..Spec::new(
        "wg21",
        "mailings",
        "Mailings of the committee: `{\"mailing_date\":\"2025-01\",\"title\":…}`. A title that only \
         repeats the date never replaces a real one.",
    )
};

const PAPERS_LIMIT: usize = 5_000;

static PAPERS: Spec = Spec {
    params: &["mailing"],
    items: Items::Under(&["papers"]),
    array_is_one: true,
    limit: PAPERS_LIMIT,
    source_time: false,
    schema: include_str!("schema/papers.json"),
    example: include_str!("example/papers.json"),
    watermark: Watermark::Failing {
        rows: "select '*' as scope, \
               to_date(m.mailing_date, 'YYYY-MM')::timestamp at time zone 'UTC' as at, \
               m.mailing_date as key, replace(m.mailing_date, '-', '')::bigint as position \
               from wg21_mailing m where m.mailing_date ~ '^[0-9]{4}-(0[1-9]|1[0-2])$' \
               and exists (select from wg21_paper p where p.mailing_id = m.id)",
        // A mailing whose papers are still to come.
        failures: "select '*' as scope, replace(m.mailing_date, '-', '')::bigint as position \
                   from wg21_mailing m where m.mailing_date ~ '^[0-9]{4}-(0[1-9]|1[0-2])$' \
                   and not exists (select from wg21_paper p where p.mailing_id = m.id)",
    },
    known: PAPER_KEYS,
    ..Spec::new(
        "wg21",
        "papers",
        "The papers of a mailing, one entry a file: a list, or `{\"mailing_date\", \"title\", \
         \"papers\"}`. Of several files of a paper the one of the best format stands for it; blank never \
         erases.",
    )
};

static METADATA: Spec = Spec {
    takes: &[Content::Csv],
    columns: &["paper_id", "url"],
    source_time: false,
    schema: include_str!("schema/metadata.json"),
    example: include_str!("example/metadata.csv"),
    watermark: Watermark::None("The table is sent whole; resume by the mailings of `wg21/papers`."),
    known: PAPER_KEYS,
    ..Spec::new(
        "wg21",
        "metadata",
        "The collector's table of papers: `filename,paper_id,url,title,author,date,mailing_date,\
         subgroup`. Each row is a paper as in `wg21/papers`.",
    )
};

const PAPER_KEYS: Known = Known {
    key: "{paper_id}:{year}",
    stored: "u join wg21_paper p on p.paper_id = lower(u.paper_id) and p.year::text = u.year",
    deleted: None,
};

impl Kind for Mailings {
    type Item = Mailing;

    fn spec(&self) -> &'static Spec {
        &MAILINGS
    }

    fn read(&self, item: Node<'_>, context: &Context) -> Option<Read<Mailing>> {
        let mailing = mailing::read(item, context)?;
        let accepted = Accepted {
            key: mailing.date.clone(),
            path: Folder::of(TRACKER).fixed("mailings").file(&mailing.date, "json"),
            stamp: mailing.stamp.clone(),
        };
        Some(Read { item: mailing, accepted })
    }

    fn locate(&self, item: Node<'_>, _: &Context) -> Location {
        located(item.get("mailing_date").str())
    }

    fn store<'a>(
        &'a self,
        tx: &'a mut Tx<'_>,
        items: &'a [(i32, &'a Mailing)],
        _: &'a Context,
    ) -> Storing<'a> {
        Box::pin(async move {
            let done = mailing::store(tx, items).await?;
            let outcome = |row: crate::ingest::upsert::Done| Outcome {
                action: row.action,
                table: "wg21_mailing",
                row_id: Some(row.id),
            };
            Ok(done.into_iter().map(outcome).collect())
        })
    }
}

fn located(mailing: Option<&str>) -> Location {
    let date = mailing.and_then(mailing::date);
    Location { scope: Some("*".to_owned()), position: date.as_deref().and_then(mailing::position) }
}

/// What surrounds the papers of a document.
#[derive(Debug)]
pub struct Envelope {
    /// The mailing that the document is about.
    mailing: Option<Mailing>,
    /// The mailings of its papers.
    mailings: BTreeSet<String>,
    /// The greatest stamp of a paper.
    stamp: Stamp,
}

impl DocumentKind for Papers {
    type Envelope = Envelope;
    type Item = Paper;

    fn spec(&self) -> &'static Spec {
        &PAPERS
    }

    fn open(&self, envelope: Node<'_>, context: &Context) -> Option<Envelope> {
        let inner = envelope.get("mailing");
        let about = if inner.is_filled() { inner } else { envelope };
        let said = about.get("mailing_date");
        let said = if said.is_blank() && inner.str().is_some() { inner } else { said };
        let own = mailing::date_at(said);
        let given = context.param("mailing").map(|given| {
            let date = mailing::date(given);
            if date.is_none() {
                envelope.fault("invalid_mailing", "`mailing=` is `YYYY-MM`, or `unknown`.");
            }
            date.unwrap_or_default()
        });
        if let (Some(own), Some(given)) = (&own, &given)
            && own != given
        {
            said.warn("context_mismatch", format!("The payload is of {own}; it wins."));
        }
        let title = about.get("title").filled_text();
        let mailing = own.or(given).map(|date| Mailing::new(date, title.as_deref(), context));
        let stamp = mailing.as_ref().map_or(Stamp::BOTTOM, |mailing| mailing.stamp.clone());
        Some(Envelope { mailing, mailings: BTreeSet::new(), stamp })
    }

    fn read(
        &self,
        item: Node<'_>,
        envelope: &mut Envelope,
        context: &Context,
    ) -> Option<Seen<Paper>> {
        if item.raw().is_none_or(|value| !value.is_object()) {
            item.fault("unknown_shape", "A paper is an object.");
            return None;
        }
        let around = envelope.mailing.as_ref().map(|mailing| mailing.date.as_str());
        let own = mailing::date_at(item.get("mailing_date"));
        let mailing = own.as_deref().or(around);
        let paper = paper::read(item, mailing, Columns::PAGE, context)?;
        envelope.mailings.insert(mailing.unwrap_or(mailing::UNKNOWN).to_owned());
        if paper.stamp > envelope.stamp {
            envelope.stamp = paper.stamp.clone();
        }
        Some(seen(paper))
    }

    fn place(&self, sheet: &Sheet<Envelope, Paper>, _: &Context) -> Place {
        let Envelope { mailing, mailings, stamp } = &sheet.envelope;
        let date = mailing.as_ref().map(|mailing| mailing.date.as_str());
        // Where papers are of several mailings, the document is of none.
        let common = || mailings.first().filter(|_| mailings.len() == 1).map(String::as_str);
        let date = date.or_else(common).unwrap_or(mailing::UNKNOWN);
        Place { path: Folder::of(TRACKER).fixed("papers").file(date, "json"), stamp: stamp.clone() }
    }

    fn locate(&self, item: Node<'_>, envelope: &Envelope, _: &Context) -> Location {
        let around = envelope.mailing.as_ref().map(|mailing| mailing.date.as_str());
        located(item.get("mailing_date").str().or(around))
    }

    fn store<'a>(
        &'a self,
        tx: &'a mut Tx<'_>,
        sheets: &'a [Sheet<Envelope, Paper>],
        context: &'a Context,
    ) -> Storing<'a> {
        Box::pin(async move {
            let named = sheets.iter().filter_map(|sheet| {
                let item = sheet.items.first().map_or(0, |(index, _)| *index);
                Some((item, sheet.envelope.mailing.clone()?))
            });
            store::store(tx, &filed(sheets), named.collect(), context).await
        })
    }
}

impl DocumentKind for Metadata {
    type Envelope = ();
    type Item = Paper;

    fn spec(&self) -> &'static Spec {
        &METADATA
    }

    fn open(&self, _: Node<'_>, _: &Context) -> Option<()> {
        Some(())
    }

    fn read(&self, item: Node<'_>, (): &mut (), context: &Context) -> Option<Seen<Paper>> {
        let mailing = item.get("mailing_date").str().and_then(mailing::date);
        paper::read(item, mailing.as_deref(), Columns::TABLE, context).map(seen)
    }

    fn place(&self, sheet: &Sheet<(), Paper>, context: &Context) -> Place {
        let stamp = Stamp {
            source_at: Some(context.stated_at()),
            as_of: context.as_of,
            rank: 0,
            digest: digest(&sheet.items.len()),
        };
        let day = context.received_at.date_naive().to_string();
        Place { path: Folder::of(TRACKER).fixed("metadata").file(&day, "csv"), stamp }
    }

    fn store<'a>(
        &'a self,
        tx: &'a mut Tx<'_>,
        sheets: &'a [Sheet<(), Paper>],
        context: &'a Context,
    ) -> Storing<'a> {
        Box::pin(async move { store::store(tx, &filed(sheets), Vec::new(), context).await })
    }
}

fn seen(paper: Paper) -> Seen<Paper> {
    Seen {
        key: format!("{}:{}", paper.paper_id, paper.said.year),
        stamp: paper.stamp.clone(),
        item: paper,
    }
}

fn filed<E>(sheets: &[Sheet<E, Paper>]) -> Vec<Filed<'_>> {
    sheets
        .iter()
        .enumerate()
        .flat_map(|(document, sheet)| {
            sheet.items.iter().map(move |(item, paper)| Filed { document, item: *item, paper })
        })
        .collect()
}

/// The kinds, as the pipeline takes them.
pub fn kinds() -> Vec<&'static dyn AnyKind> {
    vec![&Mailings, &Papers, &Metadata]
}
