//! `boost/dependencies`: what each library depends on in a version.

use std::collections::BTreeSet;

use diesel::QueryResult;
use serde_json::Value;

use super::{
    TRACKER,
    catalogue::Catalogue,
    graph::{self, FOLD, LIST, Said},
    stubs,
    version::{self, Version},
};
use crate::{
    db::sql::{SqlType, Statement as Sql, Value as Bind},
    domains::github::ingest::KEY_LENGTH,
    ingest::{
        archive::Folder,
        kind::{
            Content, Context, DocumentKind, Items, Known, Location, Outcome, Place, Seen, Sheet,
            Spec, Storing,
        },
        stamp::{Stamp, digest},
        statements::{self, Kept, Statement},
        tx::Tx,
        upsert::Action,
        value::Node,
    },
};

/// The most dependencies of one client.
const DEPS: usize = 1_000;

/// What a document is about.
#[derive(Debug)]
pub struct About {
    version: Version,
    /// Whether it is lines of the boostdep tool.
    is_text: bool,
    /// How many items it lists, bad ones included.
    listed: usize,
}

/// A client's dependencies.
#[derive(Debug)]
pub struct Client {
    /// The client and its dependencies; none for a line that says nothing.
    said: Option<(String, Vec<String>)>,
    stamp: Stamp,
}

/// The kind.
#[derive(Debug)]
pub struct Dependencies;

static SPEC: Spec = Spec {
    takes: &[Content::Json, Content::Text],
    params: &["version"],
    complete: &["clients"],
    items: Items::Members(&["dependencies"]),
    limit: 5_000,
    source_time: false,
    schema: include_str!("schema/dependencies.json"),
    example: include_str!("example/dependencies.json"),
    watermark: super::kinds::watermark_of_versions!(
        "exists (select from statement s where s.fold = 'boost.dependencies' \
         and s.scope = v.version)"
    ),
    known: Known {
        key: "{version}:{client}",
        stored: "u join statement s on s.fold = 'boost.dependencies' and s.scope = u.version \
                 and s.key = 'client:' || u.client",
        deleted: None,
    },
    ..Spec::new(
        "boost",
        "dependencies",
        "What each library depends on in a version: `{\"version\", \"dependencies\": [{\"client\", \
         \"deps\"}]}`, a map of clients to lists, or lines of the boostdep tool with `version=`. A \
         listed client's dependencies become exactly the list.",
    )
};

impl DocumentKind for Dependencies {
    type Envelope = About;
    type Item = Client;

    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn open(&self, envelope: Node<'_>, context: &Context) -> Option<About> {
        let version = version::stated(envelope.get("version"), context)?;
        Some(About { version, is_text: false, listed: 0 })
    }

    fn read(&self, item: Node<'_>, about: &mut About, context: &Context) -> Option<Seen<Client>> {
        about.listed += 1;
        let said = match item.raw() {
            Some(Value::String(line)) => {
                about.is_text = true;
                read_line(item, line)
            }
            Some(Value::Object(_)) => Some(read_client(item)?),
            _ => {
                item.fault("unknown_shape", "A client is `{\"client\", \"deps\"}`, or a line.");
                return None;
            }
        };
        let said = said.map(|(client, deps)| (clean(item, &client, deps), client));
        let said = said.map(|(deps, client)| (client, deps));
        let client = said.as_ref().map_or("", |(client, _)| client.as_str());
        let too_long = |name: &str| name.len() > KEY_LENGTH / 2;
        if said.iter().flat_map(|(c, deps)| deps.iter().chain([c])).any(|name| too_long(name)) {
            item.fault("too_long", "A library's name is at most 1,000 bytes.");
            return None;
        }
        let stamp = Stamp {
            source_at: Some(context.stated_at()),
            rank: 0,
            as_of: context.as_of,
            digest: digest(&said),
        };
        Some(Seen {
            key: format!("{}:{client}", about.version),
            item: Client { said, stamp: stamp.clone() },
            stamp,
        })
    }

    fn place(&self, sheet: &Sheet<About, Client>, context: &Context) -> Place {
        let stem = sheet.envelope.version.to_string();
        let extension = if sheet.envelope.is_text { "txt" } else { "json" };
        Place {
            path: Folder::of(TRACKER).fixed("dependencies").file(&stem, extension),
            stamp: list_stamp(sheet, context),
        }
    }

    fn locate(&self, _: Node<'_>, about: &About, _: &Context) -> Location {
        Location { scope: Some("*".to_owned()), position: Some(about.version.key().into()) }
    }

    fn store<'a>(
        &'a self,
        tx: &'a mut Tx<'_>,
        sheets: &'a [Sheet<About, Client>],
        context: &'a Context,
    ) -> Storing<'a> {
        Box::pin(store(tx, sheets, context))
    }
}

/// `algorithm -> assert array`; anything without an arrow says nothing.
fn read_line(item: Node<'_>, line: &str) -> Option<(String, Vec<String>)> {
    let said = line.split_once("->").map(|(client, deps)| (client.trim(), deps));
    let Some((client, deps)) = said.filter(|(client, _)| !client.is_empty()) else {
        item.warn("ignored", "The line has no client and arrow.");
        return None;
    };
    Some((client.to_owned(), deps.split_whitespace().map(str::to_owned).collect()))
}

