//! A list of a million usages in CSV against COPY of the rows that it makes.

use std::{
    fmt::Write as _,
    io::Write as _,
    time::{Duration, Instant},
};

use flate2::{Compression, write::GzEncoder};
use serde_json::Value;

use crate::{copy, http::Client, process, world::World};

const PATH: &str = "/api/v1/ingest/usage/usages";
const CSV: &str = "text/csv";
const ROWS: usize = 1_000_000;
/// Rows of a file, files of a repository, and the headers of Boost.
const IN_FILE: usize = 4;
const IN_REPOSITORY: usize = 50;
const HEADERS: usize = 15_000;

/// What ingest keeps of the includes for itself; nobody reads it.
const OWN: &str = "boost_include";

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

fn gzip(text: &str) -> anyhow::Result<Vec<u8>> {
    let mut coder = GzEncoder::new(Vec::new(), Compression::fast());
    coder.write_all(text.as_bytes())?;
    Ok(coder.finish()?)
}

/// Makes Boost's headers known, as lists of headers would.
async fn headers(client: &tokio_postgres::Client) -> anyhow::Result<()> {
    client
        .batch_execute(&format!(
            "with profile as (insert into base_profile (type) values ('github') returning id), \
             account as (insert into github_account (id, github_account_id, username) \
             select id, 3170529, 'boostorg' from profile returning id), \
             repository as (insert into github_repository (owner_account_id, repo_name) \
             select id, 'boost' from account returning id), \
             extended as (insert into boost_library_repository (id) select id from repository \
             returning id), \
             library as (insert into boost_library (repo_id, name) select id, 'Boost' from extended \
             returning id, repo_id), \
             file as (insert into github_file (repo_id, filename) \
             select repo_id, 'include/boost/lib' || n % 150 || '/h' || n || '.hpp' \
             from library cross join generate_series(0, {HEADERS} - 1) n returning id) \
             insert into boost_file (id, library_id) select f.id, l.id from file f, library l; \
             analyze"
        ))
        .await?;
    Ok(())
}

/// One request of a million rows.
pub(crate) async fn run() -> anyhow::Result<()> {
    println!("\n## A list of {ROWS} usages through HTTP against COPY of the same rows\n");
    let world = World::start().await?;
    let direct = copy::connect(&world.url).await?;
    headers(&direct).await?;
    let mut client = Client::connect(&world.address, &world.token).await?;
    // Rows of another repository wake everything up: caches, prepared statements.
    client.post_gzip(PATH, CSV, &gzip(&rows(4_000_000, 4_000_100))?).await?;
    let body = gzip(&rows(0, ROWS))?;
    let idle = process::peak_memory(world.server);
    let begun = Instant::now();
    let answer =
        client.post_gzip(&format!("{PATH}?as_of=2025-06-01T00:00:00Z"), CSV, &body).await?;
    let took = begun.elapsed();
    let memory = process::peak_memory(world.server);
    let receipt: Value = serde_json::from_slice(&answer)?;
    anyhow::ensure!(
        receipt["received"] == ROWS && receipt["rejected"] == 0,
        "not all rows were taken: {}",
        String::from_utf8_lossy(&answer[..answer.len().min(1_000)])
    );
    let put = copy::put_back(&direct, copy::USAGES, copy::GITHUB).await?;
    let sum = |own: bool| {
        let of = || put.iter().filter(|(table, ..)| own || *table != OWN);
        (of().map(|(_, rows, _)| rows).sum::<u64>(), of().map(|(.., t)| *t).sum::<Duration>())
    };
    let ((all, copied), (served, copied_served)) = (sum(true), sum(false));
    let (took, copied) = (took.as_secs_f64(), copied.as_secs_f64());
    let copied_served = copied_served.as_secs_f64();
    println!("| rows | s | COPY s | ratio |");
    println!("|---|---|---|---|");
    println!("| {all} in all tables | {took:.1} | {copied:.1} | {:.2} |", copied / took);
    println!(
        "| {served} of them served | {took:.1} | {copied_served:.1} | {:.2} |",
        copied_served / took
    );
    println!(
        "\nThe server's resident memory was at most {} MB (before {} MB).",
        memory >> 20,
        idle >> 20
    );
    world.stop().await
}
