//! Which list a mail is on, and the ids that addresses of the archive end in.

use crate::{
    domains::users::ingest::{address, email},
    ingest::{kind::Context, value::Node},
};

/// The text of the first member that is one and not blank, trimmed.
pub fn first<'v>(node: Node<'v>, keys: &[&'v str]) -> Option<&'v str> {
    keys.iter().find_map(|key| filled(node.get(key)))
}

/// The text, if it is one and not blank, trimmed.
pub fn filled(node: Node<'_>) -> Option<&str> {
    node.str().map(str::trim).filter(|text| !text.is_empty())
}

/// The last path segment of an address: the archive's id of a mail or a thread.
pub fn last_segment(url: &str) -> Option<&str> {
    let path = url.split(['?', '#']).next().unwrap_or(url).trim_end_matches('/');
    let segment = path.rsplit('/').next()?.trim();
    (!segment.is_empty()).then_some(segment)
}

/// The list that a payload names, lower-cased: by itself, by the archive's addresses of it, by whom it
/// was sent to.
pub fn stated(node: Node<'_>) -> Option<String> {
    let named = filled(node.get("list_name")).map(str::to_owned);
    let named = named
        .or_else(|| ["url", "thread_url", "mailinglist"].iter().find_map(|key| of_url(node, key)));
    named.or_else(|| recipient(node.get("to"))).map(|list| list.to_lowercase())
}

/// The list of a `thread_info`.
pub fn of_thread(info: Node<'_>) -> Option<String> {
    let list = ["url", "emails_url"].iter().find_map(|key| of_url(info, key))?;
    Some(list.to_lowercase())
}

/// `…/list/<list>/…`
fn of_url<'v>(node: Node<'v>, key: &'v str) -> Option<String> {
    let (_, rest) = filled(node.get(key))?.split_once("/list/")?;
    let list = rest.split(['/', '?', '#']).next().filter(|list| !list.is_empty())?;
    Some(list.replace("%40", "@"))
}

/// The first address whose host says that it is a list.
fn recipient(to: Node<'_>) -> Option<String> {
    let is_list = |address: &String| {
        address.rsplit_once('@').is_some_and(|(_, host)| host.to_lowercase().starts_with("lists."))
    };
    let of_text =
        |text: &str| text.split(',').filter_map(|part| address::split(part).address).find(is_list);
    match to.str() {
        Some(text) => of_text(text),
        None => to.elements()?.find_map(|one| of_text(one.str()?)),
    }
}

/// The list of a mail: as the mail or its thread says, else `list=`. Faults what is no list.
pub fn resolve(node: Node<'_>, thread: Option<&str>, context: &Context) -> Option<String> {
    let given = context.param("list").map(str::to_lowercase);
    let own = stated(node).or_else(|| thread.map(str::to_owned));
    if let (Some(own), Some(given)) = (&own, &given)
        && own != given
    {
        node.warn("context_mismatch", format!("The payload is of {own}; it wins."));
    }
    let Some(list) = own.or(given) else {
        node.fault(
            "missing_context",
            "The payload does not say on which list it is: add `list=name@host`.",
        );
        return None;
    };
    if email::valid(&list).is_none() {
        node.get("list_name").fault("invalid_list", "A list is an address: `name@host`.");
        return None;
    }
    Some(list)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::ingest::value::Notes;

    fn list_of(mail: &Value) -> Option<String> {
        stated(Node::root(mail, &Notes::default()))
    }

    #[test]
    fn lists_are_found_wherever_they_stand() {
        let boost = Some("boost@lists.boost.org".to_owned());
        for mail in [
            json!({"list_name": " Boost@lists.boost.org "}),
            json!({"url": "https://x.org/archives/list/boost@lists.boost.org/message/A/"}),
            json!({"url": "https://x.org/A", "thread_url": "https://x.org/api/list/boost%40lists.boost.org/thread/A/"}),
            json!({"mailinglist": "https://x.org/archives/api/list/boost@lists.boost.org/"}),
            json!({"to": "Jane <jane@example.org>, \"boost\" <boost@lists.boost.org>, c@lists.other.org"}),
            json!({"to": ["jane@example.org", "boost (a) lists.boost.org"]}),
        ] {
            assert_eq!(list_of(&mail), boost, "{mail}");
        }
        assert_eq!(list_of(&json!({"to": "boost@boost.org"})), None);
        assert_eq!(list_of(&json!({"list_name": "boost"})).as_deref(), Some("boost"));
    }

    #[test]
    fn ids_are_last_segments() {
        assert_eq!(last_segment("https://x.org/list/a@b/email/ABC123/"), Some("ABC123"));
        assert_eq!(last_segment("https://x.org/list/a@b/email/ABC123?x=1"), Some("ABC123"));
        assert_eq!(last_segment("ABC"), Some("ABC"));
        assert_eq!(last_segment("/"), None);
    }
}
