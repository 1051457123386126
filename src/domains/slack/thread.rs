//! A thread of a channel: `/slack/channels/{id}/threads/{thread_ts}`.

use axum::{
    extract::{OriginalUri, State},
    response::Response,
};
use chrono::{DateTime, Utc};
use diesel::{
    QueryableByName,
    sql_types::{BigInt, Bool, Nullable, Text, Timestamptz},
};
use serde::Serialize;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::message::PUBLIC;
use crate::{
    app::App,
    db::sql::{SqlType, Statement, Value},
    http::{
        access::{Allowed, Reads},
        extract::{Path, Query},
        problem::{Problem, Result},
        scope::Scope,
    },
    paged,
    query::keyset::{Key, Order, Rows},
};

/// A message of a thread.
#[derive(Debug, Serialize, QueryableByName, utoipa::ToSchema)]
#[schema(as = SlackThreadMessage)]
struct Message {
    /// The message, `slack_message.id`.
    #[diesel(sql_type = BigInt)]
    id: i64,
    /// The channel, `slack_channel.id`.
    #[diesel(sql_type = BigInt)]
    channel_id: i64,
    /// Slack's timestamp, which is the message's id within its channel.
    #[diesel(sql_type = Text)]
    ts: String,
    /// The `ts` of the thread's first message; null in the first one while it has no answers.
    #[diesel(sql_type = Nullable<Text>)]
    thread_ts: Option<String>,
    /// Whether it answers the first message.
    #[diesel(sql_type = Bool)]
    is_reply: bool,
    /// Who wrote it, `slack_user.id`; null if Slack names nobody.
    #[diesel(sql_type = Nullable<BigInt>)]
    slack_user_id: Option<i64>,
    /// The name of who wrote it.
    #[diesel(sql_type = Nullable<Text>)]
    display_name: Option<String>,
    /// The text in Slack's markup.
    #[diesel(sql_type = Text)]
    message: String,
    /// When it was written: `ts` as an instant.
    #[diesel(sql_type = Timestamptz)]
    slack_message_created_at: DateTime<Utc>,
    /// When it was last edited, else when it was written.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    slack_message_updated_at: Option<DateTime<Utc>>,
}

/// `slack_message_created_at` is `ts` to the microsecond: its order is that of the number.
const ORDER: Order = Order::ascending(&[
    Key("listed.is_reply::integer::bigint", SqlType::BigInt),
    Key("listed.slack_message_created_at", SqlType::Timestamptz),
    Key("listed.id", SqlType::BigInt),
]);

/// The routes.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list))
}

paged! {
    /// Which messages.
    struct Asked {}
}

/// List the messages of a thread
///
/// The message that the thread answers, if it is stored, then the answers by `ts`. Threads of channels
/// that are not public are shown with `read:pii` only.
#[utoipa::path(
    get,
    path = "/slack/channels/{id}/threads/{thread_ts}",
    operation_id = "list_slack_thread_messages",
    tag = "slack",
    params(
        ("id" = i64, Path, description = "The channel, `slack_channel.id`.", example = 1),
        ("thread_ts" = String, Path, description = "The `ts` of the thread's first message.", example = "1662189002.279343"),
        Asked
    ),
    responses((
        status = 200,
        description = "A page of messages.",
        body = Rows<Message>,
        headers(("Link" = String, description = "The next page, `<…>; rel=\"next\"`.")),
        example = json!({"data": [{
            "id": 1, "channel_id": 1, "ts": "1714564800.000100", "thread_ts": "1714564800.000100",
            "is_reply": false, "slack_user_id": 1, "display_name": "Jane Roe", "message": "Hello",
            "slack_message_created_at": "2024-05-01T12:00:00.000100Z",
            "slack_message_updated_at": "2024-05-01T12:00:00.000100Z"
        }], "page": {"next_cursor": null, "limit": 50}, "meta": {"as_of": "2024-05-01T12:00:00Z"}})
    )),
    extensions(("x-scope" = json!("read")))
)]
async fn list(
    State(app): State<App>,
    caller: Allowed<Reads>,
    Path((id, thread_ts)): Path<(i64, String)>,
    Query(asked): Query<Asked>,
    OriginalUri(uri): OriginalUri,
) -> Result<Response> {
    let paging = asked.paging(&uri, ORDER)?;
    let thread_ts = Value::Text(thread_ts);
    let mut messages = Statement::new(
        "select slack_message.id, slack_message.channel_id, slack_message.ts, \
         slack_message.thread_ts, slack_message.ts <> ",
    );
    messages
        .bind(SqlType::Text, thread_ts.clone())
        .push(
            " as is_reply, slack_message.slack_user_id, slack_user.display_name, \
             slack_message.message, slack_message.slack_message_created_at, \
             slack_message.slack_message_updated_at from slack_message \
             left join slack_user on slack_user.id = slack_message.slack_user_id \
             where slack_message.channel_id = ",
        )
        .bind(SqlType::BigInt, Value::BigInt(id))
        .push(" and (slack_message.ts = ")
        .bind(SqlType::Text, thread_ts.clone())
        .push(" or slack_message.thread_ts = ")
        .bind(SqlType::Text, thread_ts)
        .push(")");
    if !caller.has(&Scope::ReadPii) {
        messages.push(" and ").push(PUBLIC);
    }
    let rows = paging.load::<Message>(&app, messages).await?;
    if rows.is_empty() && paging.after.is_none() {
        return Err(Problem::not_found("There is no such thread."));
    }
    Ok(paging.respond(&app, rows))
}
