//! The commands. Stdout is a command's answer; what it logs goes to stderr.

pub mod check;
pub mod config;
pub mod database;
pub mod demo;
pub mod ingest;
pub mod migrate;
pub mod offline;
pub mod openapi;
pub mod people;
pub mod replay;
pub mod samples;
pub mod serve;
mod signals;
pub mod token;
pub mod watch;

use std::io::IsTerminal;

use anyhow::Context;
use clap::{Parser, Subcommand};

use crate::{config::Settings, telemetry};

/// The server behind the C++ Alliance's community dashboard.
///
/// Settings come from the environment and from boost-dashboard.toml; `boost-dashboard config` shows
/// them all.
#[derive(Debug, Parser)]
#[command(name = "boost-dashboard", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the API. Without `DATABASE_URL` on a PostgreSQL of its own.
    Serve(serve::Args),
    /// Serve with sample data, and say what to try.
    Demo,
    /// Apply the migrations that the database lacks.
    Migrate,
    /// Issue, list and revoke tokens.
    #[command(subcommand)]
    Token(token::Command),
    /// Print the OpenAPI document.
    Openapi,
    /// Read files as if they were posted, and print the receipts they would get; needs no database.
    Check(check::Args),
    /// Ingest files, or a folder of the archive's layout, without a server or beside one.
    Ingest(ingest::Args),
    /// Make rows of the archive's documents again; changes nothing where they are.
    Replay(replay::Args),
    /// Show the settings, secrets redacted.
    Config(config::Args),
}

impl Command {
    /// Whether it shows its progress on this terminal.
    fn draws_a_bar(&self) -> bool {
        let has_one = match self {
            Self::Serve(args) => args.demo,
            Self::Demo | Self::Ingest(_) | Self::Replay(_) => true,
            _ => false,
        };
        has_one && std::io::stderr().is_terminal()
    }
}

/// Runs the command that the process was started with.
pub fn run() -> anyhow::Result<()> {
    let Cli { command } = Cli::parse();
    if matches!(command, Command::Openapi) {
        return openapi::run();
    }
    let mut settings = Settings::load()?;
    if let Command::Config(args) = command {
        return config::run(&args, &settings);
    }
    if command.draws_a_bar() && settings.log == Settings::default().log {
        // Lines of a log would tear the bar, and bury what is printed in the end.
        "warn".clone_into(&mut settings.log);
    }
    telemetry::init(&settings)?;
    for warning in &settings.warnings {
        tracing::warn!("{warning}");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    runtime.block_on(async {
        match command {
            Command::Serve(serve::Args { demo: false }) => serve::run(settings).await,
            Command::Serve(_) | Command::Demo => demo::run(settings).await,
            Command::Check(args) => check::run(args, &settings).await,
            Command::Ingest(args) => ingest::run(args, settings).await,
            Command::Replay(args) => replay::run(&args, settings).await,
            Command::Migrate => migrate::run(&settings).await,
            Command::Token(command) => token::run(command, &settings).await,
            Command::Openapi | Command::Config(_) => Ok(()),
        }
    })
}
