//! The Boost headers that a source file includes.

use std::collections::BTreeSet;

/// The texts of its Boost includes, each once: `boost/asio.hpp`. What is inside block comments does not
/// count.
pub fn of(content: &str) -> BTreeSet<String> {
    without_block_comments(content).lines().filter_map(included).collect()
}

/// The text of a header as it is compared: with forward slashes.
pub fn normalised(text: &str) -> String {
    text.trim().replace('\\', "/")
}

/// Takes block comments out. One that begins in a line comment is none; one that does not end is
/// left as it is.
fn without_block_comments(content: &str) -> String {
    let mut kept = String::with_capacity(content.len());
    let mut rest = content;
    while let Some(begin) = comment(rest) {
        let (before, from) = rest.split_at(begin);
        kept.push_str(before);
        if from.starts_with("//") {
            let end = from.find('\n').unwrap_or(from.len());
            kept.push_str(&from[..end]);
            rest = &from[end..];
        } else if let Some(end) = from[2..].find("*/") {
            kept.push(' ');
            rest = &from[2 + end + 2..];
        } else {
            rest = from;
            break;
        }
    }
    kept.push_str(rest);
    kept
}

/// Where the first comment begins, of either form. Looks no further: a file may have a comment a line.
fn comment(text: &str) -> Option<usize> {
    let second = |slash: usize| text.as_bytes().get(slash + 1);
    let mut slashes = text.match_indices('/').map(|(slash, _)| slash);
    slashes.find(|slash| matches!(second(*slash), Some(b'/' | b'*')))
}

/// The header of a line such as `#  include < boost\asio.hpp >`.
fn included(line: &str) -> Option<String> {
    let directive = line.trim_start().strip_prefix('#')?.trim_start().strip_prefix("include")?;
    let opened = directive.trim_start().strip_prefix(['<', '"'])?;
    let (text, _) = opened.split_once(['>', '"'])?;
    let header = normalised(text);
    header.strip_prefix("boost/").is_some_and(|path| !path.is_empty()).then_some(header)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn includes_are_found() {
        let content = "\u{feff}// #include <boost/no.hpp>\n\
             #include <boost/asio.hpp> // why\r\n\
             \t#  include \"boost\\beast\\core.hpp\"\n\
             #include < boost/json.hpp >\n\
             #include <boost/asio.hpp>\n\
             /* #include <boost/no.hpp>\n#include <boost/no.hpp>\n*/ #include <boost/after.hpp>\n\
             #include /* x */ <boost/inside.hpp>\n\
             // see src/*.cpp\n#include <boost/kept.hpp>\n\
             #include <myboost/asio.hpp>\n#include <boost/>\n#include BOOST_X\n#includes <boost/no.hpp>\n\
             int x; #include <boost/no.hpp>\n/* open\n#include <boost/last.hpp>";
        assert_eq!(
            Vec::from_iter(of(content)),
            [
                "boost/after.hpp",
                "boost/asio.hpp",
                "boost/beast/core.hpp",
                "boost/inside.hpp",
                "boost/json.hpp",
                "boost/kept.hpp",
                "boost/last.hpp"
            ]
        );
    }

    #[test]
    fn a_large_file_is_read_in_one_go() {
        let comments = "// one more line\n".repeat(400_000);
        assert_eq!(of(&format!("{comments}#include <boost/asio.hpp>")).len(), 1);
        let includes: Vec<String> =
            (0..100_000).map(|n| format!("#include <boost/{n}.hpp>\n")).collect();
        assert_eq!(of(&includes.concat().repeat(2)).len(), 100_000);
    }
}
