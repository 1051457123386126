//! Statistics as OpenAPI: which columns go where is said by the resource's column list.

use serde_json::{Map, Value, json};
use utoipa::openapi::{
    ContentBuilder, ObjectBuilder, Ref, RefOr, ResponseBuilder, Schema,
    path::{Parameter, ParameterBuilder, ParameterStyle},
    schema::{ArrayBuilder, SchemaType, Type as JsonType},
};

use super::{
    grammar::measures,
    plan::{Bucket, MAX_GROUPS, MAX_MEASURES, MAX_ROWS, MAX_TOP, is_group, is_time},
};
use crate::query::{
    column::{Column, Type},
    docs::{Documented, Read, parameter, schema},
    resource::Resource,
};

/// The route of a resource.
pub(super) fn stats(resource: &Resource) -> Documented {
    let path = format!("{}/stats", resource.path);
    let content = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name("Stats")))
        .example(Some(example(resource)));
    let answer = ResponseBuilder::new()
        .description(format!("Rows for a chart, at most {MAX_ROWS}; more is refused."))
        .content("application/json", content.build());
    let read = Read::of(resource, &path);
    let last = resource.path.rsplit('/').next().unwrap_or_default().replace('-', " ");
    let words = "Groups the rows that pass the filters by time and by columns, and measures each \
                 group. Buckets are in UTC, named after their first date; rows without the time are \
                 in none. No data is no rows.";
    let operation = read
        .operation("stats", &format!("Measure {last}"))
        .description(Some(format!("{}\n\n{words}", resource.doc)))
        .response("200", answer.build());
    (vec![("Stats".to_owned(), answer_schema())], read.at(operation, parameters(resource)))
}

fn parameters(resource: &Resource) -> Vec<Parameter> {
    let times: Vec<_> = resource.columns.iter().filter(|column| is_time(column)).collect();
    let mut parameters = Vec::new();
    if !times.is_empty() {
        parameters.push(bucket());
        parameters.push(time(resource, &times));
        parameters.push(fill());
    }
    parameters.extend([group_by(resource), measure(resource), top()]);
    parameters.extend(parameter::window(resource));
    let words = "Only rows that the list's `q` finds.".to_owned();
    parameters.extend(parameter::search(resource, words).map(ParameterBuilder::build));
    parameters.extend(parameter::filters(resource));
    parameters
}

fn bucket() -> Parameter {
    let names = Bucket::ALL.map(|bucket| bucket.name().to_owned());
    let words = "The length of the buckets; a week begins on Monday. Without it rows are not told \
                 apart by time."
        .to_owned();
    let parameter = parameter::query("bucket", words).schema(Some(parameter::names(names)));
    parameter::shared(parameter.example(Some(json!("month"))), "stats.bucket")
}

fn time(resource: &Resource, times: &[&Column]) -> Parameter {
    let names = times.iter().map(|column| column.name.to_owned());
    let mut value = parameter::names(names);
    if let Some(main) = resource.time {
        value = value.default(Some(json!(main)));
    }
    let words = "The time that makes the buckets.".to_owned();
    parameter::query("time", words).schema(Some(value)).build()
}

fn fill() -> Parameter {
    let words = "Whether buckets without rows are shown as well, with zeros (null for `avg`, `min` \
                 and `max`): all that the `window` touches, else from the first to the last that has \
                 rows."
        .to_owned();
    let value = schema::of_type(Type::Bool, false).default(Some(json!(false)));
    parameter::shared(parameter::query("fill", words).schema(Some(value)), "stats.fill")
}

fn group_by(resource: &Resource) -> Parameter {
    let columns = resource.columns.iter().filter(|column| is_group(column));
    let names = parameter::names(columns.map(|column| column.name.to_owned()));
    let words =
        "Columns that rows are told apart by, separated by commas. A null is a group.".to_owned();
    parameter::separated(parameter::query("group_by", words), names, MAX_GROUPS).build()
}

fn measure(resource: &Resource) -> Parameter {
    let all = measures(&resource.columns);
    let most = all.len().min(MAX_MEASURES);
    let words =
        "What is measured, separated by commas: `count` of rows, `sum`, `avg`, `min`, `max` \
                 of a column, `distinct` values of it. `sum:x` is answered as `sum_x`."
            .to_owned();
    let parameter: ParameterBuilder = parameter::query("measure", words)
        .schema(Some(
            ArrayBuilder::new()
                .items(parameter::names(all))
                .min_items(Some(1))
                .max_items(Some(most))
                .default(Some(json!(["count"]))),
        ))
        .style(Some(ParameterStyle::Form))
        .explode(Some(false))
        .example(Some(json!(["count"])));
    parameter.build()
}

fn top() -> Parameter {
    let words = "Only so many groups: those with the most of the first measure over all buckets, \
                 among equals the first by name."
        .to_owned();
    let value = schema::of_type(Type::Int, false)
        .minimum(Some(1))
        .maximum(Some(u32::try_from(MAX_TOP).unwrap_or(u32::MAX)));
    parameter::shared(parameter::query("top", words).schema(Some(value)), "stats.top")
}

fn answer_schema() -> RefOr<Schema> {
    let any = SchemaType::from_iter([
        JsonType::String,
        JsonType::Number,
        JsonType::Boolean,
        JsonType::Null,
    ]);
    let row = ObjectBuilder::new()
        .description(Some("The bucket, each column of `group_by`, each measure."))
        .property(
            "bucket",
            schema::of_type(Type::Date, false)
                .description(Some("The first date of the bucket; only with `bucket`.")),
        )
        .additional_properties(Some(ObjectBuilder::new().schema_type(any)));
    ObjectBuilder::new()
        .description(Some("Rows for a chart."))
        .property(
            "data",
            ArrayBuilder::new().items(row).description(Some(
                "By bucket, then by group: greatest first with `top`, else by name.",
            )),
        )
        .property(
            "meta",
            ObjectBuilder::new()
                .property(
                    "as_of",
                    schema::of_type(Type::Timestamp, false).description(Some("When it was read.")),
                )
                .required("as_of"),
        )
        .required("data")
        .required("meta")
        .into()
}

fn example(resource: &Resource) -> Value {
    let mut row = Map::new();
    if resource.time.is_some() {
        row.insert("bucket".to_owned(), json!("2024-05-01"));
    }
    row.insert("count".to_owned(), json!(42));
    json!({ "data": [row], "meta": { "as_of": "2024-05-01T12:00:00Z" } })
}
