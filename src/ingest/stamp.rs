//! Stamps: which of two statements about the same thing is the newer one.

use chrono::{DateTime, Utc};
use serde_json::{Value as Json, json};

/// When and how well a statement was made. Compared left to right, `None` lowest, so that the
/// versions of an object end in the same row whatever order they come in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default, Hash)]
pub struct Stamp {
    /// The source's own modification time of the object.
    pub source_at: Option<DateTime<Utc>>,
    /// How good the statement is, where a kind tells better from worse; else 0.
    pub rank: i16,
    /// When the statement was true at the source, as the sender says.
    pub as_of: Option<DateTime<Utc>>,
    /// SHA-256 of what is stated: decides between statements of one time, as a whole.
    pub digest: Vec<u8>,
}

impl Stamp {
    /// The stamp of what nobody has stated: anything real is greater.
    pub const BOTTOM: Self = Self { source_at: None, rank: 0, as_of: None, digest: Vec::new() };

    /// The same stamp with another rank.
    #[must_use]
    pub fn ranked(&self, rank: i16) -> Self {
        Self { rank, ..self.clone() }
    }

    /// The form kept in `column_stamps`: `null` for the bottom, else an array of the four parts.
    pub fn to_json(&self) -> Json {
        if *self == Self::BOTTOM {
            return Json::Null;
        }
        json!([
            self.source_at.map(|at| at.timestamp_micros()),
            self.rank,
            self.as_of.map(|at| at.timestamp_micros()),
            hex::encode(&self.digest),
        ])
    }

    /// Reads [`Self::to_json`]'s form; anything else is the bottom.
    pub fn from_json(json: &Json) -> Self {
        let time = |at: &Json| at.as_i64().and_then(DateTime::from_timestamp_micros);
        match json.as_array().map(Vec::as_slice) {
            Some([source_at, rank, as_of, digest]) => Self {
                source_at: time(source_at),
                rank: rank.as_i64().and_then(|rank| rank.try_into().ok()).unwrap_or(0),
                as_of: time(as_of),
                digest: digest.as_str().and_then(|text| hex::decode(text).ok()).unwrap_or_default(),
            },
            _ => Self::BOTTOM,
        }
    }
}

/// SHA-256 over the RFC 8785 form of a normalised statement.
pub fn digest(statement: &impl serde::Serialize) -> Vec<u8> {
    use sha2::Digest;
    let canonical = serde_json_canonicalizer::to_vec(statement)
        .unwrap_or_else(|error| unreachable!("a statement is plain data: {error}"));
    sha2::Sha256::digest(canonical).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_compare_left_to_right_with_null_lowest() {
        let at = |seconds| DateTime::from_timestamp(seconds, 0);
        let stamp = |source_at, rank, as_of, digest: &[u8]| Stamp {
            source_at,
            rank,
            as_of,
            digest: digest.to_vec(),
        };
        let ascending = [
            Stamp::BOTTOM,
            stamp(None, 0, None, &[0]),
            stamp(None, 0, at(9), &[0]),
            stamp(None, 1, None, &[0]),
            stamp(at(1), 0, None, &[0x7f]),
            stamp(at(1), 0, None, &[0x80]),
            stamp(at(1), 0, at(0), &[0]),
            stamp(at(2), 0, None, &[0]),
        ];
        assert!(ascending.is_sorted_by(|a, b| a < b));
        for stamp in ascending {
            assert_eq!(Stamp::from_json(&stamp.to_json()), stamp);
        }
    }
}
