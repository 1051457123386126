//! The feeds as OpenAPI.

use serde_json::{Value, json};
use utoipa::openapi::{
    ContentBuilder, HttpMethod, KnownFormat, ObjectBuilder, PathItem, Ref, RefOr, Required,
    ResponseBuilder, Schema, SchemaFormat,
    extensions::ExtensionsBuilder,
    path::{OperationBuilder, Parameter, ParameterBuilder, ParameterIn, ParameterStyle, Paths},
    schema::{AnyOfBuilder, ArrayBuilder, SchemaType, Type},
};

use super::routes::MAX_WAIT;
use crate::{
    domains,
    http::{
        openapi::{SHARED, operation},
        scope::Scope,
    },
    query::{
        column,
        docs::Documented,
        plan::{DEFAULT_LIMIT, MAX_LIMIT},
        resource::Resource,
    },
};

const HOW: &str = "In the order in which transactions committed, without gaps: what a long \
    transaction commits late comes late, and is not skipped. Each entry has the row as it is now, or \
    null for one that is gone (`delete`); of several changes of a row on one page the last is shown, \
    and a change may be told twice, so apply entries in their order by `id`. A write that leaves what \
    a row is made of as it was is not told.\n\n\
    To copy a table and keep the copy fresh: take `page.next_cursor` of `?after=now`, then export the \
    table, then follow the feed from that cursor; what changed during the export comes once more. \
    The cursor is good for the feed of every table. `page.next_cursor` is always given: ask again \
    with it, at once if `has_more`, else later. Changes are kept for a time (90 days unless the \
    server says otherwise); a cursor from before, or of a database that was restored since, is 410: \
    export again.";

const BRIEFLY: &str = "Entries in the order in which transactions committed, without gaps, deletions \
    included: each has the row as it is now, or null if it is gone. `page.next_cursor` is always \
    given, and is good for the feed of every table; a cursor older than what is kept is 410. \
    `GET /changes` says how to copy a table and keep the copy fresh.";

const PRIVATE: &str = "Rows that are not public are shown with `read:pii` only; one that ceases to be \
    public is a `delete` to everybody else.";

const CURSOR: &str = "B3NhbXBsZQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
const TIME: &str = "2024-05-01T12:00:00Z";

/// `GET {path}/changes`.
pub(super) fn of(resource: &Resource) -> Documented {
    let path = format!("{}/changes", resource.path);
    let domain = resource.path.trim_start_matches('/').split('/').next().unwrap_or_default();
    let id = format!("changes_of_{}", resource.path.trim_matches('/').replace(['/', '-'], "_"));
    let key = resource.key();
    let (id_type, id_example) = match key.ty {
        column::Type::Text => (Type::String, json!("dQw4w9WgXcQ")),
        _ => (Type::Integer, json!(1)),
    };
    let entry = format!("{}Change", resource.name);
    let row = AnyOfBuilder::new()
        .item(Ref::from_schema_name(resource.name))
        .item(ObjectBuilder::new().schema_type(SchemaType::new(Type::Null)))
        .description(Some("The row as it is now; null if it is gone."));
    let schema = entry_schema(resource.table, SchemaType::new(id_type), row.into());
    let example = example(resource.table, &id_example);
    let private = resource.public.map_or_else(String::new, |_| format!("\n\n{PRIVATE}"));
    let operation = operation(domain, &id, "Follow the changes of the table", &resource.scope)
        .description(Some(format!("{}\n\n{BRIEFLY}{private}", resource.doc)));
    let answers = vec![("application/json", page_schema(&entry), page_example(&example))];
    let paths = at(&path, operation, vec![after(), limit()], answers);
    (vec![(entry, schema), page()], paths)
}

/// `GET /changes`.
pub(super) fn of_all() -> Documented {
    let any_id = SchemaType::from_iter([Type::Integer, Type::String]);
    let row = ObjectBuilder::new()
        .schema_type(SchemaType::from_iter([Type::Object, Type::Null]))
        .description(Some("The row as its table's list shows it; null if it is gone."));
    let schema = entry_schema("git_commit", any_id, row.into());
    let domains = domains::all();
    let domain = names("domain", "Only tables of these domains.", {
        domains.iter().map(|domain| domain.name).collect()
    });
    let table = names("table", "Only these tables.", {
        let resources = domains.iter().flat_map(|domain| &domain.resources);
        resources.map(|resource| resource.table).collect()
    });
    let wait = query(
        "wait",
        "Seconds to wait for something to come, if there is nothing: it is answered as soon as there \
         is, or with an empty page. The server may end the wait a moment earlier.",
    )
    .schema(Some(
        ObjectBuilder::new()
            .schema_type(Type::Integer)
            .minimum(Some(0))
            .maximum(Some(u32::try_from(MAX_WAIT).unwrap_or(u32::MAX)))
            .default(Some(json!(0))),
    ))
    .example(Some(json!(1)))
    .build();
    let last = ParameterBuilder::new()
        .name("Last-Event-ID")
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some("The `id` of the last event that was seen; it goes before `after`."))
        .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
        .build();
    let operation = operation("changes", "list_changes", "Follow the changes of all tables", &Scope::Read)
        .description(Some(format!(
            "{HOW}\n\n{PRIVATE} So are e-mail addresses.\n\n\
             With `Accept: text/event-stream` it goes on: an event an entry, its cursor as `id`, until \
             either side ends it. Who comes back with `Last-Event-ID` misses nothing. `curl -N -H \
             'Accept: text/event-stream' '…/api/v1/changes?after=now'` shows what happens."
        )));
    let example = example("git_commit", &json!(1));
    let event = format!("id: {CURSOR}\ndata: {example}\n\n");
    let answers = vec![
        ("application/json", page_schema("Change"), page_example(&example)),
        ("text/event-stream", ObjectBuilder::new().schema_type(Type::String).into(), json!(event)),
    ];
    let parameters = vec![after(), limit(), domain, table, wait, last];
    (vec![("Change".to_owned(), schema), page()], at("/changes", operation, parameters, answers))
}

