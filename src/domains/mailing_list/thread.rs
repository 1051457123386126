//! A thread of a mailing list: `/mailing-list/threads/{thread_id}`.

use std::collections::HashMap;

use axum::{
    extract::{OriginalUri, State},
    response::Response,
};
use chrono::{DateTime, Utc};
use diesel::{
    QueryResult, QueryableByName,
    sql_types::{BigInt, Nullable, Text, Timestamptz},
};
use diesel_async::RunQueryDsl;
use serde::Serialize;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    db::{
        Connection,
        sql::{SqlType, Statement, Value},
    },
    http::{
        access::{Allowed, Reads},
        extract::{Path, Query},
        problem::{Problem, Result},
    },
    paged,
    query::keyset::{Key, Order, Rows},
};

/// A message of a thread.
#[derive(Debug, Serialize, QueryableByName, utoipa::ToSchema)]
#[schema(as = ThreadMessage)]
struct Message {
    /// The message, `mailing_list_message.id`.
    #[diesel(sql_type = BigInt)]
    id: i64,
    /// How many messages of the thread lie between it and a root: 0 for a root, which answers no
    /// message that is stored in the thread. The messages of a circle are roots, too.
    #[diesel(sql_type = BigInt)]
    depth: i64,
    /// The archive's id of the message.
    #[diesel(sql_type = Text)]
    msg_id: String,
    /// The `msg_id` of the message it answers, which may be absent; empty if it answers none.
    #[diesel(sql_type = Text)]
    parent_id: String,
    /// The archive's id of the thread.
    #[diesel(sql_type = Text)]
    thread_id: String,
    /// The sender, `mailing_list_profile.id`.
    #[diesel(sql_type = BigInt)]
    sender_id: i64,
    /// The sender's name.
    #[diesel(sql_type = Text)]
    display_name: String,
    /// The subject, verbatim.
    #[diesel(sql_type = Text)]
    subject: String,
    /// The text, verbatim.
    #[diesel(sql_type = Text)]
    content: String,
    /// The list's address, lower-case.
    #[diesel(sql_type = Text)]
    list_name: String,
    /// When it was sent; null if its date is unreadable.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    sent_at: Option<DateTime<Utc>>,
}

/// By time; messages without one come last.
const ORDER: Order = Order::ascending(&[
    Key("(listed.sent_at is null)::integer::bigint", SqlType::BigInt),
    Key("coalesce(listed.sent_at, 'epoch')", SqlType::Timestamptz),
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
/// Every message of the thread by `sent_at`, with its depth in the tree of answers.
#[utoipa::path(
    get,
    path = "/mailing-list/threads/{thread_id}",
    operation_id = "list_mailing_list_thread_messages",
    tag = "mailing-list",
    params(
        ("thread_id" = String, Path, description = "The archive's id of the thread, percent-encoded.", example = "FIKNPZ6TVJIMKB5GKPNC7ZETLA2UHG22"),
        Asked
    ),
    responses((
        status = 200,
        description = "A page of messages.",
        body = Rows<Message>,
        headers(("Link" = String, description = "The next page, `<…>; rel=\"next\"`.")),
        example = json!({"data": [{
            "id": 1, "depth": 0, "msg_id": "QEZCPHWV2Z3EUDLVBJVY4NYVVT4KQNXY", "parent_id": "",
            "thread_id": "QEZCPHWV2Z3EUDLVBJVY4NYVVT4KQNXY", "sender_id": 1,
            "display_name": "Jane Roe", "subject": "[review] JSON", "content": "Hello",
            "list_name": "boost@lists.boost.org", "sent_at": "2024-05-01T12:00:00Z"
        }], "page": {"next_cursor": null, "limit": 50}, "meta": {"as_of": "2024-05-01T12:00:00Z"}})
    )),
    extensions(("x-scope" = json!("read")))
)]
async fn list(
    State(app): State<App>,
    _: Allowed<Reads>,
    Path(thread_id): Path<String>,
    Query(asked): Query<Asked>,
    OriginalUri(uri): OriginalUri,
) -> Result<Response> {
    let paging = asked.paging(&uri, ORDER)?;
    let links = links(&thread_id, &mut *app.reader().await?).await?;
    if links.is_empty() {
        return Err(Problem::not_found(format!("There is no thread `{thread_id}`.")));
    }
    let depths = depths(&links);
    let mut messages = Statement::new(
        "select message.id, known.depth, message.msg_id, message.parent_id, message.thread_id, \
         message.sender_id, sender.display_name, message.subject, message.content, \
         message.list_name, message.sent_at from unnest(",
    );
    messages
        .bind_all(SqlType::BigInt, links.iter().map(|link| Value::BigInt(link.id)))
        .push(", ")
        .bind_all(SqlType::BigInt, depths.into_iter().map(Value::BigInt))
        .push(
            ") known (id, depth) join mailing_list_message message on message.id = known.id \
             join mailing_list_profile sender on sender.id = message.sender_id",
        );
    paging.answer::<Message>(&app, messages).await
}

