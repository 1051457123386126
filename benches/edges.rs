//! The largest payloads that a kind's rules name, and how much memory each takes.

use std::{fmt::Write as _, time::Instant};

use serde_json::Value;

use crate::{bulk::gzip, copy, discord, http::Client, process, usages, world::World};

/// A payload, and what is in the database before.
struct Edge {
    title: &'static str,
    path: &'static str,
    media: &'static str,
    before: String,
    body: String,
    items: usize,
}

/// Each, on a server of its own.
pub(crate) async fn run() -> anyhow::Result<()> {
    println!("\n## The largest payloads\n");
    println!("| payload | MB | items | s | memory MB (idle) |");
    println!("|---|---|---|---|---|");
    for edge in [transcript, headers, export] {
        measure(&edge()).await?;
    }
    Ok(())
}

async fn measure(edge: &Edge) -> anyhow::Result<()> {
    let world = World::start().await?;
    copy::connect(&world.url).await?.batch_execute(&edge.before).await?;
    let mut client = Client::connect(&world.address, &world.token).await?;
    let idle = process::peak_memory(world.server);
    let body = gzip(&edge.body)?;
    let begun = Instant::now();
    let answer = client.post_gzip(edge.path, edge.media, &body).await?;
    let took = begun.elapsed();
    let receipt: Value = serde_json::from_slice(&answer)?;
    anyhow::ensure!(
        receipt["received"] == edge.items && receipt["rejected"] == 0,
        "{}: {:.1000}",
        edge.title,
        receipt.to_string()
    );
    println!(
        "| {} | {} | {} | {:.1} | {} ({}) |",
        edge.title,
        edge.body.len() >> 20,
        edge.items,
        took.as_secs_f64(),
        process::peak_memory(world.server) >> 20,
        idle >> 20,
    );
    world.stop().await
}

/// 200 MB of Discord.
fn export() -> Edge {
    let items = 360_000;
    Edge {
        title: "a Discord export",
        path: "/api/v1/ingest/discord/exports",
        media: "application/json",
        before: String::new(),
        body: discord::export(1, 8, items),
        items,
    }
}

/// 10 MiB of `WebVTT`, just.
fn transcript() -> Edge {
    let mut body = "WEBVTT\n".to_owned();
    for n in 0.. {
        let (hour, minute, second) = (n / 3_600, n / 60 % 60, n % 60);
        let cue = format!(
            "\n{hour:02}:{minute:02}:{second:02}.000 --> {hour:02}:{minute:02}:{second:02}.900\n\
             and in minute {n} we look at what the allocator does with it\n"
        );
        if body.len() + cue.len() > 10 << 20 {
            break;
        }
        body.push_str(&cue);
    }
    Edge {
        title: "a transcript",
        path: "/api/v1/ingest/youtube/transcripts?video=aBcD3fGhI_k&lang=en",
        media: "text/vtt",
        before: String::new(),
        body,
        items: 1,
    }
}

/// A million headers of a library that is known.
fn headers() -> Edge {
    let items = 1_000_000;
    let mut body = "library_name,file_name\n".to_owned();
    for n in 0..items {
        let _ = writeln!(body, "Boost,boost/lib{}/detail/h{n}.hpp", n % 150);
    }
    Edge {
        title: "a list of headers",
        path: "/api/v1/ingest/boost/headers",
        media: "text/csv",
        before: usages::library(),
        body,
        items,
    }
}
