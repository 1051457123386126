//! `ingest`: files go through the pipeline as if they were posted.

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail, ensure};
use axum::http::{HeaderMap, HeaderValue, header};
use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressStyle};
use tokio_util::io::InspectReader;
use uuid::Uuid;

use super::{offline::Offline, watch};
use crate::{
    app::App,
    config::Settings,
    db::Connection,
    domains,
    http::{
        coding::{self, Reader},
        problem::{Result as Answer, nearest},
    },
    ingest::{
        body::Documents,
        job::{Job, Source},
        pipeline,
        read::AnyKind,
        receipt::Receipt,
        request,
        routes::kind_named,
    },
};

/// What `ingest` takes.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What the files hold, as in the path of the endpoint: `github/commits`.
    #[arg(value_name = "DOMAIN/KIND", value_parser = kind, required_unless_present = "watch")]
    kind: Option<&'static dyn AnyKind>,
    /// Files as they would be posted. `.ndjson` is one document a line; `.gz`, `.zst` and `.br` are
    /// decompressed.
    #[arg(required_unless_present = "watch")]
    files: Vec<PathBuf>,
    /// A workspace of this server or of the collectors before it: everything in its layout is
    /// ingested, oldest first, and then what comes into it.
    #[arg(long, value_name = "FOLDER", conflicts_with_all = ["kind", "params", "mode", "dry_run"])]
    watch: Option<PathBuf>,
    /// Stop when everything that is in the folder was ingested.
    #[arg(long, requires = "watch")]
    once: bool,
    /// A parameter of the kind; give it again for more.
    #[arg(long = "param", value_name = "NAME=VALUE", value_parser = param)]
    params: Vec<(String, String)>,
    /// What becomes of good items beside bad ones.
    #[arg(long, value_enum, default_value_t = ModeArg::Partial)]
    mode: ModeArg,
    /// Check everything, keep nothing.
    #[arg(long)]
    dry_run: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum ModeArg {
    /// They are stored.
    Partial,
    /// Nothing of the file is stored.
    Atomic,
}

/// Ingests every file and prints its receipt, one line of JSON a file.
pub async fn run(args: Args, settings: Settings) -> anyhow::Result<()> {
    if let Some(folder) = &args.watch {
        return watch::run(settings, folder, args.once).await;
    }
    let kind = args.kind.context("no kind is given")?;
    let mut total = 0;
    for file in &args.files {
        // Said before a database is started.
        let found = std::fs::metadata(file);
        let found = found.with_context(|| format!("cannot read {}", file.display()))?;
        ensure!(!found.is_dir(), "{} is a folder", file.display());
        total += found.len();
    }
    let offline = Offline::open(settings).await?;
    let outcome = files(&offline.app, kind, &args, total).await;
    offline.close().await;
    match outcome? {
        0 => Ok(()),
        1 => bail!("something was rejected in 1 file"),
        faulty => bail!("something was rejected in {faulty} files"),
    }
}

/// Ingests the files; gives how many of them have rejected items.
async fn files(
    app: &App,
    kind: &'static dyn AnyKind,
    args: &Args,
    total: u64,
) -> anyhow::Result<usize> {
    let bar = bytes_bar(total);
    let mut faulty = 0;
    for file in &args.files {
        bar.set_message(file.display().to_string());
        let answer = one_file(app, kind, args, file, &bar).await?;
        let line = match answer {
            Ok((receipt, line)) => {
                faulty += usize::from(receipt.rejected > 0);
                line
            }
            // Every file after this one would fail alike.
            Err(problem) if problem.status.is_server_error() => {
                bail!("{}: {problem}", file.display())
            }
            Err(problem) => {
                faulty += 1;
                let mut document = problem.document(&file.display().to_string(), "");
                document.as_object_mut().map(|members| members.remove("request_id"));
                document.to_string()
            }
        };
        // The bar is drawn on stderr, in the same terminal.
        bar.suspend(|| writeln!(std::io::stdout().lock(), "{line}"))?;
    }
    bar.finish_and_clear();
    Ok(faulty)
}

async fn one_file(
    app: &App,
    kind: &'static dyn AnyKind,
    args: &Args,
    path: &Path,
    bar: &ProgressBar,
) -> anyhow::Result<Answer<(Receipt, String)>> {
    let file = tokio::fs::File::open(path).await;
    let file = file.with_context(|| format!("cannot read {}", path.display()))?;
    let progress = bar.clone();
    let reader = InspectReader::new(file, move |bytes| progress.inc(bytes.len() as u64));
    let (media, coding) = by_name(path);
    let mut params = args.params.clone();
    if matches!(args.mode, ModeArg::Atomic) {
        params.push(("mode".to_owned(), "atomic".to_owned()));
    }
    if args.dry_run {
        params.push(("dry_run".to_owned(), "true".to_owned()));
    }
    let reader = Box::pin(reader);
    let body = Body { kind, params, media, coding, reader, idempotency: None };
    let mut conn = app.pool.get().await?;
    Ok(body.take(app, &mut conn, "ingest").await)
}

