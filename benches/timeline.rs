//! The timeline of a person with a hundred thousand events and more: first pages, and pages deep down.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde_json::Value;

use crate::{copy, dashboard, http::Client, world::World};

/// Pages of each measurement.
const PAGES: usize = 300;

pub(crate) async fn run() -> anyhow::Result<()> {
    let world = World::start().await?;
    let direct = copy::connect(&world.url).await?;
    direct.batch_execute(dashboard::ROWS).await?;
    // Who writes most of all, here and elsewhere.
    direct
        .batch_execute(
            "update base_profile set identity_id = 1 where id between 1 and 3 or id = 20001 \
             or id = 23001",
        )
        .await?;
    direct.batch_execute("vacuum analyze").await?;
    let mut client = Client::connect(&world.address, &world.token).await?;
    let activity = json(&mut client, "/api/v1/users/identities/1/activity").await?;
    println!(
        "\n## The timeline of a person with {} entries, ms a page\n",
        activity["total"]["count"]
    );
    println!("| limit | pages | median | p99 | worst |\n|---|---|---|---|---|");
    for limit in [50, 200] {
        let first = format!("/api/v1/users/identities/1/timeline?limit={limit}");
        let mut path = first.clone();
        let mut times = Vec::with_capacity(PAGES);
        for _ in 0..PAGES {
            let begun = Instant::now();
            let page = json(&mut client, &path).await?;
            times.push(begun.elapsed());
            let cursor =
                page["page"]["next_cursor"].as_str().context("the timeline is too short")?;
            path = format!("{first}&cursor={cursor}");
        }
        times.sort_unstable();
        let ms = |nth: usize| times.get(nth).map_or(0.0, |it: &Duration| it.as_secs_f64() * 1e3);
        println!(
            "| {limit} | {PAGES} | **{:.1}** | {:.1} | {:.1} |",
            ms(PAGES / 2),
            ms(PAGES * 99 / 100),
            ms(PAGES - 1)
        );
    }
    world.stop().await
}

async fn json(client: &mut Client, path: &str) -> anyhow::Result<Value> {
    Ok(serde_json::from_slice(&client.get(path).await?)?)
}
