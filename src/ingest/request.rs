//! What an ingest request asks for: its parameters, its content type, its body as a stream.

use std::{collections::BTreeSet, io};

use axum::{
    body::Body,
    http::{HeaderMap, StatusCode, header},
};
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::TryStreamExt;
use tokio_util::io::StreamReader;

use super::{
    body::{Format, Limits, OverLimit},
    job::Mode,
    kind::{Content, Context, FLAGS, Spec, flag},
    repo_name::RepoName,
    value,
};
use crate::{
    app::App,
    config::Settings,
    http::{
        coding::{self, Reader},
        problem::{Fault, Problem, Result},
    },
};

/// Documents of one batch.
const BATCH: usize = 1_000;
/// Bytes after which a batch is full.
const BATCH_BYTES: usize = 8 << 20;
/// The longest idempotency key.
const KEY: usize = 255;

/// A request's parameters.
#[derive(Debug)]
pub struct Asked {
    /// What surrounds the items.
    pub context: Context,
    /// Partial or atomic.
    pub mode: Mode,
}

/// Reads the parameters of a kind; every fault is named.
pub fn parameters(
    spec: &Spec,
    pairs: &[(String, String)],
    settings: &Settings,
    now: DateTime<Utc>,
) -> Result<Asked> {
    let mut faults = Vec::new();
    let mut known = vec!["mode", "dry_run", "as_of"];
    known.extend(spec.params);
    if !spec.complete.is_empty() {
        known.push("complete");
    }
    let mut asked = Asked {
        context: Context {
            repo: None,
            as_of: None,
            complete: BTreeSet::new(),
            received_at: now,
            params: pairs.iter().cloned().collect(),
            clang_mirror: RepoName::parse(&settings.clang_mirror)
                .ok_or_else(|| Problem::internal("clang_mirror is no repository"))?,
            excerpt: false,
            dry_run: false,
        },
        mode: Mode::Partial,
    };
    for (name, value) in pairs {
        if !known.contains(&name.as_str()) {
            faults.push(
                Fault::parameter(
                    name,
                    "unknown_parameter",
                    format!("There is no parameter `{name}` here."),
                )
                .suggest(name, known.iter().copied()),
            );
            continue;
        }
        let read = match name.as_str() {
            "mode" => match value.as_str() {
                "partial" => {
                    let _: () = asked.mode = Mode::Partial;
                    Ok(())
                }
                "atomic" => {
                    let _: () = asked.mode = Mode::Atomic;
                    Ok(())
                }
                _ => Err("`mode` is `partial` or `atomic`.".to_owned()),
            },
            "dry_run" => true_or_false(name, value).map(|dry| asked.context.dry_run = dry),
            name if FLAGS.contains(&name) => true_or_false(name, value).map(|_| ()),
            "as_of" => as_of(value, now).map(|at| asked.context.as_of = Some(at)),
            "repo" => RepoName::parse(value)
                .map(|repo| asked.context.repo = Some(repo))
                .ok_or_else(|| "`repo` is `owner/name`.".to_owned()),
            "complete" => complete(value, spec).map(|sets| asked.context.complete = sets),
            _ => Ok(()),
        };
        if let Err(detail) = read {
            faults.push(Fault::parameter(name, "invalid_parameter", detail));
        }
    }
    if faults.is_empty() { Ok(asked) } else { Err(Problem::invalid(faults)) }
}

fn true_or_false(name: &str, value: &str) -> Result<bool, String> {
    flag(value).ok_or_else(|| format!("`{name}` is `true` or `false`."))
}

fn as_of(text: &str, now: DateTime<Utc>) -> Result<DateTime<Utc>, String> {
    // A `+` of an offset that was not percent-encoded arrives as a blank.
    let (head, tail) = text.split_at_checked(text.len().saturating_sub(6)).unwrap_or((text, ""));
    let text = match tail.strip_prefix(' ') {
        Some(offset) if offset.contains(':') && head.contains('T') => format!("{head}+{offset}"),
        _ => text.to_owned(),
    };
    let at = value::instant(&text).ok_or("`as_of` is an RFC 3339 time.")?;
    if at > now + TimeDelta::days(1) {
        return Err("`as_of` is more than a day in the future.".to_owned());
    }
    Ok(at)
}

