//! Rows as CSV (RFC 4180), straight from PostgreSQL's bytes like those in JSON.
//!
//! A null is nothing, an empty text is `""`. But where one column alone is shown, a null is `""` as well:
//! nothing would be an empty line, which readers skip. Texts stand as they are stored: one that a spreadsheet
//! would take for a formula is not altered, because whoever reads with a program wants the text.

use diesel::{
    pg::Pg,
    row::{Field, Row},
};

use super::{column::Type, render, view::View};

const LINE_END: &[u8] = b"\r\n";

/// Appends the line of the columns' names.
pub(super) fn header(view: &View, shown: &[usize], out: &mut Vec<u8>) {
    for (position, column) in shown.iter().enumerate() {
        if position > 0 {
            out.push(b',');
        }
        out.extend_from_slice(view.column(*column).name.as_bytes());
    }
    out.extend_from_slice(LINE_END);
}

/// Appends a row: the columns `shown`, in the order they were selected.
pub(super) fn row<'a>(
    view: &View,
    shown: &[usize],
    row: &impl Row<'a, Pg>,
    out: &mut Vec<u8>,
) -> diesel::deserialize::Result<()> {
    let begin = out.len();
    for (position, column) in shown.iter().enumerate() {
        if position > 0 {
            out.push(b',');
        }
        let field = row.get(position).ok_or("a column is missing")?;
        if let Some(raw) = field.value() {
            value(view.column(*column).ty, raw.as_bytes(), out)?;
        }
    }
    if out.len() == begin {
        // Readers skip empty lines, and this one is a row.
        out.extend_from_slice(b"\"\"");
    }
    out.extend_from_slice(LINE_END);
    Ok(())
}

/// Appends one value, given in PostgreSQL's binary format.
fn value(ty: Type, raw: &[u8], out: &mut Vec<u8>) -> diesel::deserialize::Result<()> {
    match ty {
        Type::Text | Type::Enum(_) => text(raw, out),
        Type::Json => text(raw.get(1..).ok_or("jsonb without its version")?, out),
        _ => {
            // As in JSON, but for the quotes: no comma or line end is in such a value.
            let begin = out.len();
            render::value(ty, raw, out)?;
            if out[begin..] == *b"null" {
                out.truncate(begin);
            } else if out.get(begin) == Some(&b'"') {
                out.remove(begin);
                out.pop();
            }
        }
    }
    Ok(())
}

/// Appends a text, in quotes if it needs them.
fn text(text: &[u8], out: &mut Vec<u8>) {
    let special = |byte: &u8| matches!(byte, b',' | b'"' | b'\r' | b'\n');
    let padded = |byte: Option<&u8>| byte.is_none_or(u8::is_ascii_whitespace);
    if !text.iter().any(special) && !padded(text.first()) && !padded(text.last()) {
        out.extend_from_slice(text);
        return;
    }
    out.push(b'"');
    for byte in text {
        if *byte == b'"' {
            out.push(b'"');
        }
        out.push(*byte);
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn field(ty: Type, raw: &[u8]) -> String {
        let mut out = Vec::new();
        value(ty, raw, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn values_stand_as_in_json_without_its_quotes() {
        assert_eq!(field(Type::Int, &7_i32.to_be_bytes()), "7");
        assert_eq!(field(Type::IdText, &(1_i64 << 60).to_be_bytes()), "1152921504606846976");
        assert_eq!(field(Type::Bool, &[1]), "true");
        assert_eq!(
            field(Type::Timestamp, &500_000_i64.to_be_bytes()),
            "2000-01-01T00:00:00.500000Z"
        );
        assert_eq!(field(Type::Timestamp, &i64::MAX.to_be_bytes()), "");
        assert_eq!(field(Type::Date, &0_i32.to_be_bytes()), "2000-01-01");
        assert_eq!(field(Type::Json, b"\x01[1, \"x\"]"), "\"[1, \"\"x\"\"]\"");
        assert_eq!(field(Type::Text, b""), "\"\"");
        assert_eq!(field(Type::Text, b"=1+1"), "=1+1");
    }

    proptest! {
        #[test]
        fn any_text_comes_back(texts in proptest::collection::vec("[ -~\r\n\u{e4}\u{1f600}]*", 1..5)) {
            let mut line = Vec::new();
            for (position, one) in texts.iter().enumerate() {
                if position > 0 {
                    line.push(b',');
                }
                text(one.as_bytes(), &mut line);
            }
            line.extend_from_slice(LINE_END);
            let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(&line[..]);
            let read: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
            prop_assert_eq!(read.len(), 1);
            prop_assert_eq!(read[0].iter().collect::<Vec<_>>(), texts);
        }
    }
}
