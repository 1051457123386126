//! A place in the change log, as clients hold it: opaque, and good for every feed of the database.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::http::problem::Fault;

/// No secret, as with the cursors of lists: it turns a damaged cursor into a refusal.
const MAC_KEY: &[u8] = b"boost-dashboard change cursor 1";
/// Bytes of the MAC that are kept.
const MAC_LENGTH: usize = 12;

/// What of the log was seen: every row before `xid` and `seq`, and of that one the first `place`
/// keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) struct Position {
    pub(super) xid: i64,
    pub(super) seq: i64,
    pub(super) place: i64,
}

/// Where a feed begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum After {
    /// With the oldest change that is still known.
    Beginning,
    /// With what is committed from now on.
    Now,
    /// Behind what was seen of the log of a database cluster.
    Seen(Position, i64),
}

/// The cursor of a position in the log of the cluster `system`.
pub(super) fn seal(position: Position, system: i64) -> String {
    let mut payload = Vec::with_capacity(32 + MAC_LENGTH);
    for number in [system, position.xid, position.seq, position.place] {
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
    let system = next()?;
    Some(After::Seen(Position { xid: next()?, seq: next()?, place: next()? }, system))
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
        for text in ["", "NOW", "0", &sealed[..20]] {
            assert_eq!(open("after", Some(text)).unwrap_err().code, "invalid_cursor", "{text}");
        }
    }
}
