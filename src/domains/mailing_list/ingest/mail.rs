//! One mail: as `HyperKitty` gives it, as our columns name it, or as a thread's record.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::{
    KEY_LENGTH,
    list::{self, filled, first, last_segment},
    sender::Sender,
};
use crate::{
    draft,
    ingest::{
        kind::Context,
        register::Cell,
        stamp::{Stamp, digest},
        value::{Node, Stated, instant},
    },
};

draft! {
    /// What a payload says about a mail. Its list is no register: of several the smallest is kept.
    pub struct MessageDraft, table mailing_list_message, key { msg_id: String };
    registers {
        sender_id: i64,
        parent_id: String,
        thread_id: String,
        subject: String,
        content: String,
        list_name: String [own],
        sent_at: Option<DateTime<Utc>>,
        message_id: Option<String>,
    }
    dates { created_at, updated_at }
}

/// A mail. What is `None` is not stated.
#[derive(Debug, Serialize)]
pub struct Mail {
    /// The archive's id of it; its Message-ID while that is not known.
    #[serde(skip)]
    pub msg_id: String,
    /// The list, lower-case.
    #[serde(skip)]
    pub list: String,
    /// Who sent it.
    pub sender: Sender,
    /// The id of the mail that it answers; `''` for the first of a thread.
    pub parent_id: Option<String>,
    /// The id of its thread.
    pub thread_id: Option<String>,
    /// The subject, verbatim.
    pub subject: Option<String>,
    /// The text, verbatim.
    pub content: Option<String>,
    /// When it was sent; `Some(None)` if that cannot be read.
    pub sent_at: Option<Option<DateTime<Utc>>>,
    /// The RFC Message-ID without brackets.
    pub message_id: Option<String>,
    /// The statement's stamp.
    #[serde(skip)]
    pub stamp: Stamp,
}

/// What a thread document says of all its mails.
#[derive(Debug, Default)]
pub struct Thread {
    /// The id of the thread.
    pub id: Option<String>,
    /// The list.
    pub list: Option<String>,
}

impl Thread {
    /// Reads `thread_info`.
    pub fn read(info: Node<'_>) -> Self {
        let id = first(info, &["thread_id"])
            .or_else(|| first(info, &["url"]).and_then(last_segment))
            .map(str::to_owned);
        Self { id, list: list::of_thread(info) }
    }
}

/// The longest text of a mail, in bytes.
const CONTENT: usize = 16 << 20;

/// The Message-ID of a mail: said so, or what stands for the archive's id and cannot be one.
fn message_id(node: Node<'_>) -> Option<String> {
    let said = first(node, &["message_id"]).map(unbracketed);
    let stood = || first(node, &["msg_id"]).map(unbracketed).filter(|id| id.contains('@'));
    said.filter(|id| !id.is_empty()).or_else(stood).map(str::to_owned)
}

fn unbracketed(id: &str) -> &str {
    let inner = id.strip_prefix('<').and_then(|id| id.strip_suffix('>'));
    inner.map_or(id, str::trim)
}

fn msg_id(node: Node<'_>) -> Option<String> {
    first(node, &["msg_id"])
        .map(unbracketed)
        .filter(|id| !id.is_empty())
        .or_else(|| first(node, &["message_id_hash"]))
        .or_else(|| first(node, &["url"]).and_then(last_segment))
        .map(str::to_owned)
        .or_else(|| message_id(node))
}

/// The id of another mail or a thread: itself, or the end of an address. Not stated where no key is
/// there.
fn reference<'v>(node: Node<'v>, id: &'v str, urls: &[&'v str]) -> Option<String> {
    for key in std::iter::once(id).chain(urls.iter().copied()) {
        if !node.get(key).is_blank() && node.get(key).str().is_none() {
            node.get(key).fault("invalid_type", "This is not a text.");
        }
    }
    let found = first(node, &[id])
        .map(unbracketed)
        .or_else(|| urls.iter().find_map(|url| first(node, &[url]).and_then(last_segment)));
    let is_stated = || std::iter::once(&id).chain(urls).any(|key| node.get(key).is_stated());
    found.map(str::to_owned).or_else(|| is_stated().then(String::new))
}

/// A time of a mail: RFC 3339, or as its `Date` header has it, comments and a missing zone included.
fn time(text: &str) -> Option<DateTime<Utc>> {
    let header = || {
        let plain = text.split('(').next().unwrap_or(text).trim();
        let parsed = DateTime::parse_from_rfc2822(plain)
            .or_else(|_| DateTime::parse_from_rfc2822(&format!("{plain} +0000")))
            .ok()?;
        // The range of times is the same for both.
        instant(&parsed.to_rfc3339())
    };
    instant(text).or_else(header)
}

