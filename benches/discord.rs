//! A Discord export of 100,000 messages.

use std::fmt::Write;

use crate::bulk::Bulk;

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
    let bulk = Bulk {
        title: "A Discord export of 100,000 messages",
        path: "/api/v1/ingest/discord/exports",
        media: "application/json",
        tables: &TABLES,
        roots: "base_profile, discord_server",
        own: &[],
        before: String::new(),
        warm: export(1, 7, 10),
        body: export(2, 8, MESSAGES),
        items: MESSAGES,
        newer: Some(("?complete=messages", export(3, 8, MESSAGES))),
    };
    bulk.run().await
}

/// An export of a channel, made on a day; every third message has reactions.
pub(crate) fn export(day: usize, channel: usize, messages: usize) -> String {
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
