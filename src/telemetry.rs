//! Log lines and metrics.
//!
//! A log line is one JSON object with `time`, `level`, `target`, `message`, the request's
//! `request_id` and `subject`, and the event's fields. What may never be in one: tokens, secrets,
//! e-mail addresses, message texts, query strings.

use std::{
    cell::RefCell,
    fmt::{self, Write as _},
    future::Future,
    sync::{Arc, OnceLock},
};

use chrono::{DateTime, SecondsFormat, Utc};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tracing::{Event, Subscriber, field::Field};
use tracing_subscriber::{
    EnvFilter,
    fmt::{FmtContext, FormatEvent, FormatFields, format::Writer},
    registry::LookupSpan,
};

use crate::config::{LogFormat, Settings};

tokio::task_local! {
    /// The request that the task serves. Cheaper than a span, and read only by a line.
    static REQUEST: Request;
}

/// What a line says of its request.
struct Request {
    id: Arc<str>,
    subject: RefCell<Option<Arc<str>>>,
}

/// Runs `work`; every line it logs carries `request_id`.
pub async fn within_request<F: Future>(request_id: Arc<str>, work: F) -> F::Output {
    let request = Request { id: request_id, subject: RefCell::new(None) };
    REQUEST.scope(request, work).await
}

/// The id of the request that the task serves.
pub fn request_id() -> Option<Arc<str>> {
    REQUEST.try_with(|request| Arc::clone(&request.id)).ok()
}

/// Has the request's further lines name who calls.
pub fn name_subject(subject: &Arc<str>) {
    let _ = REQUEST.try_with(|request| request.subject.replace(Some(Arc::clone(subject))));
}

/// Sends log lines to stderr: stdout is for what a command answers.
pub fn init(settings: &Settings) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(&settings.log)?;
    let lines = Lines(settings.log_format);
    // A second start in one process (tests) keeps the first subscriber.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .event_format(lines)
        .with_writer(std::io::stderr)
        .try_init();
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let message = panic.payload_as_str().unwrap_or("no message");
        tracing::error!(place, "panic: {message}");
    }));
    Ok(())
}

/// The process's metrics, set up on first use: `metrics` knows one recorder a process.
pub fn metrics() -> PrometheusHandle {
    static METRICS: OnceLock<PrometheusHandle> = OnceLock::new();
    METRICS
        .get_or_init(|| {
            let seconds = [
                0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
            ];
            let builder = PrometheusBuilder::new();
            let recorder = match builder.set_buckets(&seconds) {
                Ok(builder) => builder,
                // Refused only if there are none.
                Err(_) => PrometheusBuilder::new(),
            }
            .build_recorder();
            let handle = recorder.handle();
            if metrics::set_global_recorder(recorder).is_err() {
                tracing::warn!("another metrics recorder is installed; /metrics stays empty");
            }
            handle
        })
        .clone()
}

/// Writes a line.
struct Lines(LogFormat);

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut out: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let line = self.line(event)?;
        out.write_str(&line)
    }
}

impl Lines {
    fn line(&self, event: &Event<'_>) -> Result<String, fmt::Error> {
        let meta = event.metadata();
        let now = DateTime::<Utc>::from(std::time::SystemTime::now());
        let time = now.to_rfc3339_opts(SecondsFormat::Millis, true);
        let mut fields = Fields { format: self.0, message: String::new(), rest: String::new() };
        event.record(&mut fields);
        let _ = REQUEST.try_with(|request| {
            fields.text("request_id", &request.id);
            if let Some(subject) = &*request.subject.borrow() {
                fields.text("subject", subject);
            }
        });
        let Fields { message, rest, .. } = fields;
        let (level, target) = (meta.level(), meta.target());
        let mut line = String::with_capacity(128 + message.len() + rest.len());
        match self.0 {
            LogFormat::Json => {
                write!(line, r#"{{"time":"{time}","level":"{level}","target":"{target}","#)?;
                line.push_str(r#""message":"#);
                quote(&mut line, &message);
                line.push_str(&rest);
                line.push_str("}\n");
            }
            LogFormat::Text => writeln!(line, "{time} {level:>5} {target}: {message}{rest}")?,
        }
        Ok(line)
    }
}

/// Collects an event's fields, each already in the line's format.
struct Fields {
    format: LogFormat,
    message: String,
    rest: String,
}

impl Fields {
    fn name(&mut self, name: &str) {
        match self.format {
            LogFormat::Json => {
                self.rest.push(',');
                quote(&mut self.rest, name);
                self.rest.push(':');
            }
            LogFormat::Text => {
                self.rest.push(' ');
                self.rest.push_str(name);
                self.rest.push('=');
            }
        }
    }

    fn text(&mut self, name: &str, value: &str) {
        if name == "message" {
            self.message.push_str(value);
            return;
        }
        self.name(name);
        quote(&mut self.rest, value);
    }

    fn bare(&mut self, name: &str, value: impl fmt::Display) {
        self.name(name);
        let _ = write!(self.rest, "{value}");
    }
}

impl tracing::field::Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.text(field.name(), value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.bare(field.name(), value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.bare(field.name(), value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.bare(field.name(), value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        // JSON knows no NaN.
        self.bare(field.name(), if value.is_finite() { value } else { 0.0 });
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            let _ = write!(self.message, "{value:?}");
        } else {
            self.text(field.name(), &format!("{value:?}"));
        }
    }
}

/// Appends `text` as a JSON string, so that nobody can forge a line with a line break.
fn quote(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            c if (c as u32) < 0x20 || c == '\u{7f}' => {
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_text_is_json() {
        let mut out = String::new();
        let text = "a \"b\" \\ \n \u{1} é";
        quote(&mut out, text);
        assert_eq!(serde_json::from_str::<String>(&out).unwrap(), text);
    }
}
