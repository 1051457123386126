//! Names of people, as they are compared.

use unicode_normalization::UnicodeNormalization;

/// A name as names are compared: NFKC, without case, inner white space to one blank, trimmed. Case is
/// taken away by way of capitals, so that `ß` and `SS` are one.
pub fn fold(name: &str) -> String {
    let folded: String =
        name.nfkc().collect::<String>().to_uppercase().to_lowercase().nfkc().collect();
    folded.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_name_are_one() {
        for (one, other) in [
            (" Jane \t Roe ", "jane roe"),
            ("Groß", "GROSS"),
            ("ΣΊΣΥΦΟΣ", "σίσυφος"),
            ("Ａda", "ada"),
            ("Zoe\u{308}", "Zoë"),
        ] {
            assert_eq!(fold(one), fold(other));
        }
        assert_ne!(fold("Jane Roe"), fold("JaneRoe"));
        assert_eq!(fold(" \n"), "");
    }
}
