//! The three Clang kinds: their names, their words, how each reads an item.

use super::{
    commits::{self, Commit},
    items::{self, IssueItem},
};
use crate::ingest::{
    kind::{Context, Kind, Known, Location, Read, Spec, Storing, Watermark},
    read::AnyKind,
    tx::Tx,
    value::Node,
};

const fn spec(name: &'static str, doc: &'static str) -> Spec {
    Spec { wrappers: &["items"], params: &["repo"], ..Spec::new("clang", name, doc) }
}

/// Commits of the mirror.
#[derive(Debug)]
pub struct Commits;

static COMMITS: Spec = Spec {
    schema: include_str!("schema/commits.json"),
    example: include_str!("example/commits.json"),
    watermark: Watermark::Of(
        "select split_part(raw_path, '/', 3) || '/' || split_part(raw_path, '/', 4) as scope, \
         github_committed_at as at, sha as key, \
         (extract(epoch from github_committed_at) * 1000000)::bigint as position \
         from clang_github_commit \
         where github_committed_at <= updated_at + interval '1 day'",
    ),
    known: Known {
        key: "{sha}",
        stored: "u join clang_github_commit c on c.sha = lower(trim(u.sha))",
        deleted: None,
    },
    ..spec(
        "commits",
        "Commits of the Clang mirror: `GET /repos/{owner}/{repo}/commits/{sha}`, or items of the \
         list of commits. Another repository is refused.",
    )
};

impl Kind for Commits {
    type Item = Commit;

    fn spec(&self) -> &'static Spec {
        &COMMITS
    }

    fn read(&self, item: Node<'_>, context: &Context) -> Option<Read<Commit>> {
        commits::read(item, context)
    }

    fn locate(&self, item: Node<'_>, context: &Context) -> Location {
        commits::locate(item, context)
    }

    fn store<'a>(
        &'a self,
        tx: &'a mut Tx<'_>,
        items: &'a [(i32, &'a Commit)],
        _: &'a Context,
    ) -> Storing<'a> {
        Box::pin(commits::store(tx, items))
    }
}

/// Issues, or pull requests, of the mirror.
#[derive(Debug)]
pub struct IssueItems {
    /// Whether pull requests are expected.
    pulls: bool,
}

static ISSUES: Spec = Spec {
    schema: include_str!("schema/issues.json"),
    example: include_str!("example/issues.json"),
    watermark: Watermark::Of(
        "select split_part(raw_path, '/', 3) || '/' || split_part(raw_path, '/', 4) as scope, \
         github_updated_at as at, number::text as key, \
         (extract(epoch from github_updated_at) * 1000000)::bigint as position \
         from clang_github_issue_item \
         where not is_pull_request and github_updated_at <= updated_at + interval '1 day'",
    ),
    known: Known {
        key: "{number}",
        stored: "u join clang_github_issue_item i on not i.is_pull_request and i.number = \
                 case when u.number ~ '^[0-9]{1,18}$' then u.number::bigint end",
        deleted: None,
    },
    ..spec(
        "issues",
        "Issues of the Clang mirror: `{\"issue_info\", \"comments\"}`, or as REST gives them. Only \
         their times are stored; the text stays in the archive.",
    )
};

static PULLS: Spec = Spec {
    schema: include_str!("schema/pull-requests.json"),
    example: include_str!("example/pull-requests.json"),
    watermark: Watermark::Of(
        "select split_part(raw_path, '/', 3) || '/' || split_part(raw_path, '/', 4) as scope, \
         github_updated_at as at, number::text as key, \
         (extract(epoch from github_updated_at) * 1000000)::bigint as position \
         from clang_github_issue_item \
         where is_pull_request and github_updated_at <= updated_at + interval '1 day'",
    ),
    known: Known {
        key: "{number}",
        stored: "u join clang_github_issue_item i on i.is_pull_request and i.number = \
                 case when u.number ~ '^[0-9]{1,18}$' then u.number::bigint end",
        deleted: None,
    },
    ..spec(
        "pull-requests",
        "Pull requests of the Clang mirror: `{\"pr_info\", \"comments\", \"reviews\"}`, or as REST \
         gives them. Only their times are stored; the text stays in the archive.",
    )
};

impl Kind for IssueItems {
    type Item = IssueItem;

    fn spec(&self) -> &'static Spec {
        if self.pulls { &PULLS } else { &ISSUES }
    }

    fn read(&self, item: Node<'_>, context: &Context) -> Option<Read<IssueItem>> {
        items::read(item, context, self.pulls)
    }

    fn locate(&self, item: Node<'_>, context: &Context) -> Location {
        items::locate(item, context)
    }

    fn store<'a>(
        &'a self,
        tx: &'a mut Tx<'_>,
        items: &'a [(i32, &'a IssueItem)],
        _: &'a Context,
    ) -> Storing<'a> {
        Box::pin(items::store(tx, items))
    }
}

/// The kinds, as the pipeline takes them.
pub fn kinds() -> Vec<&'static dyn AnyKind> {
    vec![&Commits, &IssueItems { pulls: false }, &IssueItems { pulls: true }]
}
