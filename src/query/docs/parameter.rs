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
        relation,
        resource::Resource,
        search::{MAX_SEARCH, SEARCHED},
        value, window,
    },
};

/// The parameters of a resource's list.
pub(super) fn of_list(resource: &Resource) -> Vec<Parameter> {
    let mut parameters = vec![limit(), cursor(), sort(resource), fields(resource)];
    parameters.extend(include(resource, true));
    parameters.extend(search_of_list(resource));
    if resource.column("count").is_none() {
        parameters.push(count());
    }
    parameters.extend(window(resource));
    parameters.extend(filters(resource));
    parameters
}

/// Every filter.
pub(in crate::query) fn filters(resource: &Resource) -> impl Iterator<Item = Parameter> {
    let of =
        move |column| Operator::of(column).map(move |operator| filter(resource, column, operator));
    resource.columns.iter().flat_map(of)
}

/// Marks a parameter as one that many operations share, called `component`.
pub(in crate::query) fn shared(parameter: ParameterBuilder, component: &str) -> Parameter {
    let mark = ExtensionsBuilder::new().add(SHARED, component).build();
    parameter.extensions(Some(mark)).build()
}

/// What a filter's component is called. It has the resource's name if it is its own: if it carries
/// the column's words, or an enum's texts.
fn component_name(resource: &Resource, column: &Column, operator: Operator) -> String {
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
        Type::Enum(_) => "enum",
    };
    let scan = if operator.is_indexed(column) { "" } else { ".scan" };
    let suffix = operator.suffix();
    if operator == Operator::Eq || ty == "enum" {
        return format!("{}.{}{suffix}", resource.name, column.name);
    }
    format!("{}{suffix}.{ty}{scan}", column.name)
}

pub(in crate::query) fn query(name: impl Into<String>, description: String) -> ParameterBuilder {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Query)
        .required(Required::False)
        .description(Some(description))
}

fn filter(resource: &Resource, column: &Column, operator: Operator) -> Parameter {
    let name = column.name;
    let words = match operator {
        Operator::Eq if name == "count" => format!(
            "{} A word instead of a number asks for a count of the matching rows: {}. Where both are \
             wanted, `count__in` is the filter.",
            column.doc,
            Count::TEXTS.join(", ")
        ),
        Operator::Eq => column.doc.to_owned(),
        Operator::Ne => format!("`{name}` is not the value; a null is not it, either."),
        Operator::Gt => format!("`{name}` is greater than the value."),
        Operator::Gte => format!("`{name}` is the value or greater."),
        Operator::Lt => format!("`{name}` is less than the value."),
        Operator::Lte => format!("`{name}` is the value or less."),
        Operator::In if column.ty == Type::Text => format!(
            "`{name}` is one of the values. One that holds a comma stands in double quotes, as in CSV."
        ),
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
        Operator::Contains | Operator::StartsWith => {
            parameter.schema(Some(value.min_length(Some(1))))
        }
        Operator::Eq if name == "count" => parameter.schema(Some(Schema::from(
            utoipa::openapi::schema::AnyOfBuilder::new().item(value).item(words_of_count()).build(),
        ))),
        _ => parameter.schema(Some(value)),
    };
    shared(parameter, &component_name(resource, column, operator))
}

/// Several values in one parameter, separated by commas.
pub(in crate::query) fn separated(
    parameter: ParameterBuilder,
    item: impl Into<RefOr<Schema>>,
    most: usize,
) -> ParameterBuilder {
    let item: RefOr<Schema> = item.into();
    let values = ArrayBuilder::new().items(item).min_items(Some(1)).max_items(Some(most));
    listed(parameter, values)
}

fn listed(parameter: ParameterBuilder, values: ArrayBuilder) -> ParameterBuilder {
    parameter.schema(Some(values)).style(Some(ParameterStyle::Form)).explode(Some(false))
}

