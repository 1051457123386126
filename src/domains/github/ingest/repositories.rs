//! `github/repositories`, `github/repo-languages`: repositories, their licence and languages.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::{
    Item, TRACKER,
    accounts::Handle,
    given_repository,
    person::{Person, too_long},
    repository_of,
};
use crate::{
    draft,
    ingest::{
        archive::Folder,
        kind::{Accepted, Context, Read},
        register::Cell,
        repo_name::RepoName,
        stamp::{Stamp, digest},
        value::Node,
    },
};

draft! {
    /// What a payload says about a repository that is known to exist.
    pub struct RepositoryDraft, table github_repository, key { id: i64 };
    registers {
        owner_account_id: i64,
        repo_name: String,
        stars: i32,
        forks: i32,
        description: String,
        repo_pushed_at: Option<DateTime<Utc>>,
        repo_created_at: Option<DateTime<Utc>>,
        repo_updated_at: Option<DateTime<Utc>>,
        removed_at: Option<DateTime<Utc>> [own],
    }
    sets { license, languages }
}

/// A licence as a repository names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct License {
    /// Its name, else its SPDX id.
    pub name: String,
    /// Its SPDX id, also `NOASSERTION`; blank says nothing.
    pub spdx_id: String,
    /// Its address; blank says nothing.
    pub url: String,
}

/// A repository's own payload. What is `None` is not stated.
#[derive(Debug, Serialize)]
pub struct Repository {
    /// `owner/name`.
    pub name: RepoName,
    /// GitHub's id: the identity, when it is known.
    #[serde(skip)]
    pub id: Option<i64>,
    /// The owner.
    pub owner: Person,
    /// Stars.
    pub stars: Option<i32>,
    /// Forks.
    pub forks: Option<i32>,
    /// Description.
    pub description: Option<String>,
    /// Last push.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pushed_at: Option<Option<DateTime<Utc>>>,
    /// Creation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Option<DateTime<Utc>>>,
    /// Last change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<Option<DateTime<Utc>>>,
    /// The licence: the key is there, and names one or none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub license: Option<Option<License>>,
    /// The languages and their bytes, where they are what is stated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub languages: Option<Vec<(String, i64)>>,
    /// The name and the owner it had until now, where the payload tells.
    #[serde(skip)]
    pub former: Option<(RepoName, Person)>,
    /// Whether it is deleted or private, where that is what the payload tells, and when it told.
    #[serde(skip)]
    pub removal: Option<(bool, DateTime<Utc>)>,
    /// The statement's stamp.
    #[serde(skip)]
    pub stamp: Stamp,
}

impl Repository {
    /// A repository of which only the name is known.
    pub fn named(name: RepoName) -> Self {
        Self {
            owner: Person::of_login(&name.owner),
            name,
            id: None,
            stars: None,
            forks: None,
            description: None,
            pushed_at: None,
            created_at: None,
            updated_at: None,
            license: None,
            languages: None,
            former: None,
            removal: None,
            stamp: Stamp::BOTTOM,
        }
    }

    /// What it was called until this statement: the same repository by another name. It says
    /// nothing else.
    pub fn before(&self) -> Option<Self> {
        let (name, owner) = self.former.clone()?;
        let stamp = Stamp { source_at: self.stamp.source_at, ..Stamp::BOTTOM };
        Some(Self { id: self.id, owner, stamp, ..Self::named(name) })
    }

    /// The same with its stamp: the time its source gives it, and what it says.
    #[must_use]
    pub fn stamped(
        mut self,
        source_at: Option<DateTime<Utc>>,
        as_of: Option<DateTime<Utc>>,
    ) -> Self {
        self.stamp = Stamp { source_at, rank: 0, as_of, digest: digest(&self) };
        self
    }

    /// What it is called; with its id behind the name where another one has that.
    pub fn spelling(&self, may_name: bool) -> String {
        match self.id {
            Some(id) if !may_name => format!("{}~{id}", self.name.name),
            _ => self.name.name.clone(),
        }
    }

    /// Whether it says more than that the repository exists.
    pub fn is_full(&self) -> bool {
        !self.stamp.digest.is_empty()
    }

    /// What is written of it, once its row, its owner and its name are known. A list of languages
    /// says nothing but that.
    pub fn draft(&self, id: i64, owner: i64, name: String, item: i32) -> RepositoryDraft {
        let (owner_account_id, repo_name, removed_at) = match self.languages {
            Some(_) => (Cell::Unstated(0), Cell::Unstated(String::new()), Cell::Unstated(None)),
            // A payload of the repository itself shows that it is there, unless it says that it is
            // gone. That, and that it is public again, is true when it was received: so a copy of the
            // same time does not decide it.
            None => (Cell::Stated(owner), Cell::Stated(name), self.removed()),
        };
        let set = |stated| if stated { Cell::Stated(()) } else { Cell::Unstated(()) };
        RepositoryDraft {
            id,
            owner_account_id,
            repo_name,
            stars: Cell::of(self.stars),
            forks: Cell::of(self.forks),
            description: Cell::of(self.description.clone()),
            repo_pushed_at: Cell::of(self.pushed_at),
            repo_created_at: Cell::of(self.created_at),
            repo_updated_at: Cell::of(self.updated_at),
            removed_at,
            license: set(self.license.is_some()),
            languages: set(self.languages.is_some()),
            stamp: self.stamp.clone(),
            item,
        }
    }
}

impl Repository {
    fn removed(&self) -> Cell<Option<DateTime<Utc>>> {
        match self.removal {
            None => Cell::Stated(None),
            Some((is_removed, at)) => {
                let stamp = Stamp { as_of: Some(at), ..self.stamp.clone() };
                Cell::StatedAt(is_removed.then_some(at), stamp)
            }
        }
    }
}

