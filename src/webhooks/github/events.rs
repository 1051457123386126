//! What each event of GitHub means: the items of the payload kinds that it holds.

use super::{mirror, push};
use crate::{
    domains::{
        boost::ingest::{
            self as boost,
            version::Spelling,
            versions::{self, Release},
        },
        clang::ingest as clang,
        github::ingest::{
            Item,
            account_item::Account,
            comments::Comment,
            issues,
            label_edits::LabelEdit,
            person::Person,
            pulls::{self, Pull},
            removals::{Gone, Removal},
            repositories::{self, Repository},
            reviews,
            transfers::Transfer,
        },
    },
    ingest::{
        kind::{Context, Read},
        repo_name::RepoName,
        stamp::Stamp,
        value::Node,
    },
};

/// Something that an event says.
#[derive(Debug)]
pub enum Part {
    /// An item of a github kind.
    GitHub(Item),
    /// A release of Boost.
    Version(Release),
    /// A commit of the Clang mirror.
    MirrorCommit(clang::commits::Commit),
    /// An issue or pull request of the Clang mirror.
    MirrorItem(clang::items::IssueItem),
}

/// The events whose meaning we know, also where it is that they make no rows.
const EVENTS: [&str; 17] = [
    "commit_comment",
    "create",
    "delete",
    "fork",
    "issue_comment",
    "issues",
    "label",
    "member",
    "ping",
    "public",
    "pull_request",
    "pull_request_review",
    "pull_request_review_comment",
    "push",
    "release",
    "repository",
    "star",
];

/// Whether an event is one of those.
pub fn is_known(event: &str) -> bool {
    EVENTS.contains(&event)
}

/// Reads an event. Nothing in it: it makes no rows, and a warning says why. None: it is faulty.
pub fn read(event: &str, node: Node<'_>, context: &Context) -> Option<Vec<Part>> {
    let full_name = node.get("repository").get("full_name");
    let repo = full_name.str().and_then(RepoName::parse);
    let is_mirror = repo.as_ref().is_some_and(|repo| repo.same(&context.clang_mirror));
    // What is embedded belongs to the event's repository, where it does not say to which.
    let context = Context { repo, as_of: None, ..context.clone() };
    if is_mirror {
        return mirror::read(event, node, &context);
    }
    let said = Said { node, action: node.get("action").str().unwrap_or_default(), context };
    match event {
        "issues" => said.issue(),
        "issue_comment" => said.comment(),
        "pull_request" => Some(vec![part(said.pull()?)]),
        "pull_request_review" => said.review(),
        "pull_request_review_comment" => said.review_comment(),
        "push" => push::read(node, &said.context),
        "commit_comment" => {
            let comment = node.get("comment");
            let at = comment.first(&["updated_at", "created_at"]);
            let at = said.context.source_time(at.instant().value(), at);
            Some(Said::mention(comment.get("user"), at))
        }
        "member" => Some(Said::mention(node.get("member"), None)),
        "label" => said.label(),
        "repository" => said.repository_event(),
        "star" | "fork" | "public" => Some(vec![part(said.repository()?)]),
        "release" if matches!(said.action, "published" | "released") => {
            let release = node.get("release");
            let mut parts = said.version(release, release.get("tag_name"))?;
            parts.push(part(said.repository()?));
            Some(parts)
        }
        "create" if said.is_of_boost() && node.get("ref_type").str() == Some("tag") => {
            said.version(node, node.get("ref"))
        }
        "create" | "delete" | "ping" | "release" => Some(ignored(node, "The event makes no rows.")),
        _ => Some(ignored(node, "The event is none of those that are stored; it is archived.")),
    }
}

/// An event that makes no rows.
pub fn ignored(node: Node<'_>, why: &str) -> Vec<Part> {
    node.warn("ignored", why);
    Vec::new()
}

/// A part of an event.
pub fn part(item: Item) -> Part {
    Part::GitHub(item)
}

/// An event with its action.
struct Said<'v> {
    node: Node<'v>,
    action: &'v str,
    context: Context,
}

