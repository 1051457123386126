//! The seven GitHub kinds: their names, their words, how each reads an item.

use super::{Item, account_item, commits, created_repos, issues, pulls, repositories, store};
use crate::ingest::{
    kind::{Context, Kind, Read, Spec, Storing},
    read::AnyKind,
    tx::Tx,
    value::Node,
};

/// A GitHub kind: all share how their items are stored.
#[derive(Debug)]
pub struct GitHubKind {
    spec: Spec,
    read: fn(Node<'_>, &Context) -> Option<Read<Item>>,
}

impl Kind for GitHubKind {
    type Item = Item;

    fn spec(&self) -> &'static Spec {
        KINDS
            .iter()
            .map(|kind| &kind.spec)
            .find(|spec| spec.name == self.spec.name)
            .unwrap_or(&KINDS[0].spec)
    }

    fn read(&self, item: Node<'_>, context: &Context) -> Option<Read<Item>> {
        (self.read)(item, context)
    }

    fn store<'a>(
        &'a self,
        tx: &'a mut Tx<'_>,
        items: &'a [(i32, &'a Item)],
        context: &'a Context,
    ) -> Storing<'a> {
        Box::pin(store::store(tx, items, context))
    }
}

const fn spec(name: &'static str, doc: &'static str) -> Spec {
    Spec { wrappers: &["items"], ..Spec::new("github", name, doc) }
}

/// Every GitHub kind. A new one is a line here and a file beside this one.
static KINDS: [GitHubKind; 7] = [
    GitHubKind {
        spec: Spec {
            schema: include_str!("schema/accounts.json"),
            example: include_str!("example/accounts.json"),
            ..spec(
                "accounts",
                "Users and organisations: `GET /users/{login}`, simple users, `{\"owner\": user}`.",
            )
        },
        read: account_item::read,
    },
    GitHubKind {
        spec: Spec {
            params: &["repo"],
            schema: include_str!("schema/repositories.json"),
            example: include_str!("example/repositories.json"),
            ..spec(
                "repositories",
                "Repositories with their licence: `GET /repos/{owner}/{repo}`, search results, a \
                 webhook's `repository`.",
            )
        },
        read: repositories::read,
    },
    GitHubKind {
        spec: Spec {
            params: &["repo"],
            wrappers: &[],
            source_time: false,
            schema: include_str!("schema/repo-languages.json"),
            example: include_str!("example/repo-languages.json"),
            ..spec(
                "repo-languages",
                "The languages of a repository in bytes: `GET /repos/{owner}/{repo}/languages`. \
                 Languages that are not listed are removed.",
            )
        },
        read: repositories::read_languages,
    },
    GitHubKind {
        spec: Spec {
            wrappers: &["rows"],
            source_time: false,
            schema: include_str!("schema/created-repos-by-language.json"),
            example: include_str!("example/created-repos-by-language.json"),
            ..spec(
                "created-repos-by-language",
                "How many repositories of a language were created in a year.",
            )
        },
        read: created_repos::read,
    },
    GitHubKind {
        spec: Spec {
            params: &["repo"],
            complete: &["files"],
            schema: include_str!("schema/commits.json"),
            example: include_str!("example/commits.json"),
            ..spec(
                "commits",
                "Commits with the files they change: `GET /repos/{owner}/{repo}/commits/{sha}`, or \
                 items of the list of commits.",
            )
        },
        read: commits::read,
    },
    GitHubKind {
        spec: Spec {
            params: &["repo"],
            complete: &["comments", "reviews"],
            schema: include_str!("schema/issues.json"),
            example: include_str!("example/issues.json"),
            ..spec(
                "issues",
                "Issues with labels, assignees and comments: `{\"issue_info\", \"comments\"}`, or \
                 as REST gives them. Pull requests among them are stored as such.",
            )
        },
        read: issues::read,
    },
    GitHubKind {
        spec: Spec {
            params: &["repo"],
            complete: &["comments", "reviews"],
            schema: include_str!("schema/pull-requests.json"),
            example: include_str!("example/pull-requests.json"),
            ..spec(
                "pull-requests",
                "Pull requests with labels, assignees, comments and reviews: `{\"pr_info\", \
                 \"comments\", \"reviews\", \"review_comments\"}`, or as REST gives them.",
            )
        },
        read: pulls::read,
    },
];

/// The kinds, as the pipeline takes them.
pub fn kinds() -> Vec<&'static dyn AnyKind> {
    KINDS.iter().map(|kind| kind as &dyn AnyKind).collect()
}