/// A repository in a batch, with its owner's account.
#[derive(Debug)]
pub struct Mentioned<'i> {
    /// What is said of it.
    pub repository: &'i Repository,
    /// Its owner.
    pub owner: Handle,
    /// The item's index.
    pub item: i32,
}

/// Reads a repository: `GET /repos/{o}/{r}`, a search item, a webhook's `repository`, our columns.
pub fn read(node: Node<'_>, context: &Context) -> Option<Read<Item>> {
    let repository = read_repository(node, context)?;
    Some(read_as(repository, "repository"))
}

/// Reads the repository that a payload describes or embeds.
pub fn read_repository(node: Node<'_>, context: &Context) -> Option<Repository> {
    let name = name_of(node, context)?;
    let owner = Person::read(node.get("owner")).unwrap_or_else(|| Person::of_login(&name.owner));
    let pushed_at = node.first(&["pushed_at", "repo_pushed_at"]).instant_or_unix().nullable();
    let updated_at = node.first(&["updated_at", "repo_updated_at"]).instant_or_unix().nullable();
    let newest = pushed_at.flatten().max(updated_at.flatten());
    let source_at = context.source_time(newest, node.get("updated_at"));
    let license = node.get("license");
    let repository = Repository {
        id: node.get("id").maybe_id(),
        owner,
        stars: node.first(&["stargazers_count", "stars", "watchers_count"]).count32().or_default(),
        forks: node.first(&["forks_count", "forks"]).count32().or_default(),
        description: node.get("description").text().or_default(),
        pushed_at,
        created_at: node.first(&["created_at", "repo_created_at"]).instant_or_unix().nullable(),
        updated_at,
        license: license.is_stated().then(|| read_license(license)),
        languages: None,
        ..Repository::named(name)
    };
    Some(repository.stamped(source_at, context.as_of))
}

fn name_of(node: Node<'_>, context: &Context) -> Option<RepoName> {
    let stated = ["full_name", "repo"]
        .into_iter()
        .find_map(|key| RepoName::parse(node.get(key).str()?))
        .or_else(|| {
            let owner = node.get("owner");
            let owner = owner.get("login").str().or_else(|| owner.str())?;
            let name = node.first(&["name", "repo_name"]).str()?;
            RepoName::parse(&format!("{owner}/{name}"))
        });
    if let (Some(stated), Some(given)) = (&stated, &context.repo)
        && !stated.same(given)
    {
        node.warn("context_mismatch", format!("The payload is of {stated}; it wins."));
    }
    let name = stated.or_else(|| context.repo.clone());
    if name.is_none() {
        if node.raw().is_some_and(serde_json::Value::is_object) {
            node.get("full_name").fault("missing_field", "The repository's name is missing.");
        } else {
            node.fault("unknown_shape", "A repository is an object.");
        }
    }
    name
}

fn read_license(node: Node<'_>) -> Option<License> {
    if node.is_blank() {
        return None;
    }
    let text = |key| {
        too_long(node.get(key));
        node.get(key).filled_text().unwrap_or_default()
    };
    let spdx_id = text("spdx_id");
    let name =
        Some(text("name")).filter(|name| !name.is_empty()).unwrap_or_else(|| spdx_id.clone());
    if name.is_empty() {
        node.warn("ignored", "A licence without a name and an SPDX id.");
        return None;
    }
    Some(License { name, spdx_id, url: text("url") })
}

/// Reads `GET /repos/{o}/{r}/languages`, bare or in an envelope.
pub fn read_languages(node: Node<'_>, context: &Context) -> Option<Read<Item>> {
    let envelope = node.get("languages");
    let inside = envelope.is_array() || envelope.raw().is_some_and(serde_json::Value::is_object);
    let list = if inside { envelope } else { node };
    // The keys of a bare map are languages, whatever they are called.
    let name = if inside { repository_of(node, context) } else { given_repository(node, context) }?;
    let mut languages: BTreeMap<String, i64> = BTreeMap::new();
    let mut add = |key: &str, at: Node<'_>, count: Node<'_>| {
        let language = key.trim();
        if language.is_empty() {
            at.fault("missing_field", "The language has no name.");
        } else if language.len() > super::KEY_LENGTH {
            at.fault("too_long", "The language's name is longer than 2,000 bytes.");
        } else if let Some(bytes) = count.count64().or_default() {
            languages.insert(language.to_owned(), bytes);
        }
    };
    if let Some(elements) = list.elements() {
        for element in elements {
            let language = element.first(&["language", "name"]);
            add(
                language.str().unwrap_or_default(),
                language,
                element.first(&["line_count", "bytes"]),
            );
        }
    } else if let Some(members) = list.members() {
        for (key, member) in members {
            add(key, member, member);
        }
    } else {
        node.fault("unknown_shape", "Languages are a map of names to bytes.");
        return None;
    }
    let languages: Vec<(String, i64)> = languages.into_iter().collect();
    // No source time: true at `as_of`, else when we received it.
    let source_at = context.as_of.or(Some(context.received_at));
    let repository = Repository { languages: Some(languages), ..Repository::named(name) };
    let repository = repository.stamped(source_at, context.as_of);
    Some(read_as(repository, "languages"))
}

fn read_as(repository: Repository, document: &str) -> Read<Item> {
    let accepted = Accepted {
        key: repository.name.to_string(),
        path: folder(&repository.name).file(document, "json"),
        stamp: repository.stamp.clone(),
    };
    Read { item: Item::Repository(Box::new(repository)), accepted }
}

/// Where the documents of a repository are archived.
pub fn folder(name: &RepoName) -> Folder<'_> {
    Folder::of(TRACKER).said(&name.owner).said(&name.name)
}
