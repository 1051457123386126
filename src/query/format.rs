//! What a list or a feed is answered as: the caller's `Accept`.

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, header, request::Parts},
};

/// What a list or a feed can be answered as. In the order that decides between equals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A page, in JSON: also where nothing is asked for that we have.
    Json,
    /// Every row, as a line of CSV.
    Csv,
    /// Every row, as a JSON object on a line.
    Ndjson,
    /// Of a feed: what is to come as well, as a stream of events.
    Events,
}

impl Format {
    const OF_LISTS: [Self; 3] = [Self::Json, Self::Csv, Self::Ndjson];

    /// The media type, without parameters.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Csv => "text/csv",
            Self::Ndjson => "application/x-ndjson",
            Self::Events => "text/event-stream",
        }
    }

    /// What a feed is answered as.
    pub fn of_feed(headers: &HeaderMap) -> Self {
        Self::preferred(headers, &[Self::Json, Self::Events])
    }

    /// Which of `all` the header `Accept` prefers.
    fn preferred(headers: &HeaderMap, all: &[Self]) -> Self {
        let accepted = headers.get_all(header::ACCEPT);
        let ranges: Vec<_> = accepted
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .map(Range::read)
            .collect();
        let mut best = (Self::Json, (0, 0));
        for format in all {
            // The most precise range that takes a format says how much it is wanted.
            let mut takes =
                ranges.iter().filter_map(|it| Some((it.precision(*format)?, it.weight)));
            let said = takes.by_ref().max_by_key(|(precision, _)| *precision);
            if let Some((precision, weight)) = said
                && weight > 0
                && (weight, precision) > best.1
            {
                best = (*format, (weight, precision));
            }
        }
        best.0
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Format {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self::preferred(&parts.headers, &Self::OF_LISTS))
    }
}

/// A media range: `text/*;q=0.5`.
struct Range<'a> {
    media: &'a str,
    /// In thousandths.
    weight: u32,
}

impl<'a> Range<'a> {
    fn read(text: &'a str) -> Self {
        let mut parts = text.split(';').map(str::trim);
        let media = parts.next().unwrap_or_default();
        let weight = parts
            .filter_map(|parameter| parameter.split_once('='))
            .find(|(name, _)| name.trim().eq_ignore_ascii_case("q"))
            .map_or(1_000, |(_, weight)| thousandths(weight.trim()));
        Self { media, weight }
    }

    /// How precisely it names a format; not at all: none.
    fn precision(&self, format: Format) -> Option<u32> {
        let whole = format.media_type();
        let (kind, _) = whole.split_once('/')?;
        if self.media.eq_ignore_ascii_case(whole) {
            return Some(3);
        }
        match self.media.split_once('/')? {
            ("*", "*") => Some(1),
            (range, "*") if range.eq_ignore_ascii_case(kind) => Some(2),
            _ => None,
        }
    }
}

/// A weight such as `0.25`; what is none counts as 0.
fn thousandths(text: &str) -> u32 {
    let weight = text.parse::<f32>().ok().filter(|weight| (0.0..=1.0).contains(weight));
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and 1,000"
    )]
    weight.map_or(0, |weight| (weight * 1_000.0).round() as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accept_decides() {
        for (accept, format) in [
            ("", Format::Json),
            ("*/*", Format::Json),
            ("text/csv", Format::Csv),
            ("Text/CSV; charset=utf-8", Format::Csv),
            ("application/x-ndjson", Format::Ndjson),
            ("application/*", Format::Json),
            ("text/*", Format::Csv),
            ("text/html, */*;q=0.8", Format::Json),
            ("image/png", Format::Json),
            ("text/csv, */*", Format::Csv),
            ("application/json, text/csv", Format::Json),
            ("application/json;q=0.5, text/csv;q=0.9", Format::Csv),
            ("application/x-ndjson;q=0.2, */*;q=0.1", Format::Ndjson),
            ("text/csv;q=0", Format::Json),
            ("text/csv;q=0, text/*", Format::Json),
            ("text/csv;q=nonsense", Format::Json),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, accept.parse().unwrap());
            assert_eq!(Format::preferred(&headers, &Format::OF_LISTS), format, "{accept}");
        }
    }

    #[test]
    fn a_feed_is_a_page_unless_events_are_preferred() {
        for (accept, format) in [
            ("", Format::Json),
            ("*/*", Format::Json),
            ("application/json, */*", Format::Json),
            ("application/json, text/event-stream", Format::Json),
            ("text/event-stream;q=0", Format::Json),
            ("text/event-stream;q=0, */*", Format::Json),
            ("text/csv", Format::Json),
            ("text/event-stream", Format::Events),
            ("Text/Event-Stream; charset=utf-8", Format::Events),
            ("text/event-stream, */*", Format::Events),
            ("text/event-stream, application/json;q=0.9", Format::Events),
            ("text/*", Format::Events),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, accept.parse().unwrap());
            assert_eq!(Format::of_feed(&headers), format, "{accept}");
        }
    }
}
