//! Repositories by name, and what lies below them: `/github/repositories/{owner}/{name}/…`.
//!
//! The lists are the generic ones with one filter more, so all of the grammar works here too.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{FromRequestParts, OriginalUri, State},
    http::{StatusCode, Uri, header, request::Parts},
    response::{IntoResponse, Response},
    routing::get,
};
use diesel::{OptionalExtension, QueryResult};
use diesel_async::RunQueryDsl;
use serde::Deserialize;
use serde_json::json;
use utoipa::openapi::path::Parameter;
use utoipa_axum::router::OpenApiRouter;

use super::{
    commit::GitCommit, issue::Issue, pull_request::PullRequest, renames,
    repository::GitHubRepository,
};
use crate::{
    app::App,
    db::{
        Connection,
        sql::{Row, SqlType, Statement, Value},
    },
    http::{
        access::{Allowed, ReadsResource},
        extract::{Params, Path},
        problem::{Problem, Result},
    },
    query::{
        answer,
        column::Type,
        docs::{self, Read, path_parameter},
        export,
        format::Format,
        plan::Filter,
        resource::{Resource, Served},
        routes::serving,
        value,
        view::View,
    },
};

/// The routes.
pub fn routes() -> OpenApiRouter<App> {
    let repository = GitHubRepository::resource();
    let own = [owner(), name()];
    let read = Read::of(&repository, "/github/repositories/{owner}/{name}");
    let (schemas, paths) = Read { own: &own, moves: true, ..read }.detail();
    let by_name = OpenApiRouter::new().routes((schemas, paths, get(show_repository)));
    serving(&repository, by_name)
        .merge(below::<GitCommit>("commits", COMMIT))
        .merge(below::<Issue>("issues", ISSUE))
        .merge(below::<PullRequest>("pull-requests", PULL_REQUEST))
        .merge(renames::routes())
}

/// The rows of one repository: their list, and each by its key.
fn below<R: Served>(segment: &str, key: Key) -> OpenApiRouter<App> {
    let resource = R::resource();
    let list_path = format!("/github/repositories/{{owner}}/{{name}}/{segment}");
    let row_path = format!("{list_path}/{{{}}}", key.parameter);
    let mut own = vec![owner(), name()];
    let list = Read { own: &own, moves: true, ..Read::of(&resource, &list_path) };
    let (list_schemas, list_paths) = list.list();
    own.extend(key.documented(&resource));
    let row = Read { own: &own, moves: true, ..Read::of(&resource, &row_path) };
    let (row_schemas, row_paths) = row.detail();
    let router = OpenApiRouter::new().routes((list_schemas, list_paths, get(list_below))).routes((
        row_schemas,
        row_paths,
        get(show_below).layer(Extension(key)),
    ));
    serving(&resource, router)
}

/// What a row is called within its repository.
#[derive(Debug, Clone, Copy)]
struct Key {
    column: &'static str,
    /// Its name in the path.
    parameter: &'static str,
    /// That of a row of the sample data.
    example: &'static str,
}

const COMMIT: Key = Key {
    column: "commit_hash",
    parameter: "sha",
    example: "002feebb83e247d73fff7d47d81d706e859f9c9b",
};
const ISSUE: Key = Key { column: "issue_number", parameter: "number", example: "1101" };
const PULL_REQUEST: Key = Key { column: "pr_number", parameter: "number", example: "1161" };

impl Key {
    fn documented(self, resource: &Resource) -> Option<Parameter> {
        let column = resource.column(self.column)?;
        let example = docs::example(column.ty, self.example);
        Some(path_parameter(self.parameter, column.doc, column.ty, example))
    }

    /// The filter that finds the row called `text`.
    fn filter(self, view: &View, text: &str) -> Result<Filter> {
        let column = view.index(self.column).ok_or_else(|| Problem::internal("no key column"))?;
        // A SHA is the only key that is text, and is stored in lower case.
        let text = text.to_ascii_lowercase();
        let value = value::parse(self.parameter, view.column(column), &text);
        let value = value.map_err(|fault| Problem::invalid(vec![fault]))?;
        Ok(Filter::equals(column, value))
    }
}

fn owner() -> Parameter {
    path_parameter("owner", "The owner's user name, in any case.", Type::Text, json!("boostorg"))
}

fn name() -> Parameter {
    path_parameter("name", "The repository's name, in any case.", Type::Text, json!("json"))
}

async fn show_repository(
    State(app): State<App>,
    caller: Allowed<ReadsResource>,
    Extension(view): Extension<Arc<View>>,
    repository: Repository,
    params: Params,
) -> Result<Response> {
    let filter = Filter::equals(0, Value::BigInt(repository.id));
    answer::one(&app, &caller, &view, &[filter], &params).await
}

async fn list_below(
    State(app): State<App>,
    caller: Allowed<ReadsResource>,
    Extension(view): Extension<Arc<View>>,
    repository: Repository,
    params: Params,
    OriginalUri(uri): OriginalUri,
    format: Format,
) -> Result<Response> {
    let fixed = [repository.filter(&view)?];
    export::list(&app, &caller, &view, &fixed, &params, &uri, format).await
}

