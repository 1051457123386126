//! A Discord export of 100,000 messages against COPY of the same rows, and its memory.

use std::{fmt::Write, time::Instant};

use serde_json::Value;

use crate::{copy, http::Client, process, world::World};

const PATH: &str = "/api/v1/ingest/discord/exports";
const JSON: &str = "application/json";
const MESSAGES: usize = 100_000;

/// The tables of an export, parents first.
const TABLES: [&str; 6] = [
    "base_profile",
    "discord_profile",
    "discord_server",
    "discord_channel",
    "discord_message",
    "discord_reaction",
];

/// The export, its repetition, and a newer one of the same messages.
pub(crate) async fn run() -> anyhow::Result<()> {
    println!("\n## A Discord export of {MESSAGES} messages through HTTP against COPY\n");
    let world = World::start().await?;
    let mut client = Client::connect(&world.address, &world.token).await?;
    client.post(PATH, JSON, export(1, 7, 10).as_bytes()).await?;
    let direct = copy::connect(&world.url).await?;
    let idle = process::peak_memory(world.server);
    let body = export(2, 8, MESSAGES);
    let begun = Instant::now();
    let receipt: Value = serde_json::from_slice(&client.post(PATH, JSON, body.as_bytes()).await?)?;
    let took = begun.elapsed();
    anyhow::ensure!(receipt["inserted"] == MESSAGES, "{receipt}");

    let begun = Instant::now();
    let again: Value = serde_json::from_slice(&client.post(PATH, JSON, body.as_bytes()).await?)?;
    anyhow::ensure!(again["unchanged"] == MESSAGES, "{again}");
    let again = begun.elapsed();

    let begun = Instant::now();
    let newer = format!("{PATH}?complete=messages");
    client.post(&newer, JSON, export(3, 8, MESSAGES).as_bytes()).await?;
    let newer = begun.elapsed();
    let peak = process::peak_memory(world.server);

    let put = copy::put_back(&direct, &TABLES, "base_profile, discord_server").await?;
    let rows: u64 = put.iter().map(|(_, rows, _)| rows).sum();
    let copied: std::time::Duration = put.iter().map(|(.., took)| *took).sum();
    #[expect(clippy::cast_precision_loss, reason = "figures for people")]
    let per_second = |took: std::time::Duration| rows as f64 / took.as_secs_f64();
    println!(
        "{rows} rows of {} MB: {:.0} rows/s, COPY {:.0} rows/s, ratio {:.2}; again {:.1} s, a newer \
         export {:.1} s; resident memory at most {} MB (idle {} MB).",
        body.len() >> 20,
        per_second(took),
        per_second(copied),
        copied.as_secs_f64() / took.as_secs_f64(),
        again.as_secs_f64(),
        newer.as_secs_f64(),
        peak >> 20,
        idle >> 20,
    );
    world.stop().await
}

/// An export of a channel, made on a day; every third message has reactions.
fn export(day: usize, channel: usize, messages: usize) -> String {
    let mut body = format!(
        r#"{{"guild":{{"id":"300000000000000001","name":"Bench","iconUrl":null}},"channel":{{"id":"80000000000000000{channel}","type":"GuildTextChat","categoryId":null,"category":null,"name":"general","topic":null}},"dateRange":{{"after":null,"before":null}},"exportedAt":"2026-01-{day:02}T00:00:00Z","messages":["#
    );
    for n in 0..messages {
        let (minute, author) = (n % 1_440, n % 500);
        let reactions = if n % 3 == 0 {
            r#"{"emoji":{"id":null,"name":"👍"},"count":3},{"emoji":{"id":"99","name":"boost"},"count":1}"#
        } else {
            ""
        };
        let _ = write!(
            body,
            r#"{}{{"id":"{channel}{n:017}","type":"Default","timestamp":"2025-{:02}-{:02}T{:02}:{:02}:00.123+00:00","timestampEdited":null,"callEndedTimestamp":null,"isPinned":false,"content":"Message {n}: what does the allocator do when the buffer is full, and who frees it then?","author":{{"id":"10800000000000{author:04}","name":"person{author}","discriminator":"0000","nickname":"Person {author}","color":null,"isBot":false,"roles":[],"avatarUrl":"https://cdn.discordapp.com/embed/avatars/{}.png"}},"attachments":[],"embeds":[],"stickers":[],"reactions":[{reactions}],"mentions":[],"inlineEmojis":[]}}"#,
            if n == 0 { "" } else { "," },
            1 + n / 40_320 % 12,
            1 + n / 1_440 % 28,
            minute / 60,
            minute % 60,
            author % 6,
        );
    }
    let _ = write!(body, r#"],"messageCount":{messages}}}"#);
    body
}
