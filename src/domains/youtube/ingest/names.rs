//! Names of speakers: what is one, and how it becomes part of a key.

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

use super::straight;

/// The longest name, in characters.
const LONGEST: usize = 80;
/// The most words of a name.
const WORDS: usize = 5;
/// Words that no name has: what follows "I am" is seldom one.
const NO_NAMES: &[&str] = &[
    "very",
    "happy",
    "excited",
    "glad",
    "going",
    "here",
    "host",
    "talk",
    "today",
    "keynote",
    "panel",
    "lightning",
    "live",
    "interview",
    "workshop",
    "your",
    "from",
    "the",
    "not",
    "just",
    "so",
];
/// Degrees that stand behind a name.
const DEGREES: &[&str] = &["phd", "ph.d", "ph.d.", "msc", "m.sc.", "md", "m.d."];

/// A name as it is shown: blanks collapsed, straight apostrophes, degrees cut.
pub fn tidy(name: &str) -> String {
    let name = straight(name);
    let mut name = name.split_whitespace().collect::<Vec<_>>().join(" ");
    while let Some((before, last)) = name.rsplit_once(',') {
        if !is_degree(last) {
            break;
        }
        name = before.trim_end().to_owned();
    }
    name
}

/// The names in a text that lists them.
pub fn split(text: &str) -> Vec<String> {
    let text = straight(text).split_whitespace().collect::<Vec<_>>().join(" ");
    text.split([',', ';', '&'])
        .flat_map(|part| part.split(" and "))
        .map(|part| part.trim().strip_prefix("and ").unwrap_or(part).trim().to_owned())
        .filter(|part| !part.is_empty() && !is_degree(part))
        .collect()
}

fn is_degree(text: &str) -> bool {
    let text = text.trim().to_lowercase();
    DEGREES.contains(&text.as_str())
}

/// Whether a tidy text can be a person's name of at least `fewest` words, and is none of `others`:
/// the talk, the channel, an event.
pub fn is_name(name: &str, fewest: usize, others: &[&str]) -> bool {
    let words: Vec<&str> = name.split(' ').collect();
    let is_letter = |c: char| c.is_alphabetic() || is_combining_mark(c);
    let is_part = |c: char| is_letter(c) || matches!(c, '.' | '\'' | '-' | ' ');
    let lower = name.to_lowercase();
    name.chars().count() <= LONGEST
        && (fewest..=WORDS).contains(&words.len())
        && words.iter().all(|word| word.chars().any(is_letter))
        && name.chars().all(is_part)
        && !lower.split(' ').any(|word| NO_NAMES.contains(&word.trim_end_matches('.')))
        && !others.iter().any(|other| straight(other).trim().to_lowercase() == lower)
}

/// A name as part of a key: NFKC, lower-case, everything between letters and digits `_`.
pub fn slug(name: &str) -> String {
    let normal: String = name.nfkc().collect::<String>().to_lowercase();
    normal
        .split(|c: char| !c.is_alphanumeric() && !is_combining_mark(c))
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join("_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_from_other_words() {
        for name in ["Jane Roe", "Jane", "J. P. O'Neil-Roe", "Łukasz Żak", "田中 太郎", "अनिल कुमार"]
        {
            assert!(is_name(name, 1, &["Some Talk"]), "{name}");
        }
        for name in [
            "",
            "Jane 2",
            "Very Happy",
            "Jane_Roe",
            "a b c d e f",
            "CppCon",
            "some talk",
            "-",
            "Jane (Roe)",
            &"x".repeat(81),
        ] {
            assert!(!is_name(name, 1, &["Some Talk", "CppCon"]), "{name}");
        }
        assert!(!is_name("Jane", 2, &[]));
    }

    #[test]
    fn lists_are_split() {
        assert_eq!(
            split("Jane Roe, John Doe & Ann; Bob and Eve"),
            ["Jane Roe", "John Doe", "Ann", "Bob", "Eve"]
        );
        assert_eq!(split("Jane Roe, PhD, and Andy Sand"), ["Jane Roe", "Andy Sand"]);
        assert_eq!(tidy("  Jane\u{a0} O’Roe , Ph.D."), "Jane O'Roe");
    }

    #[test]
    fn slugs_keep_letters_of_every_script() {
        for (name, expected) in [
            ("Leo Waller-Kimura", "leo_waller_kimura"),
            ("J. O'Neil", "j_o_neil"),
            ("田中 太郎", "田中_太郎"),
            ("Ｊane", "jane"),
            ("अनिल", "अनिल"),
        ] {
            assert_eq!(slug(name), expected, "{name}");
        }
    }
}
