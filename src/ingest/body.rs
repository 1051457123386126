//! A request's body as documents: content-coding undone, split, bounded.

use std::{collections::VecDeque, io};

use axum::http::StatusCode;
use bytes::{Buf, Bytes, BytesMut};
use memmap2::MmapOptions;
use tokio::io::AsyncReadExt;

use super::{document::Document, kind::Spec, rows::Rows, split::split_body};
use crate::http::{
    coding::Reader,
    problem::{Problem, Result},
};

/// How documents stand in a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One JSON value: an object is one document, an array one per element.
    Json,
    /// One JSON value a line.
    Ndjson,
    /// Rows under a first row that names the columns.
    Csv,
    /// Plain text: each line an item.
    Lines,
    /// A `WebVTT` file.
    Vtt,
}

impl Format {
    /// The media type of a document.
    pub const fn media(self) -> &'static str {
        match self {
            Self::Json | Self::Ndjson => "application/json",
            Self::Csv => "text/csv",
            Self::Lines => "text/plain",
            Self::Vtt => "text/vtt",
        }
    }

    /// The format of a document of a media type.
    pub fn of_document(media: &str) -> Self {
        [Self::Csv, Self::Lines, Self::Vtt]
            .into_iter()
            .find(|format| format.media() == media)
            .unwrap_or(Self::Json)
    }

    /// The extension of a document's file.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Json | Self::Ndjson => "json",
            Self::Csv => "csv",
            Self::Lines => "txt",
            Self::Vtt => "vtt",
        }
    }
}

/// How much a body may be.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes of a whole body, decompressed. A stream of lines has no such limit.
    pub whole: usize,
    /// Bytes of one line.
    pub line: usize,
    /// Documents of one batch.
    pub batch: usize,
    /// Bytes of one batch, after which it is full.
    pub batch_bytes: usize,
}

/// The bytes up to which a body is held as a buffer that grows.
const SMALL: usize = 1 << 20;

/// The documents of a body, in batches.
pub struct Documents {
    reader: Reader,
    format: Format,
    limits: Limits,
    spec: &'static Spec,
    buffer: BytesMut,
    is_read: bool,
    next_index: i32,
    queue: VecDeque<Bytes>,
    rows: Option<Rows>,
}

impl std::fmt::Debug for Documents {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Documents").field("format", &self.format).finish_non_exhaustive()
    }
}

/// Why a body ends before its end.
#[derive(Debug)]
pub struct Unreadable {
    /// What to answer.
    pub problem: Problem,
    /// The body, where all of it was read: it is archived as rejected.
    pub body: Option<Bytes>,
}

impl From<Problem> for Unreadable {
    fn from(problem: Problem) -> Self {
        Self { problem, body: None }
    }
}

impl Documents {
    /// The documents that `reader` gives, decoded already.
    pub fn new(reader: Reader, format: Format, limits: Limits, spec: &'static Spec) -> Self {
        Self {
            reader,
            format,
            limits,
            spec,
            buffer: BytesMut::new(),
            is_read: false,
            next_index: 0,
            queue: VecDeque::new(),
            rows: None,
        }
    }

    /// A body that is one document, whatever it looks like.
    pub fn of_one(body: Bytes, spec: &'static Spec) -> Self {
        let limits = Limits { whole: usize::MAX, line: usize::MAX, batch: 1, batch_bytes: 1 };
        let mut one = Self::new(Box::pin(tokio::io::empty()), Format::Json, limits, spec);
        one.is_read = true;
        one.queue.push_back(body);
        one
    }

    /// How documents stand in the body.
    pub fn format(&self) -> Format {
        self.format
    }

    /// The next documents, taken apart; none when the body has ended.
    pub async fn next_batch(&mut self) -> Result<Option<Vec<Document>>, Unreadable> {
        match self.format {
            Format::Json | Format::Ndjson => {}
            Format::Csv => return Ok(self.next_rows().await?.map(|document| vec![document])),
            Format::Lines | Format::Vtt if self.is_read => return Ok(None),
            Format::Lines => {
                let body = self.read_whole().await?;
                return Ok(Some(vec![Document::lines(body, 0, self.spec)]));
            }
            Format::Vtt => return Ok(Some(vec![Document::text(self.read_whole().await?, 0)])),
        }
        let mut raw = Vec::new();
        let mut size = 0;
        while raw.len() < self.limits.batch && size < self.limits.batch_bytes {
            let Some(document) = self.next_document().await? else { break };
            size += document.len();
            raw.push(document);
        }
        if raw.is_empty() {
            return Ok(None);
        }
        let (spec, mut index) = (self.spec, self.next_index);
        let documents = tokio::task::block_in_place(|| {
            let parse = |bytes| {
                let document = Document::json(bytes, index, spec);
                index = index.saturating_add(i32::try_from(document.len()).unwrap_or(i32::MAX));
                document
            };
            raw.into_iter().map(parse).collect()
        });
        self.next_index = index;
        Ok(Some(documents))
    }

