//! How long a webhook waits for its answer, which is given when its rows are committed and its
//! document is synced; also with a database that takes ten times as long for each of its own.

use std::time::{Duration, Instant};

use hmac::{Hmac, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::{
    http::Client,
    world::{SECRET, World},
};

const JSON: &str = "application/json";
/// Deliveries of each measurement, and of the warm-up before it.
const EVENTS: usize = 500;
const WARM: usize = 20;

/// Both sources, with both databases.
pub(crate) async fn run() -> anyhow::Result<()> {
    println!("\n## Webhooks: milliseconds until the answer\n");
    println!("| source | database | connections | deliveries | median | p99 | most |");
    println!("|---|---|---|---|---|---|---|");
    for (name, times) in [("as it is", 1), ("ten times slower", 10)] {
        let world = World::slow(times).await?;
        for connections in [1, 8] {
            for source in [Source::GitHub, Source::Slack] {
                let mut took = measure(&world, source, connections).await?;
                took.sort_unstable();
                let at = |part: usize| took[(took.len() - 1) * part / 100].as_secs_f64() * 1_000.0;
                println!(
                    "| {source:?} | {name} | {connections} | {} | **{:.1}** | {:.1} | {:.1} |",
                    took.len(),
                    at(50),
                    at(99),
                    at(100),
                );
            }
        }
        anyhow::ensure!((times > 1) != world.held_back().is_zero(), "the wrong database is slow");
        world.stop().await?;
    }
    Ok(())
}

async fn measure(
    world: &World,
    source: Source,
    connections: usize,
) -> anyhow::Result<Vec<Duration>> {
    let mut tasks = Vec::new();
    for connection in 0..connections {
        let mut client = Client::connect(&world.address, &world.token).await?;
        tasks.push(tokio::spawn(async move {
            let mut took = Vec::new();
            for nth in 0..EVENTS / connections + WARM {
                let n = connections * 1_000_000 + connection * 10_000 + nth;
                let (headers, body) = source.delivery(n)?;
                let begun = Instant::now();
                let path = format!("/api/v1/webhooks/{}", source.path());
                let answer = client.post_with(&path, JSON, &headers, body.as_bytes()).await?;
                took.push(begun.elapsed());
                let receipt: Value = serde_json::from_slice(&answer)?;
                anyhow::ensure!(receipt["inserted"] == 1, "{receipt}");
            }
            anyhow::Ok(took.split_off(WARM))
        }));
    }
    let mut all = Vec::new();
    for task in tasks {
        all.extend(task.await??);
    }
    Ok(all)
}

#[derive(Debug, Clone, Copy)]
enum Source {
    GitHub,
    Slack,
}

impl Source {
    const fn path(self) -> &'static str {
        match self {
            Self::GitHub => "github",
            Self::Slack => "slack",
        }
    }

    /// The `n`th delivery: its headers and its body. Each makes a row.
    fn delivery(self, n: usize) -> anyhow::Result<(String, String)> {
        let sign = |text: &str| {
            let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes())?;
            mac.update(text.as_bytes());
            anyhow::Ok(hex::encode(mac.finalize().into_bytes()))
        };
        match self {
            Self::GitHub => {
                let body = issue(n).to_string();
                let headers = format!(
                    "x-github-event: issues\r\nx-github-delivery: delivery-{n}\r\n\
                     x-hub-signature-256: sha256={}",
                    sign(&body)?
                );
                Ok((headers, body))
            }
            Self::Slack => {
                let body = message(n).to_string();
                let time = std::time::SystemTime::UNIX_EPOCH.elapsed()?.as_secs();
                let headers = format!(
                    "x-slack-request-timestamp: {time}\r\nx-slack-signature: v0={}",
                    sign(&format!("v0:{time}:{body}"))?
                );
                Ok((headers, body))
            }
        }
    }
}

fn issue(n: usize) -> Value {
    let user =
        |id: usize| json!({"id": 1_000 + id, "login": format!("person{id}"), "type": "User"});
    json!({
        "action": "opened",
        "issue": {
            "id": 1_000_000_000 + n, "number": n, "state": "open",
            "title": format!("Issue {n}: the parser reads past the end"),
            "body": "Steps to reproduce:\n\n1. parse\n2. look\n".repeat(20),
            "url": format!("https://api.github.com/repos/boostorg/bench/issues/{n}"),
            "user": user(n % 40), "labels": [{"name": "bug"}, {"name": "review"}],
            "assignees": [user(n % 7)], "comments": 0,
            "created_at": "2024-01-01T00:00:00Z", "updated_at": "2024-01-02T00:00:00Z",
        },
        "repository": {
            "id": 7_001, "name": "bench", "full_name": "boostorg/bench", "default_branch": "develop",
            "owner": {"id": 9_001, "login": "boostorg", "type": "Organization"},
            "stargazers_count": 430, "forks_count": 95, "description": "d", "license": null,
            "created_at": "2019-08-01T00:00:00Z", "updated_at": "2024-05-02T00:00:00Z",
            "pushed_at": "2024-05-01T00:00:00Z",
        },
        "sender": user(n % 40),
    })
}

fn message(n: usize) -> Value {
    let ts = format!("{}.{:06}", 1_700_000_000 + n, n % 1_000_000);
    json!({
        "type": "event_callback", "team_id": "T1", "event_id": format!("Ev{n}"),
        "event": {
            "type": "message", "channel": format!("C{}", n % 10), "channel_type": "channel",
            "user": format!("U{}", n % 40), "ts": ts, "event_ts": ts,
            "text": format!("Message {n}: what does the allocator do when the buffer is full?"),
        },
    })
}
