//! `replay`: the archive goes through the pipeline again.

use std::io::Write;

use anyhow::bail;
use chrono::NaiveDate;
use indicatif::{ProgressBar, ProgressStyle};

use super::offline::Offline;
use crate::{
    app::App,
    config::Settings,
    ingest::replay::{self, Options, Summary},
};

/// What `replay` takes.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only what was received on this day (UTC) or later: `2026-01-31`.
    #[arg(long, value_name = "DATE")]
    from: Option<NaiveDate>,
    /// Check everything, keep nothing.
    #[arg(long)]
    dry_run: bool,
    /// How many groups of documents are stored side by side.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=32))]
    workers: u8,
}

/// Replays the workspace's archive and prints what became of it, as JSON.
pub async fn run(args: &Args, settings: Settings) -> anyhow::Result<()> {
    let options = Options { from: args.from, dry_run: args.dry_run, workers: args.workers.into() };
    let offline = Offline::open(settings).await?;
    let outcome = everything(&offline.app, options).await;
    offline.close().await;
    let summary = outcome?;
    writeln!(std::io::stdout().lock(), "{}", serde_json::to_string(&summary)?)?;
    if !summary.is_whole() {
        bail!(
            "not everything could be stored: {} rejected, {} lost, {} unknown",
            summary.rejected,
            summary.lost,
            summary.unknown
        );
    }
    Ok(())
}

async fn everything(app: &App, options: Options) -> anyhow::Result<Summary> {
    let archive = app.archive.clone();
    let total = tokio::task::spawn_blocking(move || replay::count(&archive, options)).await??;
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} documents {per_sec} {eta}")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = ProgressBar::new(total).with_style(style);
    let summary = replay::replay(app, options, |documents| bar.inc(documents)).await;
    bar.finish_and_clear();
    summary
}
