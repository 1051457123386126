//! A world as plain rows: what tests write into the tables, and what the naive figures are made of.

use std::fmt::Write as _;

use boost_dashboard::db::Connection;
use chrono::{DateTime, Utc};
use diesel_async::SimpleAsyncConnection as _;

pub(super) type Time = Option<DateTime<Utc>>;

/// A time that a test writes as a date, or as an instant. It is what columns hold that may be null.
#[expect(clippy::unnecessary_wraps, reason = "it is written where a time may be missing")]
pub(super) fn at(text: &str) -> Time {
    let whole = if text.len() == 10 { format!("{text}T00:00:00Z") } else { text.to_owned() };
    Some(whole.parse().unwrap())
}

#[derive(Debug, Clone)]
pub(super) struct Account {
    pub(super) id: i64,
    pub(super) username: String,
    pub(super) display_name: String,
    pub(super) identity: Option<i64>,
}

#[derive(Debug, Clone)]
pub(super) struct Repo {
    pub(super) id: i64,
    pub(super) owner: i64,
    pub(super) name: String,
    pub(super) stars: i64,
    pub(super) created: Time,
    pub(super) pushed: Time,
    /// The version it names, and whether it is said to use Boost; only of external repositories.
    pub(super) external: Option<(String, bool)>,
}

#[derive(Debug, Clone)]
pub(super) struct Version {
    pub(super) id: i64,
    /// Major, minor, patch.
    pub(super) numbers: (i64, i64, i64),
    pub(super) at: Time,
}

#[derive(Debug, Clone)]
pub(super) struct Library {
    pub(super) id: i64,
    pub(super) repo: i64,
    pub(super) name: String,
    /// Version ids with descriptions.
    pub(super) versions: Vec<(i64, String)>,
}

#[derive(Debug, Clone)]
pub(super) struct File {
    pub(super) id: i64,
    pub(super) repo: i64,
    pub(super) name: String,
    /// The library that a Boost file belongs to.
    pub(super) library: Option<i64>,
}

#[derive(Debug, Clone)]
pub(super) struct Usage {
    pub(super) repo: i64,
    pub(super) header: Option<i64>,
    pub(super) file: i64,
    pub(super) committed: Time,
    pub(super) is_excepted: bool,
}

#[derive(Debug, Clone)]
pub(super) struct Dependency {
    pub(super) version: i64,
    pub(super) client: i64,
    pub(super) dep: i64,
}

#[derive(Debug, Clone)]
pub(super) struct Commit {
    pub(super) id: i64,
    pub(super) repo: i64,
    pub(super) account: i64,
    pub(super) at: DateTime<Utc>,
    pub(super) files: Vec<i64>,
}

#[derive(Debug, Clone)]
pub(super) struct LanguageYear {
    pub(super) language: String,
    pub(super) year: i64,
    pub(super) all: i64,
    pub(super) significant: i64,
}

/// All rows.
#[derive(Debug, Clone, Default)]
pub(super) struct Rows {
    /// Ids with display names.
    pub(super) identities: Vec<(i64, String)>,
    pub(super) accounts: Vec<Account>,
    pub(super) repos: Vec<Repo>,
    pub(super) versions: Vec<Version>,
    pub(super) libraries: Vec<Library>,
    pub(super) files: Vec<File>,
    pub(super) usages: Vec<Usage>,
    pub(super) dependencies: Vec<Dependency>,
    pub(super) commits: Vec<Commit>,
    pub(super) languages: Vec<LanguageYear>,
}

