//! Spellings of a Boost version.

/// The canonical spelling of a release, `boost-1.84.0`, if the text names one.
pub fn canonical(text: &str) -> Option<String> {
    let lower = text.trim().to_lowercase();
    let rest = lower.strip_prefix("refs/tags/").unwrap_or(&lower);
    let rest = rest.strip_prefix("boost").or_else(|| rest.strip_prefix('v')).unwrap_or(rest);
    let rest = rest.trim_start_matches([' ', '-', '_', '.']);
    let numbers: Vec<u32> =
        rest.split(['.', '_', '-']).map(str::parse).collect::<Result<_, _>>().ok()?;
    let (major, minor, patch) = match numbers[..] {
        [number] if number >= 100_000 => (number / 100_000, number / 100 % 1_000, number % 100),
        [major, minor] => (major, minor, 0),
        [major, minor, patch] => (major, minor, patch),
        _ => return None,
    };
    (major >= 1 && minor <= 999 && patch <= 99).then(|| format!("boost-{major}.{minor}.{patch}"))
}
