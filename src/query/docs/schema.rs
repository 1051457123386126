//! The JSON schemas of rows, columns and the page envelope.

use serde_json::{Map, Value, json};
use utoipa::openapi::{
    KnownFormat, ObjectBuilder, Ref, RefOr, Schema, SchemaFormat,
    extensions::ExtensionsBuilder,
    schema::{AnyOfBuilder, ArrayBuilder, SchemaType, Type as JsonType},
};

use crate::query::{
    column::{Column, Type},
    include::MOST_CHILDREN,
    plan::{DEFAULT_LIMIT, MAX_LIMIT},
    relation::{self, Relation},
    resource::Resource,
};

/// A schema with its name, as [`OpenApiRouter`](utoipa_axum::router::OpenApiRouter) takes them.
pub(super) type Named = (String, RefOr<Schema>);

/// The extension that names the members of a row that are there unless `fields` leaves them out.
/// They cannot be `required`: no schema depends on a parameter. The typed client makes them so.
const WITHOUT_FIELDS: &str = "x-required-without-fields";

/// The component of a resource's rows.
pub(super) fn row(resource: &Resource) -> Named {
    let mut object = ObjectBuilder::new().description(Some(resource.doc));
    for column in &resource.columns {
        let value = of_type(column.ty, column.nullable).description(Some(column.doc));
        object = object.property(column.name, value);
    }
    for relation in relation::of(resource) {
        object = object.property(&*relation.name, related(resource, relation));
    }
    if relation::of(resource).iter().any(|relation| !relation.is_one()) {
        let address = of_type(Type::Text, false).description(Some("The address of the others."));
        let more = ObjectBuilder::new()
            .description(Some(format!(
                "Where the others are of what a row has more than {MOST_CHILDREN} of, by its name \
                 in `include`."
            )))
            .additional_properties(Some(address));
        object = object.property("more", more);
    }
    let always: Vec<_> = resource.columns.iter().map(|column| column.name).collect();
    let mark = ExtensionsBuilder::new().add(WITHOUT_FIELDS, always).build();
    (resource.name.to_owned(), object.extensions(Some(mark)).into())
}

/// The member that `include` adds.
fn related(resource: &Resource, relation: &Relation) -> RefOr<Schema> {
    let target = relation.target().resource();
    let row = Ref::from_schema_name(target.name);
    let by = target.columns[relation.by].name;
    if relation.is_one() {
        let from = resource.columns[relation.from].name;
        let words = format!(
            "With `include={}`: the row whose `{by}` is this one's `{from}`; null if there is \
             none that the caller may see.",
            relation.name
        );
        let null = ObjectBuilder::new().schema_type(SchemaType::new(JsonType::Null));
        return AnyOfBuilder::new().item(row).item(null).description(Some(words)).into();
    }
    let words = format!(
        "With `include={}`, of a single row only: the rows of `/api/v1{}` whose `{by}` is this row, the \
         first {MOST_CHILDREN} by `{}`.",
        relation.name,
        target.path,
        target.key().name
    );
    let rows = ArrayBuilder::new().items(row).max_items(Some(MOST_CHILDREN));
    rows.description(Some(words)).into()
}

/// The parts that every list's answer shares.
pub(in crate::query) fn envelope() -> [Named; 2] {
    let page = ObjectBuilder::new()
        .description(Some("Where the page stands."))
        .property(
            "next_cursor",
            of_type(Type::Text, true)
                .description(Some("Pass it as `cursor` for the next page; null on the last one.")),
        )
        .property(
            "limit",
            of_type(Type::Int, false)
                .description(Some("Rows a page holds at most."))
                .minimum(Some(1))
                .maximum(Some(u32::try_from(MAX_LIMIT).unwrap_or(u32::MAX))),
        )
        .required("next_cursor")
        .required("limit");
    let count = ObjectBuilder::new()
        .description(Some("Rows that pass the filters; only if `count` asks for it."))
        .property("value", of_type(Type::BigInt, false))
        .property(
            "exact",
            of_type(Type::Bool, false).description(Some("False if it is an estimate.")),
        )
        .required("value")
        .required("exact");
    let snippets = ObjectBuilder::new()
        .description(Some(
            "With `q`: for each row, by its key, some words around the matches as HTML. The \
             matches are in `<mark>`, and nothing else is markup.",
        ))
        .additional_properties(Some(of_type(Type::Text, false)));
    let meta = ObjectBuilder::new()
        .description(Some("About the answer."))
        .property("count", count)
        .property("as_of", of_type(Type::Timestamp, false).description(Some("When it was read.")))
        .property("snippets", snippets)
        .required("as_of");
    [("Page".to_owned(), page.into()), ("ListMeta".to_owned(), meta.into())]
}

/// The answer of a list.
pub(super) fn list(resource: &Resource) -> RefOr<Schema> {
    ObjectBuilder::new()
        .property("data", ArrayBuilder::new().items(Ref::from_schema_name(resource.name)))
        .property("page", Ref::from_schema_name("Page"))
        .property("meta", Ref::from_schema_name("ListMeta"))
        .required("data")
        .required("page")
        .required("meta")
        .into()
}

/// The schema of a value.
pub(in crate::query) fn of_type(ty: Type, nullable: bool) -> ObjectBuilder {
    let (json, format) = match ty {
        Type::Int => (JsonType::Integer, Some(KnownFormat::Int32)),
        Type::BigInt => (JsonType::Integer, Some(KnownFormat::Int64)),
        Type::Double => (JsonType::Number, Some(KnownFormat::Double)),
        Type::IdText | Type::Text | Type::Enum(_) => (JsonType::String, None),
        Type::Bool => (JsonType::Boolean, None),
        Type::Timestamp => (JsonType::String, Some(KnownFormat::DateTime)),
        Type::Date => (JsonType::String, Some(KnownFormat::Date)),
        Type::Json => return ObjectBuilder::new().schema_type(SchemaType::AnyValue),
    };
    let mut object = ObjectBuilder::new()
        .schema_type(if nullable {
            SchemaType::from_iter([json, JsonType::Null])
        } else {
            SchemaType::new(json)
        })
        .format(format.map(SchemaFormat::KnownFormat));
    if ty == Type::IdText {
        object = object.pattern(Some("^-?[0-9]{1,19}$"));
    }
    if let Type::Enum(texts) = ty {
        let null = nullable.then_some(Value::Null);
        object = object.enum_values(Some(texts.iter().map(|text| json!(text)).chain(null)));
    }
    object
}

/// A value that a column may have.
pub(super) fn example(column: &Column) -> Value {
    match column.ty {
        Type::Int | Type::BigInt => json!(1),
        Type::Double => json!(0.9),
        Type::IdText => json!("1234567890123456789"),
        Type::Bool => json!(false),
        Type::Timestamp => json!("2024-05-01T12:00:00Z"),
        Type::Date => json!("2024-05-01"),
        Type::Enum(texts) => json!(texts.first()),
        Type::Json => json!([]),
        Type::Text if column.name.ends_with("url") => json!("https://www.boost.org/"),
        Type::Text => json!("text"),
    }
}

/// A row as it may look.
pub(super) fn example_row(resource: &Resource) -> Value {
    let row: Map<_, _> =
        resource.columns.iter().map(|it| (it.name.to_owned(), example(it))).collect();
    Value::Object(row)
}

/// A page as it may look.
pub(super) fn example_page(resource: &Resource) -> Value {
    json!({
        "data": [example_row(resource)],
        "page": { "next_cursor": null, "limit": DEFAULT_LIMIT },
        "meta": { "as_of": "2024-05-01T12:00:00Z" },
    })
}
