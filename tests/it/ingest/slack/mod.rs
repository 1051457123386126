//! Slack's kinds and its webhook.

mod channels;
mod members;
mod messages;
mod orders;
mod real;
mod webhook;

use std::path::Path;

use axum::{
    body::Body,
    http::{Method, header},
};
use boost_dashboard::{
    config::Settings,
    db::sql::{Row, Statement, Value as Cell},
};
use diesel_async::RunQueryDsl as _;
use hmac::{Hmac, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

use super::sender::counts;
use crate::support::{Answer, TestApp, request};

const SECRET: &str = "the signing secret of the tests";

/// Each table: its natural key, and every column that a payload decides.
const ROWS: &[(&str, &str)] = &[
    ("team", "select team_id, team_name from slack_team"),
    (
        "user",
        "select u.slack_user_id, u.username, u.display_name, u.avatar_url, u.is_restricted, \
         p.type from slack_user u join base_profile p using (id)",
    ),
    (
        "email",
        "select u.slack_user_id, e.email, e.is_primary, e.last_seen_at from email e \
         join slack_user u on u.id = e.base_profile_id",
    ),
    (
        "channel",
        "select t.team_id, c.channel_id, c.channel_name, c.channel_type, c.description, \
         u.slack_user_id as creator, c.members_at from slack_channel c \
         join slack_team t on t.id = c.team_id left join slack_user u on u.id = c.creator_user_id",
    ),
    (
        "member",
        "select c.channel_id, u.slack_user_id, m.is_restricted, m.is_deleted, m.last_event_at \
         from slack_channel_membership m join slack_channel c on c.id = m.channel_id \
         join slack_user u on u.id = m.slack_user_id",
    ),
    (
        "log",
        "select c.channel_id, u.slack_user_id, m.is_joined, m.created_at, m.reports \
         from slack_channel_membership_change_log m join slack_channel c on c.id = m.channel_id \
         join slack_user u on u.id = m.slack_user_id",
    ),
    (
        "message",
        "select t.team_id, c.channel_id, m.ts, u.slack_user_id, m.message, m.thread_ts, \
         m.slack_message_created_at, m.slack_message_updated_at from slack_message m \
         join slack_channel c on c.id = m.channel_id join slack_team t on t.id = c.team_id \
         left join slack_user u on u.id = m.slack_user_id",
    ),
    ("gone", "select natural_key, remembered from tombstone"),
];

/// A server that takes Slack's payloads, and a token that may do everything.
struct Slack {
    app: TestApp,
    token: String,
}

impl Slack {
    async fn new() -> Self {
        Self::with(|_| {}).await
    }

    async fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let app = TestApp::with(|settings| {
            sign(settings);
            change(settings);
        })
        .await;
        Self::of(app)
    }

    /// A server whose database takes `times` as long to answer.
    async fn slow(times: u32) -> Self {
        Self::of(TestApp::slow(times, sign).await)
    }

    fn of(app: TestApp) -> Self {
        let token = app.token(&["ingest:*", "read:raw", "read:pii"]);
        Self { app, token }
    }

    async fn raw(&self, to: &str, body: impl Into<Body>) -> Answer {
        let path = format!("/api/v1/ingest/slack/{to}");
        self.app.post(&path, &self.token, "application/json", body).await
    }

    /// Posts JSON and gives the receipt of a request that is answered 200.
    async fn post(&self, to: &str, body: &Value) -> Value {
        self.raw(to, body.to_string()).await.expect(200)
    }

    /// Posts JSON of which nothing may be stored, and gives the codes.
    async fn refused(&self, to: &str, body: &Value) -> Vec<String> {
        let receipt = self.raw(to, body.to_string()).await.expect(422);
        super::sender::notes(&receipt, "errors")
    }

    /// Delivers an event as Slack signs it.
    async fn hook(&self, body: &str) -> Answer {
        self.signed(body, SECRET, 0).await
    }

    /// Delivers a body signed with a secret, some seconds ago.
    async fn signed(&self, body: &str, secret: &str, age: i64) -> Answer {
        let time = self.app.app().clock.now().timestamp() - age;
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
        mac.update(format!("v0:{time}:{body}").as_bytes());
        let signature = format!("v0={}", hex::encode(mac.finalize().into_bytes()));
        let request = request(Method::POST, "/api/v1/webhooks/slack", None)
            .header(header::CONTENT_TYPE, "application/json")
            .header("x-slack-signature", signature)
            .header("x-slack-request-timestamp", time.to_string())
            .body(Body::from(body.to_owned()));
        self.app.send(request.unwrap()).await
    }

    /// Delivers an event of team `T1` and gives the receipt.
    async fn event(&self, id: &str, event: Value) -> Value {
        let body = json!({
            "type": "event_callback", "team_id": "T1", "event_id": id, "event": event,
        });
        self.hook(&body.to_string()).await.expect(200)
    }

    async fn lines(&self, sql: &str) -> Vec<String> {
        let mut conn = self.app.db().pool().get().await.unwrap();
        let rows: Vec<Row> = Statement::new(sql).once().load(&mut conn).await.unwrap();
        let text = |row: Row| match row.0.into_iter().next() {
            Some(Cell::Text(text)) => text,
            other => panic!("{other:?} is no text"),
        };
        rows.into_iter().map(text).collect()
    }

    /// One text, by a query of the test's own; empty where there is no row.
    async fn text(&self, sql: &str) -> String {
        self.lines(&format!("select coalesce(({sql})::text, '')")).await.remove(0)
    }

    /// The rows of some tables, by natural key.
    async fn rows(&self, tables: &[&str]) -> Vec<String> {
        let of = |(name, rows): &(&str, &str)| {
            format!("select '{name} ' || to_jsonb(x)::text as line from ({rows}) x")
        };
        let union: Vec<String> =
            ROWS.iter().filter(|(name, _)| tables.contains(name)).map(of).collect();
        let union = union.join(" union all ");
        self.lines(&format!("select line from ({union}) a order by line collate \"C\"")).await
    }

    /// Every row by natural key, without the times of lists: they are ours.
    async fn dump(&self) -> Vec<String> {
        let all: Vec<&str> = ROWS.iter().map(|(name, _)| *name).collect();
        self.rows(&all).await
    }

    /// Every row with ids and dates of ours.
    async fn exact(&self) -> Vec<String> {
        let tables = "base_profile email slack_user slack_team slack_channel slack_message \
                      slack_channel_membership slack_channel_membership_change_log tombstone";
        let of = |table: &str| {
            format!(
                "select '{table} ' || (to_jsonb(x) - 'source_at' - 'source_as_of' - \
                 'source_digest' - 'source_receipt' - 'source_item' - 'column_stamps' - \
                 'last_event_at' - 'members_at')::text as line from {table} x"
            )
        };
        let union: Vec<String> = tables.split_whitespace().map(of).collect();
        let union = union.join(" union all ");
        self.lines(&format!("select line from ({union}) a order by line collate \"C\"")).await
    }

    /// Who is in a channel, and who was: `U1 -U2`.
    async fn members(&self, channel: &str) -> String {
        self.text(&format!(
            "select string_agg(case when m.is_deleted then '-' else '' end || u.slack_user_id, \
             ' ' order by u.slack_user_id) from slack_channel_membership m \
             join slack_user u on u.id = m.slack_user_id \
             join slack_channel c on c.id = m.channel_id where c.channel_id = '{channel}'"
        ))
        .await
    }

    /// The text of a message; empty where there is none.
    async fn message(&self, ts: &str) -> String {
        self.text(&format!("select message from slack_message where ts = '{ts}'")).await
    }

    async fn wipe(&self) {
        let mut conn = self.app.db().pool().get().await.unwrap();
        for table in "base_profile slack_team statement receipt tombstone".split(' ') {
            Statement::new(format!("delete from {table}")).execute(&mut conn).await.unwrap();
        }
    }
}

fn sign(settings: &mut Settings) {
    settings.slack_signing_secrets = vec!["the one before".into(), SECRET.into()];
}

/// A file of `tests/fixtures/slack`, unzipped if its name says so.
fn fixture(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/slack").join(name);
    let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    if path.extension().is_none_or(|extension| extension != "gz") {
        return String::from_utf8(bytes).unwrap();
    }
    let mut text = String::new();
    std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(bytes.as_slice()), &mut text)
        .unwrap();
    text
}

fn json_fixture(name: &str) -> Value {
    serde_json::from_str(&fixture(name)).unwrap()
}

/// A message of user `U1`.
fn said(ts: &str, text: &str) -> Value {
    json!({"type": "message", "user": "U1", "text": text, "ts": ts})
}

/// Somebody joins or leaves.
fn moved(ts: &str, subtype: &str, user: &str) -> Value {
    json!({"type": "message", "subtype": subtype, "user": user, "ts": ts, "text": "x"})
}
