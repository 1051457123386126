//! Who speaks in a video: derived from what is known of it, by the first rule that yields a name.

use std::collections::BTreeSet;

use super::{
    names::{is_name, slug, split, tidy},
    straight,
};

/// How much of a description and a transcript introduces somebody, in characters.
pub const INTRODUCTION: usize = 2_000;
/// The most speakers of a video.
const SPEAKERS: usize = 50;
/// Events whose names end a title.
const EVENTS: &[&str] = &[
    "CppCon",
    "C++Now",
    "BoostCon",
    "Meeting C++",
    "ACCU",
    "C++ on Sea",
    "CppNorth",
    "using std::cpp",
    "emBO++",
    "code::dive",
    "Pure Virtual C++",
];
/// What stands between the parts of a title.
const SEPARATORS: &[&str] = &[" - ", " – ", " — ", " | "];
/// What introduces a name, and the fewest words that it has then.
const INTRODUCTIONS: &[(&str, usize)] =
    &[("my name is", 1), ("my name's", 2), ("i am", 2), ("i'm", 2)];

/// What is known of a video.
#[derive(Debug, Clone, Copy, Default)]
pub struct Talk<'t> {
    /// The speakers that a payload names.
    pub given: &'t [String],
    /// The title.
    pub title: &'t str,
    /// The description.
    pub description: &'t str,
    /// The channel's title; empty without channel.
    pub channel: &'t str,
    /// What is said at the beginning.
    pub transcript: &'t str,
}

impl Talk<'_> {
    /// The speakers' names, each once, in the order in which they are named.
    pub fn speakers(&self) -> Vec<String> {
        let rules = [Self::given, Self::credited, Self::titled, Self::announced, Self::introduced];
        let names = rules.iter().map(|rule| rule(self)).find(|names| !names.is_empty());
        let mut seen = BTreeSet::new();
        let once = |name: &String| seen.insert(slug(name));
        names.unwrap_or_default().into_iter().filter(once).take(SPEAKERS).collect()
    }

    /// Those texts that are names.
    fn names(
        &self,
        said: impl IntoIterator<Item = String>,
        fewest: usize,
        talk: &str,
    ) -> Vec<String> {
        let mut others = vec![self.title, self.channel, talk];
        others.extend(EVENTS);
        said.into_iter()
            .map(|name| tidy(&name))
            .filter(|name| is_name(name, fewest, &others))
            .collect()
    }

    /// 1. What the payload says.
    fn given(&self) -> Vec<String> {
        self.names(self.given.iter().cloned(), 1, "")
    }

    /// 2. Lines such as `Speaker: Jane Roe`.
    fn credited(&self) -> Vec<String> {
        let credits = self.description.lines().filter_map(credit);
        self.names(credits.flat_map(split), 1, "")
    }

    /// 3. `<talk> - <names> - <event>`: the title, else a line of the description.
    fn titled(&self) -> Vec<String> {
        std::iter::once(self.title)
            .chain(self.description.lines())
            .filter_map(|line| {
                let parts = parts(line);
                let [talk @ .., names, event] = parts.as_slice() else { return None };
                let is_titled = !talk.is_empty() && self.mentions_event(event);
                is_titled.then(|| self.names(split(names), 2, &talk.join(" - ")))
            })
            .find(|names| !names.is_empty())
            .unwrap_or_default()
    }

    /// 4. `<event> <year>: <names> "talk"`, or `<event> <year>: <names>: talk`.
    fn announced(&self) -> Vec<String> {
        let announced = || {
            let (event, rest) =
                self.title.split_once(": ").or_else(|| self.title.split_once(':'))?;
            let (event, year) = event.trim().rsplit_once(' ')?;
            let is_year = year.len() == 4 && year.bytes().all(|byte| byte.is_ascii_digit());
            if !is_year || !self.is_event(event.trim()) {
                return None;
            }
            let (names, talk) =
                rest.split_once(['"', '“', '”', '„']).or_else(|| rest.split_once(':'))?;
            let talk = talk.trim_end_matches(['"', '“', '”']).trim();
            (!talk.is_empty()).then(|| self.names(split(names), 2, talk))
        };
        announced().unwrap_or_default()
    }

    /// 5. `my name is Jane`, `I'm Jane Roe`.
    fn introduced(&self) -> Vec<String> {
        [self.description, self.transcript]
            .into_iter()
            .map(|text| {
                let beginning: String = text.chars().take(INTRODUCTION).collect();
                let found = introductions(&straight(&beginning));
                let mut names =
                    found.into_iter().flat_map(|(name, fewest)| self.names([name], fewest, ""));
                names.next()
            })
            .find_map(|name| name.map(|name| vec![name]))
            .unwrap_or_default()
    }

    fn mentions_event(&self, text: &str) -> bool {
        let text = text.to_lowercase();
        let channel = self.channel.trim();
        EVENTS
            .iter()
            .copied()
            .chain(Some(channel).filter(|channel| !channel.is_empty()))
            .any(|event| text.contains(&event.to_lowercase()))
    }

    fn is_event(&self, text: &str) -> bool {
        let text = text.to_lowercase();
        let channel = self.channel.trim().to_lowercase();
        EVENTS.iter().any(|event| event.to_lowercase() == text)
            || (!channel.is_empty() && channel == text)
    }
}

