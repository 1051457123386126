//! Durations in ISO 8601, as YouTube gives them: `PT1H2M3S`.

/// Whole seconds of a duration; none if it is none, or has years or months.
pub fn seconds(text: &str) -> Option<i64> {
    let rest = text.trim().strip_prefix('P')?;
    let (date, time) = rest.split_once('T').unwrap_or((rest, ""));
    if date.is_empty() && time.is_empty() {
        return None;
    }
    let date = sum(date, &[('W', 604_800), ('D', 86_400)])?;
    date.checked_add(sum(time, &[('H', 3_600), ('M', 60), ('S', 1)])?)
}

/// The sum of parts such as `2H3M`, in the order of the units.
fn sum(mut text: &str, units: &[(char, i64)]) -> Option<i64> {
    let mut total = 0_i64;
    for (unit, seconds) in units {
        let Some((number, rest)) = text.split_once(*unit) else { continue };
        // Fractions of a second are cut.
        let whole = number.split_once('.').map_or(number, |(whole, _)| whole);
        let number: i64 = whole.parse().ok().filter(|number| *number >= 0)?;
        total = total.checked_add(number.checked_mul(*seconds)?)?;
        text = rest;
    }
    text.is_empty().then_some(total)
}

#[cfg(test)]
mod tests {
    use super::seconds;

    #[test]
    fn every_part_counts() {
        for (text, expected) in [
            ("PT1H2M3S", Some(3_723)),
            ("P1DT2H", Some(93_600)),
            ("PT0S", Some(0)),
            ("P0D", Some(0)),
            ("P1W", Some(604_800)),
            ("PT4M13.5S", Some(253)),
            ("P", None),
            ("PT", None),
            ("P1Y", None),
            ("PT3S2M", None),
            ("PT-1S", None),
            ("3723", None),
            ("PT99999999999999999999S", None),
        ] {
            assert_eq!(seconds(text), expected, "{text}");
        }
    }
}