/// A message and what it answers.
#[derive(Debug, QueryableByName)]
struct Link {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = Text)]
    msg_id: String,
    #[diesel(sql_type = Text)]
    parent_id: String,
}

/// The messages of a thread. Those whose thread is not known are no thread.
async fn links(thread_id: &str, connection: &mut Connection) -> QueryResult<Vec<Link>> {
    let mut sql = Statement::new(
        "select id, msg_id, parent_id from mailing_list_message \
         where thread_id <> '' and thread_id = ",
    );
    sql.bind(SqlType::Text, Value::Text(thread_id.to_owned()));
    sql.load(connection).await
}

/// The depth of each message.
fn depths(links: &[Link]) -> Vec<i64> {
    let places: HashMap<&str, usize> =
        links.iter().enumerate().map(|(place, link)| (link.msg_id.as_str(), place)).collect();
    let parent = |place: usize| places.get(links[place].parent_id.as_str()).copied();
    let mut depths: Vec<Option<i64>> = vec![None; links.len()];
    for start in 0..links.len() {
        // Up to a message whose depth is known, or that has no parent, or that was passed before.
        let mut way: Vec<usize> = Vec::new();
        let mut passed: HashMap<usize, usize> = HashMap::new();
        let mut next = Some(start);
        let mut depth = -1;
        while let Some(place) = next {
            if let Some(known) = depths[place] {
                depth = known;
                break;
            }
            if let Some(first) = passed.get(&place) {
                for on_circle in way.split_off(*first) {
                    depths[on_circle] = Some(0);
                }
                depth = 0;
                break;
            }
            passed.insert(place, way.len());
            way.push(place);
            next = parent(place);
        }
        for place in way.into_iter().rev() {
            depth += 1;
            depths[place] = Some(depth);
        }
    }
    depths.into_iter().map(Option::unwrap_or_default).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The depths of messages given as `(msg_id, parent_id)`.
    fn of(messages: &[(&str, &str)]) -> Vec<i64> {
        let links = messages.iter().zip(1..).map(|((msg_id, parent_id), id)| Link {
            id,
            msg_id: (*msg_id).to_owned(),
            parent_id: (*parent_id).to_owned(),
        });
        depths(&links.collect::<Vec<_>>())
    }

    #[test]
    fn depth_counts_the_messages_up_to_a_root() {
        assert!(of(&[]).is_empty());
        assert_eq!(
            of(&[("c", "b"), ("a", ""), ("b", "a"), ("d", "b"), ("e", "a")]),
            [2, 0, 1, 2, 1]
        );
        assert_eq!(of(&[("b", "gone"), ("c", "b")]), [0, 1]);
    }

    #[test]
    fn the_messages_of_a_circle_are_roots() {
        assert_eq!(of(&[("a", "a")]), [0]);
        assert_eq!(of(&[("a", "b"), ("b", "a")]), [0, 0]);
        assert_eq!(
            of(&[("d", "c"), ("c", "a"), ("a", "b"), ("b", "a"), ("e", "b")]),
            [2, 1, 0, 0, 1]
        );
    }

    #[test]
    fn a_long_thread_is_walked_once() {
        let names: Vec<_> = (0..20_000).map(|number| number.to_string()).collect();
        let mut messages: Vec<_> =
            names.windows(2).map(|w| (w[1].as_str(), w[0].as_str())).collect();
        messages.reverse();
        let depths = of(&messages);
        assert_eq!((depths[0], depths[messages.len() - 1]), (19_998, 0));
    }
}
