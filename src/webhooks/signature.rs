//! Signatures: HMAC-SHA256 of the raw bytes, compared in constant time.

use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::config::Secret;

/// Whether one of the secrets signs what `parts` say, one after the other. Every secret is tried, so
/// that a secret can be replaced while the source still signs with the old one.
pub fn is_good(secrets: &[Secret], parts: &[&[u8]], hex_signature: &str) -> bool {
    let Ok(signature) = hex::decode(hex_signature) else { return false };
    secrets.iter().fold(false, |good, secret| good | signs(secret, parts, &signature))
}

fn signs(secret: &Secret, parts: &[&[u8]], signature: &[u8]) -> bool {
    let Ok(mut mac) = <Hmac<Sha256> as Mac>::new_from_slice(secret.expose().as_bytes()) else {
        return false;
    };
    for part in parts {
        mac.update(part);
    }
    // Compares in constant time.
    mac.verify_slice(signature).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_signatures_are_good() {
        let secrets = ["another".into(), "It's a Secret to Everybody".into()];
        let signature = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        assert!(is_good(&secrets, &[b"Hello, World!"], signature));
        assert!(is_good(&secrets, &[b"Hello, ", b"World!"], signature));
        assert!(is_good(&secrets, &[b"Hello, World!"], &signature.to_uppercase()));
        assert!(!is_good(&secrets, &[b"Hello, World?"], signature));
        assert!(!is_good(&secrets[..1], &[b"Hello, World!"], signature));
        assert!(!is_good(&[], &[b"Hello, World!"], signature));
        for broken in ["", "757107", &signature[2..], "no hex"] {
            assert!(!is_good(&secrets, &[b"Hello, World!"], broken), "{broken}");
        }
    }
}
