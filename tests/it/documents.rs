//! What is written for people, as far as it can be checked.

use std::path::Path;

use boost_dashboard::config::Settings;

const README: &str = include_str!("../../README.md");
const ARCHITECTURE: &str = include_str!("../../ARCHITECTURE.md");
const CONTRIBUTING: &str = include_str!("../../CONTRIBUTING.md");

#[test]
fn the_readme_lists_every_setting() {
    for (key, default) in Settings::default().shown().unwrap() {
        let name = match key.as_str() {
            "database_url" => "DATABASE_URL".to_owned(),
            key => format!("BOOST_DASHBOARD_{}", key.to_uppercase()),
        };
        let row = README.lines().find(|line| line.starts_with(&format!("| `{name}` |")));
        let row = row.unwrap_or_else(|| panic!("the README has no row for {name}"));
        let default = default.trim_matches(|c| "[]\"".contains(c));
        if !default.is_empty() && default != "null" {
            assert!(row.contains(&format!("`{default}`")), "{name} is {default} by default: {row}");
        }
    }
}

#[test]
fn the_files_that_are_named_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (document, text) in
        [("README", README), ("ARCHITECTURE", ARCHITECTURE), ("CONTRIBUTING", CONTRIBUTING)]
    {
        let named = text.split('`').skip(1).step_by(2);
        let ours = ["src/", "tests/", "migrations/", "benches/", "scripts/", "demo/", "openapi/"];
        for path in named.filter(|path| ours.iter().any(|folder| path.starts_with(folder))) {
            let path = path.split(' ').next().unwrap();
            if !path.contains('<') {
                assert!(root.join(path).exists(), "{document} names {path}, which is not there");
            }
        }
    }
}

#[test]
fn the_tests_that_are_named_exist() {
    let mut sources = String::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                sources.push_str(&std::fs::read_to_string(path).unwrap());
            }
        }
    }
    let is_test = |word: &&str| {
        word.matches('_').count() >= 2 && word.chars().all(|c| c.is_ascii_lowercase() || c == '_')
    };
    let named: Vec<&str> = CONTRIBUTING.split('`').skip(1).step_by(2).filter(is_test).collect();
    assert!(named.len() >= 8);
    for name in named {
        assert!(sources.contains(&format!("fn {name}(")), "there is no test {name}");
    }
}
