//! `config`: shows the settings.

use std::io::Write;

use crate::{config::Settings, http::keys::Keys};

/// What `config` takes.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Also read the key files.
    #[arg(long)]
    check: bool,
}

/// Prints every setting. That they could be read at all is the better part of the check.
pub fn run(args: &Args, settings: &Settings) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    for (key, value) in settings.shown()? {
        writeln!(out, "{key} = {value}")?;
    }
    // With the embedded database and no keys, loading would make a secret: a check makes nothing.
    let makes = settings.database_url.is_none()
        && settings.jwt_secret.is_none()
        && settings.jwt_keys.is_empty();
    if args.check && !makes {
        Keys::load(settings)?;
    }
    Ok(())
}
