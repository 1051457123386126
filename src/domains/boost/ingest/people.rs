//! Authors and maintainers, as libraries name them.

use serde::{Deserialize, Serialize};

use crate::{
    domains::{
        github::ingest::{KEY_LENGTH, person::Person},
        users::ingest::email,
    },
    ingest::value::Node,
};

/// A person of whom a name, an address, or both are given.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Named {
    /// The name, without the address.
    pub name: Option<String>,
    /// The address, de-obfuscated.
    pub address: Option<String>,
}

impl Named {
    /// The account that stands for the person.
    pub fn person(&self) -> Person {
        Person::unknown(self.address.as_deref(), self.name.as_deref())
    }

    /// `Jane Roe <jane -at- example.org>`; nobody if it is blank.
    fn parse(text: &str) -> Option<(Self, bool)> {
        let text = text.trim();
        let (name, written) = match (text.find('<'), text.rfind('>')) {
            (Some(open), Some(close)) if open < close => (&text[..open], &text[open + 1..close]),
            (Some(open), None) => (&text[..open], &text[open + 1..]),
            // An address alone; ` at ` in a name does not make one.
            _ if is_address(text) => ("", text),
            _ => (text, ""),
        };
        let name = name.trim().trim_matches('"').trim();
        let address = readable(written);
        let valid = email::valid(&address).map(str::to_owned);
        let is_bad = valid.is_none() && !address.is_empty();
        let person = Self { name: Some(name.to_owned()).filter(|n| !n.is_empty()), address: valid };
        (person.name.is_some() || person.address.is_some()).then_some((person, is_bad))
    }
}

/// Whether a text is an address and nothing else, on a host that has a domain.
fn is_address(text: &str) -> bool {
    let address = readable(text);
    let host = email::valid(&address).and_then(|address| address.split_once('@'));
    host.is_some_and(|(_, host)| host.contains('.'))
}

/// An address as a mail program takes it: `jane -at- example -dot- org` → `jane@example.org`.
/// A hidden one is none.
fn readable(address: &str) -> String {
    if address.contains("...") || address.contains('…') {
        return String::new();
    }
    let mut text = address.to_owned();
    for (marks, sign) in [
        (&["(at)", "[at]", "(a)", "[a]", "-at-", " at "][..], '@'),
        (&["(dot)", "[dot]", "-dot-"][..], '.'),
    ] {
        for mark in marks {
            text = signed(&text, mark, sign);
        }
    }
    text.trim().trim_end_matches(['.', ',', ';', '(', ')', '[', ']']).to_owned()
}

/// The text with a sign for each mark, in any case, and for the blanks around it.
fn signed(text: &str, mark: &str, sign: char) -> String {
    let lower = text.to_ascii_lowercase();
    let (mut plain, mut rest) = (String::with_capacity(text.len()), 0);
    while let Some(at) = lower[rest..].find(mark) {
        plain.push_str(text[rest..rest + at].trim_end());
        plain.push(sign);
        let tail = &text[rest + at + mark.len()..];
        rest = text.len() - tail.trim_start().len();
    }
    plain.push_str(&text[rest..]);
    plain
}

/// The people at a key: a text or a list of texts. `None` when the key is missing; null is nobody.
pub fn read(node: Node<'_>) -> Option<Vec<Named>> {
    if !node.is_stated() {
        return None;
    }
    let mut people = Vec::new();
    let mut add = |at: Node<'_>, text: &str| {
        if text.len() > KEY_LENGTH {
            at.fault("too_long", "A person is at most 2,000 bytes.");
            return;
        }
        if let Some((person, is_bad)) = Named::parse(text) {
            if is_bad {
                at.warn("bad_address", "This is not an e-mail address; it was not recorded.");
            }
            people.push(person);
        }
    };
    match (node.str(), node.elements()) {
        // Several people in one text are told apart by their addresses.
        (Some(text), _) => {
            let mut rest = text;
            while let Some(end) = rest.find('>') {
                add(node, &rest[..=end]);
                rest = rest[end + 1..].trim_start_matches([',', ';', ' ']);
            }
            add(node, rest);
        }
        (None, Some(elements)) => {
            for element in elements {
                match element.raw() {
                    Some(serde_json::Value::String(text)) => add(element, text),
                    Some(serde_json::Value::Null) => {}
                    _ => element.fault("invalid_type", "A person is a text."),
                }
            }
        }
        _ if node.is_blank() => {}
        _ => node.fault("invalid_type", "This is a text or a list of texts."),
    }
    people.sort();
    people.dedup();
    Some(people)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_addresses_are_told_apart() {
        for (text, name, address) in [
            ("Jane Roe <jane -at- example.org>", Some("Jane Roe"), Some("jane@example.org")),
            ("Jane Roe <jane@example.org>", Some("Jane Roe"), Some("jane@example.org")),
            ("Jane Roe <jane -At- example -dot- org>", Some("Jane Roe"), Some("jane@example.org")),
            ("Jane Roe", Some("Jane Roe"), None),
            ("Matt at Work", Some("Matt at Work"), None),
            ("jane [at] example.org", None, Some("jane@example.org")),
            ("<jane at example (dot) org [DOT] uk>", None, Some("jane@example.org.uk")),
            ("Jane Roe <j...@example.org>", Some("Jane Roe"), None),
            ("Jane Roe <nowhere>", Some("Jane Roe"), None),
        ] {
            let person = Named::parse(text).map(|(person, _)| person);
            let expected =
                Named { name: name.map(str::to_owned), address: address.map(str::to_owned) };
            assert_eq!(person, Some(expected), "{text}");
        }
        assert_eq!(Named::parse("  "), None);
    }

    #[test]
    fn a_text_with_many_marks_is_read_in_one_go() {
        let marks = 200_000;
        assert_eq!(readable(&"x (A) y at ".repeat(marks)), "x@y@".repeat(marks));
    }
}