/// What a line credits its talk to.
fn credit(line: &str) -> Option<&str> {
    let (word, names) = line.split_once(':')?;
    let word = word.trim().to_lowercase();
    let is_credit = matches!(
        word.as_str(),
        "speaker" | "speakers" | "presenter" | "presenters" | "presented by"
    );
    (is_credit && !names.trim().is_empty()).then_some(names)
}

/// The parts of a title.
fn parts(line: &str) -> Vec<&str> {
    let mut parts = vec![line];
    for separator in SEPARATORS {
        parts = parts.into_iter().flat_map(|part| part.split(separator)).collect();
    }
    parts.into_iter().map(str::trim).collect()
}

/// The names that introductions in a text are followed by, with the fewest words of each.
fn introductions(text: &str) -> Vec<(String, usize)> {
    let words: Vec<&str> = text.split_whitespace().collect();
    // A word may begin with a quote or a bracket; one that ends with a stop ends its sentence.
    let bare = |word: &str| {
        word.trim_start_matches(|c: char| !c.is_alphanumeric())
            .trim_end_matches(|c: char| !c.is_alphanumeric())
            .to_lowercase()
    };
    let mut found = Vec::new();
    for at in 0..words.len() {
        for (introduction, fewest) in INTRODUCTIONS {
            let length = introduction.split(' ').count();
            let Some(opening) = words.get(at..at + length) else { continue };
            let is_whole = opening.iter().enumerate().all(|(nth, word)| {
                nth + 1 == length || word.ends_with(char::is_alphanumeric) || nth == 0
            });
            let said = opening.iter().map(|word| bare(word)).collect::<Vec<_>>().join(" ");
            let ends = opening.last().is_some_and(|word| !word.ends_with(char::is_alphanumeric));
            if said == *introduction && is_whole && !ends {
                let name = capitalised(&words[at + length..]);
                if name.split(' ').count() >= *fewest && !name.is_empty() {
                    found.push((name, *fewest));
                }
            }
        }
    }
    found
}

/// Up to four words that begin with a capital, to the end of the sentence.
fn capitalised(words: &[&str]) -> String {
    let mut name: Vec<&str> = Vec::new();
    for word in words.iter().take(4) {
        let bare = word.trim_end_matches(|c: char| !c.is_alphanumeric());
        if !bare.starts_with(char::is_uppercase) {
            break;
        }
        let tail = &word[bare.len()..];
        let is_initial = tail == "." && bare.chars().count() <= 2;
        name.push(if is_initial { word } else { bare });
        if !tail.is_empty() && !is_initial {
            break;
        }
    }
    name.join(" ")
}

