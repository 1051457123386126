//! CSV files as documents: each row an object of its columns, in batches.

use std::io::Cursor;

use bytes::Bytes;
use serde_json::{Map, Value};

use super::{
    clean,
    document::{Document, Form, Part, Parts},
    kind::Spec,
    value::Note,
};

/// Rows of one batch.
const BATCH: usize = 5_000;

/// The rows of a file.
pub struct Rows {
    reader: csv::Reader<Cursor<Bytes>>,
    file: Option<Bytes>,
    names: Vec<String>,
    seen: usize,
    limit: usize,
    has_ended: bool,
}

impl std::fmt::Debug for Rows {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rows").field("names", &self.names).finish_non_exhaustive()
    }
}

impl Rows {
    /// Reads the first row, which names the columns; or gives the file as a document that cannot be
    /// read.
    pub fn open(file: Bytes, spec: &Spec) -> Result<Self, Box<Document>> {
        let text = file.slice_ref(file.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&file));
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .from_reader(Cursor::new(text));
        let mut first = csv::ByteRecord::new();
        let names: Vec<String> = match reader.read_byte_record(&mut first) {
            Ok(true) => first
                .iter()
                .map(|name| {
                    let name = clean::readable(name);
                    name.trim().to_lowercase().split_whitespace().collect::<Vec<_>>().join("_")
                })
                .collect(),
            _ => Vec::new(),
        };
        let missing: Vec<&str> = spec
            .columns
            .iter()
            .copied()
            .filter(|column| !names.iter().any(|name| name == column))
            .collect();
        if !missing.is_empty() {
            let note = Note {
                pointer: String::new(),
                code: "bad_header_row".to_owned(),
                detail: format!("The first row does not name {}.", missing.join(", ")),
            };
            return Err(Box::new(Document {
                index: 0,
                bytes: file,
                parts: Err(note),
                continues: false,
            }));
        }
        Ok(Self { reader, file: Some(file), names, seen: 0, limit: spec.limit, has_ended: false })
    }

    /// The next rows; the first time also without any.
    pub fn next_batch(&mut self) -> Option<Document> {
        if self.has_ended {
            return None;
        }
        let index = i32::try_from(self.seen).unwrap_or(i32::MAX);
        let mut items = Vec::new();
        let mut record = csv::ByteRecord::new();
        let mut is_over = false;
        while items.len() < BATCH {
            if !matches!(self.reader.read_byte_record(&mut record), Ok(true)) {
                self.has_ended = true;
                break;
            }
            if self.seen == self.limit {
                // What was read of this batch is left out with the rest: the file is at fault.
                (self.has_ended, is_over) = (true, true);
                break;
            }
            self.seen += 1;
            items.push(self.row(&record));
        }
        let continues = self.file.is_none();
        if items.is_empty() && continues && !is_over {
            return None;
        }
        let bytes = self.file.take().unwrap_or_default();
        let parts = if is_over {
            Err(Note {
                pointer: String::new(),
                code: "too_many_items".to_owned(),
                detail: format!("The file has more than {} rows.", self.limit),
            })
        } else {
            Ok(Parts { items, form: Form::Row, ..Parts::default() })
        };
        Some(Document { index, bytes, parts, continues })
    }

    fn row(&self, record: &csv::ByteRecord) -> Part {
        let mut row = Map::new();
        let mut suspicious = false;
        for (name, cell) in self.names.iter().zip(record) {
            let text = match std::str::from_utf8(cell) {
                Ok(text) => text.to_owned(),
                Err(_) => clean::readable(cell).into_owned(),
            };
            suspicious |= text.contains(clean::POISON);
            row.insert(name.clone(), Value::String(text));
        }
        let mut row = Value::Object(row);
        let cleaned = if suspicious { clean::value(&mut row) } else { Vec::new() };
        Part::Ready(row, cleaned)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const SPEC: Spec = Spec { columns: &["owner"], ..Spec::new("a", "b", "") };

    #[test]
    fn rows_are_objects_of_their_columns() {
        let file = "\u{FEFF} Owner ,Repo Name\r\nacme,\"a, \"\"b\"\"\nc\"\r\nx\r\n";
        let mut rows = Rows::open(Bytes::from_static(file.as_bytes()), &SPEC).unwrap();
        let parts = rows.next_batch().unwrap().parts.unwrap();
        let values: Vec<Value> =
            parts.items.iter().map(|part| part.parse().unwrap().0.into_owned()).collect();
        assert_eq!(
            values,
            [json!({"owner": "acme", "repo_name": "a, \"b\"\nc"}), json!({"owner": "x"})]
        );
        assert!(rows.next_batch().is_none());
    }

    #[test]
    fn a_file_without_a_needed_column_is_one_bad_item() {
        let refused = Rows::open(Bytes::from_static(b"a,b\n1,2\n"), &SPEC).unwrap_err();
        assert_eq!(refused.parts.unwrap_err().code, "bad_header_row");
        assert!(Rows::open(Bytes::new(), &SPEC).is_err());
    }

    #[test]
    fn a_file_above_the_limit_is_refused() {
        let spec = Spec { limit: 2, ..SPEC };
        let mut rows = Rows::open(Bytes::from_static(b"owner\n1\n2\n3\n4\n"), &spec).unwrap();
        assert_eq!(rows.next_batch().unwrap().parts.unwrap_err().code, "too_many_items");
        assert!(rows.next_batch().is_none());
    }
}
