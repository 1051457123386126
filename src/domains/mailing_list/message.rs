//! The table `mailing_list_message`.

use chrono::{DateTime, Utc};

use crate::resource;

resource! {
    /// A message on a mailing list.
    pub struct MailingListMessage, table mailing_list_message,
        path "/mailing-list/messages", time sent_at, prose [subject, content];
    /// Surrogate key.
    id: i64 = mailing_list_message::id, indexed;
    /// The sender, `mailing_list_profile.id`.
    sender_id: i64 = mailing_list_message::sender_id -> mailing_list_profile, indexed;
    /// The archive's id of the message, a hash of its Message-ID.
    msg_id: String = mailing_list_message::msg_id, indexed;
    /// The `msg_id` of the message it answers, which may be absent; empty for the first of a
    /// thread.
    parent_id: String = mailing_list_message::parent_id, indexed;
    /// The archive's id of the thread; empty if not known.
    thread_id: String = mailing_list_message::thread_id, indexed;
    /// The subject, verbatim.
    subject: String = mailing_list_message::subject;
    /// The text, verbatim.
    content: String = mailing_list_message::content;
    /// The list's address, lower-case.
    list_name: String = mailing_list_message::list_name, indexed;
    /// When it was sent, from its `Date` header; null if that is unreadable.
    sent_at: Option<DateTime<Utc>> = mailing_list_message::sent_at, indexed;
    /// When the row was made here.
    created_at: DateTime<Utc> = mailing_list_message::created_at;
    /// The RFC Message-ID, without angle brackets.
    message_id: Option<String> = mailing_list_message::message_id, indexed;
}
