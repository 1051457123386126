//! The rows of a test, without what is ours alone: surrogate ids are replaced by natural keys, and
//! bookkeeping is left out. Two databases with equal rows here have taken in the same.

use crate::support::TestDb;
use boost_dashboard::db::sql::{Row, Statement, Value};
use diesel_async::RunQueryDsl as _;

/// How accounts, repositories and files are named by others.
const NAMES: &str = "with account as (
    select id, case when github_account_id > 0 then github_account_id::text else stub_key end as key
    from github_account
), repo as (
    select r.id, o.key || '/' || r.repo_name as key
    from github_repository r join account o on o.id = r.owner_account_id
), pull as (
    select p.id, r.key || '#' || p.pr_number as key
    from pull_request p join repo r on r.id = p.repo_id
) ";

/// Each table: the natural key, and every column that a payload decides.
const TABLES: &[(&str, &str)] = &[
    ("base_profile", "select a.key, p.type from base_profile p left join account a using (id)"),
    (
        "github_account",
        "select k.key, a.username, a.display_name, a.avatar_url, a.type from github_account a \
         join account k using (id)",
    ),
    (
        "email",
        "select a.key, e.email_lower, e.email, e.is_primary, e.is_active, e.last_seen_at \
         from email e join account a on a.id = e.base_profile_id",
    ),
    (
        "github_repository",
        "select k.key, r.github_repo_id, r.stars, r.forks, r.description, r.repo_pushed_at, \
         r.repo_created_at, r.repo_updated_at, r.removed_at from github_repository r join repo k using (id)",
    ),
    ("language", "select name from language"),
    ("license", "select name, spdx_id, url from license"),
    (
        "repo_language",
        "select r.key, l.name, c.line_count from repo_language c join repo r on r.id = c.repo_id \
         join language l on l.id = c.language_id",
    ),
    (
        "repo_license",
        "select r.key, l.name from repo_license c join repo r on r.id = c.repo_id \
         join license l on l.id = c.license_id",
    ),
    (
        "created_repos_by_language",
        "select l.name, c.year, c.all_repos, c.significant_repos from created_repos_by_language c \
         join language l on l.id = c.language_id",
    ),
    (
        "git_commit",
        "select r.key, c.commit_hash, a.key as account, c.comment, c.commit_at, c.committed_at \
         from git_commit c join repo r on r.id = c.repo_id join account a on a.id = c.account_id",
    ),
    (
        "github_file",
        "select r.key, f.filename, f.is_deleted, b.filename as before from github_file f \
         join repo r on r.id = f.repo_id left join github_file b on b.id = f.previous_filename_id",
    ),
    (
        "git_commit_file_change",
        "select r.key, c.commit_hash, f.filename, x.status, x.additions, x.deletions, md5(x.patch) as patch \
         from git_commit_file_change x join git_commit c on c.id = x.commit_id \
         join repo r on r.id = c.repo_id join github_file f on f.id = x.github_file_id",
    ),
    (
        "issue",
        "select i.issue_id, r.key as repo, i.issue_number, a.key as account, i.title, i.body, \
         i.state, i.state_reason, i.issue_created_at, i.issue_updated_at, i.issue_closed_at \
         from issue i join repo r on r.id = i.repo_id join account a on a.id = i.account_id",
    ),
    (
        "issue_label",
        "select i.issue_id, c.label_name from issue_label c join issue i on i.id = c.issue_id",
    ),
    (
        "issue_assignee",
        "select i.issue_id, a.key from issue_assignee c join issue i on i.id = c.issue_id \
         join account a on a.id = c.account_id",
    ),
    (
        "issue_comment",
        "select c.issue_comment_id, i.issue_id, a.key as account, c.body, \
         c.issue_comment_created_at, c.issue_comment_updated_at from issue_comment c \
         join issue i on i.id = c.issue_id join account a on a.id = c.account_id",
    ),
    (
        "pull_request",
        "select k.key, greatest(p.pr_id, 0) as pr_id, a.key as account, p.title, p.body, p.state, \
         p.head_hash, p.base_hash, p.pr_created_at, p.pr_updated_at, p.pr_merged_at, \
         p.pr_closed_at from pull_request p join pull k using (id) \
         join account a on a.id = p.account_id",
    ),
    (
        "pull_request_label",
        "select k.key, c.label_name from pull_request_label c join pull k on k.id = c.pr_id",
    ),
    (
        "pull_request_assignee",
        "select k.key, a.key as account from pull_request_assignee c \
         join pull k on k.id = c.pr_id join account a on a.id = c.account_id",
    ),
    (
        "pull_request_comment",
        "select c.pr_comment_id, k.key, a.key as account, c.body, c.pr_comment_created_at, \
         c.pr_comment_updated_at from pull_request_comment c join pull k on k.id = c.pr_id \
         join account a on a.id = c.account_id",
    ),
    (
        "pull_request_review",
        "select c.pr_review_id, k.key, a.key as account, c.kind, c.review_state, c.path, c.body, \
         c.in_reply_to_id, c.pr_review_created_at, c.pr_review_updated_at \
         from pull_request_review c join pull k on k.id = c.pr_id \
         join account a on a.id = c.account_id",
    ),
];

