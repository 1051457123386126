//! The authors of papers: profiles known by an address where a payload gives one, else by name.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use diesel::QueryResult;

use super::KEY_LENGTH;
use crate::{
    db::sql::{SqlType, Statement, Value},
    domains::users::ingest::{
        address,
        email::{self, Mention},
        name::fold,
    },
    draft,
    ingest::{
        register::Cell,
        stamp::{Stamp, digest},
        tx::Tx,
        upsert::upsert,
        value::Node,
    },
};

draft! {
    /// What a payload says about an author.
    pub struct AuthorDraft, table wg21_paper_author_profile, extends base_profile as "wg21",
        key { profile_key: String };
    registers { display_name: String, author_alias: String [own] }
    dates { created_at, updated_at }
}

/// An author as a paper names them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Author {
    /// What tells the profile from others.
    pub key: String,
    /// The name, if there is one.
    pub name: Option<String>,
    /// Another spelling, if the payload gives one.
    pub alias: Option<String>,
    /// The address, if the payload gives one.
    pub address: Option<String>,
}

/// The most authors of a paper.
const AUTHORS: usize = 200;

impl Author {
    fn new(name: Option<String>, address: Option<String>, alias: Option<String>) -> Option<Self> {
        let key = match (&address, &name) {
            (Some(address), _) => format!("addr:{}", address.to_lowercase()),
            (None, Some(name)) => format!("name:{}", fold(name)),
            (None, None) => return None,
        };
        Some(Self { key, name, alias, address })
    }

    fn of_text(text: &str) -> Option<Self> {
        let named = address::split(text);
        Self::new(named.name, named.address, None)
    }

    fn of_object(node: Node<'_>) -> Option<Self> {
        let named = node.get("name").filled_text().map(|name| address::split(&name));
        let named = named.unwrap_or_default();
        let address = address::address_at(node.get("email")).or(named.address);
        let alias = node.get("alias").filled_text();
        let alias = alias.as_deref().and_then(address::name_of);
        Self::new(named.name.or_else(|| alias.clone()), address, alias)
    }
}

/// The authors at a node, in order; `None` if none are stated. A repeated one keeps its first place.
pub fn read(node: Node<'_>) -> Option<Vec<Author>> {
    let mut authors = Vec::new();
    match (node.str(), node.elements()) {
        (Some(text), _) => authors.extend(split(text).filter_map(Author::of_text)),
        (None, Some(elements)) => {
            let elements: Vec<Node<'_>> = elements.collect();
            // A list of one text may be all names in one.
            if let [Some(text)] = elements.iter().map(|one| one.str()).collect::<Vec<_>>()[..] {
                authors.extend(split(text).filter_map(Author::of_text));
            } else {
                for one in elements {
                    match one.str() {
                        Some(text) => authors.extend(Author::of_text(text)),
                        None if one.is_filled() => authors.extend(Author::of_object(one)),
                        None if one.is_blank() => {}
                        None => one.fault("invalid_type", "An author is a text or an object."),
                    }
                }
            }
        }
        (None, None) if node.is_blank() => {}
        (None, None) => node.fault("invalid_type", "Authors are a list, or one text."),
    }
    let mut seen = BTreeSet::new();
    authors.retain(|author| seen.insert(author.key.clone()));
    if authors.len() > AUTHORS {
        node.fault("too_many_items", format!("A paper has at most {AUTHORS} authors."));
    }
    if authors.iter().any(|author| author.key.len() > KEY_LENGTH) {
        node.fault("too_long", "An author's name is at most 2,000 bytes.");
    }
    (!authors.is_empty()).then_some(authors)
}

fn split(text: &str) -> impl Iterator<Item = &str> {
    text.split(',')
        .flat_map(|part| part.split(" and "))
        .map(str::trim)
        .map(|part| part.strip_prefix("and ").unwrap_or(part))
        .filter(|part| !part.is_empty())
}

/// An author in an item: who, when it was said, and by which item.
#[derive(Debug, Clone, Copy)]
pub struct Said<'a> {
    /// Who.
    pub author: &'a Author,
    /// The stamp of the item.
    pub stamp: &'a Stamp,
    /// The item's index.
    pub item: i32,
}