pub(in crate::query) fn names(names: impl IntoIterator<Item = String>) -> ObjectBuilder {
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

/// `fields`, of lists and of single rows.
pub(super) fn fields(resource: &Resource) -> Parameter {
    let columns: Vec<_> = resource.columns.iter().map(|it| it.name.to_owned()).collect();
    let words = "Only these columns, separated by commas.".to_owned();
    let most = columns.len();
    let each = ArrayBuilder::new().items(names(columns)).min_items(Some(1)).max_items(Some(most));
    let parameter = listed(query("fields", words), each.unique_items(true));
    shared(parameter, &format!("fields.{}", resource.name))
}

/// `include` of a list, or of a single row, where there is something to include.
pub(super) fn include(resource: &Resource, is_list: bool) -> Option<Parameter> {
    let relations = relation::of(resource).iter().filter(|it| !is_list || it.is_one());
    let relations: Vec<_> = relations.map(|it| it.name.clone()).collect();
    let most = relations.len();
    let (words, of) = if is_list {
        ("Related rows shown in each row under these names, separated by commas.", "list")
    } else {
        ("Related rows shown in the row under these names, separated by commas.", "row")
    };
    let example = json!(relations.first().into_iter().collect::<Vec<_>>());
    let parameter = query("include", words.to_owned()).example(Some(example));
    let parameter = separated(parameter, names(relations), most);
    (most > 0).then(|| shared(parameter, &format!("include.{}.{of}", resource.name)))
}

/// `q`, where rows have prose.
pub(in crate::query) fn search(resource: &Resource, words: String) -> Option<ParameterBuilder> {
    let text = schema::of_type(Type::Text, false).min_length(Some(1)).max_length(Some(MAX_SEARCH));
    let parameter =
        query("q", words).schema(Some(text)).example(Some(json!("\"move only\" -boost")));
    (!resource.prose.is_empty()).then_some(parameter)
}

/// `q` of a list.
fn search_of_list(resource: &Resource) -> Option<Parameter> {
    let words = format!(
        "Full-text search in {}: words in any English form, `\"a phrase\"`, `or`, `-without`; \
         `Boost.Asio` and `boost/json.hpp` are phrases, and found by their words, too. The best \
         matches come first unless `sort` is given, and `meta.snippets` shows them. Words too common \
         to be indexed find nothing. Of each text {SEARCHED} characters are searched. \
         Every match is looked at to find the best: where there are very many, that may take \
         longer than the server allows (503), and more filters or a `sort` make it shorter.",
        value::list(resource.prose)
    );
    search(resource, words).map(|parameter| shared(parameter, &format!("q.{}", resource.name)))
}

fn limit() -> Parameter {
    let most = u32::try_from(MAX_LIMIT).unwrap_or(u32::MAX);
    let value = schema::of_type(Type::Int, false)
        .minimum(Some(1))
        .maximum(Some(most))
        .default(Some(json!(DEFAULT_LIMIT)));
    let parameter = query("limit", "Rows on the page. Of an export any number.".to_owned())
        .schema(Some(value))
        .example(Some(json!(DEFAULT_LIMIT)));
    shared(parameter, "limit")
}

fn cursor() -> Parameter {
    let words = "Where the page begins: `page.next_cursor` of the page before. Opaque, and bound \
                 to `sort`, `q` and the filters."
        .to_owned();
    let parameter = query("cursor", words).schema(Some(schema::of_type(Type::Text, false)));
    shared(parameter, "cursor")
}

/// `window`, which statistics have too. None if the rows have no time.
pub(in crate::query) fn window(resource: &Resource) -> Option<Parameter> {
    let column = resource.time.and_then(|time| resource.column(time))?;
    let (time, scan) = (column.name, if column.indexed { "" } else { " (scan)" });
    let words = format!("Only rows whose `{time}` lies within: {}{scan}", window::DOC);
    let value = schema::of_type(Type::Text, false)
        .pattern(Some("^(today|(7|30|90|365)d|last_release|boost:.+[.][.].+|.*/.*)$"));
    let parameter = query("window", words).schema(Some(value)).example(Some(json!("30d")));
    let kind = if column.indexed { "" } else { ".scan" };
    Some(shared(parameter, &format!("window.{time}{kind}")))
}

fn words_of_count() -> ObjectBuilder {
    names(Count::TEXTS.map(str::to_owned)).default(Some(json!(Count::TEXTS[0])))
}

fn count() -> Parameter {
    let words = "Whether the matching rows are counted, and how.".to_owned();
    shared(query("count", words).schema(Some(words_of_count())), "count")
}
