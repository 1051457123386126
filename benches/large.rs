//! A table of a million rows: pages far down, answers that have not changed, the whole as a stream.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};

use crate::{
    copy, dashboard,
    http::Client,
    process,
    rate::{self, Load, Rate, median},
    world::World,
};

const ROWS: u32 = 1_000_000;
const PAGE: u32 = 50;
/// The page that is compared with the first.
const DEEP: u32 = 2_000;
const LIST: &str = "/api/v1/github/commits";
/// Rounds of whole answers and of 304s in turn, an odd number.
const ROUNDS: usize = 5;
/// The time of each in a round.
const ROUND: Duration = Duration::from_secs(2);

pub(crate) async fn run() -> anyhow::Result<()> {
    println!("\n## A table of {ROWS} commits\n");
    let world = World::start().await?;
    fill(&world).await?;
    depth(&world).await?;
    unchanged(&world).await?;
    exports(&world).await?;
    world.stop().await
}

/// Rows without the ways that rows come in: it is about reading.
async fn fill(world: &World) -> anyhow::Result<()> {
    let direct = copy::connect(&world.url).await?;
    direct.batch_execute(dashboard::ROWS).await?;
    direct.batch_execute("vacuum analyze git_commit").await?;
    Ok(())
}

/// Page 2,000 against page 1.
async fn depth(world: &World) -> anyhow::Result<()> {
    println!("| sort | page 1, ms | page {DEEP}, ms | ratio |\n|---|---|---|---|");
    for sort in ["id", "-commit_at", "commit_hash"] {
        let mut client = Client::connect(&world.address, &world.token).await?;
        let first = format!("{LIST}?sort={sort}&limit={PAGE}");
        // The cursor of a page is the same whatever the size of those before it.
        let mut deep = first.clone();
        let before = (DEEP - 1) * PAGE;
        let steps = std::iter::repeat_n(500, (before / 500) as usize);
        for step in steps.chain([before % 500]).filter(|step| *step > 0) {
            let step = deep.replace(&format!("limit={PAGE}"), &format!("limit={step}"));
            let page: serde_json::Value = serde_json::from_slice(&client.get(&step).await?)?;
            let cursor = page["page"]["next_cursor"].as_str().context("the table is too short")?;
            deep = format!("{first}&cursor={cursor}");
        }
        let mut best = [Duration::MAX; 2];
        for _ in 0..20 {
            for (best, path) in best.iter_mut().zip([&first, &deep]) {
                *best = (*best).min(mean(&mut client, path, 25).await?);
            }
        }
        let [first, deep] = best.map(|it| it.as_secs_f64() * 1_000.0);
        println!("| `{sort}` | {first:.3} | {deep:.3} | {:.2} |", deep / first);
    }
    Ok(())
}

async fn mean(client: &mut Client, path: &str, times: u32) -> anyhow::Result<Duration> {
    let begun = Instant::now();
    for _ in 0..times {
        client.get(path).await?;
    }
    Ok(begun.elapsed() / times)
}

/// Answers of 304 against whole ones.
async fn unchanged(world: &World) -> anyhow::Result<()> {
    println!(
        "\n| read | connections | 200, requests/s | 304, requests/s | ratio | 200, CPU ms | 304, CPU ms | ratio |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    for (name, path) in [
        ("list of 50", format!("{LIST}?limit=50")),
        ("list of 500", format!("{LIST}?limit=500")),
        ("one by id", format!("{LIST}/1000")),
    ] {
        let mut client = Client::connect(&world.address, &world.token).await?;
        client.get(&path).await?;
        let tag = client.tag().context("the answer has no tag")?;
        for load in [Load { connections: 1, threads: 1 }, Load { connections: 4, threads: 2 }] {
            let mut rounds = Vec::new();
            for _ in 0..ROUNDS {
                let whole = rate::measure(world, &path, None, load, ROUND)?;
                rounds.push((whole, rate::measure(world, &path, Some(&tag), load, ROUND)?));
            }
            let of = |figure: &dyn Fn(&Rate, &Rate) -> f64| {
                median(rounds.iter().map(|(whole, kept)| figure(whole, kept)).collect())
            };
            let ms = |rate: &Rate| rate.server_ms + rate.postgres_ms;
            println!(
                "| {name} | {} | {:.0} | {:.0} | {:.1} | {:.3} | {:.3} | {:.1} |",
                load.connections,
                of(&|whole, _| whole.per_second),
                of(&|_, kept| kept.per_second),
                of(&|whole, kept| kept.per_second / whole.per_second),
                of(&|whole, _| ms(whole)),
                of(&|_, kept| ms(kept)),
                of(&|whole, kept| ms(whole) / ms(kept)),
            );
        }
    }
    Ok(())
}

/// The whole table as a stream.
async fn exports(world: &World) -> anyhow::Result<()> {
    println!("\n| export | rows/s | MB/s | peak memory before, MB | after, MB |");
    println!("|---|---|---|---|---|");
    for (name, accept) in [("CSV", "text/csv"), ("NDJSON", "application/x-ndjson")] {
        let mut client = Client::connect(&world.address, &world.token).await?;
        let before = process::peak_memory(world.server);
        let begun = Instant::now();
        let (bytes, lines) = client.stream(LIST, accept).await?;
        let took = begun.elapsed().as_secs_f64();
        let after = process::peak_memory(world.server);
        ensure!(lines >= u64::from(ROWS), "{lines} lines");
        #[expect(clippy::cast_precision_loss, reason = "figures for people")]
        let megabytes = |bytes: u64| bytes as f64 / 1e6;
        println!(
            "| {name} | {:.0} | {:.1} | {:.0} | {:.0} |",
            f64::from(ROWS) / took,
            megabytes(bytes) / took,
            megabytes(before),
            megabytes(after)
        );
    }
    Ok(())
}
