//! People in GitHub payloads: who a user object, or a commit's author, is.

use serde::Serialize;

use crate::{
    domains::{
        github::ingest::{KEY_LENGTH, text_number},
        users::{
            enums::GitHubAccountType,
            ingest::{email, name::fold},
        },
    },
    ingest::value::Node,
};

/// GitHub's account of deleted users.
pub const GHOST_ID: i64 = 10_137;

/// What tells an account from others.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum Who {
    /// GitHub's id.
    Id(#[serde(serialize_with = "text_number")] i64),
    /// A lower-cased login without an id.
    Login(String),
    /// A person without an account: `email:<address>` or `name:<folded name>`.
    Unknown(String),
}

/// An account as one payload mentions it. What is `None` is not stated.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Person {
    /// Which account.
    pub who: Who,
    /// The login.
    pub login: Option<String>,
    /// The full name.
    pub display_name: Option<String>,
    /// The picture.
    pub avatar_url: Option<String>,
    /// User, organisation or enterprise.
    pub account_type: Option<GitHubAccountType>,
}

impl Person {
    /// The account that stands for every deleted one.
    pub fn ghost() -> Self {
        Self {
            who: Who::Id(GHOST_ID),
            login: Some("ghost".into()),
            display_name: Some("Deleted user".into()),
            avatar_url: None,
            account_type: Some(GitHubAccountType::User),
        }
    }

    /// An owner of whom only the login is known.
    pub fn of_login(login: &str) -> Self {
        Self {
            who: Who::Login(login.to_lowercase()),
            login: Some(login.to_owned()),
            display_name: None,
            avatar_url: None,
            account_type: None,
        }
    }

    /// A user object with an id or a login; null, `{}` and anything else is nobody.
    pub fn read(node: Node<'_>) -> Option<Self> {
        if !node.is_filled() {
            return None;
        }
        let id = node.first(&["id", "github_account_id"]).maybe_id();
        let login = node.first(&["login", "username"]);
        too_long(login);
        let login = login.str().map(str::trim).unwrap_or_default();
        let who = match id {
            Some(id) => Who::Id(id),
            None if login.is_empty() => return None,
            None => Who::Login(login.to_lowercase()),
        };
        let text = |keys: &[&'static str]| node.first(keys).filled_text();
        Some(Self {
            who,
            login: Some(login.to_owned()).filter(|login| !login.is_empty()),
            display_name: text(&["name", "display_name"]),
            avatar_url: text(&["avatar_url"]),
            account_type: text(&["type", "account_type"]).map(|name| account_type(&name)),
        })
    }

    /// A person without an account, known by an address, else by a name.
    pub fn unknown(address: Option<&str>, name: Option<&str>) -> Self {
        let name = name.map(str::trim).filter(|name| !name.is_empty());
        let key = match address {
            Some(address) => format!("email:{}", address.to_lowercase()),
            None => format!("name:{}", name.map_or_else(|| "unknown".into(), fold)),
        };
        Self {
            who: Who::Unknown(key),
            login: None,
            display_name: name.map(str::to_owned),
            avatar_url: None,
            account_type: Some(GitHubAccountType::User),
        }
    }
}

/// Bots, mannequins and what GitHub invents next are users.
fn account_type(name: &str) -> GitHubAccountType {
    match name.trim().to_ascii_lowercase().as_str() {
        "organization" | "org" => GitHubAccountType::Organization,
        "enterprise" => GitHubAccountType::Enterprise,
        _ => GitHubAccountType::User,
    }
}

/// Whose commit it is, and the address that comes with it.
#[derive(Debug)]
pub struct Author {
    /// The account.
    pub person: Person,
    /// Whether it is a real account, not one made from an address or a name.
    pub real: bool,
    /// The address of the person so chosen.
    pub address: Option<String>,
}

impl Author {
    /// The author object; else the account that a noreply address proves; else the committer object,
    /// unless it is GitHub's own merge button; else a person without an account.
    pub fn read(commit: Node<'_>) -> Self {
        let address = |role: &'static str| address(commit.get("commit").get(role).get("email"));
        let name = commit.get("commit").get("author").get("name").str();
        if let Some(person) = Person::read(commit.get("author")) {
            return Self { person, real: true, address: address("author") };
        }
        let written = address("author");
        if let Some((id, login)) = written.as_deref().and_then(email::noreply_account) {
            let person = Person { who: Who::Id(id), ..Person::of_login(login) };
            return Self { person, real: true, address: written };
        }
        let committer = Person::read(commit.get("committer"))
            .filter(|person| person.login.as_deref() != Some("web-flow"));
        if let Some(person) = committer {
            return Self { person, real: true, address: address("committer") };
        }
        let given = written.or_else(|| address("committer"));
        if given.is_none() {
            too_long(commit.get("commit").get("author").get("name"));
        }
        Self { person: Person::unknown(given.as_deref(), name), real: false, address: given }
    }
}

/// Faults a text that is too long to be part of a key.
pub fn too_long(node: Node<'_>) {
    if node.str().is_some_and(|text| text.len() > KEY_LENGTH) {
        node.fault("too_long", "This text is at most 2,000 bytes.");
    }
}

/// The address at a node; one that is none is noted and left out.
pub fn address(node: Node<'_>) -> Option<String> {
    let text = node.str().map(str::trim).filter(|text| !text.is_empty())?;
    let valid = email::valid(text);
    if valid.is_none() {
        node.warn("bad_address", "This is not an e-mail address; it was not recorded.");
    }
    valid.map(str::to_owned)
}
