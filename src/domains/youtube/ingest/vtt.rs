//! `WebVTT` as plain text: what is said, without times, settings, markup and repetition.

/// Whether a text is `WebVTT`: its first line begins with `WEBVTT`.
pub fn is_vtt(text: &str) -> bool {
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    text.strip_prefix("WEBVTT")
        .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\n', '\r']))
}

/// Where a line stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Before the first empty line.
    Header,
    /// After an empty line: a cue's number, a comment, a style.
    Between,
    /// In a comment, a style or a region.
    Aside,
    /// Below a cue's times.
    Cue,
}

/// The lines that are said. Rolling captions repeat the line before: a line equal to the previous one
/// is dropped.
pub fn plain_text(vtt: &str) -> String {
    let vtt = vtt.strip_prefix('\u{FEFF}').unwrap_or(vtt);
    let unified = vtt.replace("\r\n", "\n").replace('\r', "\n");
    let mut place = Place::Header;
    let mut said: Vec<String> = Vec::new();
    for line in unified.split('\n') {
        if line.contains("-->") && place != Place::Aside {
            place = Place::Cue;
        } else if line.is_empty() {
            place = Place::Between;
        } else if place == Place::Between && is_aside(line) {
            place = Place::Aside;
        } else if place == Place::Cue {
            let text = without_markup(line);
            if !text.is_empty() && said.last() != Some(&text) {
                said.push(text);
            }
        }
    }
    said.join("\n")
}

fn is_aside(line: &str) -> bool {
    ["NOTE", "STYLE", "REGION"].iter().any(|word| {
        line.strip_prefix(word).is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t']))
    })
}

/// A line without tags, its entities decoded, its blanks collapsed.
fn without_markup(line: &str) -> String {
    let mut bare = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((before, after)) = rest.split_once('<') {
        bare.push_str(before);
        // A tag that does not end goes on to the end of the line.
        rest = after.split_once('>').map_or("", |(_, after)| after);
    }
    bare.push_str(rest);
    decoded(&bare).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A text with its character references resolved, once.
fn decoded(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        plain.push_str(before);
        // A name ends where its letters end, so a sign that begins none costs no look ahead.
        let end = after.find(|c: char| !c.is_ascii_alphanumeric() && c != '#');
        let (name, behind) = after.split_at(end.unwrap_or(after.len()));
        let entity = behind.strip_prefix(';').and_then(|after| Some((entity(name)?, after)));
        if let Some((character, after)) = entity {
            plain.push(character);
            rest = after;
        } else {
            plain.push('&');
            rest = after;
        }
    }
    plain.push_str(rest);
    plain
}

fn entity(name: &str) -> Option<char> {
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => '\u{a0}',
        "lrm" => '\u{200e}',
        "rlm" => '\u{200f}',
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code).filter(|character| *character != '\0')?
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_tells() {
        for text in ["WEBVTT", "\u{FEFF}WEBVTT\r\n", "WEBVTT - a title\n", "WEBVTT\tx"] {
            assert!(is_vtt(text), "{text}");
        }
        for text in ["", "webvtt\n", " WEBVTT", "WEBVTTX", "1\n00:00 --> 00:01\nhi"] {
            assert!(!is_vtt(text), "{text}");
        }
    }

    #[test]
    fn only_what_is_said_is_left() {
        let vtt = "\u{FEFF}WEBVTT\r\nKind: captions\r\nStyle:\r\n::cue(c) { }\r\n##\r\n\r\n\
                   NOTE a comment\r\nover lines --> here\r\n\r\nSTYLE\r\n::cue { color: red }\r\n\r\n\
                   1\r\n00:00:00.000 --> 00:00:01.000 align:start position:0%\r\n \r\n\
                   of<00:00:00.800><c> normal</c>\r\n\r\n\
                   00:00:01.000 --> 00:00:01.010\r\nof normal\r\n \r\n\r\n\
                   an-id\r\n00:00:01.010 --> 00:00:02.000\r\nof normal\r\n<v Jane>I&#39;m &lt;Jane&gt; &amp;amp; co</v>\r\n\
                   00:00:02.000 --> 00:00:03.000\r\n\r\n00:00:03.000 --> 00:00:04.000\r\nNOTE is said";
        assert_eq!(plain_text(vtt), "of normal\nI'm <Jane> &amp; co\nNOTE is said");
    }

    #[test]
    fn odd_markup_is_survived() {
        assert_eq!(plain_text("WEBVTT\n\n00:00 --> 00:01\na < b & c; d &#x; &#0; <c"), "a");
        assert_eq!(
            plain_text("WEBVTT\n\n00:00 --> 00:01\na & c; d &#x; &#0;"),
            "a & c; d &#x; &#0;"
        );
        assert_eq!(plain_text("WEBVTT"), "");
    }

    #[test]
    fn a_long_line_is_read_in_one_go() {
        for line in ["&".repeat(2_000_000), "&#&amp".repeat(300_000)] {
            assert_eq!(plain_text(&format!("WEBVTT\n\n00:00 --> 00:01\n{line}")), line);
        }
    }
}
