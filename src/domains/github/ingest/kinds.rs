//! The seven GitHub kinds: their names, their words, how each reads an item.

use super::{
    Item, account_item, commits, created_repos, issues, pulls, repositories, repository_of, store,
};
use crate::ingest::{
    kind::{Context, Kind, Known, Location, Read, Spec, Storing, Watermark},
    read::AnyKind,
    tx::Tx,
    value::Node,
};

/// A GitHub kind: all share how their items are stored.
#[derive(Debug)]
pub struct GitHubKind {
    spec: Spec,
    read: fn(Node<'_>, &Context) -> Option<Read<Item>>,
    time: Time,
}

/// Which time of an item a kind's watermark goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Time {
    /// There is no watermark.
    None,
    /// `updated_at` of a repository; all of them are one scope.
    Repository,
    /// When it was committed.
    Commit,
    /// `updated_at` of an issue or pull request.
    Thread,
}

/// Where an item stands in its repository.
fn locate(time: Time, item: Node<'_>, context: &Context) -> Location {
    let info = ["issue_info", "pr_info"].map(|key| item.get(key));
    let info = info.into_iter().find(|info| info.is_stated()).unwrap_or(item);
    let (scope, at) = match time {
        Time::None => return Location::default(),
        Time::Repository => {
            let at = item.first(&["updated_at", "repo_updated_at"]).instant_or_unix();
            (Some("*".to_owned()), at)
        }
        Time::Commit => {
            let commit = item.get("commit");
            let date = |role| commit.get(role).get("date");
            let committed = date("committer");
            let date = if committed.is_filled() { committed } else { date("author") };
            (repository_of(item, context).map(|repo| repo.to_string()), date.instant())
        }
        Time::Thread => {
            let repo = repository_of(info, context).map(|repo| repo.to_string());
            (repo, info.get("updated_at").instant())
        }
    };
    let at = context.source_time(at.value(), info);
    Location { scope, position: at.map(|at| at.timestamp_micros()) }
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

    fn locate(&self, item: Node<'_>, context: &Context) -> Location {
        locate(self.time, item, context)
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

/// SQL that finds a repository by the `repo` of a key, whatever its case.
macro_rules! repository {
    () => {
        "u join github_account a on lower(a.username) = lower(split_part(u.repo, '/', 1)) \
         join github_repository r on r.owner_account_id = a.id \
         and lower(r.repo_name) = lower(split_part(u.repo, '/', 2))"
    };
}

/// SQL of rows of repositories with a time; one that is more than a day ahead of its receipt is
/// none.
macro_rules! rows {
    ($table:literal, $at:literal, $key:literal, $only:literal) => {
        concat!(
            "select a.username || '/' || r.repo_name as scope, t.",
            $at,
            " as at, ",
            $key,
            "::text as key, (extract(epoch from t.",
            $at,
            ") * 1000000)::bigint as position \
             from ",
            $table,
            " t join github_repository r on r.id = t.repo_id \
             join github_account a on a.id = r.owner_account_id \
             left join receipt c on c.number = t.source_receipt \
             where t.",
            $at,
            " <= coalesce(c.received_at, 'infinity') + interval '1 day'",
            $only
        )
    };
}

/// SQL that finds an issue or pull request by repository and number.
macro_rules! numbered {
    ($table:literal, $number:literal, $only:literal) => {
        concat!(
            repository!(),
            " join ",
            $table,
            " t on t.repo_id = r.id and t.",
            $number,
            " = case when u.number ~ '^[0-9]{1,9}$' then u.number::integer end where ",
            $only
        )
    };
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
            watermark: Watermark::None(
                "accounts come with what they did; nothing lists them by time",
            ),
            known: Known {
                key: "{github_account_id}",
                stored: "u join github_account t on t.github_account_id = \
                         case when u.github_account_id ~ '^[0-9]{1,18}$' \
                         then u.github_account_id::bigint end",
                deleted: None,
            },
            ..spec(
                "accounts",
                "Users and organisations: `GET /users/{login}`, simple users, `{\"owner\": user}`.",
            )
        },
        read: account_item::read,
        time: Time::None,
    },
    GitHubKind {
        spec: Spec {
            params: &["repo"],
            schema: include_str!("schema/repositories.json"),
            example: include_str!("example/repositories.json"),
            watermark: Watermark::Of(
                "select '*' as scope, t.repo_updated_at as at, \
                 a.username || '/' || t.repo_name as key, \
                 (extract(epoch from t.repo_updated_at) * 1000000)::bigint as position \
                 from github_repository t join github_account a on a.id = t.owner_account_id \
                 left join receipt c on c.number = t.source_receipt where \
                 t.repo_updated_at <= coalesce(c.received_at, 'infinity') + interval '1 day'",
            ),
            known: Known {
                key: "{repo}",
                stored: concat!(
                    repository!(),
                    " where case when r.column_stamps ? 'stars' \
                     then r.column_stamps->'stars' <> 'null' else r.source_digest <> '' end"
                ),
                deleted: None,
            },
            ..spec(
                "repositories",
                "Repositories with their licence: `GET /repos/{owner}/{repo}`, search results, a \
                 webhook's `repository`.",
            )
        },
        read: repositories::read,
        time: Time::Repository,
    },
    GitHubKind {
        spec: Spec {
            params: &["repo"],
            wrappers: &[],
            source_time: false,
            schema: include_str!("schema/repo-languages.json"),
            example: include_str!("example/repo-languages.json"),
            watermark: Watermark::None("languages have no time of their own"),
            known: Known {
                key: "{repo}",
                stored: concat!(
                    repository!(),
                    " where case when r.column_stamps ? 'languages' \
                     then r.column_stamps->'languages' <> 'null' else r.source_digest <> '' end"
                ),
                deleted: None,
            },
            ..spec(
                "repo-languages",
                "The languages of a repository in bytes: `GET /repos/{owner}/{repo}/languages`. \
                 Languages that are not listed are removed.",
            )
        },
        read: repositories::read_languages,
        time: Time::None,
    },
    GitHubKind {
        spec: Spec {
            wrappers: &["rows"],
            source_time: false,
            schema: include_str!("schema/created-repos-by-language.json"),
            example: include_str!("example/created-repos-by-language.json"),
            watermark: Watermark::None("counts of a year have no time of their own"),
            known: Known {
                key: "{language}:{year}",
                stored: "u join language l on l.name = u.language \
                         join created_repos_by_language t on t.language_id = l.id \
                         and t.year = case when u.year ~ '^[0-9]{1,9}$' then u.year::integer end",
                deleted: None,
            },
            ..spec(
                "created-repos-by-language",
                "How many repositories of a language were created in a year.",
            )
        },
        read: created_repos::read,
        time: Time::None,
    },
    GitHubKind {
        spec: Spec {
            params: &["repo"],
            complete: &["files"],
            schema: include_str!("schema/commits.json"),
            example: include_str!("example/commits.json"),
            watermark: Watermark::Of(rows!("git_commit", "committed_at", "t.commit_hash", "")),
            known: Known {
                key: "{repo}:{sha}",
                stored: concat!(
                    repository!(),
                    " join git_commit t on t.repo_id = r.id and t.commit_hash = lower(u.sha)"
                ),
                deleted: None,
            },
            ..spec(
                "commits",
                "Commits with the files they change: `GET /repos/{owner}/{repo}/commits/{sha}`, or \
                 items of the list of commits.",
            )
        },
        read: commits::read,
        time: Time::Commit,
    },
    GitHubKind {
        spec: Spec {
            params: &["repo"],
            complete: &["comments", "reviews"],
            schema: include_str!("schema/issues.json"),
            example: include_str!("example/issues.json"),
            watermark: Watermark::Of(rows!(
                "issue",
                "issue_updated_at",
                "t.issue_number",
                " and t.source_digest <> ''"
            )),
            known: Known {
                key: "{repo}:{number}",
                stored: numbered!("issue", "issue_number", "t.source_digest <> ''"),
                deleted: Some(("issue", "lower(u.repo) || ':' || u.number")),
            },
            ..spec(
                "issues",
                "Issues with labels, assignees and comments: `{\"issue_info\", \"comments\"}`, or \
                 as REST gives them. Pull requests among them are stored as such.",
            )
        },
        read: issues::read,
        time: Time::Thread,
    },
    GitHubKind {
        spec: Spec {
            params: &["repo"],
            complete: &["comments", "reviews"],
            schema: include_str!("schema/pull-requests.json"),
            example: include_str!("example/pull-requests.json"),
            watermark: Watermark::Of(rows!(
                "pull_request",
                "pr_updated_at",
                "t.pr_number",
                " and t.pr_id > 0"
            )),
            known: Known {
                key: "{repo}:{number}",
                stored: numbered!("pull_request", "pr_number", "t.pr_id > 0"),
                deleted: None,
            },
            ..spec(
                "pull-requests",
                "Pull requests with labels, assignees, comments and reviews: `{\"pr_info\", \
                 \"comments\", \"reviews\", \"review_comments\"}`, or as REST gives them.",
            )
        },
        read: pulls::read,
        time: Time::Thread,
    },
];

/// The kinds, as the pipeline takes them.
pub fn kinds() -> Vec<&'static dyn AnyKind> {
    KINDS.iter().map(|kind| kind as &dyn AnyKind).collect()
}
