//! `demo`, or `serve --demo`: the server with sample data, and what to try on it.

use std::{
    io::{Cursor, Write},
    path::Path,
};

use anyhow::{Context, ensure};
use chrono::Duration;
use indicatif::ProgressBar;
use sha2::{Digest, Sha256};
use tokio_util::io::InspectReader;

use super::{
    ingest::{Body, by_name, bytes_bar},
    people,
    samples::{SAMPLES, Sample},
    serve::Server,
};
use crate::{
    app::App,
    config::Settings,
    http::{scope::Scope, tokens},
    ingest::{idempotency, routes::kind_named},
};

/// Who ingests the sample data.
const SUBJECT: &str = "demo";
/// How long the token that is printed is valid.
const TOKEN_DAYS: i64 = 30;

/// Serves until told to stop, with sample data.
pub async fn run(settings: Settings) -> anyhow::Result<()> {
    let server = Server::start(settings).await?;
    let (app, origin) = (server.app.clone(), server.origin());
    let urls = server.urls();
    let failure = async move {
        match prepare(&app, &origin, &urls).await {
            Ok(()) => std::future::pending().await,
            Err(error) => error,
        }
    };
    server.until_stopped_or(failure).await
}

/// Ingests the sample data, then says where to look and what to try.
async fn prepare(app: &App, origin: &str, urls: &str) -> anyhow::Result<()> {
    ingest(app).await.context("cannot ingest the sample data")?;
    people::introduce(app, SUBJECT).await.context("cannot join profiles of the sample data")?;
    let token = token(app).await?;
    let mut out = std::io::stdout().lock();
    write!(out, "{urls}")?;
    writeln!(out, "Token       {token}")?;
    writeln!(out, "            (good for {TOKEN_DAYS} days; paste it under Authorize)")?;
    writeln!(out)?;
    for line in what_to_try(origin, &token) {
        writeln!(out, "{line}")?;
    }
    out.flush()?;
    Ok(())
}

async fn ingest(app: &App) -> anyhow::Result<()> {
    let bar = bytes_bar(SAMPLES.iter().map(|sample| sample.bytes.len() as u64).sum());
    for sample in SAMPLES {
        bar.set_message(format!("sample data: {}", sample.name));
        one_sample(app, sample, &bar).await.context(sample.name)?;
    }
    bar.finish_and_clear();
    Ok(())
}

async fn one_sample(app: &App, sample: &Sample, bar: &ProgressBar) -> anyhow::Result<()> {
    let kind = kind_named(sample.kind).context("there is no such kind any more")?;
    // With a key of its own it goes in once, however often the demo is started.
    let digest = Sha256::digest(sample.bytes).to_vec();
    let key = format!("demo {} {}", sample.name, hex::encode(&digest[..8]));
    let claimed = idempotency::claim(&app.pool, kind.spec(), &key, &digest).await?;
    let (mut conn, None) = claimed else {
        bar.inc(sample.bytes.len() as u64);
        return Ok(());
    };
    let progress = bar.clone();
    let reader = InspectReader::new(Cursor::new(sample.bytes), move |bytes| {
        progress.inc(bytes.len() as u64);
    });
    let (media, coding) = by_name(Path::new(sample.name));
    let params = sample.params.iter().map(|(name, value)| ((*name).into(), (*value).into()));
    let body = Body {
        kind,
        params: params.collect(),
        media,
        coding,
        reader: Box::pin(reader),
        idempotency: Some((key, digest)),
    };
    let done = body.take(app, &mut conn, SUBJECT).await;
    idempotency::release(&mut conn).await?;
    let (receipt, json) = done?;
    ensure!(receipt.rejected == 0, "{json}");
    Ok(())
}

/// A token that may do everything there is to try.
async fn token(app: &App) -> anyhow::Result<String> {
    let scopes =
        ["ingest:*", "identity:write", "read", "read:pii", "read:raw"].map(str::parse::<Scope>);
    let scopes = scopes.into_iter().collect::<Result<Vec<_>, _>>().map_err(anyhow::Error::msg)?;
    let ttl = Duration::days(TOKEN_DAYS);
    let issued = app.keys.issue(SUBJECT, &scopes, ttl, app.clock.now())?;
    tokens::record(&mut *app.pool.get().await?, &issued, SUBJECT, &scopes).await?;
    Ok(issued.token)
}

/// Lines for a shell: a read, a read that needs the token, a write.
fn what_to_try(origin: &str, token: &str) -> [String; 3] {
    let api = format!("{origin}/api/v1");
    let authorization = format!("-H 'Authorization: Bearer {token}'");
    [
        format!("curl '{api}/github/repositories/boostorg/json/commits?sort=-commit_at&limit=3'"),
        format!("curl {authorization} '{api}/users/emails?limit=3'"),
        format!(
            "curl {authorization} -H 'Content-Type: application/json' \
             -d '{{\"id\": 9001, \"login\": \"you\"}}' '{api}/ingest/github/accounts'"
        ),
    ]
}
