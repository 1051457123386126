//! `ingest --watch`: a folder in the layout of the archive is ingested, and then what comes into it.

use std::{
    collections::HashMap,
    io::{Cursor, Write},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use anyhow::{Context, bail, ensure};
use chrono::{DateTime, Utc};
use serde::de::IgnoredAny;
use serde_json::{json, value::RawValue};

use super::{ingest::Body, offline::Offline, signals::Signals};
use crate::{
    app::App,
    config::Settings,
    ingest::{
        layout::{self, Origin},
        read::AnyKind,
        repo_name::RepoName,
        routes::kind_named,
    },
};

/// How often the folder is looked through.
const LOOK: Duration = Duration::from_secs(2);
/// A file that was written this lately may not be whole.
const FRESH: Duration = Duration::from_secs(1);
/// The most documents, and bytes, that are sent together.
const TOGETHER: (usize, usize) = (500, 8 << 20);

/// Ingests what is in the folder; unless `once`, goes on until it is told to stop.
pub async fn run(settings: Settings, folder: &Path, once: bool) -> anyhow::Result<()> {
    let found = folder.canonicalize();
    let found = found.with_context(|| format!("cannot read {}", folder.display()))?;
    let root = if found.join("raw").is_dir() { found.join("raw") } else { found };
    let own = settings.workspace.join("raw").canonicalize();
    ensure!(
        own.is_ok_and(|own| own != root) || !settings.workspace.join("raw").exists(),
        "{} is the archive of this server: `replay` makes its rows again. To take over the folder \
         of another collector, set BOOST_DASHBOARD_WORKSPACE to a folder of its own",
        folder.display()
    );
    let offline = Offline::open(settings).await?;
    let mut watch = Watch {
        mirror: RepoName::parse(&offline.app.settings.clang_mirror)
            .context("clang_mirror is no repository")?,
        root,
        seen: HashMap::new(),
        faulty: 0,
        strange: 0,
    };
    let outcome = watch.until_told(&offline.app, once).await;
    offline.close().await;
    outcome?;
    if watch.strange > 0 {
        eprintln!("{} files are no documents that this server takes", watch.strange);
    }
    match watch.faulty {
        0 => Ok(()),
        1 => bail!("something was rejected in 1 receipt"),
        faulty => bail!("something was rejected in {faulty} receipts"),
    }
}

/// A file as it was when it was found.
#[derive(Debug, Clone)]
struct Found {
    /// Relative to the root.
    path: String,
    written: SystemTime,
    length: u64,
}

/// Files that are sent together.
struct Parcel {
    kind: &'static dyn AnyKind,
    origin: Origin,
    /// When the only file was written, where nothing else says when it was true.
    as_of: Option<DateTime<Utc>>,
    files: Vec<Found>,
    body: Vec<u8>,
    /// Whether other documents may go with it.
    is_open: bool,
}

struct Watch {
    root: PathBuf,
    mirror: RepoName,
    seen: HashMap<String, (SystemTime, u64)>,
    faulty: usize,
    strange: usize,
}

impl Watch {
    async fn until_told(&mut self, app: &App, once: bool) -> anyhow::Result<()> {
        // Before the first look: a signal that comes while files are taken is not lost.
        let mut signals = Signals::listen()?;
        loop {
            let root = self.root.clone();
            let found = tokio::task::spawn_blocking(move || files(&root)).await??;
            let news = self.news(found, once);
            // What is cut short is not committed, and is found again by whoever looks next.
            let taken = tokio::select! {
                taken = self.take(app, news) => taken,
                () = signals.next() => return Ok(()),
            };
            match taken {
                Err(error) if !once => tracing::warn!("{error:#}: it is tried again"),
                outcome => outcome?,
            }
            if once {
                return Ok(());
            }
            tokio::select! {
                () = signals.next() => return Ok(()),
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }

    /// Those that are new or have changed, oldest first; of one time versions before plain names,
    /// which are the newest.
    fn news(&self, mut found: Vec<Found>, once: bool) -> Vec<Found> {
        found.retain(|file| {
            let is_whole = once || file.written.elapsed().is_ok_and(|age| age > FRESH);
            is_whole && self.seen.get(&file.path) != Some(&(file.written, file.length))
        });
        let is_plain = |file: &Found| {
            !layout::origin(&file.path, &self.mirror).is_some_and(|origin| origin.is_version)
        };
        found.sort_by_cached_key(|file| (file.written, is_plain(file), file.path.clone()));
        found
    }

    async fn take(&mut self, app: &App, news: Vec<Found>) -> anyhow::Result<()> {
        let mut open: Option<Parcel> = None;
        for file in news {
            let Some(parcel) = self.read(app, &file).await? else {
                self.strange += 1;
                self.seen.insert(file.path, (file.written, file.length));
                continue;
            };
            if let Some(other) = &mut open
                && other.takes(&parcel)
            {
                other.add(parcel);
                continue;
            }
            if let Some(full) = open.replace(parcel) {
                self.send(app, full).await?;
            }
        }
        match open {
            Some(last) => self.send(app, last).await,
            None => Ok(()),
        }
    }

    /// A file as a parcel of its own; none if it is of no kind that there is.
    async fn read(&self, app: &App, file: &Found) -> anyhow::Result<Option<Parcel>> {
        let Some(mut origin) = layout::origin(&file.path, &self.mirror) else { return Ok(None) };
        let Some(kind) = kind_named(&origin.kind) else { return Ok(None) };
        let spec = kind.spec();
        origin.params.retain(|(name, _)| spec.params.contains(name));
        let path = self.root.join(&file.path);
        let body = tokio::fs::read(&path).await;
        let body = body.with_context(|| format!("cannot read {}", path.display()))?;
        let written = DateTime::<Utc>::from(file.written);
        let as_of = (!spec.source_time && written <= app.clock.now()).then_some(written);
        let is_open = spec.source_time
            && !spec.array_is_one
            && origin.media == "application/json"
            && is_plain_object(&body, spec.wrappers);
        Ok(Some(Parcel { kind, origin, as_of, files: vec![file.clone()], body, is_open }))
    }

    async fn send(&mut self, app: &App, parcel: Parcel) -> anyhow::Result<()> {
        let Parcel { kind, origin, as_of, files, body, .. } = parcel;
        let mut params: Vec<(String, String)> =
            origin.params.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        params.extend(as_of.map(|at| ("as_of".to_owned(), at.to_rfc3339())));
        let body = if files.len() > 1 { [b"[", body.as_slice(), b"]"].concat() } else { body };
        let reader = Box::pin(Cursor::new(body));
        let body =
            Body { kind, params, media: origin.media, coding: "", reader, idempotency: None };
        let names: Vec<&str> = files.iter().map(|file| file.path.as_str()).collect();
        let mut conn = app.pool.get().await?;
        let mut line = match body.take(app, &mut conn, "ingest").await {
            Ok((receipt, line)) => {
                self.faulty += usize::from(receipt.rejected > 0);
                serde_json::from_str(&line)?
            }
            Err(problem) if problem.status.is_server_error() => bail!("{}: {problem}", names[0]),
            Err(problem) => {
                self.faulty += 1;
                let mut document = problem.document(names[0], "");
                document.as_object_mut().map(|members| members.remove("request_id"));
                document
            }
        };
        line["files"] = json!(names);
        writeln!(std::io::stdout().lock(), "{line}")?;
        for file in files {
            self.seen.insert(file.path, (file.written, file.length));
        }
        Ok(())
    }
}

impl Parcel {
    fn takes(&self, other: &Self) -> bool {
        self.is_open
            && other.is_open
            && self.origin.kind == other.origin.kind
            && self.origin.params == other.origin.params
            && self.files.len() < TOGETHER.0
            && self.body.len() + other.body.len() < TOGETHER.1
    }

    fn add(&mut self, other: Self) {
        self.body.push(b',');
        self.body.extend(other.body);
        self.files.extend(other.files);
    }
}

/// Whether a document means the same inside an array: an object, whole, and no wrapper of others.
fn is_plain_object(body: &[u8], wrappers: &[&str]) -> bool {
    if !body.trim_ascii_start().starts_with(b"{") {
        return false;
    }
    if wrappers.is_empty() {
        return serde_json::from_slice::<IgnoredAny>(body).is_ok();
    }
    let members: Result<HashMap<String, &RawValue>, _> = serde_json::from_slice(body);
    members.is_ok_and(|members| !wrappers.iter().any(|wrapper| members.contains_key(*wrapper)))
}

/// Every file below a folder; folders of the server's own are left out. Blocks.
fn files(root: &Path) -> anyhow::Result<Vec<Found>> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = std::fs::read_dir(&folder);
        for entry in entries.with_context(|| format!("cannot read {}", folder.display()))? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let is_ours =
                folder == root && ["_manifest", "_rejected", "webhooks"].contains(&&*name);
            if name.starts_with('.') || is_ours {
                continue;
            }
            let path = entry.path();
            if entry.file_type()?.is_dir() {
                folders.push(path);
                continue;
            }
            // A plain name may be a link to its newest version; it may be gone by now.
            let Ok(metadata) = std::fs::metadata(&path) else { continue };
            let Ok(relative) = path.strip_prefix(root) else { continue };
            if metadata.is_file() {
                found.push(Found {
                    path: relative.to_string_lossy().into_owned(),
                    written: metadata.modified()?,
                    length: metadata.len(),
                });
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_objects_go_together() {
        for (body, together) in [
            (r#"{"a": 1}"#, true),
            (" {\"a\": 1}\n", true),
            (r#"[{"a": 1}]"#, false),
            (r#"{"items": []}"#, false),
            (r#"{"a": "#, false),
            ("", false),
        ] {
            assert_eq!(is_plain_object(body.as_bytes(), &["items"]), together, "{body}");
        }
        assert!(is_plain_object(br#"{"items": 1}"#, &[]));
    }
}
