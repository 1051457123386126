//! What a list's document says of its exports.

use serde_json::{Value, json};
use utoipa::openapi::{ContentBuilder, HeaderBuilder, Ref, ResponseBuilder};

use super::schema;
use crate::query::{
    column::Type,
    export::{AS_OF, ROW_ORDER},
    format::Format,
    resource::Resource,
};

/// What every list says of them.
pub(super) const EXPORTS: &str = "With `Accept: text/csv` or `application/x-ndjson` the answer is \
    every row that passes, as a stream, read in one snapshot; `limit` then is any number and none \
    is no limit, `cursor` says after which row to begin, and `count` is refused. A transfer that \
    breaks off is not complete. An export has no `ETag`, which would be known only after its end. \
    In CSV (RFC 4180, with a header line) a null is nothing and an \
    empty text is `\"\"`; of a single column, where nothing would be an empty line that readers skip, \
    a null is `\"\"` as well. Texts are not altered: spreadsheets may take some for formulas.";

/// Adds the formats and the headers of exports.
pub(super) fn add(answer: ResponseBuilder, resource: &Resource) -> ResponseBuilder {
    let text = || schema::of_type(Type::Text, false);
    let csv = ContentBuilder::new().schema(Some(text())).example(Some(csv_example(resource)));
    let line = format!("{}\n", schema::example_row(resource));
    let ndjson = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name(resource.name)))
        .example(Some(json!(line)));
    let as_of = HeaderBuilder::new()
        .description(Some("When the rows of an export were read."))
        .schema(Some(schema::of_type(Type::Timestamp, false)));
    let order = HeaderBuilder::new()
        .description(Some("The order of the rows of an export, as `sort` is written."))
        .schema(Some(text()));
    answer
        .content(Format::Csv.media_type(), csv.build())
        .content(Format::Ndjson.media_type(), ndjson.build())
        .header(AS_OF.as_str(), as_of.build())
        .header(ROW_ORDER.as_str(), order.build())
}

/// A header line and a row.
fn csv_example(resource: &Resource) -> Value {
    let names: Vec<_> = resource.columns.iter().map(|column| column.name).collect();
    let values = resource.columns.iter().map(|column| match schema::example(column) {
        Value::String(text) => text,
        other => other.to_string(),
    });
    json!(format!("{}\r\n{}\r\n", names.join(","), values.collect::<Vec<_>>().join(",")))
}
