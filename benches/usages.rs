//! A list of a million usages in CSV.

use std::fmt::Write as _;

use crate::{bulk::Bulk, copy};

const ROWS: usize = 1_000_000;
/// Rows of a file, files of a repository, and the headers of Boost.
const IN_FILE: usize = 4;
const IN_REPOSITORY: usize = 50;
const HEADERS: usize = 15_000;

/// One request of a million rows.
pub(crate) async fn run() -> anyhow::Result<()> {
    let bulk = Bulk {
        title: "A list of 1,000,000 usages",
        path: "/api/v1/ingest/usage/usages?as_of=2025-06-01T00:00:00Z",
        media: "text/csv",
        tables: copy::USAGES,
        roots: copy::GITHUB,
        own: &["boost_include"],
        before: headers(),
        warm: rows(4_000_000, 4_000_100),
        body: rows(0, ROWS),
        items: ROWS,
        newer: None,
    };
    bulk.run().await
}

/// Rows `from..to` of the list. One in fifty names a header that Boost does not have.
fn rows(from: usize, to: usize) -> String {
    let mut rows =
        "owner,repo_name,file_path,boost_header_name,last_commit_ts,excepted_at\n".to_owned();
    for n in from..to {
        let file = n / IN_FILE;
        let repository = file / IN_REPOSITORY;
        // Some headers are included far more often than others.
        let header = (n * 7919 % HEADERS) * (n % 97) / 97;
        let folder = if n % 50 == 0 { "gone" } else { "lib" };
        let _ = writeln!(
            rows,
            "owner{},repo{repository},src/part{}/file{file}.cpp,boost/{folder}{}/h{header}.hpp,\
             2024-{:02}-{:02}T12:00:00Z,{}",
            repository % 1_500,
            file % 13,
            header % 150,
            1 + n % 12,
            1 + n % 28,
            if n % 11 == 0 { "2025-01-01" } else { "" },
        );
    }
    rows
}

/// Makes a library of Boost known.
pub(crate) fn library() -> String {
    "with profile as (insert into base_profile (type) values ('github') returning id), \
     account as (insert into github_account (id, github_account_id, username) \
     select id, 3170529, 'boostorg' from profile returning id), \
     repository as (insert into github_repository (owner_account_id, repo_name) \
     select id, 'boost' from account returning id), \
     extended as (insert into boost_library_repository (id) select id from repository returning id) \
     insert into boost_library (repo_id, name) select id, 'Boost' from extended; "
        .to_owned()
}

/// Makes its headers known, as lists of headers would.
fn headers() -> String {
    format!(
        "{} with file as (insert into github_file (repo_id, filename) \
         select repo_id, 'include/boost/lib' || n % 150 || '/h' || n || '.hpp' \
         from boost_library cross join generate_series(0, {HEADERS} - 1) n returning id) \
         insert into boost_file (id, library_id) select f.id, l.id from file f, boost_library l; \
         analyze",
        library()
    )
}
