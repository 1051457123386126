//! `openapi`: prints the document, as it is committed.

use std::io::Write;

use crate::http::openapi;

/// Prints the document. Needs neither settings nor a database.
pub fn run() -> anyhow::Result<()> {
    let document = openapi::document()?;
    let mut out = std::io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, &document.value()?)?;
    writeln!(out)?;
    Ok(())
}
