//! Identities: joined, parted, staged, suggested, undone.

mod concurrent;
mod hidden;
mod hidden_told;
mod journeys;
mod model;
mod sequences;
mod suggested;
mod undone;

use axum::{
    body::Body,
    http::{Method, header},
};
use boost_dashboard::{
    db::sql::{Row, Statement, Value as Sql},
    domains::users::identities::{Done, Operation, Who, perform},
    http::problem::Result,
};
use diesel_async::{RunQueryDsl as _, SimpleAsyncConnection as _};
use serde_json::Value;

use crate::support::{Answer, TestApp, request};

/// A server with some profiles, and a token that may join them.
struct People {
    app: TestApp,
    token: String,
}

impl People {
    /// With profiles 1 to `count`, GitHub accounts `user1` and so on.
    async fn new(count: usize) -> Self {
        let app = TestApp::new().await;
        let token = app.token(&["identity:write"]);
        let people = Self { app, token };
        people
            .sql(&format!(
                "insert into base_profile (type) select 'github' from generate_series(1, {count}); \
                 insert into github_account (id, github_account_id, username, display_name) \
                 select id, id, 'user' || id, 'User ' || id from base_profile"
            ))
            .await;
        people
    }

    async fn sql(&self, statements: &str) {
        self.app.db().connect().await.batch_execute(statements).await.unwrap();
    }

    /// The rows of a query.
    async fn rows(&self, query: &str) -> Vec<Vec<Sql>> {
        let mut connection = self.app.db().connect().await;
        let rows: Vec<Row> = Statement::new(query).load(&mut connection).await.unwrap();
        rows.into_iter().map(|row| row.0).collect()
    }

    async fn send(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        let request = request(method, &format!("/api/v1/users{path}"), Some(&self.token));
        let request = match body {
            Some(body) => request
                .header(header::CONTENT_TYPE, "application/json")
                .body(Body::from(body.to_string())),
            None => request.body(Body::empty()),
        };
        self.app.send(request.unwrap()).await
    }

    async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(Method::POST, path, Some(body)).await
    }

    async fn get(&self, path: &str) -> Answer {
        self.app.get(&format!("/api/v1/users{path}")).await
    }

    async fn undo(&self, operation: &Value) -> Answer {
        self.send(Method::POST, &format!("/identity-operations/{operation}/undo"), None).await
    }

    async fn perform(&self, operation: &Operation) -> Result<Done> {
        perform(self.app.app(), Who { subject: "test", request_id: "test" }, operation).await
    }

    /// Every row that operations write, whole, as text.
    async fn everything(&self) -> Vec<Vec<Sql>> {
        self.rows(
            "select 'identity', id, to_jsonb(t)::text from identity t \
             union all select 'base_profile', id, to_jsonb(t)::text from base_profile t \
             union all select 'email', id, to_jsonb(t)::text from email t \
             union all select 'tmp_identity', id, to_jsonb(t)::text from tmp_identity t \
             union all select 'relation', id, to_jsonb(t)::text \
                 from temp_profile_identity_relation t \
             union all select 'redirect', id, to_jsonb(t)::text from identity_redirect t \
             union all select 'suggestion', id, to_jsonb(t)::text from identity_suggestion t \
             order by 1, 2",
        )
        .await
    }

    /// A server with the same profiles, in which this one's journal was replayed.
    async fn replayed(&self, profiles: usize) -> Self {
        let copy = Self::new(profiles).await;
        for table in ["identity_operation", "identity_operation_row"] {
            let rows = self
                .rows(&format!("select coalesce(jsonb_agg(t), '[]')::text from {table} t"))
                .await;
            let [Sql::Text(rows)] = &rows[0][..] else { panic!("{rows:?}") };
            let rows = rows.replace('\'', "''");
            copy.sql(&format!(
                "insert into {table} overriding system value \
                 select * from jsonb_populate_recordset(null::{table}, '{rows}')"
            ))
            .await;
        }
        let mut connection = copy.app.db().connect().await;
        boost_dashboard::domains::users::identities::replay::replay(&mut connection).await.unwrap();
        copy
    }
}