    async fn next_rows(&mut self) -> Result<Option<Document>, Unreadable> {
        if !self.is_read {
            let file = self.read_whole().await?;
            match Rows::open(file, self.spec) {
                Ok(rows) => self.rows = Some(rows),
                Err(refused) => return Ok(Some(*refused)),
            }
        }
        let Some(rows) = &mut self.rows else { return Ok(None) };
        Ok(tokio::task::block_in_place(|| rows.next_batch()))
    }

    async fn next_document(&mut self) -> Result<Option<Bytes>, Unreadable> {
        loop {
            if let Some(document) = self.queue.pop_front() {
                return Ok(Some(document));
            }
            match self.format {
                _ if self.format != Format::Ndjson && self.is_read => return Ok(None),
                Format::Ndjson => match self.next_line().await? {
                    None => return Ok(None),
                    // A line may be any JSON form; one that is none is one bad document.
                    Some(line) => match split_body(&line, self.spec) {
                        Ok(documents) => self.queue = documents.into(),
                        Err(_) => return Ok(Some(line)),
                    },
                },
                _ => {
                    let body = self.read_whole().await?;
                    self.queue = split_body(&body, self.spec)
                        .map_err(|problem| Unreadable { problem, body: Some(body) })?
                        .into();
                }
            }
        }
    }

    async fn fill(&mut self) -> Result<usize, Problem> {
        if self.buffer.capacity() - self.buffer.len() < 16 << 10 {
            self.buffer.reserve(64 << 10);
        }
        self.reader.read_buf(&mut self.buffer).await.map_err(|error| unreadable(&error))
    }

    async fn read_whole(&mut self) -> Result<Bytes, Problem> {
        self.is_read = true;
        while self.buffer.len() <= SMALL.min(self.limits.whole) {
            if self.fill().await? == 0 {
                return Ok(self.buffer.split().freeze());
            }
        }
        // What grows by doubling is copied each time, and both copies are held meanwhile. Here the
        // limit is reserved as addresses; they take memory as they are filled.
        let most = self.limits.whole.saturating_add(1).max(self.buffer.len());
        let mut body =
            MmapOptions::new().len(most).no_reserve_swap().map_anon().map_err(Problem::internal)?;
        let mut length = self.buffer.len();
        body[..length].copy_from_slice(&self.buffer.split());
        while length <= self.limits.whole {
            // A decoder may write to all that it is given.
            let end = most.min(length + SMALL);
            let read = self.reader.read(&mut body[length..end]).await;
            match read.map_err(|error| unreadable(&error))? {
                0 => return Ok(Bytes::from_owner(body).slice(..length)),
                read => length += read,
            }
        }
        Err(too_large("body", self.limits.whole))
    }

    /// The next line that is not blank, without its end.
    async fn next_line(&mut self) -> Result<Option<Bytes>, Problem> {
        let mut searched = 0;
        loop {
            let line = match memchr::memchr(b'\n', &self.buffer[searched..]) {
                Some(end) => {
                    let line = self.buffer.split_to(searched + end);
                    self.buffer.advance(1);
                    line
                }
                None if self.is_read && self.buffer.is_empty() => return Ok(None),
                None if self.is_read => self.buffer.split(),
                None => {
                    searched = self.buffer.len();
                    if searched > self.limits.line {
                        return Err(too_large("line", self.limits.line));
                    }
                    self.is_read = self.fill().await? == 0;
                    continue;
                }
            };
            if line.len() > self.limits.line {
                return Err(too_large("line", self.limits.line));
            }
            searched = 0;
            if !line.trim_ascii().is_empty() {
                return Ok(Some(line.freeze()));
            }
        }
    }
}

fn too_large(what: &str, limit: usize) -> Problem {
    Problem::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "too_large",
        format!("The {what} is larger than {limit} bytes."),
    )
}

/// What to answer when the body's bytes cannot be read: it is over the limit, or its coding is
/// broken, or the client went away.
pub fn unreadable(error: &io::Error) -> Problem {
    if let Some(limit) = error.get_ref().and_then(|inner| inner.downcast_ref::<OverLimit>()) {
        return too_large("compressed body", limit.0);
    }
    Problem::new(
        StatusCode::BAD_REQUEST,
        "unreadable_body",
        "The body ended early, or is not of the content-coding it names.",
    )
}

/// The error of a [`Limited`] reader.
#[derive(Debug, thiserror::Error)]
#[error("more than {0} bytes")]
pub struct OverLimit(pub usize);