fn complete(text: &str, spec: &Spec) -> Result<BTreeSet<String>, String> {
    let sets: BTreeSet<String> =
        text.split(',').map(str::trim).filter(|set| !set.is_empty()).map(str::to_owned).collect();
    match sets.iter().find(|set| !spec.complete.contains(&set.as_str())) {
        Some(unknown) => Err(format!("`{unknown}` is not one of {}.", spec.complete.join(", "))),
        None => Ok(sets),
    }
}

/// The format of a body, by its content type.
pub fn format(spec: &Spec, headers: &HeaderMap) -> Result<Format> {
    let sent = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media = sent.unwrap_or("application/json").split(';').next().unwrap_or_default();
    let media = media.trim().to_ascii_lowercase();
    let takes = |content| spec.takes.contains(&content);
    match media.as_str() {
        "application/json" | "text/json" if takes(Content::Json) => Ok(Format::Json),
        "application/x-ndjson" | "application/ndjson" | "application/jsonl"
            if takes(Content::Json) =>
        {
            Ok(Format::Ndjson)
        }
        "text/csv" if takes(Content::Csv) => Ok(Format::Csv),
        "text/plain" if takes(Content::Text) => Ok(Format::Lines),
        "text/vtt" if takes(Content::Vtt) => Ok(Format::Vtt),
        _ => {
            let accepted: Vec<&str> =
                spec.takes.iter().flat_map(|content| content.types().iter().copied()).collect();
            Err(Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported_media_type",
                format!("`{media}` is not taken here; send {}.", accepted.join(" or ")),
            ))
        }
    }
}

/// The limits of a server.
pub fn limits(settings: &Settings) -> Limits {
    Limits {
        whole: settings.body_limit_decompressed,
        line: settings.line_limit,
        batch: BATCH,
        batch_bytes: BATCH_BYTES,
    }
}

/// The body's bytes, content-coding undone, bounded.
pub fn reader(app: &App, headers: &HeaderMap, body: Body, format: Format) -> Result<Reader> {
    let most = match format {
        Format::Ndjson => usize::MAX,
        _ => app.settings.body_limit,
    };
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    if announced.and_then(|length| length.parse::<usize>().ok()).is_some_and(|n| n > most) {
        return Err(Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too_large",
            format!("The body is larger than {most} bytes."),
        ));
    }
    let mut seen = 0_usize;
    let stream = body.into_data_stream().map_err(io::Error::other).and_then(move |chunk| {
        seen = seen.saturating_add(chunk.len());
        let chunk = if seen > most { Err(io::Error::other(OverLimit(most))) } else { Ok(chunk) };
        std::future::ready(chunk)
    });
    let coding = headers.get(header::CONTENT_ENCODING).and_then(|value| value.to_str().ok());
    coding::decode(Box::pin(StreamReader::new(stream)), coding.unwrap_or_default())
}

/// Whether the client would have the request queued: `Prefer: respond-async`.
pub fn prefers_async(headers: &HeaderMap) -> bool {
    let sent = headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
    sent.flat_map(|value| value.split(','))
        .filter_map(|preference| preference.split(';').next())
        .any(|preference| preference.trim().eq_ignore_ascii_case("respond-async"))
}

/// The idempotency key, if one is sent.
pub fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>> {
    let Some(sent) = headers.get("idempotency-key") else { return Ok(None) };
    match sent.to_str().ok().map(str::trim) {
        // A header may hold a tab, too.
        Some(key) if !key.is_empty() && key.len() <= KEY && !key.contains('\t') => {
            Ok(Some(key.to_owned()))
        }
        _ => Err(Problem::invalid(vec![Fault::parameter(
            "Idempotency-Key",
            "invalid_parameter",
            "The key is 1 to 255 visible ASCII characters; spaces may stand between them.",
        )])),
    }
}
