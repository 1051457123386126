//! `mailing-list/messages`.

mod ids;
mod people;
mod shapes;

use serde_json::{Value, json};

use super::feed::Feed;

async fn feed() -> Feed {
    Feed::new("mailing-list/messages").await
}

/// A mail with our columns.
fn mail(id: &str, more: Value) -> Value {
    let base = json!({
        "msg_id": id, "parent_id": "", "thread_id": id, "subject": "s", "content": "c",
        "list_name": "boost@lists.boost.org", "sent_at": "2024-06-15T10:00:00Z",
        "sender_address": "jane@example.org", "sender_name": "Jane Roe",
    });
    super::sender::with(base, more)
}

/// Every mail with its sender, without what is ours alone.
const MAILS: &str = "select m.msg_id, m.message_id, m.parent_id, m.thread_id, m.subject, \
                     md5(m.content) as content, m.list_name, m.sent_at, p.profile_key as sender \
                     from mailing_list_message m join mailing_list_profile p on p.id = m.sender_id \
                     order by m.msg_id collate \"C\"";

const PEOPLE: &str = "select p.profile_key, p.display_name, b.type, e.email, e.is_primary \
                      from mailing_list_profile p join base_profile b using (id) \
                      left join email e on e.base_profile_id = p.id \
                      order by p.profile_key collate \"C\", e.email";
