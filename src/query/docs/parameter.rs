//! The parameters of lists. Those that many tables share are components, named by column, operator
//! and type: the document would be four times as long without.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use utoipa::openapi::{
    ObjectBuilder, Ref, RefOr, Required, Schema,
    path::{Parameter, ParameterBuilder, ParameterIn, ParameterStyle},
    schema::ArrayBuilder,
};

use super::schema;
use crate::query::{
    column::{Column, Type},
    operator::Operator,
    plan::{Count, DEFAULT_LIMIT, MAX_LIMIT, MAX_VALUES},
    resource::Resource,
};

/// Parameters with the names they have among the components.
pub(super) type Components = BTreeMap<String, RefOr<Parameter>>;

/// The parameters of a resource's list, and the components they refer to.
pub(super) fn of_list(resource: &Resource) -> (Vec<RefOr<Parameter>>, Components) {
    let mut parameters = vec![
        reference("limit"),
        reference("cursor"),
        RefOr::T(sort(resource)),
        of_detail(resource),
    ];
    let mut components = Components::from([
        ("limit".to_owned(), RefOr::T(limit())),
        ("cursor".to_owned(), RefOr::T(cursor())),
        (fields_name(resource), RefOr::T(fields(resource))),
    ]);
    if resource.column("count").is_none() {
        parameters.push(reference("count"));
        components.insert("count".to_owned(), RefOr::T(count()));
    }
    for column in &resource.columns {
        for operator in Operator::of(column) {
            let parameter = filter(column, operator);
            match component_name(column, operator) {
                None => parameters.push(RefOr::T(parameter)),
                Some(name) => {
                    parameters.push(reference(&name));
                    components.insert(name, RefOr::T(parameter));
                }
            }
        }
    }
    (parameters, components)
}

/// The one parameter of a detail, `fields`.
pub(super) fn of_detail(resource: &Resource) -> RefOr<Parameter> {
    reference(&fields_name(resource))
}

fn fields_name(resource: &Resource) -> String {
    format!("fields.{}", resource.name)
}

fn reference(component: &str) -> RefOr<Parameter> {
    RefOr::Ref(Ref::new(format!("#/components/parameters/{component}")))
}

/// What a filter's component is called. None if the filter is the resource's own: it carries the
/// column's words, or an enum's texts.
fn component_name(column: &Column, operator: Operator) -> Option<String> {
    let ty = match column.ty {
        Type::Int => "int",
        Type::BigInt => "bigint",
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
        Operator::Ne if column.nullable => format!("`{name}` is not the value; nulls pass."),
        Operator::Ne => format!("`{name}` is not the value."),
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
    match operator {
        Operator::In => separated(parameter, value, MAX_VALUES),
        Operator::IsNull => parameter.schema(Some(schema::of_type(Type::Bool, false))),
        Operator::Eq if name == "count" => parameter.schema(Some(Schema::from(
            utoipa::openapi::schema::AnyOfBuilder::new().item(value).item(words_of_count()).build(),
        ))),
        _ => parameter.schema(Some(value)),
    }
    .build()
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

fn fields(resource: &Resource) -> Parameter {
    let columns: Vec<_> = resource.columns.iter().map(|it| it.name.to_owned()).collect();
    let words = "Only these columns, separated by commas.".to_owned();
    let most = columns.len();
    separated(query("fields", words), names(columns), most).build()
}

fn limit() -> Parameter {
    let most = u32::try_from(MAX_LIMIT).unwrap_or(u32::MAX);
    let value = schema::of_type(Type::Int, false)
        .minimum(Some(1))
        .maximum(Some(most))
        .default(Some(json!(DEFAULT_LIMIT)));
    query("limit", "Rows on the page.".to_owned())
        .schema(Some(value))
        .example(Some(json!(DEFAULT_LIMIT)))
        .build()
}

fn cursor() -> Parameter {
    let words = "Where the page begins: `page.next_cursor` of the page before. Opaque, and bound \
                 to `sort` and the filters."
        .to_owned();
    query("cursor", words).schema(Some(schema::of_type(Type::Text, false))).build()
}

fn words_of_count() -> ObjectBuilder {
    names(Count::TEXTS.map(str::to_owned)).default(Some(json!(Count::TEXTS[0])))
}

fn count() -> Parameter {
    let words = "Whether the matching rows are counted, and how.".to_owned();
    query("count", words).schema(Some(words_of_count())).build()
}