async fn show_below(
    State(app): State<App>,
    caller: Allowed<ReadsResource>,
    Extension(view): Extension<Arc<View>>,
    Extension(key): Extension<Key>,
    repository: Repository,
    Path((_, _, text)): Path<(String, String, String)>,
    params: Params,
) -> Result<Response> {
    let filters = [repository.filter(&view)?, key.filter(&view, &text)?];
    answer::one(&app, &caller, &view, &filters, &params).await
}

/// The repository that a path names. A former name is redirected, an unknown one is 404.
struct Repository {
    id: i64,
}

impl Repository {
    /// The filter for its rows.
    fn filter(&self, view: &View) -> Result<Filter> {
        let column = view.index("repo_id").ok_or_else(|| Problem::internal("no repo_id"))?;
        Ok(Filter::equals(column, Value::BigInt(self.id)))
    }
}

/// A repository's name, as the path has it.
#[derive(Debug, Deserialize)]
struct Name {
    owner: String,
    name: String,
}

impl FromRequestParts<App> for Repository {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        let name = Path::<Name>::from_request_parts(parts, app).await;
        let Path(name) = name.map_err(IntoResponse::into_response)?;
        let found = find(app, &name).await.map_err(IntoResponse::into_response)?;
        match found {
            Some(Found::Here(id)) => Ok(Self { id }),
            Some(Found::Moved(now)) => {
                let OriginalUri(uri) = OriginalUri::from_request_parts(parts, app)
                    .await
                    .unwrap_or_else(|never| match never {});
                let location = moved(&uri, &now).ok_or_else(|| {
                    Problem::internal("a repository route at another path").into_response()
                })?;
                let location = [(header::LOCATION, location)];
                Err((StatusCode::MOVED_PERMANENTLY, location).into_response())
            }
            None => {
                let detail = format!("There is no repository `{}/{}`.", name.owner, name.name);
                Err(Problem::not_found(detail).into_response())
            }
        }
    }
}

/// A name that was found.
enum Found {
    /// It is a repository's.
    Here(i64),
    /// It was: this is the present one.
    Moved(Name),
}

async fn find(app: &App, name: &Name) -> Result<Option<Found>> {
    let mut connection = app.reader().await?;
    if let Some(id) = present(&mut connection, name).await? {
        return Ok(Some(Found::Here(id)));
    }
    Ok(renamed(&mut connection, name).await?.map(Found::Moved))
}

/// The repository of that name. One that is gone yields its name to one that is not, and an account
/// known only by name to the real one.
async fn present(connection: &mut Connection, name: &Name) -> QueryResult<Option<i64>> {
    let mut sql = Statement::new(
        "select repository.id from github_repository repository \
         join github_account account on account.id = repository.owner_account_id \
         where lower(account.username) = lower(",
    );
    sql.bind(SqlType::Text, Value::Text(name.owner.clone()))
        .push(") and lower(repository.repo_name) = lower(")
        .bind(SqlType::Text, Value::Text(name.name.clone()))
        .push(
            ") order by repository.removed_at is not null, account.github_account_id desc limit 1",
        );
    let found = sql.get_result::<Row>(connection).await.optional()?;
    Ok(found.and_then(|Row(values)| match values[..] {
        [Value::BigInt(id)] => Some(id),
        _ => None,
    }))
}

/// The present name of the repository that had that name.
async fn renamed(connection: &mut Connection, name: &Name) -> QueryResult<Option<Name>> {
    let mut sql = Statement::new(
        "select account.username, repository.repo_name from former_repository_name former \
         join github_repository repository on repository.id = former.repo_id \
         join github_account account on account.id = repository.owner_account_id \
         where former.owner_lower = lower(",
    );
    sql.bind(SqlType::Text, Value::Text(name.owner.clone()))
        .push(") and former.name_lower = lower(")
        .bind(SqlType::Text, Value::Text(name.name.clone()))
        .push(")");
    let found = sql.get_result::<Row>(connection).await.optional()?;
    Ok(found.and_then(|Row(mut values)| match (values.pop(), values.pop()) {
        (Some(Value::Text(name)), Some(Value::Text(owner))) => Some(Name { owner, name }),
        _ => None,
    }))
}

/// The address with the repository's present name in it.
fn moved(uri: &Uri, now: &Name) -> Option<String> {
    const ABOVE: &str = "/github/repositories/";
    let (root, below) = uri.path().split_once(ABOVE)?;
    let mut location = format!("{root}{ABOVE}{}/{}", now.owner, now.name);
    if let Some(rest) = below.splitn(3, '/').nth(2) {
        location.push('/');
        location.push_str(rest);
    }
    if let Some(query) = uri.query() {
        location.push('?');
        location.push_str(query);
    }
    Some(location)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_keeps_what_follows_the_name() {
        let now = Name { owner: "boostorg".to_owned(), name: "json".to_owned() };
        for rest in ["", "/commits", "/issues/7", "?a=b/c", "/commits?sort=-id"] {
            let sent = format!("/api/v1/github/repositories/old/name{rest}");
            let expected = format!("/api/v1/github/repositories/boostorg/json{rest}");
            assert_eq!(moved(&sent.parse().unwrap(), &now).unwrap(), expected);
        }
    }
}