/// A body that comes without a request.
pub(super) struct Body {
    pub(super) kind: &'static dyn AnyKind,
    /// As in a query string, decoded.
    pub(super) params: Vec<(String, String)>,
    /// As in `Content-Type`.
    pub(super) media: &'static str,
    /// As in `Content-Encoding`.
    pub(super) coding: &'static str,
    pub(super) reader: Reader,
    /// A key that was claimed, and the digest of the body.
    pub(super) idempotency: Option<(String, Vec<u8>)>,
}

impl Body {
    /// Puts it through the pipeline, for `subject`. Gives the receipt and its JSON.
    pub(super) async fn take(
        self,
        app: &App,
        conn: &mut Connection,
        subject: &str,
    ) -> Answer<(Receipt, String)> {
        let spec = self.kind.spec();
        let asked = request::parameters(spec, &self.params, &app.settings, app.clock.now())?;
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.media));
        let format = request::format(spec, &headers)?;
        let reader = coding::decode(self.reader, self.coding)?;
        let job = Job {
            kind: self.kind,
            context: asked.context,
            content_type: format.media().to_owned(),
            mode: asked.mode,
            is_retry: false,
            subject: subject.to_owned(),
            request_id: Uuid::now_v7().to_string(),
            receipt_id: Uuid::now_v7(),
            idempotency: self.idempotency,
            archive: Some(app.archive.clone()),
        };
        let limits = request::limits(&app.settings);
        let documents = Documents::new(reader, format, limits, spec);
        pipeline::run(app, &job, conn, &mut Source::Body(Box::new(documents))).await
    }
}

/// A bar on stderr that counts bytes; none is drawn where nobody looks.
pub(super) fn bytes_bar(total: u64) -> ProgressBar {
    let style =
        ProgressStyle::with_template("{bar:30} {bytes}/{total_bytes} {bytes_per_sec} {wide_msg}")
            .unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(total).with_style(style)
}

/// The media type and the content-coding that a file's name tells.
pub fn by_name(path: &Path) -> (&'static str, &'static str) {
    let extension = |path: &Path| {
        path.extension().map(|extension| extension.to_string_lossy().to_ascii_lowercase())
    };
    let coding = match extension(path).as_deref() {
        Some("gz") => "gzip",
        Some("zst") => "zstd",
        Some("br") => "br",
        _ => "",
    };
    let name = if coding.is_empty() { path.to_owned() } else { path.with_extension("") };
    let media = match extension(&name).as_deref() {
        Some("ndjson" | "jsonl") => "application/x-ndjson",
        Some("csv") => "text/csv",
        Some("txt") => "text/plain",
        Some("vtt") => "text/vtt",
        _ => "application/json",
    };
    (media, coding)
}

pub(super) fn kind(name: &str) -> anyhow::Result<&'static dyn AnyKind> {
    if let Some(kind) = kind_named(name) {
        return Ok(kind);
    }
    let specs = domains::all().into_iter().flat_map(|domain| domain.kinds).map(AnyKind::spec);
    let known: Vec<String> = specs.map(|spec| format!("{}/{}", spec.domain, spec.name)).collect();
    match nearest(name, known.iter().map(String::as_str)) {
        Some(near) => bail!("there is no such kind (did you mean `{near}`?)"),
        None => bail!("there is no such kind; there are {}", known.join(", ")),
    }
}

pub(super) fn param(text: &str) -> anyhow::Result<(String, String)> {
    let (name, value) = text.split_once('=').context("it must be NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_type_and_coding() {
        for (name, expected) in [
            ("a.json", ("application/json", "")),
            ("a.ndjson.gz", ("application/x-ndjson", "gzip")),
            ("A.JSONL.ZST", ("application/x-ndjson", "zstd")),
            ("b.csv.br", ("text/csv", "br")),
            ("c.vtt", ("text/vtt", "")),
            ("noname", ("application/json", "")),
        ] {
            assert_eq!(by_name(Path::new(name)), expected, "{name}");
        }
    }

    #[test]
    fn kinds_and_parameters_are_checked() {
        assert_eq!(kind("github/commits").unwrap().spec().name, "commits");
        assert!(kind("github/comits").unwrap_err().to_string().contains("github/commits"));
        assert_eq!(param("repo=a/b=c").unwrap(), ("repo".to_owned(), "a/b=c".to_owned()));
        assert!(param("repo").is_err());
    }
}
