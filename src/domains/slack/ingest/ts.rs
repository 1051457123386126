//! Slack's timestamps: seconds since 1970 as text, with up to six decimals. They are the ids of
//! messages, so they never go through a float.

use chrono::{DateTime, Datelike, Utc};

/// Whether this has the form of a timestamp.
pub fn is_valid(text: &str) -> bool {
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |part: &str, most| {
        (1..=most).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
    };
    digits(seconds, 12) && digits(fraction, 6)
}

/// The instant, exactly; none if this is no timestamp or lies after 9999.
pub fn instant(text: &str) -> Option<DateTime<Utc>> {
    if !is_valid(text) {
        return None;
    }
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let micros: u32 = format!("{fraction:0<6}").parse().ok()?;
    DateTime::from_timestamp(seconds.parse().ok()?, micros * 1_000).filter(|at| at.year() <= 9999)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn six_decimals_are_exact() {
        let micros = |text| instant(text).map(|at| at.timestamp_micros());
        assert_eq!(micros("1735689600.000100"), Some(1_735_689_600_000_100));
        assert_eq!(micros("1735689600"), Some(1_735_689_600_000_000));
        assert_eq!(micros("1735689600.1"), Some(1_735_689_600_100_000));
        assert_eq!(micros("0000000000.000000"), Some(0));
        for bad in ["", ".", "1.", ".1", "1.1234567", "-1", "1e3", "1234567890123", "1.1.1"] {
            assert!(!is_valid(bad), "{bad}");
        }
        assert_eq!(micros("999999999999"), None);
    }
}
