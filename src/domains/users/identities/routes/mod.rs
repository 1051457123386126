//! The writes: each a request that becomes an operation.

pub mod decisions;
pub mod people;
pub mod profiles;
pub mod staging;

use axum::{extract::FromRequestParts, http::request::Parts, response::Response};
use utoipa_axum::router::OpenApiRouter;

use super::{
    answer::Answer,
    operation::Operation,
    perform::{Who, perform},
    reads,
};
use crate::{
    app::App,
    http::{
        access::{Allowed, WritesIdentity},
        extract::NoParams,
        layers::RequestId,
        problem::{Fault, Problem, Result},
        scope::Scope,
    },
};

/// Every route of identities.
pub fn routes() -> OpenApiRouter<App> {
    people::routes()
        .merge(profiles::routes())
        .merge(staging::routes())
        .merge(decisions::routes())
        .merge(reads::routes())
}

/// Who sends a request: one that may write identities.
#[derive(Debug)]
pub struct Caller {
    app: App,
    allowed: Allowed<WritesIdentity>,
    request: RequestId,
}

impl FromRequestParts<App> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let allowed = Allowed::from_request_parts(parts, app).await?;
        // A write has no parameters: `?dry_run=true` must not be taken for one.
        NoParams::from_request_parts(parts, app).await?;
        let request = RequestId::from_request_parts(parts, app).await?;
        Ok(Self { app: app.clone(), allowed, request })
    }
}

impl Caller {
    /// Runs an operation and answers it.
    pub async fn run(self, operation: Operation) -> Result<Response> {
        self.perform(operation, None).await
    }

    /// Runs an operation that makes something, which is read at `made`, followed by its id.
    pub async fn make(self, operation: Operation, made: &str) -> Result<Response> {
        self.perform(operation, Some(made)).await
    }

    async fn perform(self, operation: Operation, made: Option<&str>) -> Result<Response> {
        let subject = self.allowed.subject();
        let who = Who { subject, request_id: self.request.0.as_ref() };
        let done = perform(&self.app, who, &operation).await?;
        let pii = self.allowed.has(&Scope::ReadPii);
        let mut conn = self.app.reader().await?;
        let answer = Answer::of(done, pii, &mut conn).await?;
        let made = made.filter(|_| done.operation.is_some());
        let made = made.zip(done.row).map(|(path, (_, id))| format!("/api/v1{path}/{id}"));
        Ok(answer.respond(made))
    }
}

/// The most characters of a name.
pub const LONGEST_NAME: usize = 300;
/// The most characters of a description.
pub const LONGEST_DESCRIPTION: usize = 10_000;

/// A name with something in it.
pub fn name(text: String) -> Result<String> {
    if text.trim().is_empty() {
        let fault = Fault::pointer("/display_name", "invalid_member", "The name is empty.");
        return Err(Problem::invalid(vec![fault]));
    }
    no_longer("display_name", LONGEST_NAME, text)
}

/// A description.
pub fn description(text: String) -> Result<String> {
    no_longer("description", LONGEST_DESCRIPTION, text)
}

fn no_longer(member: &str, most: usize, text: String) -> Result<String> {
    let length = text.chars().count();
    if length > most {
        let detail = format!("The text has {length} characters; at most {most} are taken.");
        let fault = Fault::pointer(format!("/{member}"), "too_long", detail);
        return Err(Problem::invalid(vec![fault]));
    }
    Ok(text)
}