/// `{"client", "deps"}`, or one member of a map, `{client: deps}`.
fn read_client(item: Node<'_>) -> Option<(String, Vec<String>)> {
    let called = item.first(&["client", "client_library"]);
    let listed = item.first(&["deps", "dep_libraries"]);
    let (client, deps) = match item.members().map(|mut m| (m.next(), m.next())) {
        Some((Some((client, deps)), None)) if !called.is_stated() => (client.to_owned(), deps),
        _ => {
            let Some(client) = called.filled_text() else {
                called.fault("missing_field", "The client is missing.");
                return None;
            };
            (client, listed)
        }
    };
    let client = client.trim().to_owned();
    if client.is_empty() {
        item.fault("missing_field", "The client has no name.");
        return None;
    }
    let mut names = Vec::new();
    match deps.elements() {
        Some(elements) => names.extend(elements.filter_map(|element| element.text().value())),
        None if deps.is_blank() => {}
        None => deps.fault("invalid_type", "Dependencies are a list of texts."),
    }
    if names.len() > DEPS {
        deps.fault("too_many_items", format!("A client has at most {DEPS} dependencies."));
        return None;
    }
    Some((client, names))
}

/// The dependencies sorted, each once, without what is no library.
fn clean(item: Node<'_>, client: &str, deps: Vec<String>) -> Vec<String> {
    let names: BTreeSet<String> = deps
        .into_iter()
        .map(|dep| dep.trim().to_owned())
        .filter(|dep| !dep.is_empty())
        .filter(|dep| {
            let is_itself = dep == client;
            if is_itself {
                item.warn("ignored", "A library does not depend on itself.");
            }
            // What boostdep cannot place it puts in parentheses.
            let is_unknown = dep.starts_with('(') && dep.ends_with(')');
            if is_unknown {
                item.warn("ignored", format!("`{dep}` is no library."));
            }
            !is_itself && !is_unknown
        })
        .collect();
    names.into_iter().collect()
}

fn clients(sheet: &Sheet<About, Client>) -> impl Iterator<Item = &str> {
    sheet.items.iter().filter_map(|(_, item)| Some(item.said.as_ref()?.0.as_str()))
}

fn list_stamp(sheet: &Sheet<About, Client>, context: &Context) -> Stamp {
    let said: BTreeSet<_> = sheet.items.iter().filter_map(|(_, item)| item.said.as_ref()).collect();
    Stamp {
        source_at: Some(context.stated_at()),
        rank: 0,
        as_of: context.as_of,
        digest: digest(&said),
    }
}

async fn store(
    tx: &mut Tx<'_>,
    sheets: &[Sheet<About, Client>],
    context: &Context,
) -> QueryResult<Vec<Outcome>> {
    super::lock(tx).await?;
    let mut kept: Vec<Statement> = Vec::new();
    for sheet in sheets {
        let scope = sheet.envelope.version.to_string();
        let body = |said: Said| serde_json::to_value(said).unwrap_or_default();
        for (index, item) in &sheet.items {
            let Some((client, deps)) = &item.said else { continue };
            kept.push(Statement {
                scope: scope.clone(),
                key: format!("client:{client}"),
                stamp: item.stamp.clone(),
                body: body(Said::Client { client: client.clone(), deps: deps.clone() }),
                item: *index,
            });
        }
    }
    let mut fates = statements::keep(tx, FOLD, &kept).await?.into_iter();
    let lists: Vec<Statement> = sheets
        .iter()
        // A list of which an item is bad is not known in full.
        .filter(|sheet| context.lists_all("clients") && sheet.envelope.listed == sheet.items.len())
        .map(|sheet| Statement {
            scope: sheet.envelope.version.to_string(),
            key: LIST.to_owned(),
            stamp: list_stamp(sheet, context),
            body: serde_json::to_value(Said::Clients {
                clients: clients(sheet).map(str::to_owned).collect(),
            })
            .unwrap_or_default(),
            item: sheet.items.first().map_or(0, |(index, _)| *index),
        })
        .collect();
    let listed = statements::keep(tx, FOLD, &lists).await?;
    let mut changed = listed.iter().any(|kept| matches!(kept, Kept::First | Kept::Newer));
    let mut outcomes = Vec::new();
    for (_, item) in sheets.iter().flat_map(|sheet| &sheet.items) {
        let fate = item.said.as_ref().and_then(|_| fates.next()).unwrap_or(Kept::Same);
        let action = match fate {
            Kept::First => Action::Inserted,
            Kept::Newer => Action::Updated,
            Kept::Same => Action::Unchanged,
            Kept::Older => Action::Stale,
        };
        changed |= matches!(fate, Kept::First | Kept::Newer);
        outcomes.push(Outcome { action, table: "boost_dependency", row_id: None });
    }
    if changed || any_list(tx, &kept).await? {
        let catalogue = Catalogue::load(tx.conn).await?;
        let named = graph::derive(tx, &catalogue).await?;
        stubs::drop_unused(tx, &named).await?;
    }
    Ok(outcomes)
}

/// Whether clients of one of the versions were ever listed in full: then it also matters when a
/// client was last mentioned.
async fn any_list(tx: &mut Tx<'_>, kept: &[Statement]) -> QueryResult<bool> {
    let scopes: BTreeSet<&str> = kept.iter().map(|kept| kept.scope.as_str()).collect();
    let mut select = Sql::new("select 1 from statement where fold = ");
    select.bind(SqlType::Text, Bind::Text(FOLD.to_owned())).push(" and key = ");
    select.bind(SqlType::Text, Bind::Text(LIST.to_owned())).push(" and scope = any(");
    select
        .bind_all(SqlType::Text, scopes.into_iter().map(|scope| Bind::Text(scope.to_owned())))
        .push(") limit 1");
    Ok(!tx.query(select).await?.is_empty())
}
