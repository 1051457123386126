//! The writes: each a request that becomes an operation.

pub mod decisions;
pub mod people;
pub mod profiles;
pub mod staging;

use axum::response::Response;
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

/// Who sends a request, and where its answer may lead.
#[derive(Debug)]
pub struct Caller<'a> {
    /// The application.
    pub app: &'a App,
    /// The caller.
    pub allowed: &'a Allowed<WritesIdentity>,
    /// The request's id.
    pub request: &'a RequestId,
}

impl Caller<'_> {
    /// Runs an operation and answers it. What it makes is read at `made`, followed by its id.
    pub async fn run(self, operation: Operation, made: Option<&str>) -> Result<Response> {
        let subject = self.allowed.subject();
        let who = Who { subject, request_id: self.request.0.as_ref() };
        let done = perform(self.app, who, &operation).await?;
        let pii = self.allowed.has(&Scope::ReadPii);
        let mut conn = self.app.pool.get().await?;
        let answer = Answer::of(done, pii, &mut conn).await?;
        let made = made.filter(|_| done.operation.is_some());
        let made = made.zip(done.row).map(|(path, (_, id))| format!("/api/v1{path}/{id}"));
        Ok(answer.respond(made))
    }
}

/// A name with something in it.
pub fn name(text: String) -> Result<String> {
    if text.trim().is_empty() {
        let detail = "The name is empty.";
        return Err(Problem::invalid(vec![Fault::pointer(
            "/display_name",
            "invalid_member",
            detail,
        )]));
    }
    Ok(text)
}
