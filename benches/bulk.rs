//! One large request of a bulk kind against COPY of the rows that it makes, side by side.
//!
//! A round has a world of its own: a new cluster, a new server, one request, then COPY of the same
//! rows into the same tables. Rounds follow each other, so ingest and COPY take turns, and whatever
//! else runs on the machine meets both.

use std::{
    io::Write as _,
    time::{Duration, Instant},
};

use flate2::{Compression, write::GzEncoder};
use serde_json::Value;

use crate::{copy, http::Client, process, world::World};

/// How often each kind is measured.
const ROUNDS: usize = 3;
/// How often COPY is, in each round.
const COPIES: usize = 2;

/// A bulk kind, and what is posted to it.
pub(crate) struct Bulk {
    /// What it is, for people.
    pub(crate) title: &'static str,
    /// The kind's path.
    pub(crate) path: &'static str,
    /// The media type.
    pub(crate) media: &'static str,
    /// The tables it fills, parents first.
    pub(crate) tables: &'static [&'static str],
    /// Those that the others hang on.
    pub(crate) roots: &'static str,
    /// Tables that ingest keeps for itself; nobody reads them.
    pub(crate) own: &'static [&'static str],
    /// What is in the database before.
    pub(crate) before: String,
    /// A small body of other rows, which wakes everything up: caches, prepared statements.
    pub(crate) warm: String,
    /// The body.
    pub(crate) body: String,
    /// How many items it has.
    pub(crate) items: usize,
    /// A newer body of the same rows, with its parameters, if that is measured.
    pub(crate) newer: Option<(&'static str, String)>,
}

/// What one round gives.
struct Round {
    ratio: f64,
    served: f64,
    peak: u64,
}

impl Bulk {
    /// Measures it.
    pub(crate) async fn run(&self) -> anyhow::Result<()> {
        println!("\n## {} through HTTP against COPY of the same rows\n", self.title);
        println!(
            "| rows | ingest s | COPY s | ratio | of rows served | CPU s: server, PostgreSQL, COPY | again s | newer s | memory MB (idle) |"
        );
        println!("|---|---|---|---|---|---|---|---|---|");
        let body = gzip(&self.body)?;
        let mut rounds = Vec::new();
        for _ in 0..ROUNDS {
            rounds.push(self.round(&body).await?);
        }
        rounds.sort_by(|a, b| a.ratio.total_cmp(&b.ratio));
        let median = &rounds[ROUNDS / 2];
        println!(
            "\n{} MB, {} MB gzipped. Median ratio {:.2} ({:.2} of the rows that are served); the \
             server's resident memory was at most {} MB.",
            self.body.len() >> 20,
            body.len() >> 20,
            median.ratio,
            median.served,
            rounds.iter().map(|round| round.peak).max().unwrap_or_default() >> 20,
        );
        Ok(())
    }

    async fn round(&self, body: &[u8]) -> anyhow::Result<Round> {
        let world = World::start().await?;
        let direct = copy::connect(&world.url).await?;
        direct.batch_execute(&self.before).await?;
        let mut client = Client::connect(&world.address, &world.token).await?;
        client.post_gzip(self.path, self.media, &gzip(&self.warm)?).await?;
        let idle = process::peak_memory(world.server);
        let cpu = || (process::cpu(world.server, false), process::cpu(world.postgres, true));

        let before = cpu();
        let took = self.post(&mut client, "", body, &["rejected"]).await?;
        let after = cpu();
        let server = after.0.saturating_sub(before.0);
        let postgres = after.1.saturating_sub(before.1);
        let again = self.post(&mut client, "", body, &["rejected", "inserted", "updated"]).await?;
        let newer = match &self.newer {
            None => "–".to_owned(),
            Some((params, body)) => {
                let body = gzip(body)?;
                let took = self.post(&mut client, params, &body, &["rejected"]).await?;
                format!("{:.1}", took.as_secs_f64())
            }
        };
        let peak = process::peak_memory(world.server);

        let mut copied = Duration::ZERO;
        let mut read = Duration::ZERO;
        let mut rows = 0;
        let before = process::cpu(world.postgres, true);
        let mut taken_out = Duration::ZERO;
        for _ in 0..COPIES {
            let taking = process::cpu(world.postgres, true);
            let saved = copy::take_out(&direct, self.tables, self.roots).await?;
            taken_out += process::cpu(world.postgres, true).saturating_sub(taking);
            let put = copy::put_in(&direct, saved).await?;
            rows = put.iter().map(|(_, rows, _)| rows).sum();
            copied += put.iter().map(|(.., took)| *took).sum::<Duration>();
            let theirs = put.iter().filter(|(table, ..)| !self.own.contains(table));
            read += theirs.map(|(.., took)| *took).sum::<Duration>();
        }
        let copy_cpu =
            process::cpu(world.postgres, true).saturating_sub(before).saturating_sub(taken_out);
        #[expect(clippy::cast_precision_loss, reason = "a handful")]
        let each = |took: Duration| took.as_secs_f64() / COPIES as f64;
        let round = Round {
            ratio: each(copied) / took.as_secs_f64(),
            served: each(read) / took.as_secs_f64(),
            peak,
        };
        println!(
            "| {rows} | {:.1} | {:.1} | **{:.2}** | {:.2} | {:.1}, {:.1}, {:.1} | {:.1} | {newer} | {} ({}) |",
            took.as_secs_f64(),
            each(copied),
            round.ratio,
            round.served,
            server.as_secs_f64(),
            postgres.as_secs_f64(),
            each(copy_cpu),
            again.as_secs_f64(),
            peak >> 20,
            idle >> 20,
        );
        world.stop().await?;
        Ok(round)
    }

    /// Posts a body; none of its items may be counted as one of `never`.
    async fn post(
        &self,
        client: &mut Client,
        params: &str,
        body: &[u8],
        never: &[&str],
    ) -> anyhow::Result<Duration> {
        let begun = Instant::now();
        let path = format!("{}{params}", self.path);
        let answer = client.post_gzip(&path, self.media, body).await?;
        let took = begun.elapsed();
        let receipt: Value = serde_json::from_slice(&answer)?;
        anyhow::ensure!(
            receipt["received"] == self.items && never.iter().all(|count| receipt[*count] == 0),
            "items were lost, or {never:?}: {:.1000}",
            receipt.to_string()
        );
        Ok(took)
    }
}

/// A body as it is posted.
pub(crate) fn gzip(text: &str) -> anyhow::Result<Vec<u8>> {
    let mut coder = GzEncoder::new(Vec::new(), Compression::fast());
    coder.write_all(text.as_bytes())?;
    Ok(coder.finish()?)
}