pub(super) async fn texts(db: &TestDb, sql: String) -> Vec<String> {
    let mut conn = db.pool().get().await.unwrap();
    let rows: Vec<Row> = Statement::new(sql).once().load(&mut conn).await.unwrap();
    rows.into_iter()
        .map(|row| match row.0.into_iter().next() {
            Some(Value::Text(text)) => text,
            other => panic!("{other:?} is no text"),
        })
        .collect()
}

/// Every row by natural key: `table {…}`, sorted.
pub(super) async fn dump(db: &TestDb) -> Vec<String> {
    select(db, TABLES.iter().map(|(table, _)| *table)).await
}

/// The rows of some tables.
pub(super) async fn select(db: &TestDb, tables: impl IntoIterator<Item = &str>) -> Vec<String> {
    let union: Vec<String> = tables
        .into_iter()
        .map(|wanted| {
            let (table, rows) = TABLES.iter().find(|(table, _)| *table == wanted).unwrap();
            format!("select '{table} ' || to_jsonb(x)::text as line from ({rows}) x")
        })
        .collect();
    let union = union.join(" union all ");
    texts(db, format!("{NAMES} select line from ({union}) a order by line collate \"C\"")).await
}

/// Every row with every column but the stamps: ids and dates of ours too.
pub(super) async fn exact(db: &TestDb) -> Vec<String> {
    let union: Vec<String> = TABLES
        .iter()
        .map(|(table, _)| {
            let stamps = "source_at source_rank source_as_of source_digest source_receipt \
                          source_item column_stamps";
            let stamps = stamps.replace(' ', "' - '");
            format!("select '{table} ' || (to_jsonb(x) - '{stamps}')::text as line from {table} x")
        })
        .collect();
    let union = union.join(" union all ");
    texts(db, format!("select line from ({union}) a order by line collate \"C\"")).await
}

/// Deletes every row, for the next case of a test.
pub(super) async fn wipe(db: &TestDb) {
    let tables = "base_profile, language, license, receipt, dead_letter, drift, tombstone";
    let mut conn = db.pool().get().await.unwrap();
    for table in tables.split(", ") {
        Statement::new(format!("delete from {table}")).execute(&mut conn).await.unwrap();
    }
}

/// Where two dumps differ, if they do.
pub(super) fn difference(left: &[String], right: &[String]) -> Option<String> {
    let lacks = |from: &[String], of: &[String]| {
        let lines = from.iter().filter(|line| !of.contains(line)).map(String::as_str);
        lines.take(12).collect::<Vec<_>>().join("\n    ")
    };
    (left != right).then(|| {
        let (left, right) = (lacks(left, right), lacks(right, left));
        format!("\n  only left:\n    {left}\n  only right:\n    {right}")
    })
}

/// Two dumps are equal; else shows where they differ.
#[track_caller]
pub(super) fn assert_same(left: &[String], right: &[String], what: &str) {
    if let Some(difference) = difference(left, right) {
        panic!("{what}{difference}");
    }
}
