//! A place in the change log, as clients hold it: opaque, and good for every feed of the database.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::http::problem::Fault;

/// No secret, as with the cursors of lists: it turns a damaged cursor into a refusal.
const MAC_KEY: &[u8] = b"boost-dashboard change cursor 1";
/// Bytes of the MAC that are kept.
const MAC_LENGTH: usize = 12;

/// More keys than any row of the log has.
const MAX_PLACE: i64 = 1 << 30;

/// What of the log was seen: every row before `xid` and `seq`, and of that one the first `place`
/// keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) struct Position {
    pub(super) xid: i64,
    pub(super) seq: i64,
    pub(super) place: i64,
}

impl Position {
    /// Behind a row of the log: the row itself may be forgotten, and nothing is missing.
    pub(super) fn behind(xid: i64, seq: i64) -> Self {
        Self { xid, seq: seq.saturating_add(1), place: 0 }
    }

    /// Whether a position can be one: the statement that reads on from it calculates with it.
    fn is_sound(self) -> bool {
        self.xid >= 0 && self.seq >= 0 && (0..=MAX_PLACE).contains(&self.place)
    }
}

/// Where a feed begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum After {
    /// With the oldest change that is still known.
    Beginning,
    /// With what is committed from now on.
    Now,
    /// Behind what was seen of the log of a database, which its lineage names.
    Seen(Position, i64),
}

/// The cursor of a position in the log of a `lineage`.
pub(super) fn seal(position: Position, lineage: i64) -> String {
    let mut payload = Vec::with_capacity(32 + MAC_LENGTH);
    for number in [lineage, position.xid, position.seq, position.place] {
        payload.extend(number.to_be_bytes());
    }
    let mac = mac(&payload).finalize().into_bytes();
    payload.extend_from_slice(&mac[..MAC_LENGTH]);
    URL_SAFE_NO_PAD.encode(payload)
}

/// Reads the parameter `name`.
pub(super) fn open(name: &str, text: Option<&str>) -> Result<After, Fault> {
    let text = match text {
        None => return Ok(After::Beginning),
        Some("now") => return Ok(After::Now),
        Some(text) => text,
    };
    unseal(text).ok_or_else(|| {
        let detail =
            "This is not a cursor of the feed of changes: take `page.next_cursor`, or `now`.";
        Fault::parameter(name, "invalid_cursor", detail)
    })
}

fn unseal(text: &str) -> Option<After> {
    let sealed = URL_SAFE_NO_PAD.decode(text).ok()?;
    let (payload, given) = sealed.split_at_checked(32)?;
    mac(payload).verify_truncated_left(given).ok().filter(|()| given.len() == MAC_LENGTH)?;
    let mut numbers = payload.chunks_exact(8).map(|it| it.try_into().map(i64::from_be_bytes));
    let mut next = || numbers.next()?.ok();
    let lineage = next()?;
    let position = Position { xid: next()?, seq: next()?, place: next()? };
    position.is_sound().then_some(After::Seen(position, lineage))
}

fn mac(payload: &[u8]) -> Hmac<Sha256> {
    let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(MAC_KEY)
        .unwrap_or_else(|_| unreachable!("HMAC takes keys of any length"));
    mac.update(payload);
    mac
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_says_what_was_seen_and_cannot_be_altered() {
        let position = Position { xid: 7, seq: 1 << 40, place: 3 };
        let sealed = seal(position, -5);
        assert_eq!(open("after", Some(&sealed)), Ok(After::Seen(position, -5)));
        for at in 0..sealed.len() {
            let mut other = sealed.clone().into_bytes();
            other[at] = if other[at] == b'A' { b'B' } else { b'A' };
            let other = String::from_utf8(other).unwrap();
            // The last character's lowest bits mean nothing.
            if URL_SAFE_NO_PAD.decode(&other) != URL_SAFE_NO_PAD.decode(&sealed) {
                assert!(open("after", Some(&other)).is_err(), "{other}");
            }
        }
        // The key is no secret: whoever forges one is refused what the database would choke on.
        let unsound = [(-1, 0, 0), (0, -1, 0), (0, 0, -1), (0, 0, i64::MAX)];
        let [a, b, c, d] = unsound.map(|(xid, seq, place)| seal(Position { xid, seq, place }, -5));
        for text in ["", "NOW", "0", &sealed[..20], &a, &b, &c, &d] {
            assert_eq!(open("after", Some(text)).unwrap_err().code, "invalid_cursor", "{text}");
        }
    }
}
