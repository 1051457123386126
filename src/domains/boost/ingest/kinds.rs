//! The Boost kinds.

use super::{
    dependencies::Dependencies,
    headers::Headers,
    libraries::Libraries,
    version::Version,
    versions::{self, Release},
};
use crate::ingest::{
    kind::{Context, Kind, Known, Location, Read, Spec, Storing},
    read::AnyKind,
    tx::Tx,
    value::Node,
};

/// Versions that meet a condition, `v`, ordered by their macro number.
macro_rules! watermark_of_versions {
    ($condition:literal) => {
        $crate::ingest::kind::Watermark::Of(concat!(
            "select '*'::text as scope, v.version_created_at as at, v.version as key, \
             v.version_key::bigint as position from boost_version v where ",
            $condition
        ))
    };
}
pub(crate) use watermark_of_versions;

/// The kind `boost/versions`.
#[derive(Debug)]
pub struct Versions;

static VERSIONS: Spec = Spec {
    source_time: false,
    schema: include_str!("schema/versions.json"),
    example: include_str!("example/versions.json"),
    // Stubs were only named.
    watermark: watermark_of_versions!("v.source_digest <> ''"),
    known: Known {
        key: "{version}",
        stored: "u join boost_version v on v.version = u.version and v.source_digest <> ''",
        deleted: None,
    },
    ..Spec::new(
        "boost",
        "versions",
        "Releases of Boost: tags, GitHub releases, `{\"version\", \"version_created_at\"}`, or bare \
         texts in any spelling. Drafts, betas and branches are ignored.",
    )
};

impl Kind for Versions {
    type Item = Release;

    fn spec(&self) -> &'static Spec {
        &VERSIONS
    }

    fn read(&self, item: Node<'_>, context: &Context) -> Option<Read<Release>> {
        versions::read(item, context)
    }

    fn locate(&self, item: Node<'_>, _: &Context) -> Location {
        let named = item.first(&["version", "tag_name", "name"]).str().or_else(|| item.str());
        let version = named.and_then(Version::parse);
        Location {
            scope: Some("*".to_owned()),
            position: version.map(|version| version.key().into()),
        }
    }

    fn store<'a>(
        &'a self,
        tx: &'a mut Tx<'_>,
        items: &'a [(i32, &'a Release)],
        _: &'a Context,
    ) -> Storing<'a> {
        Box::pin(versions::store(tx, items))
    }
}

/// The kinds, as the pipeline takes them.
pub fn kinds() -> Vec<&'static dyn AnyKind> {
    vec![&Versions, &Libraries, &Dependencies, &Headers]
}