/// Profiles of one statement.
const CHUNK: usize = 10_000;

/// Stores the profiles of authors, in the order of their keys, with their addresses.
pub async fn store(tx: &mut Tx<'_>, said: &[Said<'_>]) -> QueryResult<()> {
    let mut newest: BTreeMap<&Author, (Stamp, i32)> = BTreeMap::new();
    for one in said {
        let stamp = Stamp { rank: 0, digest: digest(&one.author.name), ..one.stamp.clone() };
        match newest.get(one.author) {
            Some((known, _)) if *known >= stamp => {}
            _ => {
                newest.insert(one.author, (stamp, one.item));
            }
        }
    }
    let newest: Vec<(&Author, (Stamp, i32))> = newest.into_iter().collect();
    for chunk in newest.chunks(CHUNK) {
        let drafts = chunk.iter().map(|(author, (stamp, item))| draft(author, stamp, *item));
        let done = upsert(tx, drafts.collect()).await?;
        let mentions = chunk.iter().zip(done).filter_map(|((author, (stamp, _)), done)| {
            let address = author.address.clone()?;
            let at: Option<DateTime<Utc>> = stamp.source_at;
            Some(Mention { profile: done.id, address, at })
        });
        email::record(tx, mentions.collect()).await?;
    }
    Ok(())
}

fn draft(author: &Author, stamp: &Stamp, item: i32) -> AuthorDraft {
    let local = || author.address.as_deref().and_then(|address| address.split('@').next());
    AuthorDraft {
        profile_key: author.key.clone(),
        display_name: match &author.name {
            Some(name) => Cell::Stated(name.clone()),
            None => Cell::Unstated(local().unwrap_or_default().to_owned()),
        },
        author_alias: match &author.alias {
            Some(alias) => {
                Cell::StatedAt(alias.clone(), Stamp { digest: digest(alias), ..stamp.clone() })
            }
            None => Cell::Unstated(String::new()),
        },
        stamp: stamp.clone(),
        item,
    }
}

/// The rows of profiles.
pub async fn ids<'k>(
    tx: &mut Tx<'_>,
    keys: impl IntoIterator<Item = &'k str>,
) -> QueryResult<HashMap<String, i64>> {
    let mut statement = Statement::new(
        "select profile_key, id from wg21_paper_author_profile where profile_key = any(",
    );
    let keys = keys.into_iter().map(|key| Value::Text(key.to_owned()));
    statement.bind_all(SqlType::Text, keys).push(")");
    Ok(tx
        .query(statement)
        .await?
        .into_iter()
        .filter_map(|row| match <[Value; 2]>::try_from(row.0) {
            Ok([Value::Text(key), Value::BigInt(id)]) => Some((key, id)),
            _ => None,
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Body, json};

    use super::*;
    use crate::ingest::value::Notes;

    fn keys(authors: &Body) -> Option<Vec<String>> {
        let notes = Notes::default();
        let read = read(Node::root(authors, &notes))?;
        assert!(!notes.failed());
        Some(read.into_iter().map(|author| author.key).collect())
    }

    #[test]
    fn authors_are_split_and_named_once() {
        let two = Some(vec!["name:jane roe".to_owned(), "name:alan smith".to_owned()]);
        for authors in [
            json!(["Jane Roe", "Alan  Smith"]),
            json!(["Jane Roe", " alan smith ", "JANE ROE"]),
            json!("Jane Roe, Alan Smith"),
            json!("Jane Roe and Alan Smith"),
            json!(["Jane Roe, and Alan Smith"]),
            json!([{"name": "Jane Roe"}, null, {"name": "Alan Smith"}, ""]),
        ] {
            assert_eq!(keys(&authors), two, "{authors}");
        }
        assert_eq!(
            keys(&json!([{"name": "Jane", "email": "J@x.org"}, "Al <al (at) x.org>"])),
            Some(vec!["addr:j@x.org".to_owned(), "addr:al@x.org".to_owned()])
        );
        for authors in [json!([]), json!(""), json!(null), json!([null, " "])] {
            assert_eq!(keys(&authors), None, "{authors}");
        }
    }
}
