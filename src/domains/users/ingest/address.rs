//! Names and addresses as people write them for others to read: obfuscated, quoted, hidden. Mail
//! headers and lists of a library's authors are written so.

use std::sync::LazyLock;

use regex::Regex;

use super::email;
use crate::ingest::value::Node;

/// What stands for an at sign: in brackets or between dashes anywhere, the bare word only between
/// blanks.
static AT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"(?i)\s*(?:\(\s*(?:a|at)\s*\)|\[\s*(?:a|at)\s*\]|-\s*at\s*-)\s*|\s+at\s+")
});

/// What stands for a dot.
static DOT: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?i)\s*(?:\(\s*dot\s*\)|\[\s*dot\s*\]|-\s*dot\s*-)\s*"));

fn pattern(text: &str) -> Regex {
    Regex::new(text).unwrap_or_else(|error| unreachable!("{error}"))
}

/// A person as a header or a list of authors names them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Named {
    /// The name, without quotes and without the address.
    pub name: Option<String>,
    /// The address, readable.
    pub address: Option<String>,
}

/// The text with signs for its obfuscations: `jane -at- example (dot) org` → `jane@example.org`.
pub fn deobfuscate(text: &str) -> String {
    DOT.replace_all(&AT.replace_all(text, "@"), ".").into_owned()
}

/// The address that a text is, obfuscated or not; none if it is hidden or no address.
pub fn address(text: &str) -> Option<String> {
    let text = bare(text);
    if is_hidden(text) {
        return None;
    }
    // An address may have `-at-` in it: what can be read as it stands is left alone.
    if let Some(plain) = email::valid(text).filter(|text| !text.contains(['(', ')', '[', ']'])) {
        return Some(plain.to_owned());
    }
    email::valid(&deobfuscate(text)).map(str::to_owned)
}

/// The address at a node; one that is none, and not hidden on purpose, is noted and left out.
pub fn address_at(node: Node<'_>) -> Option<String> {
    let text = node.str().map(str::trim).filter(|text| !text.is_empty())?;
    let found = address(text);
    if found.is_none() && !is_hidden(text) {
        node.warn("bad_address", "This is not an e-mail address; it was not recorded.");
    }
    found
}

/// Whether the address was cut so that nobody can read it.
pub fn is_hidden(text: &str) -> bool {
    text.contains("...") || text.contains('…')
}

/// Splits `"Roe, Jane" <jane (a) example.org>`, `jane at example.org (Jane Roe)`, an address alone, a
/// name alone. The address never becomes part of the name.
pub fn split(text: &str) -> Named {
    if let Some((name, rest)) = text.split_once('<') {
        let inside = rest.split('>').next().unwrap_or(rest);
        return Named { name: name_of(name), address: address(inside) };
    }
    if let Some(address) = address(text).filter(|address| has_dotted_host(address)) {
        return Named { name: None, address: Some(address) };
    }
    let plain = deobfuscate(text);
    let found = plain.split_whitespace().find_map(|word| {
        let address = email::valid(bare(word)).filter(|address| has_dotted_host(address))?;
        Some((word, address.to_owned()))
    });
    match found {
        Some((word, address)) => {
            let rest = plain.replacen(word, " ", 1);
            let rest = rest.trim_matches(|c: char| c.is_whitespace() || "()[],;:".contains(c));
            Named { name: name_of(rest), address: Some(address) }
        }
        None => Named { name: name_of(text), address: None },
    }
}

/// A bare word between blanks makes an address only where a host follows: people write "at" as well.
fn has_dotted_host(address: &str) -> bool {
    address.rsplit_once('@').is_some_and(|(_, host)| host.contains('.'))
}

fn bare(text: &str) -> &str {
    let text = text.trim().trim_start_matches(['<', '"', '\'']);
    // A closing bracket that belongs to `(dot)` cannot be last: a host follows it.
    text.trim_end_matches(|c: char| c.is_whitespace() || ".,;()[]<>\"'".contains(c))
}

/// A name without the quotes around it, white space to one blank; none if nothing is left.
pub fn name_of(text: &str) -> Option<String> {
    let quoted = |c: char| c.is_whitespace() || c == '"' || c == '\'' || c == ',';
    let name = text.trim_matches(quoted).replace("\\\"", "\"").replace("\\\\", "\\");
    let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
    (!name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn obfuscations_of_one_address_are_one() {
        for text in [
            "jane@example.org",
            "jane (a) example.org",
            "jane(a)example.org",
            "jane (at) example.org",
            "jane [at] example.org",
            "jane [a] example (dot) org",
            "jane -at- example.org",
            "jane - at - example.org",
            "jane at example.org",
            "jane AT example[dot]org",
            "jane -at- example -dot- org",
            " <jane@example.org>. ",
            "jane@example(dot)org",
            "jane@example.org;",
        ] {
            assert_eq!(address(text).as_deref(), Some("jane@example.org"), "{text}");
        }
        for text in ["jane@...", "ja…@example.org", "jane", "", "a@b@c", "@example.org"] {
            assert_eq!(address(text), None, "{text}");
        }
        assert_eq!(address("look-at-me@example.org").as_deref(), Some("look-at-me@example.org"));
    }

    #[test]
    fn names_and_addresses_are_split() {
        let named = |name: Option<&str>, address: Option<&str>| Named {
            name: name.map(str::to_owned),
            address: address.map(str::to_owned),
        };
        let jane = Some("jane@example.org");
        for (text, expected) in [
            ("\"Roe, Jane\" <jane@example.org>", named(Some("Roe, Jane"), jane)),
            ("Jane Roe <jane -at- example.org>", named(Some("Jane Roe"), jane)),
            ("Jane Roe <jane (a) example (dot) org>", named(Some("Jane Roe"), jane)),
            ("jane at example.org (Jane Roe)", named(Some("Jane Roe"), jane)),
            ("jane@example.org", named(None, jane)),
            ("<jane@example.org>", named(None, jane)),
            ("Jane Roe", named(Some("Jane Roe"), None)),
            ("Jane Roe <jane@...>", named(Some("Jane Roe"), None)),
            ("Talks at noon", named(Some("Talks at noon"), None)),
            ("Jane Roe, jane@example.org", named(Some("Jane Roe"), jane)),
            (" ", named(None, None)),
        ] {
            assert_eq!(split(text), expected, "{text}");
        }
    }
}
