//! `check`: a payload is read as it would be when it is posted; no database is needed.

use std::{io::Write, path::PathBuf};

use anyhow::{Context, bail};
use axum::http::{HeaderMap, HeaderValue, header};

use super::ingest::{by_name, kind, param};
use crate::{
    app::Clock,
    config::Settings,
    http::{coding, problem::Result as Answer},
    ingest::{body::Documents, check, read::AnyKind, request},
};

/// What `check` takes.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What the file holds, as in the path of the endpoint: `github/commits`.
    #[arg(value_name = "DOMAIN/KIND", value_parser = kind)]
    kind: &'static dyn AnyKind,
    /// Files as they would be posted. `.ndjson` is one document a line; `.gz`, `.zst` and `.br` are
    /// decompressed.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// A parameter of the kind; give it again for more.
    #[arg(long = "param", value_name = "NAME=VALUE", value_parser = param)]
    params: Vec<(String, String)>,
}

/// Checks every file and prints the receipt that it would get, one line of JSON a file.
pub async fn run(args: Args, settings: &Settings) -> anyhow::Result<()> {
    let mut faulty = 0;
    for path in &args.files {
        let file = tokio::fs::File::open(path).await;
        let file = file.with_context(|| format!("cannot read {}", path.display()))?;
        let (media, coding) = by_name(path);
        let (line, is_good) = match one(&args, settings, media, coding, file).await {
            Ok(checked) => checked,
            Err(problem) => {
                let mut document = problem.document(&path.display().to_string(), "");
                document.as_object_mut().map(|members| members.remove("request_id"));
                (document, false)
            }
        };
        faulty += usize::from(!is_good);
        writeln!(std::io::stdout().lock(), "{line}")?;
    }
    match faulty {
        0 => Ok(()),
        1 => bail!("something would be rejected in 1 file"),
        faulty => bail!("something would be rejected in {faulty} files"),
    }
}

async fn one(
    args: &Args,
    settings: &Settings,
    media: &'static str,
    coding: &str,
    file: tokio::fs::File,
) -> Answer<(serde_json::Value, bool)> {
    let spec = args.kind.spec();
    let asked = request::parameters(spec, &args.params, settings, Clock::system().now())?;
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
    let format = request::format(spec, &headers)?;
    let reader = coding::decode(Box::pin(file), coding)?;
    let documents = Documents::new(reader, format, request::limits(settings), spec);
    check::check(args.kind, &asked.context, documents).await.map_err(|broken| broken.problem)
}