impl Said<'_> {
    fn item(read: Read<Item>) -> Item {
        read.item
    }

    fn issue(&self) -> Option<Vec<Part>> {
        let issue = self.node.get("issue");
        match self.action {
            "deleted" => Some(vec![part(self.removal(Gone::Issue, issue)?)]),
            "transferred" => {
                let changes = self.node.get("changes");
                let (now, there) = (changes.get("new_issue"), changes.get("new_repository"));
                if !now.is_filled() {
                    return Some(ignored(changes, "The event does not say what the issue is now."));
                }
                let (from, repo) = (issue.get("id").id()?, self.repo()?);
                let name = there.get("full_name").str().and_then(RepoName::parse);
                let context = Context { repo: name, ..self.context.clone() };
                let Item::Issue(now) = issues::read_issue(now, &context)?.item else { return None };
                let transfer = Item::Transfer(Transfer { from, to: now.id, repo });
                Some(vec![part(Item::Issue(now)), part(transfer)])
            }
            _ => Some(vec![part(issues::read_issue(issue, &self.context)?.item)]),
        }
    }

    /// A comment of an issue, or of a pull request: then the issue is a list item of it.
    fn comment(&self) -> Option<Vec<Part>> {
        let (issue, comment) = (self.node.get("issue"), self.node.get("comment"));
        let is_pull = issue.get("pull_request").is_filled();
        let read = if is_pull { pulls::read_pull } else { issues::read_issue };
        let mut item = Self::item(read(issue, &self.context)?);
        if self.action == "deleted" {
            let what = if is_pull { Gone::PullComment } else { Gone::IssueComment };
            return Some(vec![part(item), part(self.removal(what, comment)?)]);
        }
        let thread = match &mut item {
            Item::Issue(issue) => &mut issue.thread,
            Item::Pull(pull) => &mut pull.thread,
            _ => return None,
        };
        thread.comments = Some(vec![Comment::read(comment, thread, &self.context)?]);
        Some(vec![part(item)])
    }

    fn pull(&self) -> Option<Item> {
        Some(pulls::read_pull(self.node.get("pull_request"), &self.context)?.item)
    }

    fn review(&self) -> Option<Vec<Part>> {
        self.reviewed(self.node.get("review"))
    }

    fn review_comment(&self) -> Option<Vec<Part>> {
        let comment = self.node.get("comment");
        if self.action == "deleted" {
            let removal = self.removal(Gone::ReviewComment, comment)?;
            return Some(vec![part(self.pull()?), part(removal)]);
        }
        self.reviewed(comment)
    }

    /// The pull request with one review or review comment of it.
    fn reviewed(&self, review: Node<'_>) -> Option<Vec<Part>> {
        let Item::Pull(mut pull) = self.pull()? else { return None };
        let Pull { thread, reviews, .. } = &mut *pull;
        *reviews = Some(reviews::read_one(review, thread, &self.context).into_iter().collect());
        Some(vec![part(Item::Pull(pull))])
    }

    fn removal(&self, what: Gone, object: Node<'_>) -> Option<Item> {
        let (id, repo) = (object.get("id").id(), self.repo());
        let number = object.get("number").maybe_id();
        Some(Item::Removal(Removal { what, id: id?, number, repo: repo? }))
    }

    /// Somebody whom an event names.
    fn mention(user: Node<'_>, at: Option<chrono::DateTime<chrono::Utc>>) -> Vec<Part> {
        let Some(person) = Person::read(user) else {
            return ignored(user, "The event names nobody.");
        };
        let stamp = Stamp { source_at: at, ..Stamp::BOTTOM };
        vec![part(Item::Account(Box::new(Account { person, address: None, stamp })))]
    }

    fn label(&self) -> Option<Vec<Part>> {
        let from = match self.action {
            "edited" => self.node.get("changes").get("name").get("from"),
            "deleted" => self.node.get("label").get("name"),
            _ => return Some(ignored(self.node, "The event makes no rows.")),
        };
        if !from.is_stated() {
            return Some(ignored(self.node, "The label's name did not change."));
        }
        let name = |node: Node<'_>| {
            let name = node.str().map(str::trim).filter(|name| !name.is_empty());
            if name.is_none() {
                node.fault("missing_field", "The label has no name.");
            }
            name.map(str::to_owned)
        };
        let to = match self.action {
            "edited" => Some(name(self.node.get("label").get("name"))?),
            _ => None,
        };
        Some(vec![part(Item::LabelEdit(Box::new(LabelEdit {
            repo: self.repo()?,
            github_id: self.node.get("repository").get("id").id()?,
            from: name(from)?,
            to,
            at: self.context.received_at,
        })))])
    }

    fn is_of_boost(&self) -> bool {
        let boost = RepoName { owner: boost::OWNER.to_owned(), name: "boost".to_owned() };
        self.context.repo.as_ref().is_some_and(|repo| repo.same(&boost))
    }

    /// The version that a tag or release of Boost is, if it is one.
    fn version(&self, node: Node<'_>, name: Node<'_>) -> Option<Vec<Part>> {
        if !self.is_of_boost() {
            return Some(Vec::new());
        }
        if let Some(text) = name.str()
            && matches!(Spelling::of(text), Spelling::OutOfRange)
        {
            name.warn("not_a_release", format!("`{text}` is no release of Boost; it is ignored."));
            return Some(Vec::new());
        }
        Some(vec![Part::Version(versions::read(node, &self.context)?.item)])
    }

    fn repo(&self) -> Option<RepoName> {
        if self.context.repo.is_none() {
            let name = self.node.get("repository").get("full_name");
            name.fault("missing_field", "The event does not say of which repository it is.");
        }
        self.context.repo.clone()
    }

    fn repository(&self) -> Option<Item> {
        let repository = repository(self.node.get("repository"), &self.context)?;
        Some(Item::Repository(Box::new(repository)))
    }

    fn repository_event(&self) -> Option<Vec<Part>> {
        let mut repository = repository(self.node.get("repository"), &self.context)?;
        let changes = self.node.get("changes");
        match self.action {
            "deleted" | "privatized" => {
                repository.removal = Some((true, self.context.received_at));
            }
            "publicized" => repository.removal = Some((false, self.context.received_at)),
            "renamed" => {
                let name = changes.get("repository").get("name").get("from").str();
                let owner = &repository.name.owner;
                repository.former = name.map(|name| {
                    let name = RepoName { owner: owner.clone(), name: name.to_owned() };
                    (name, repository.owner.clone())
                });
            }
            "transferred" => {
                let owner = changes.get("owner").get("from").first(&["organization", "user"]);
                repository.former = Person::read(owner).and_then(|person| {
                    let owner = person.login.clone()?;
                    Some((RepoName { owner, name: repository.name.name.clone() }, person))
                });
            }
            _ => {}
        }
        if repository.former.is_some() {
            // Of statements of one time this is the one that knows of the new name.
            repository.stamp.rank = 1;
        }
        Some(vec![part(Item::Repository(Box::new(repository)))])
    }
}

/// The repository of an event. That of a push gives the owner's login as its name, too.
pub fn repository(node: Node<'_>, context: &Context) -> Option<Repository> {
    let mut repository = repositories::read_repository(node, context)?;
    if repository.owner.display_name == repository.owner.login {
        repository.owner.display_name = None;
    }
    Some(repository)
}