fn sent_node(node: Node<'_>) -> Node<'_> {
    let sent_at = node.get("sent_at");
    if filled(sent_at).is_some() { sent_at } else { node.get("date") }
}

fn sent_at(node: Node<'_>) -> Stated<DateTime<Utc>> {
    let said = sent_node(node);
    if said.is_blank() {
        let is_stated = said.is_stated() || node.get("sent_at").is_stated();
        return if is_stated { Stated::Null } else { Stated::Missing };
    }
    said.str().and_then(time).map_or_else(
        || {
            said.warn("bad_time", "This is not a time between 1970 and 9999.");
            Stated::Null
        },
        Stated::Value,
    )
}

/// List and time of a mail that was rejected, as far as they can be read.
pub fn locate(node: Node<'_>, thread: &Thread, context: &Context) -> (Option<String>, Option<i64>) {
    let list = list::stated(node)
        .or_else(|| thread.list.clone())
        .or_else(|| context.param("list").map(str::to_lowercase));
    let at = sent_node(node).str().and_then(time);
    (list, at.map(|at| at.timestamp_micros()))
}

/// Reads one mail.
pub fn read(node: Node<'_>, thread: &Thread, context: &Context) -> Option<Mail> {
    if node.raw().is_none_or(|value| !value.is_object()) {
        node.fault("unknown_shape", "A mail is an object.");
        return None;
    }
    if node.get("results").is_array() {
        node.fault("unknown_shape", "This is a page of an index; it holds no mails.");
        return None;
    }
    let msg_id = msg_id(node);
    if msg_id.is_none() {
        node.get("msg_id").fault("missing_field", "The mail has no id of any kind.");
    }
    let list = list::resolve(node, thread.list.as_deref(), context)?;
    let text = |key| match node.get(key).text() {
        Stated::Missing => None,
        stated => stated.or_default(),
    };
    let body = text("content");
    if body.as_ref().is_some_and(|body| body.len() > CONTENT) {
        node.get("content").fault("too_long", "A mail has at most 16 MiB of text.");
    }
    let mut mail = Mail {
        msg_id: msg_id?,
        sender: Sender::read(node, &list),
        list,
        parent_id: reference(node, "parent_id", &["parent"]),
        thread_id: reference(node, "thread_id", &["thread", "thread_url"])
            .filter(|id| !id.is_empty() || thread.id.is_none())
            .or_else(|| thread.id.clone()),
        subject: text("subject"),
        content: body,
        sent_at: sent_at(node).nullable(),
        message_id: message_id(node),
        stamp: Stamp::BOTTOM,
    };
    for (key, id) in [
        ("msg_id", Some(&mail.msg_id)),
        ("message_id", mail.message_id.as_ref()),
        ("parent_id", mail.parent_id.as_ref()),
        ("thread_id", mail.thread_id.as_ref()),
        ("list_name", Some(&mail.list)),
        ("sender_name", Some(&mail.sender.key)),
    ] {
        if id.is_some_and(|id| id.len() > KEY_LENGTH) {
            node.get(key).fault("too_long", "This text is at most 2,000 bytes.");
        }
    }
    mail.stamp = Stamp {
        source_at: context.source_time(mail.sent_at.flatten(), sent_node(node)),
        rank: 0,
        as_of: context.as_of,
        digest: digest(&mail),
    };
    Some(mail)
}

impl Mail {
    /// What is written of it, under the id and with the list that were settled for it.
    pub fn draft(&self, msg_id: &str, sender: i64, list: &str, item: i32) -> MessageDraft {
        let cell = |text: &Option<String>| Cell::of(text.clone());
        MessageDraft {
            msg_id: msg_id.to_owned(),
            sender_id: if self.sender.is_stated {
                Cell::Stated(sender)
            } else {
                Cell::Unstated(sender)
            },
            parent_id: cell(&self.parent_id),
            thread_id: cell(&self.thread_id),
            subject: cell(&self.subject),
            content: cell(&self.content),
            list_name: Cell::Unstated(list.to_owned()),
            sent_at: self.sent_at.map_or(Cell::Unstated(None), Cell::Stated),
            message_id: match &self.message_id {
                Some(id) => Cell::Stated(Some(id.clone())),
                None => Cell::Unstated(None),
            },
            stamp: self.stamp.clone(),
            item,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_as_headers_write_them() {
        for text in [
            "2010-04-03T18:32:00+02:00",
            "2010-04-03T16:32:00Z",
            "2010-04-03 16:32:00",
            "Sat, 03 Apr 2010 18:32:00 +0200",
            "Sat, 3 Apr 2010 18:32:00 +0200 (CEST)",
            "3 Apr 2010 16:32:00 GMT",
            "Sat, 03 Apr 2010 16:32:00",
        ] {
            let at = time(text).map(|at| at.to_rfc3339());
            assert_eq!(at.as_deref(), Some("2010-04-03T16:32:00+00:00"), "{text}");
        }
        for text in ["", "yesterday", "Thu, 01 Jan 1004 00:00:00 +0000", "2010-13-01T00:00:00Z"] {
            assert_eq!(time(text), None, "{text}");
        }
    }
}
