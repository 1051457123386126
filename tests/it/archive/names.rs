//! Names that payloads give: none leads away, no two share a file.

use std::collections::HashMap;

use proptest::prelude::*;

use super::*;

fn any_name() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[a-zA-Z0-9._@+=,~/\\\\ -]{0,12}",
        "(\\.|\\.\\.|\\.git|raw|_|CON|a@b\\.c)",
        "[a-z]{1,3}@[0-9a-f]{16}",
        "[\u{e9}e\u{301}]{1,4}",
        "[a-z\u{fc}]{70,300}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_name_escapes(names in prop::collection::vec(any_name(), 1..6), stem in any_name()) {
        let folder = names.iter().fold(Folder::of("t"), |folder, name| folder.said(name));
        let path = folder.file(&stem, "json");
        for path in [path.to_string(), path.version(&[7; 32])] {
            prop_assert!(path.len() <= 512, "{}", path.len());
            let segments: Vec<_> = path.split('/').collect();
            prop_assert_eq!(segments.len(), names.len() + 3);
            prop_assert!(path.starts_with("raw/t/"));
            prop_assert_eq!(path.rsplit('.').next(), Some("json"));
            for segment in segments {
                prop_assert!(!segment.is_empty() && !segment.starts_with('.'));
                prop_assert!(segment.len() <= 150);
                let is_safe = |c: char| c.is_alphanumeric() || "._@+=,-~".contains(c);
                prop_assert!(segment.chars().all(is_safe), "{}", segment);
            }
        }
    }

    #[test]
    fn two_names_never_share_a_file(
        all in prop::collection::hash_set((prop::collection::vec(any_name(), 1..3), any_name()), 2..20),
    ) {
        let mut seen = HashMap::new();
        for (names, stem) in &all {
            let folder = names.iter().fold(Folder::of("t"), |folder, name| folder.said(name));
            let path = folder.file(stem, "json");
            for path in [path.to_string(), path.version(&[0xab; 32]), path.version(&[0xcd; 32])] {
                if let Some(other) = seen.insert(path.clone(), (names, stem)) {
                    prop_assert!(false, "{:?} and {:?} share {}", other, (names, stem), path);
                }
            }
        }
    }
}
