//! A resource's reads as OpenAPI: everything is said by its column list.

mod exports;
pub(super) mod parameter;
pub(super) mod schema;

use serde_json::{Value, json};
use utoipa::openapi::{
    ContentBuilder, HeaderBuilder, HttpMethod, PathItem, RefOr, Required, ResponseBuilder, Schema,
    path::{OperationBuilder, Parameter, ParameterBuilder, ParameterIn, Paths},
    schema::Ref,
};

use self::exports::EXPORTS;
use super::{column::Type, resource::Resource};
use crate::http::openapi::operation;

/// What every list says of its filters.
const SCANS: &str = "No index serves a filter marked (scan): it looks at every row that the others \
    leave, and is refused when that takes too long.";

/// What a route adds to the document: schemas and paths.
pub type Documented = (Vec<(String, RefOr<Schema>)>, Paths);

/// A read of a resource at a path.
#[derive(Clone, Copy)]
pub struct Read<'a> {
    /// The resource.
    pub resource: &'a Resource,
    /// The path below `/api/v1`.
    pub path: &'a str,
    /// The parameters of the path.
    pub own: &'a [Parameter],
    /// Whether the path names a repository, which may have another name now.
    pub moves: bool,
}

impl<'a> Read<'a> {
    /// A read whose path has no parameters and stays where it is.
    pub fn of(resource: &'a Resource, path: &'a str) -> Self {
        Self { resource, path, own: &[], moves: false }
    }

    /// As a list.
    pub fn list(&self) -> Documented {
        let next = HeaderBuilder::new()
            .description(Some("The next page, `<…>; rel=\"next\"`. Not sent with the last one."))
            .schema(Some(schema::of_type(Type::Text, false)));
        let content = ContentBuilder::new()
            .schema(Some(schema::list(self.resource)))
            .example(Some(schema::example_page(self.resource)));
        let answer = ResponseBuilder::new()
            .description("A page of rows.")
            .header("Link", next.build())
            .content("application/json", content.build());
        let answer = exports::add(answer, self.resource);
        let operation = self
            .operation("list", &format!("List {}", words(self.path)))
            .description(Some(format!("{}\n\n{SCANS}\n\n{EXPORTS}", self.resource.doc)))
            .response("200", answer.build());
        let [page, meta] = schema::envelope();
        let grammar = parameter::of_list(self.resource);
        (vec![schema::row(self.resource), page, meta], self.at(operation, grammar))
    }

    /// As a single row.
    pub fn detail(&self) -> Documented {
        let content = ContentBuilder::new()
            .schema(Some(Ref::from_schema_name(self.resource.name)))
            .example(Some(schema::example_row(self.resource)));
        let answer = ResponseBuilder::new()
            .description("The row.")
            .content("application/json", content.build());
        let operation = self
            .operation("get", &format!("Get one {}", words(self.path)))
            .response("200", answer.build());
        let mut grammar = vec![parameter::fields(self.resource)];
        grammar.extend(parameter::include(self.resource, false));
        (vec![schema::row(self.resource)], self.at(operation, grammar))
    }

    /// What every read of a resource says.
    pub(super) fn operation(&self, verb: &str, summary: &str) -> OperationBuilder {
        let resource = self.resource;
        let domain = resource.path.trim_start_matches('/').split('/').next().unwrap_or_default();
        let id = format!("{verb}_{}", identifier(self.path));
        let mut operation =
            operation(domain, &id, summary, &resource.scope).description(Some(resource.doc));
        if self.moves {
            let location = HeaderBuilder::new()
                .description(Some("The same address with the present name."))
                .schema(Some(schema::of_type(Type::Text, false)));
            let moved = ResponseBuilder::new()
                .description("The repository has another name now.")
                .header("Location", location.build());
            operation = operation.response("301", moved.build());
        }
        operation
    }

    /// The operation at the path, with its parameters.
    pub(super) fn at(&self, operation: OperationBuilder, grammar: Vec<Parameter>) -> Paths {
        let mut operation = operation.build();
        let all = self.own.iter().cloned().chain(grammar);
        operation.parameters = Some(all.map(RefOr::T).collect());
        let mut paths = Paths::new();
        paths.paths.insert(self.path.to_owned(), PathItem::new(HttpMethod::Get, operation));
        paths
    }
}

/// The read of one row of a resource, by its key.
pub fn one(resource: &Resource) -> Documented {
    let path = format!("{}/{{id}}", resource.path);
    Read { own: &[key(resource)], ..Read::of(resource, &path) }.detail()
}

/// The path parameter that is a resource's key.
pub fn key(resource: &Resource) -> Parameter {
    let key = resource.key();
    let example = resource.example.map(|text| example(key.ty, text));
    path_parameter("id", key.doc, key.ty, example.unwrap_or_else(|| schema::example(key)))
}

/// A key as an example of its type.
pub fn example(ty: Type, text: &str) -> Value {
    match (ty, text.parse::<i64>()) {
        (Type::Int | Type::BigInt, Ok(number)) => json!(number),
        _ => json!(text),
    }
}

/// A parameter of a path.
pub fn path_parameter(name: &str, doc: &str, ty: Type, example: Value) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .description(Some(doc))
        .schema(Some(schema::of_type(ty, false)))
        .example(Some(example))
        .build()
}

/// `/github/repositories/{owner}/{name}/commits` as `github_repository_commits`.
fn identifier(path: &str) -> String {
    let mut words: Vec<_> = segments(path).collect();
    if path.ends_with("}/{name}") {
        words.push("by_name".to_owned());
    }
    words.join("_").replace('-', "_")
}

/// The last noun of a path: `pull requests`.
fn words(path: &str) -> String {
    segments(path).last().unwrap_or_default().replace('-', " ")
}

/// The words of a path, in the singular where a parameter picks one.
fn segments(path: &str) -> impl Iterator<Item = String> {
    let all: Vec<_> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    let following = all.iter().skip(1).map(|it| it.starts_with('{')).chain([false]);
    let words: Vec<_> = all
        .iter()
        .zip(following)
        .filter(|(segment, _)| !segment.starts_with('{'))
        .map(|(segment, is_one)| if is_one { singular(segment) } else { (*segment).to_owned() })
        .collect();
    words.into_iter()
}

/// A noun in the singular.
pub(super) fn singular(noun: &str) -> String {
    match noun.strip_suffix("ies") {
        Some(stem) => format!("{stem}y"),
        None if noun.ends_with("status") => noun.to_owned(),
        None => noun.strip_suffix('s').unwrap_or(noun).to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_are_named_after_their_paths() {
        assert_eq!(identifier("/github/commit-file-changes"), "github_commit_file_changes");
        assert_eq!(identifier("/github/repositories/{id}"), "github_repository");
        assert_eq!(identifier("/github/repositories/{owner}/{name}"), "github_repository_by_name");
        assert_eq!(identifier("/pinecone/sync-status/{id}"), "pinecone_sync_status");
        assert_eq!(
            identifier("/github/repositories/{owner}/{name}/pull-requests/{number}"),
            "github_repository_pull_request"
        );
        assert_eq!(words("/github/pull-requests/{id}"), "pull request");
    }
}
