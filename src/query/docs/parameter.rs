//! The parameters of lists. Those that many tables share are components, named by column, operator
//! and type: the document would be four times as long without.

use serde_json::{Value, json};
use utoipa::openapi::{
    ObjectBuilder, RefOr, Required, Schema,
    extensions::ExtensionsBuilder,
    path::{Parameter, ParameterBuilder, ParameterIn, ParameterStyle},
    schema::ArrayBuilder,
};

use super::schema;
use crate::{
    http::openapi::SHARED,
    query::{
        column::{Column, Type},
        operator::Operator,
        plan::{Count, DEFAULT_LIMIT, MAX_LIMIT, MAX_VALUES},
        resource::Resource,
    },
};

/// The parameters of a resource's list.
pub(super) fn of_list(resource: &Resource) -> Vec<Parameter> {
    let mut parameters = vec![limit(), cursor(), sort(resource), fields(resource)];
    if resource.column("count").is_none() {
        parameters.push(count());
    }
    let filters = resource
        .columns
        .iter()
        .flat_map(|column| Operator::of(column).map(move |operator| filter(column, operator)));
    parameters.extend(filters);
    parameters
}

/// Marks a parameter as one that many operations share, called `component`.
fn shared(parameter: ParameterBuilder, component: &str) -> Parameter {
    let mark = ExtensionsBuilder::new().add(SHARED, component).build();
    parameter.extensions(Some(mark)).build()
}

/// What a filter's component is called. None if the filter is the resource's own: it carries the
/// column's words, or an enum's texts.
fn component_name(column: &Column, operator: Operator) -> Option<String> {
    let ty = match column.ty {
        Type::Int => "int",
        Type::BigInt => "bigint",
        Type::Double => "double",
        Type::IdText => "id",
        Type::Text => "text",
        Type::Bool => "bool",
        Type::Timestamp => "time",
        Type::Date => "date",
        Type::Json => "json",
        Type::Enum(_) => return None,
    };
    let scan = if operator.is_indexed(column) { "" } else { ".scan" };
    let suffix = operator.suffix();
    (operator != Operator::Eq).then(|| format!("{}{suffix}.{ty}{scan}", column.name))
}

fn query(name: impl Into<String>, description: String) -> ParameterBuilder {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Query)
        .required(Required::False)
        .description(Some(description))
}

fn filter(column: &Column, operator: Operator) -> Parameter {
    let name = column.name;
    let words = match operator {
        Operator::Eq if name == "count" => format!(
            "{} A word instead of a number asks for a count of the matching rows: {}.",
            column.doc,
            Count::TEXTS.join(", ")
        ),
        Operator::Eq => column.doc.to_owned(),
        Operator::Ne => format!("`{name}` is not the value; a null is not it, either."),
        Operator::Gt => format!("`{name}` is greater than the value."),
        Operator::Gte => format!("`{name}` is the value or greater."),
        Operator::Lt => format!("`{name}` is less than the value."),
        Operator::Lte => format!("`{name}` is the value or less."),
        Operator::In => format!("`{name}` is one of the values."),
        Operator::IsNull => format!("`{name}` is null (`true`), or is not (`false`)."),
        Operator::Contains => format!("`{name}` contains the text, in any case."),
        Operator::StartsWith => format!("`{name}` starts with the text, in any case."),
    };
    let scan = if operator.is_indexed(column) { "" } else { " (scan)" };
    let words = format!("{words}{scan}");
    let value = schema::of_type(column.ty, false);
    let parameter = query(format!("{name}{}", operator.suffix()), words);
    let parameter = match operator {
        Operator::In => separated(parameter, value, MAX_VALUES),
        Operator::IsNull => parameter.schema(Some(schema::of_type(Type::Bool, false))),
        Operator::Eq if name == "count" => parameter.schema(Some(Schema::from(
            utoipa::openapi::schema::AnyOfBuilder::new().item(value).item(words_of_count()).build(),
        ))),
        _ => parameter.schema(Some(value)),
    };
    match component_name(column, operator) {
        Some(component) => shared(parameter, &component),
        None => parameter.build(),
    }
}

/// Several values in one parameter, separated by commas.
fn separated(
    parameter: ParameterBuilder,
    item: impl Into<RefOr<Schema>>,
    most: usize,
) -> ParameterBuilder {
    let item: RefOr<Schema> = item.into();
    let values = ArrayBuilder::new().items(item).min_items(Some(1)).max_items(Some(most));
    parameter.schema(Some(values)).style(Some(ParameterStyle::Form)).explode(Some(false))
}

fn names(names: impl IntoIterator<Item = String>) -> ObjectBuilder {
    let names: Vec<_> = names.into_iter().map(Value::String).collect();
    schema::of_type(Type::Text, false).enum_values(Some(names))
}

fn sort(resource: &Resource) -> Parameter {
    let sortable = resource.columns.iter().filter(|column| column.indexed);
    let directed: Vec<_> =
        sortable.flat_map(|it| [it.name.to_owned(), format!("-{}", it.name)]).collect();
    let key = resource.key().name;
    let words = format!(
        "The order: columns separated by commas, `-` for greatest first. Nulls come last. `{key}` \
         breaks ties, in the direction of the last column, and alone is the order if none is given."
    );
    let most = directed.len() / 2;
    separated(query("sort", words), names(directed), most).build()
}

/// `fields`, the one parameter that a detail has too.
pub(super) fn fields(resource: &Resource) -> Parameter {
    let columns: Vec<_> = resource.columns.iter().map(|it| it.name.to_owned()).collect();
    let words = "Only these columns, separated by commas.".to_owned();
    let most = columns.len();
    let parameter = separated(query("fields", words), names(columns), most);
    shared(parameter, &format!("fields.{}", resource.name))
}

fn limit() -> Parameter {
    let most = u32::try_from(MAX_LIMIT).unwrap_or(u32::MAX);
    let value = schema::of_type(Type::Int, false)
        .minimum(Some(1))
        .maximum(Some(most))
        .default(Some(json!(DEFAULT_LIMIT)));
    let parameter = query("limit", "Rows on the page.".to_owned())
        .schema(Some(value))
        .example(Some(json!(DEFAULT_LIMIT)));
    shared(parameter, "limit")
}

fn cursor() -> Parameter {
    let words = "Where the page begins: `page.next_cursor` of the page before. Opaque, and bound \
                 to `sort` and the filters."
        .to_owned();
    let parameter = query("cursor", words).schema(Some(schema::of_type(Type::Text, false)));
    shared(parameter, "cursor")
}

fn words_of_count() -> ObjectBuilder {
    names(Count::TEXTS.map(str::to_owned)).default(Some(json!(Count::TEXTS[0])))
}

fn count() -> Parameter {
    let words = "Whether the matching rows are counted, and how.".to_owned();
    shared(query("count", words).schema(Some(words_of_count())), "count")
}
