//! `boost/libraries`: `meta/libraries.json` of a repository at a version.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    OWNER, TRACKER, library_rows,
    people::{self, Named},
    version::{self, Version},
};
use crate::{
    domains::github::ingest::{KEY_LENGTH, given_repository},
    ingest::{
        archive::Folder,
        kind::{
            Content, Context, DocumentKind, Items, Location, Place, Seen, Sheet, Spec, Storing,
        },
        repo_name::RepoName,
        stamp::{Stamp, digest},
        tx::Tx,
        value::Node,
    },
};

/// A library as a document lists it. What is `None` is not stated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// Its key in the document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The C++ standard that it needs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpp_version: Option<String>,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Where its documentation is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub documentation: Option<String>,
    /// Who wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authors: Option<Vec<Named>>,
    /// Who maintains it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maintainers: Option<Vec<Named>>,
    /// Its categories.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub categories: Option<Vec<String>>,
}

/// What a document is about.
#[derive(Debug)]
pub struct About {
    /// The repository.
    pub repo: RepoName,
    /// The version.
    pub version: Version,
    /// How many entries it lists, bad ones included.
    pub listed: usize,
}

/// The kind.
#[derive(Debug)]
pub struct Libraries;

static SPEC: Spec = Spec {
    takes: &[Content::Json],
    params: &["repo", "version"],
    items: Items::Under(&["libraries"]),
    array_is_one: true,
    limit: 500,
    source_time: false,
    schema: include_str!("schema/libraries.json"),
    example: include_str!("example/libraries.json"),
    watermark: super::kinds::watermark_of_versions!(
        "exists (select from boost_library_version c where c.version_id = v.id and c.key <> '')"
    ),
    known: crate::ingest::kind::Known {
        key: "{repo}:{library}:{version}",
        stored: "u join github_account a on lower(a.username) = lower(split_part(u.repo, '/', 1)) \
                 join github_repository r on r.owner_account_id = a.id \
                     and lower(r.repo_name) = lower(split_part(u.repo, '/', 2)) \
                 join boost_library l on l.repo_id = r.id and l.name = u.library and not l.is_stub \
                 join boost_version v on v.version = u.version \
                 join boost_library_version c on c.library_id = l.id and c.version_id = v.id",
        deleted: None,
    },
    ..Spec::new(
        "boost",
        "libraries",
        "`meta/libraries.json` of one repository at one version, with `version=` and `repo=`; or \
         `{\"version\", \"repo\" or \"submodule\", \"libraries\"}`. It lists the repository's \
         libraries in full: those that it lacks are removed from that version.",
    )
};

impl DocumentKind for Libraries {
    type Envelope = About;
    type Item = (Entry, Stamp);

    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn open(&self, envelope: Node<'_>, context: &Context) -> Option<About> {
        let version = version::stated(envelope.get("version"), context);
        let said = repository_said(envelope);
        if let (Some(said), Some(given)) = (&said, &context.repo)
            && !said.same(given)
        {
            envelope.warn("context_mismatch", format!("The payload is of {said}; it wins."));
        }
        let repo = said.or_else(|| given_repository(envelope, context));
        Some(About { repo: repo?, version: version?, listed: 0 })
    }

    fn read(
        &self,
        item: Node<'_>,
        about: &mut About,
        context: &Context,
    ) -> Option<Seen<(Entry, Stamp)>> {
        about.listed += 1;
        let entry = read_entry(item, &about.repo)?;
        let stamp = Stamp {
            source_at: Some(context.stated_at()),
            rank: 0,
            as_of: context.as_of,
            digest: digest(&entry),
        };
        Some(Seen {
            key: format!("{}:{}:{}", about.repo, entry.name, about.version),
            item: (entry, stamp.clone()),
            stamp,
        })
    }

    fn place(&self, sheet: &Sheet<About, (Entry, Stamp)>, context: &Context) -> Place {
        let About { repo, version, .. } = &sheet.envelope;
        let version = version.to_string();
        let folder = Folder::of(TRACKER).fixed("libraries").said(&version).said(&repo.owner);
        Place { path: folder.file(&repo.name, "json"), stamp: Document::of(sheet, context).stamp }
    }

    fn locate(&self, _: Node<'_>, about: &About, _: &Context) -> Location {
        Location { scope: Some("*".to_owned()), position: Some(about.version.key().into()) }
    }