fn text(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn time(time: Time) -> String {
    time.map_or_else(|| "null".to_owned(), |time| text(&time.to_rfc3339()))
}

fn id(id: Option<i64>) -> String {
    id.map_or_else(|| "null".to_owned(), |id| id.to_string())
}

/// One `insert`, or nothing.
fn insert(sql: &mut String, into: &str, rows: impl IntoIterator<Item = String>) {
    let rows: Vec<String> = rows.into_iter().map(|row| format!("({row})")).collect();
    if !rows.is_empty() {
        writeln!(sql, "insert into {into} values {};", rows.join(", ")).unwrap();
    }
}

impl Rows {
    /// Writes the rows into empty tables.
    #[expect(clippy::too_many_lines, reason = "one paragraph a table")]
    pub(super) async fn write(&self, connection: &mut Connection) {
        let mut sql = String::new();
        let out = &mut sql;
        insert(
            out,
            "identity (id, display_name)",
            self.identities.iter().map(|(id, name)| format!("{id}, {}", text(name))),
        );
        insert(
            out,
            "base_profile (id, identity_id, type)",
            self.accounts.iter().map(|it| format!("{}, {}, 'github'", it.id, id(it.identity))),
        );
        let account = |it: &Account| {
            format!("{}, {0}, {}, {}", it.id, text(&it.username), text(&it.display_name))
        };
        insert(
            out,
            "github_account (id, github_account_id, username, display_name)",
            self.accounts.iter().map(account),
        );
        let repo = |it: &Repo| {
            let (created, pushed) = (time(it.created), time(it.pushed));
            format!(
                "{}, {}, {}, {}, {created}, {pushed}",
                it.id,
                it.owner,
                text(&it.name),
                it.stars
            )
        };
        insert(
            out,
            "github_repository (id, owner_account_id, repo_name, stars, repo_created_at, repo_pushed_at)",
            self.repos.iter().map(repo),
        );
        let external = |it: &Repo| {
            let (version, is_used) = it.external.as_ref()?;
            Some(format!("{}, {}, {is_used}", it.id, text(version)))
        };
        insert(
            out,
            "boost_external_repository (id, boost_version, is_boost_used)",
            self.repos.iter().filter_map(external),
        );
        let version = |it: &Version| {
            let (major, minor, patch) = it.numbers;
            let key = major * 100_000 + minor * 100 + patch;
            format!("{}, 'boost-{major}.{minor}.{patch}', {}, {key}", it.id, time(it.at))
        };
        insert(
            out,
            "boost_version (id, version, version_created_at, version_key)",
            self.versions.iter().map(version),
        );
        let mut with_libraries: Vec<i64> = self.libraries.iter().map(|it| it.repo).collect();
        with_libraries.sort_unstable();
        with_libraries.dedup();
        insert(out, "boost_library_repository (id)", with_libraries.iter().map(i64::to_string));
        insert(
            out,
            "boost_library (id, repo_id, name)",
            self.libraries.iter().map(|it| format!("{}, {}, {}", it.id, it.repo, text(&it.name))),
        );
        let versions = self.libraries.iter().flat_map(|it| {
            it.versions
                .iter()
                .map(|(version, words)| format!("{}, {version}, {}", it.id, text(words)))
        });
        insert(out, "boost_library_version (library_id, version_id, description)", versions);
        insert(
            out,
            "github_file (id, repo_id, filename)",
            self.files.iter().map(|it| format!("{}, {}, {}", it.id, it.repo, text(&it.name))),
        );
        let headers =
            self.files.iter().filter_map(|it| Some(format!("{}, {}", it.id, it.library?)));
        insert(out, "boost_file (id, library_id)", headers);
        let usage = |it: &Usage| {
            let excepted = if it.is_excepted { "'2024-01-01'" } else { "null" };
            let header = id(it.header);
            format!("{}, {header}, {}, {}, {excepted}", it.repo, it.file, time(it.committed))
        };
        insert(
            out,
            "boost_usage (repo_id, boost_header_id, file_path_id, last_commit_date, excepted_at)",
            self.usages.iter().map(usage),
        );
        insert(
            out,
            "boost_dependency (client_library_id, version_id, dep_library_id)",
            self.dependencies.iter().map(|it| format!("{}, {}, {}", it.client, it.version, it.dep)),
        );
        let commit = |it: &Commit| {
            format!("{}, {}, {}, 'sha{0}', {}", it.id, it.repo, it.account, time(Some(it.at)))
        };
        insert(
            out,
            "git_commit (id, repo_id, account_id, commit_hash, commit_at)",
            self.commits.iter().map(commit),
        );
        let changes = self.commits.iter().flat_map(|commit| {
            commit.files.iter().map(|file| format!("{}, {file}, 'modified'", commit.id))
        });
        insert(out, "git_commit_file_change (commit_id, github_file_id, status)", changes);
        let mut names: Vec<&str> = self.languages.iter().map(|it| it.language.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        insert(out, "language (name)", names.into_iter().map(text));
        let year = |it: &LanguageYear| {
            let language = format!("(select id from language where name = {})", text(&it.language));
            format!("{language}, {}, {}, {}", it.year, it.all, it.significant)
        };
        insert(
            out,
            "created_repos_by_language (language_id, year, all_repos, significant_repos)",
            self.languages.iter().map(year),
        );
        if !sql.is_empty() {
            connection.batch_execute(&sql).await.unwrap();
        }
    }
}
