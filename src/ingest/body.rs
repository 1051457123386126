//! A request's body as documents: content-coding undone, split, bounded.

use std::{collections::VecDeque, io, ops::Range, pin::Pin};

use async_compression::tokio::bufread::{BrotliDecoder, GzipDecoder, ZstdDecoder};
use axum::http::StatusCode;
use bytes::{Buf, Bytes, BytesMut};
use serde_json::value::RawValue;
use tokio::io::{AsyncRead, AsyncReadExt, BufReader};

use super::{clean, kind::Document, value::Note};
use crate::http::problem::{Fault, Problem, Result};

/// How documents stand in a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One JSON value: an object is one document, an array one per element.
    Json,
    /// One JSON value a line.
    Ndjson,
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

/// A reader of bytes.
pub type Reader = Pin<Box<dyn AsyncRead + Send>>;

/// Undoes a content-coding.
pub fn decode(reader: Reader, coding: &str) -> Result<Reader> {
    let buffered = BufReader::with_capacity(64 << 10, reader);
    Ok(match coding.trim().to_ascii_lowercase().as_str() {
        "" | "identity" => Box::pin(buffered),
        "gzip" | "x-gzip" => {
            let mut gzip = GzipDecoder::new(buffered);
            gzip.multiple_members(true);
            Box::pin(gzip)
        }
        "zstd" => Box::pin(ZstdDecoder::new(buffered)),
        "br" => Box::pin(BrotliDecoder::new(buffered)),
        other => {
            return Err(Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported_encoding",
                format!("The content-coding `{other}` is not one of gzip, zstd and br."),
            ));
        }
    })
}

