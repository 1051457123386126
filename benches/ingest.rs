//! Commits through HTTP, archive and receipts included, against COPY of the same rows.

use std::time::Instant;

use serde_json::Value;

use crate::{commits, copy, http::Client, process, world::World};

const PATH: &str = "/api/v1/ingest/github/commits";
const NDJSON: &str = "application/x-ndjson";

/// Batches of 1, 100 and 1,000.
pub(crate) async fn run() -> anyhow::Result<()> {
    println!("\n## Commits through HTTP against COPY of the same rows\n");
    println!(
        "| batch | commits | rows | rows/s | COPY rows/s | ratio | server CPU ms/commit | PostgreSQL CPU ms/commit | unchanged, commits/s |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    for (batch, total) in [(1, 1_000), (100, 10_000), (1_000, 30_000)] {
        let world = World::start().await?;
        let bodies: Vec<Vec<u8>> =
            (0..total).step_by(batch).map(|from| commits::lines(from, from + batch)).collect();
        let mut client = Client::connect(&world.address, &world.token).await?;
        // A commit of another repository wakes everything up: caches, prepared statements.
        client.post(&format!("{PATH}?repo=a/b"), NDJSON, &commits::lines(900_000, 900_010)).await?;
        let direct = copy::connect(&world.url).await?;
        let (server, postgres) =
            (process::cpu(world.server, false), process::cpu(world.postgres, true));
        let begun = Instant::now();
        let mut inserted = 0;
        for body in &bodies {
            let receipt: Value = serde_json::from_slice(&client.post(PATH, NDJSON, body).await?)?;
            inserted += receipt["inserted"].as_u64().unwrap_or(0);
        }
        let took = begun.elapsed();
        anyhow::ensure!(inserted == total as u64, "{inserted} of {total} were inserted");
        let server = process::cpu(world.server, false).saturating_sub(server);
        let postgres = process::cpu(world.postgres, true).saturating_sub(postgres);

        let begun = Instant::now();
        for body in &bodies {
            client.post(PATH, NDJSON, body).await?;
        }
        let again = begun.elapsed();
        let put = copy::put_back(&direct, copy::COMMITS, copy::GITHUB).await?;
        let rows: u64 = put.iter().map(|(_, rows, _)| rows).sum();
        let copied = put.iter().map(|(.., took)| *took).sum();
        #[expect(clippy::cast_precision_loss, reason = "figures for people")]
        let per_second = |n: u64, took: std::time::Duration| n as f64 / took.as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "figures for people")]
        let total_f = total as f64;
        let (ours, theirs) = (per_second(rows, took), per_second(rows, copied));
        println!(
            "| {batch} | {total} | {rows} | {ours:.0} | {theirs:.0} | {:.2} | {:.3} | {:.3} | {:.0} |",
            ours / theirs,
            server.as_secs_f64() * 1_000.0 / total_f,
            postgres.as_secs_f64() * 1_000.0 / total_f,
            per_second(total as u64, again),
        );
        world.stop().await?;
    }
    Ok(())
}

/// A stream of one gigabyte, and how much memory it takes.
pub(crate) async fn stream() -> anyhow::Result<()> {
    const BYTES: usize = 1 << 30;
    println!("\n## One stream of 1 GiB of NDJSON\n");
    let world = World::start().await?;
    let mut client = Client::connect(&world.address, &world.token).await?;
    let before = process::peak_memory(world.server);
    let (mut sent, mut next) = (0, 0);
    let begun = Instant::now();
    let answer = client
        .post_stream(PATH, NDJSON, || {
            if sent >= BYTES {
                return None;
            }
            let piece = commits::lines(next, next + 50);
            next += 50;
            sent += piece.len();
            Some(piece)
        })
        .await?;
    let receipt: Value = serde_json::from_slice(&answer)?;
    println!(
        "{} commits in {:.0} s, {} inserted; resident memory at most {} MB (idle {} MB).",
        receipt["received"],
        begun.elapsed().as_secs_f64(),
        receipt["inserted"],
        process::peak_memory(world.server) >> 20,
        before >> 20,
    );
    let _ = world.workspace();
    world.stop().await
}