fn at(
    path: &str,
    operation: OperationBuilder,
    parameters: Vec<Parameter>,
    answers: Vec<(&str, RefOr<Schema>, Value)>,
) -> Paths {
    let mut answer = ResponseBuilder::new().description("Changes, oldest first.");
    for (media, schema, example) in answers {
        let content = ContentBuilder::new().schema(Some(schema)).example(Some(example)).build();
        answer = answer.content(media, content);
    }
    let expired = ResponseBuilder::new().description(
        "What was changed after the cursor is no longer kept, or the database was restored since: \
             export again.",
    );
    let mut operation =
        operation.response("200", answer.build()).response("410", expired.build()).build();
    operation.parameters = Some(parameters.into_iter().map(RefOr::T).collect());
    let mut paths = Paths::new();
    paths.paths.insert(path.to_owned(), PathItem::new(HttpMethod::Get, operation));
    paths
}

fn text(description: &str) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).description(Some(description))
}

fn entry_schema(table: &str, id: SchemaType, row: RefOr<Schema>) -> RefOr<Schema> {
    let time = text("When the transaction that made the change began.")
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)));
    let id = ObjectBuilder::new().schema_type(id).description(Some("The row's key."));
    let object = ObjectBuilder::new()
        .description(Some("A row that was changed."))
        .property("table", text("The table.").examples([json!(table)]))
        .property(
            "op",
            text("`upsert`: it is there, as `row` says. `delete`: it is gone.")
                .enum_values(Some(["upsert", "delete"])),
        )
        .property("id", id)
        .property("changed_at", time)
        .property("cursor", text("Pass it as `after` to go on behind this entry."))
        .property("row", row);
    ["table", "op", "id", "changed_at", "cursor", "row"]
        .into_iter()
        .fold(object, ObjectBuilder::required)
        .into()
}

/// The component that says where a feed stands.
fn page() -> (String, RefOr<Schema>) {
    let limit = ObjectBuilder::new()
        .schema_type(Type::Integer)
        .description(Some("Entries a page holds at most."));
    let more = ObjectBuilder::new()
        .schema_type(Type::Boolean)
        .description(Some("Whether there are more already."));
    let page = ObjectBuilder::new()
        .description(Some("Where the feed stands."))
        .property("next_cursor", text("Pass it as `after` for what comes next. Never null."))
        .property("limit", limit)
        .property("has_more", more)
        .required("next_cursor")
        .required("limit")
        .required("has_more");
    ("ChangesPage".to_owned(), page.into())
}

fn page_schema(entry: &str) -> RefOr<Schema> {
    ObjectBuilder::new()
        .property("data", ArrayBuilder::new().items(Ref::from_schema_name(entry)))
        .property("page", Ref::from_schema_name("ChangesPage"))
        .property("meta", Ref::from_schema_name("ListMeta"))
        .required("data")
        .required("page")
        .required("meta")
        .into()
}

fn example(table: &str, id: &Value) -> Value {
    json!({
        "table": table,
        "op": "delete",
        "id": id,
        "changed_at": TIME,
        "cursor": CURSOR,
        "row": null,
    })
}

fn page_example(entry: &Value) -> Value {
    json!({
        "data": [entry],
        "page": {"next_cursor": CURSOR, "limit": DEFAULT_LIMIT, "has_more": false},
        "meta": {"as_of": TIME},
    })
}

fn query(name: &str, description: &str) -> ParameterBuilder {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Query)
        .required(Required::False)
        .description(Some(description))
}

fn shared(parameter: ParameterBuilder, component: &str) -> Parameter {
    let mark = ExtensionsBuilder::new().add(SHARED, component).build();
    parameter.extensions(Some(mark)).build()
}

fn after() -> Parameter {
    let words = "What was seen: `page.next_cursor`, or an entry's `cursor`. `now`: only what comes \
                 from now on. Without it the feed begins with the oldest change that is kept.";
    let schema = ObjectBuilder::new().schema_type(Type::String);
    let parameter = query("after", words).schema(Some(schema)).example(Some(json!("now")));
    shared(parameter, "changes.after")
}

fn limit() -> Parameter {
    let schema = ObjectBuilder::new()
        .schema_type(Type::Integer)
        .minimum(Some(1))
        .maximum(Some(u32::try_from(MAX_LIMIT).unwrap_or(u32::MAX)))
        .default(Some(json!(DEFAULT_LIMIT)));
    let parameter = query("limit", "Entries on the page.")
        .schema(Some(schema))
        .example(Some(json!(DEFAULT_LIMIT)));
    shared(parameter, "changes.limit")
}

fn names(parameter: &str, words: &str, valid: Vec<&'static str>) -> Parameter {
    let example = json!([valid.first()]);
    let most = valid.len();
    let name = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(valid));
    query(parameter, &format!("{words} Separated by commas."))
        .schema(Some(ArrayBuilder::new().items(name).max_items(Some(most))))
        .style(Some(ParameterStyle::Form))
        .explode(Some(false))
        .example(Some(example))
        .build()
}
