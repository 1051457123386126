//! The kind `website/days`.

use super::{
    day::{self, Day},
    store,
};
use crate::ingest::{
    kind::{Context, Kind, Known, Location, Read, Spec, Storing, Watermark},
    read::AnyKind,
    tx::Tx,
    value::Node,
};

/// Days of the website.
#[derive(Debug)]
pub struct Days;

static DAYS: Spec = Spec {
    params: &["replace"],
    source_time: false,
    schema: include_str!("schema/days.json"),
    example: include_str!("example/days.json"),
    watermark: Watermark::Of(
        "select '*' as scope, stat_date::timestamp at time zone 'UTC' as at, \
         stat_date::text as key, extract(epoch from stat_date)::bigint * 1000000 as position \
         from website",
    ),
    known: Known {
        key: "{stat_date}",
        stored: "u join (select stat_date from website union \
                 select stat_date from website_visit_count union \
                 select stat_date from website_word_count) d \
                 on d.stat_date::text = replace(trim(u.stat_date), '/', '-')",
        deleted: None,
    },
    ..Spec::new(
        "website",
        "days",
        "Visits of a day, by country, and what was searched for. A day adds to what is stored of it; \
         with `replace=true` its lists are all there is.",
    )
};

impl Kind for Days {
    type Item = Day;

    fn spec(&self) -> &'static Spec {
        &DAYS
    }

    fn read(&self, item: Node<'_>, context: &Context) -> Option<Read<Day>> {
        day::read(item, context)
    }

    fn locate(&self, item: Node<'_>, _: &Context) -> Location {
        let date = item.get("stat_date").str().and_then(day::date);
        let midnight = date.and_then(|date| date.and_hms_opt(0, 0, 0));
        Location {
            scope: Some("*".to_owned()),
            position: midnight.map(|at| at.and_utc().timestamp_micros()),
        }
    }

    fn store<'a>(
        &'a self,
        tx: &'a mut Tx<'_>,
        items: &'a [(i32, &'a Day)],
        _: &'a Context,
    ) -> Storing<'a> {
        Box::pin(store::store(tx, items))
    }
}

/// The kind, as the pipeline takes it.
pub fn kinds() -> Vec<&'static dyn AnyKind> {
    vec![&Days]
}
