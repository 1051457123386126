//! The content-codings of a request's body.

use std::pin::Pin;

use async_compression::tokio::bufread::{BrotliDecoder, GzipDecoder, ZstdDecoder};
use axum::http::StatusCode;
use tokio::io::{AsyncRead, BufReader};

use super::problem::{Problem, Result};

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
