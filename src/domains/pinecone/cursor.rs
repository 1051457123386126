//! Cursors of the search feeds: what a feed hands out with a page, and an acknowledgement gives back.
//!
//! A cursor says up to which change of the database, and up to which time, an app type's documents
//! were handed out. It is under a MAC, so that a damaged cursor, or one of another app type, is
//! refused instead of acknowledging what nobody has seen. As with list cursors the MAC's key is
//! fixed: cursors outlive restarts and hold on every server.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use hmac::{Hmac, Mac};
use sha2::Sha256;

const MAC_KEY: &[u8] = b"boost-dashboard search feed cursor 1";
/// Bytes of the MAC that are kept.
const MAC_LENGTH: usize = 12;
/// Bytes of position and time.
const PAYLOAD: usize = 16;

/// How far a feed was handed out. A later position never has an earlier time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// The last change that is in it, as the change feed counts.
    pub position: i64,
    /// The time of that change, UTC, in microseconds.
    pub at: DateTime<Utc>,
}

impl Cursor {
    /// The opaque form for an app type.
    pub fn seal(self, app_type: &str) -> String {
        let mut payload = [0; PAYLOAD];
        payload[..8].copy_from_slice(&self.position.to_be_bytes());
        payload[8..].copy_from_slice(&self.at.timestamp_micros().to_be_bytes());
        let mac = mac(app_type, &payload).finalize().into_bytes();
        let sealed = [&mac[..MAC_LENGTH], &payload].concat();
        URL_SAFE_NO_PAD.encode(sealed)
    }

    /// Reads a cursor that was made for an app type; none if it was not, or is damaged.
    pub fn open(app_type: &str, text: &str) -> Option<Self> {
        let sealed = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (given, payload) = sealed.split_at_checked(MAC_LENGTH)?;
        mac(app_type, payload).verify_truncated_left(given).ok()?;
        let (position, at) = payload.split_at_checked(8)?;
        let position = i64::from_be_bytes(position.try_into().ok()?);
        let at = i64::from_be_bytes(at.try_into().ok()?);
        Some(Self { position, at: DateTime::from_timestamp_micros(at)? })
    }
}

fn mac(app_type: &str, payload: &[u8]) -> Hmac<Sha256> {
    let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(MAC_KEY)
        .unwrap_or_else(|_| unreachable!("HMAC takes keys of any length"));
    mac.update(&(app_type.len() as u64).to_be_bytes());
    mac.update(app_type.as_bytes());
    mac.update(payload);
    mac
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_bound_to_its_app_type_and_to_every_bit() {
        let at = DateTime::from_timestamp_micros(1_736_930_000_000_007).unwrap();
        let cursor = Cursor { position: 42, at };
        let sealed = cursor.seal("mailing");
        assert_eq!(Cursor::open("mailing", &sealed), Some(cursor));
        assert_eq!(Cursor::open("youtube", &sealed), None);
        for place in 0..sealed.len() {
            let mut damaged = sealed.clone().into_bytes();
            damaged[place] = if damaged[place] == b'A' { b'B' } else { b'A' };
            let damaged = String::from_utf8(damaged).unwrap();
            assert_eq!(Cursor::open("mailing", &damaged), None, "{damaged}");
        }
        for text in ["", "x", "?", &sealed[1..]] {
            assert_eq!(Cursor::open("mailing", text), None, "{text}");
        }
    }
}