    fn store<'a>(
        &'a self,
        tx: &'a mut Tx<'_>,
        sheets: &'a [Sheet<About, (Entry, Stamp)>],
        context: &'a Context,
    ) -> Storing<'a> {
        Box::pin(async move {
            let documents: Vec<Document<'_>> =
                sheets.iter().map(|sheet| Document::of(sheet, context)).collect();
            library_rows::store(tx, &documents).await
        })
    }
}

/// A document that was read.
#[derive(Debug)]
pub struct Document<'s> {
    /// The repository.
    pub repo: &'s RepoName,
    /// The version.
    pub version: Version,
    /// The entries with their index in the body.
    pub entries: Vec<(i32, &'s Entry)>,
    /// Whether it lists every library of the repository: not where an entry is bad, or is tried again
    /// alone.
    pub is_full: bool,
    /// The statement's stamp.
    pub stamp: Stamp,
}

impl<'s> Document<'s> {
    fn of(sheet: &'s Sheet<About, (Entry, Stamp)>, context: &Context) -> Self {
        let About { repo, version, listed } = &sheet.envelope;
        let entries: Vec<(i32, &Entry)> =
            sheet.items.iter().map(|(index, (entry, _))| (*index, entry)).collect();
        let is_full = !context.excerpt && *listed == entries.len();
        // The order of entries says nothing.
        let said: BTreeMap<&str, &Entry> =
            entries.iter().map(|(_, entry)| (entry.name.as_str(), *entry)).collect();
        let stamp = Stamp {
            source_at: Some(context.stated_at()),
            rank: 0,
            as_of: context.as_of,
            digest: digest(&(version.key(), is_full, said)),
        };
        Self { repo, version: *version, entries, is_full, stamp }
    }
}

fn repository_said(envelope: Node<'_>) -> Option<RepoName> {
    let text = |key| envelope.get(key).str().map(str::trim).filter(|text| !text.is_empty());
    if let Some(repo) = text("repo") {
        let name = RepoName::parse(repo);
        if name.is_none() {
            envelope.get("repo").fault("invalid_type", "This is no repository: `owner/name`.");
        }
        return name;
    }
    let submodule = text("submodule")?;
    let name = RepoName::parse(&format!("{OWNER}/{submodule}"));
    if name.is_none() {
        envelope.get("submodule").fault("invalid_type", "This is no name of a repository.");
    }
    name
}

fn read_entry(item: Node<'_>, repo: &RepoName) -> Option<Entry> {
    if !item.raw().is_some_and(Value::is_object) {
        item.fault("unknown_shape", "A library is an object.");
        return None;
    }
    let key = item.get("key").text();
    let stated_key = key.clone().or_default();
    let key = key.value().map(|key| key.trim().to_owned()).filter(|key| !key.is_empty());
    let name = match key {
        Some(key) if key.eq_ignore_ascii_case(&repo.name) => Some(key),
        key => item.get("name").filled_text().map(|name| name.trim().to_owned()).or(key),
    };
    let Some(name) = name else {
        item.get("name").fault("missing_field", "The library has neither a name nor a key.");
        return None;
    };
    if name.len() > KEY_LENGTH || stated_key.as_ref().is_some_and(|key| key.len() > KEY_LENGTH) {
        item.get("name").fault("too_long", "A library's name is at most 2,000 bytes.");
        return None;
    }
    let cxxstd = item.get("cxxstd");
    let cpp_version = match cxxstd.raw() {
        Some(Value::Number(number)) => Some(number.to_string()),
        _ => cxxstd.text().or_default(),
    };
    Some(Entry {
        name,
        key: stated_key,
        cpp_version,
        description: item.get("description").text().or_default(),
        documentation: item.get("documentation").text().or_default(),
        authors: people::read(item.get("authors")),
        maintainers: people::read(item.get("maintainers")),
        categories: read_categories(item.get("category")),
    })
}

/// The categories at a key: a text or a list of texts. `None` when the key is missing.
fn read_categories(node: Node<'_>) -> Option<Vec<String>> {
    if !node.is_stated() {
        return None;
    }
    let mut names: Vec<String> = match (node.str(), node.elements()) {
        (Some(text), _) => vec![text.to_owned()],
        (None, Some(elements)) => elements.filter_map(|element| element.text().value()).collect(),
        (None, None) => {
            if !node.is_blank() {
                node.fault("invalid_type", "This is a text or a list of texts.");
            }
            Vec::new()
        }
    };
    for name in &mut names {
        *name = name.trim().to_owned();
    }
    names.retain(|name| !name.is_empty());
    if names.iter().any(|name| name.len() > KEY_LENGTH) {
        node.fault("too_long", "A category's name is at most 2,000 bytes.");
    }
    names.sort();
    names.dedup();
    Some(names)
}