/// The documents of a body, in batches.
pub struct Documents {
    reader: Reader,
    format: Format,
    limits: Limits,
    wrappers: &'static [&'static str],
    buffer: BytesMut,
    is_read: bool,
    next_index: i32,
    queue: VecDeque<Bytes>,
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
    pub fn new(
        reader: Reader,
        format: Format,
        limits: Limits,
        wrappers: &'static [&'static str],
    ) -> Self {
        Self {
            reader,
            format,
            limits,
            wrappers,
            buffer: BytesMut::new(),
            is_read: false,
            next_index: 0,
            queue: VecDeque::new(),
        }
    }

    /// The next documents, parsed; none when the body has ended.
    pub async fn next_batch(&mut self) -> Result<Option<Vec<Document>>, Unreadable> {
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
        let first = self.next_index;
        let count = i32::try_from(raw.len()).unwrap_or(i32::MAX);
        self.next_index = first.saturating_add(count);
        Ok(Some(tokio::task::block_in_place(|| {
            raw.into_iter().zip(first..).map(|(bytes, index)| parse(bytes, index)).collect()
        })))
    }

    async fn next_document(&mut self) -> Result<Option<Bytes>, Unreadable> {
        loop {
            if let Some(document) = self.queue.pop_front() {
                return Ok(Some(document));
            }
            match self.format {
                Format::Json if self.is_read => return Ok(None),
                Format::Json => {
                    let body = self.read_whole().await?;
                    self.queue = split_body(&body, self.wrappers)
                        .map_err(|problem| Unreadable { problem, body: Some(body) })?
                        .into();
                }
                Format::Ndjson => match self.next_line().await? {
                    None => return Ok(None),
                    // A line may be any JSON form; one that is none is one bad document.
                    Some(line) => match split_body(&line, self.wrappers) {
                        Ok(documents) => self.queue = documents.into(),
                        Err(_) => return Ok(Some(line)),
                    },
                },
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
        while self.fill().await? > 0 {
            if self.buffer.len() > self.limits.whole {
                return Err(too_large("body", self.limits.whole));
            }
        }
        Ok(self.buffer.split().freeze())
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

/// One document, parsed and cleaned.
pub fn parse(bytes: Bytes, index: i32) -> Document {
    let parsed = clean::parse(&bytes).map_err(|error| Note {
        pointer: String::new(),
        code: "invalid_json".to_owned(),
        detail: format!("This is not JSON: {error}."),
    });
    Document { index, bytes, parsed }
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

/// A body as one or several documents: the exact bytes of each.
fn split_body(body: &Bytes, wrappers: &[&str]) -> Result<Vec<Bytes>> {
    let start = body.strip_prefix(b"\xEF\xBB\xBF").map_or(0, |_| 3);
    let text = body[start..].trim_ascii();
    match text.first() {
        Some(b'[') => {
            let at = body.len() - body[start..].trim_ascii_start().len();
            let ranges = split_array(&body[at..]).map_err(|broken| match broken {
                Broken::Deep => too_deep(),
                Broken::Open => not_json(body),
            })?;
            Ok(ranges
                .into_iter()
                .map(|range| body.slice(at + range.start..at + range.end))
                .collect())
        }
        Some(b'{') => {
            let Some(list) = wrapped(text, wrappers) else {
                if clean::parse(body).is_err() {
                    return Err(not_json(body));
                }
                return Ok(vec![body.clone()]);
            };
            split_body(&body.slice_ref(list.as_bytes()), &[])
        }
        Some(_) if clean::parse(body).is_ok() => Ok(vec![body.clone()]),
        _ => Err(not_json(body)),
    }
}

/// The list inside a source's wrapper: the `items` of a search.
fn wrapped<'b>(object: &'b [u8], wrappers: &[&str]) -> Option<&'b str> {
    if wrappers.is_empty() {
        return None;
    }
    let members: std::collections::BTreeMap<std::borrow::Cow<'b, str>, &'b RawValue> =
        serde_json::from_slice(object).ok()?;
    wrappers
        .iter()
        .filter_map(|key| members.get(*key))
        .map(|value| value.get())
        .find(|value| value.starts_with('['))
}

/// How deep a body may be nested.
const DEPTH: usize = 128;

fn too_deep() -> Problem {
    Problem::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "too_deep",
        format!("The body is nested deeper than {DEPTH} levels."),
    )
}

fn not_json(body: &[u8]) -> Problem {
    let reason = match clean::parse(body) {
        Err(error) if error.to_string().contains("recursion limit") => {
            return too_deep();
        }
        Err(error) => error.to_string(),
        Ok(_) => "a list is broken".to_owned(),
    };
    let detail = format!("The body is not JSON: {reason}.");
    Problem::new(StatusCode::BAD_REQUEST, "invalid_json", detail.clone()).with(Fault::pointer(
        "",
        "invalid_json",
        detail,
    ))
}

/// Why an array has no elements to give.
enum Broken {
    /// It is nested too deep.
    Deep,
    /// Its brackets, quotes or commas are not whole.
    Open,
}

/// The elements of a JSON array, by position. Elements are not parsed: a broken one is one bad
/// element, as long as its brackets and quotes are whole.
fn split_array(text: &[u8]) -> Result<Vec<Range<usize>>, Broken> {
    let mut elements = Vec::new();
    let mut depth = 0_usize;
    let mut start = 1;
    let mut at = 1;
    let element = |from: usize, to: usize| {
        let slice = &text[from..to];
        let leading = slice.len() - slice.trim_ascii_start().len();
        let trimmed = slice.trim_ascii().len();
        (trimmed > 0).then_some(from + leading..from + leading + trimmed)
    };
    loop {
        let next = text[at..].iter().position(|byte| b"\"[]{},".contains(byte));
        at += next.ok_or(Broken::Open)?;
        match text[at] {
            b'"' => {
                at += 1;
                loop {
                    let rest = text.get(at..).ok_or(Broken::Open)?;
                    at += memchr::memchr2(b'"', b'\\', rest).ok_or(Broken::Open)?;
                    if text[at] == b'"' {
                        break;
                    }
                    at += 2;
                }
            }
            // The array itself is a level, too.
            b'[' | b'{' if depth + 2 > DEPTH => return Err(Broken::Deep),
            b'[' | b'{' => depth += 1,
            b']' if depth == 0 => {
                match element(start, at) {
                    Some(last) => elements.push(last),
                    None if elements.is_empty() => {}
                    None => return Err(Broken::Open),
                }
                let ends = text[at + 1..].trim_ascii().is_empty();
                return if ends { Ok(elements) } else { Err(Broken::Open) };
            }
            b']' | b'}' => depth = depth.checked_sub(1).ok_or(Broken::Open)?,
            b',' if depth == 0 => {
                elements.push(element(start, at).ok_or(Broken::Open)?);
                start = at + 1;
            }
            _ => {}
        }
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn documents(body: &'static str) -> Option<Vec<String>> {
        let split = split_body(&Bytes::from_static(body.as_bytes()), &["items"]).ok()?;
        Some(split.iter().map(|bytes| String::from_utf8_lossy(bytes).into_owned()).collect())
    }

    #[test]
    fn bodies_are_split_without_being_parsed() {
        for (body, expected) in [
            ("[]", &[][..]),
            (" [ ] ", &[]),
            (r#"[{"a":"],[\""} , [1,2],3 ]"#, &[r#"{"a":"],[\""}"#, "[1,2]", "3"]),
            (r#"[{"a":1},{bad},{"c":3}]"#, &[r#"{"a":1}"#, "{bad}", r#"{"c":3}"#]),
            (r#"{"a":1}"#, &[r#"{"a":1}"#]),
            (r#"{"total_count":1,"items":[{"a":1}, {"b":2}]}"#, &[r#"{"a":1}"#, r#"{"b":2}"#]),
            (r#"{"items":7}"#, &[r#"{"items":7}"#]),
            ("\u{FEFF}[1]", &["1"]),
            ("null", &["null"]),
        ] {
            let expected: Vec<String> = expected.iter().map(|text| (*text).to_owned()).collect();
            assert_eq!(documents(body), Some(expected), "{body}");
        }
        for body in ["", "[", "[1,]", "[,1]", "[1 2", "[1]]", r#"{"a":1,}"#, "[{]", "nul"] {
            assert_eq!(documents(body), None, "{body}");
        }
    }
}