/// The stable key of a speaker.
pub fn external_id(channel_id: Option<&str>, video_id: &str, name: &str) -> String {
    let slug = slug(name);
    match channel_id {
        Some(channel) => format!("youtube:channel:{channel}:speaker:{slug}"),
        None => format!("youtube:video:{video_id}:speaker:{slug}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(talk: Talk<'_>) -> Vec<String> {
        Talk { channel: if talk.channel.is_empty() { "CppCon" } else { talk.channel }, ..talk }
            .speakers()
    }

    #[test]
    fn titles_name_speakers() {
        for (title, expected) in [
            ("Concurrency in C++ - Jane Roe - CppCon 2023", vec!["Jane Roe"]),
            ("A - B – Jane Roe & John Doe | CppCon 2023", vec!["Jane Roe", "John Doe"]),
            ("Talk - Jane Roe, PhD - C++Now 2019", vec!["Jane Roe"]),
            ("Talk — Jane O’Roe — Meeting C++ 2015", vec!["Jane O'Roe"]),
            ("Keynote: The Future - CppCon 2023", vec![]),
            ("Opening Keynote - Live Panel - CppCon 2023", vec![]),
            ("Talk - Jane - CppCon 2023", vec![]),
            ("Talk - Jane Roe - Somewhere 2023", vec![]),
            ("Effective Qt - Leo Waller [CppCon 2015]", vec![]),
            ("CppCon 2014: Jane Roe \"Types\"", vec!["Jane Roe"]),
            ("C++Now 2018: Jane Roe and John Doe “Types”", vec!["Jane Roe", "John Doe"]),
            ("CppCon 2016: Jane Roe: Types", vec!["Jane Roe"]),
            ("CppCon 2016: Types", vec![]),
            ("CppCon: Jane Roe: Types", vec![]),
        ] {
            assert_eq!(of(Talk { title, ..Talk::default() }), expected, "{title}");
        }
    }

    #[test]
    fn descriptions_name_speakers() {
        for (description, expected) in [
            ("A talk.\n  SPEAKERS : Jane Roe, John Doe\nMore", vec!["Jane Roe", "John Doe"]),
            ("Presented by: Finn", vec!["Finn"]),
            ("Presenter: Jane Roe\nPresenter: John Doe", vec!["Jane Roe", "John Doe"]),
            ("Speaker: Jane Roe, PhD", vec!["Jane Roe"]),
            ("Speaker biography: Jane Roe", vec![]),
            ("x\nTalk | Jane Roe | CppCon 2020\ny", vec!["Jane Roe"]),
            ("I am very happy to be here", vec![]),
            ("I am Very Happy to be here", vec![]),
            ("Hello, I'm Jane Roe. Welcome To My Talk", vec!["Jane Roe"]),
            ("hi, my name is Jane, and I", vec!["Jane"]),
            ("my name’s Jane", vec![]),
            ("my name's Jane P. Roe and", vec!["Jane P. Roe"]),
            ("I am. Jane Roe", vec![]),
            ("Hiam Jane Roe", vec![]),
            ("I'm from Great Britain. I am Jane Roe", vec!["Jane Roe"]),
        ] {
            assert_eq!(
                of(Talk { description, title: "A talk", ..Talk::default() }),
                expected,
                "{description}"
            );
        }
    }

    #[test]
    fn the_first_rule_that_yields_a_name_counts() {
        let given = ["Jane Roe".to_owned(), "jane  roe".to_owned()];
        let talk = Talk {
            given: &given,
            title: "Talk - John Doe - CppCon 2023",
            description: "Speaker: Ann Poe",
            channel: "CppCon",
            transcript: "I'm Eve Noe",
        };
        assert_eq!(talk.speakers(), ["Jane Roe"]);
        assert_eq!(Talk { given: &[], ..talk }.speakers(), ["Ann Poe"]);
        assert_eq!(
            Talk { given: &["CppCon".to_owned()], description: "", ..talk }.speakers(),
            ["John Doe"]
        );
        assert_eq!(
            Talk { given: &[], description: "", title: "Talk", ..talk }.speakers(),
            ["Eve Noe"]
        );
        let late = format!("{} I'm Eve Noe", "x".repeat(INTRODUCTION));
        assert!(Talk { transcript: &late, title: "Talk", ..Talk::default() }.speakers().is_empty());
    }

    #[test]
    fn keys_name_the_channel_else_the_video() {
        assert_eq!(
            external_id(Some("UC1"), "v", "Jane Roe"),
            "youtube:channel:UC1:speaker:jane_roe"
        );
        assert_eq!(external_id(None, "v", "Jane Roe"), "youtube:video:v:speaker:jane_roe");
    }
}
