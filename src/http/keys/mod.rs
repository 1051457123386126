//! JSON Web Tokens: who may have signed one, and what it says.
//!
//! A key fixes its algorithm; what a token's header says is only compared with it. So a token
//! cannot ask for `none`, nor to have a public key used as a shared secret.

mod load;

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use chrono::{DateTime, Duration, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, errors::ErrorKind};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::scope::Scope;

/// The issuer and audience of tokens, unless settings name others.
const OURSELVES: &str = "boost-dashboard";
/// Tokens remembered as verified. When as many are known, all are forgotten.
const CACHE: usize = 1_024;
/// Longer tokens are not looked at.
const MAX_TOKEN_BYTES: usize = 8 * 1_024;
/// How far an issuer's clock may be ahead of ours, in seconds.
const SKEW: i64 = 5;

/// What a verified token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// `sub`: who it was given to.
    pub subject: Arc<str>,
    /// `scope`: what it may do. Scopes that are not ours are left out.
    pub scopes: Vec<Scope>,
    /// `jti`: the name it is revoked by.
    pub jti: Option<String>,
    /// `exp`, in Unix seconds.
    expires: i64,
    /// `nbf`, in Unix seconds.
    begins: i64,
}

impl Token {
    /// Whether it may do what `needed` asks for.
    pub fn has(&self, needed: &Scope) -> bool {
        self.scopes.iter().any(|scope| scope.covers(needed))
    }

    /// Whether it is good at that time.
    pub(super) fn check_time(&self, now: DateTime<Utc>) -> Result<(), Refusal> {
        let now = now.timestamp();
        if now >= self.expires {
            Err(Refusal::Expired)
        } else if now + SKEW < self.begins {
            Err(Refusal::NotYetValid)
        } else {
            Ok(())
        }
    }
}

/// Why a token is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is not a JWT, or lacks `sub` or `exp`.
    #[error("The token is malformed.")]
    Malformed,
    /// No key of that `kid` and algorithm is known.
    #[error("The token was signed with a key or algorithm that is not accepted here.")]
    UnknownKey,
    /// The signature is wrong.
    #[error("The token's signature is wrong.")]
    Signature,
    /// `exp` has passed.
    #[error("The token has expired.")]
    Expired,
    /// `nbf` is still to come.
    #[error("The token is not valid yet.")]
    NotYetValid,
    /// `iss` is another.
    #[error("The token's issuer is not accepted here.")]
    Issuer,
    /// `aud` is another.
    #[error("The token was made for another audience.")]
    Audience,
    /// Its `jti` is on the revocation list.
    #[error("The token has been revoked.")]
    Revoked,
}

/// A token that was just made.
#[derive(Debug, Clone)]
pub struct Issued {
    /// The token itself.
    pub token: String,
    /// The name it is revoked by.
    pub jti: String,
    /// When it was made.
    pub issued_at: DateTime<Utc>,
    /// When it expires.
    pub expires_at: DateTime<Utc>,
}

/// The claims as they are written.
#[derive(Debug, Serialize)]
struct Claims<'a> {
    sub: &'a str,
    scope: String,
    iat: i64,
    exp: i64,
    jti: &'a str,
    iss: &'a str,
    aud: &'a str,
}

/// The claims as they are read; `iss` and `aud` are checked by the library.
#[derive(Debug, Deserialize)]
struct Read {
    sub: String,
    #[serde(default)]
    scope: String,
    exp: serde_json::Number,
    nbf: Option<serde_json::Number>,
    jti: Option<String>,
}

/// A key that tokens may be signed with.
struct Key {
    /// A key with a `kid` serves only tokens that name it; one without may serve any.
    kid: Option<String>,
    algorithm: Algorithm,
    decoding: DecodingKey,
}

/// The key that new tokens are signed with.
struct Signer {
    kid: Option<String>,
    algorithm: Algorithm,
    encoding: EncodingKey,
}

/// Every key, and the tokens lately verified with them.
pub struct Keys {
    accepted: Vec<Key>,
    signer: Option<Signer>,
    issuer: String,
    audience: String,
    /// Claims that a token must state at all.
    required: Vec<&'static str>,
    verified: RwLock<HashMap<[u8; 32], Arc<Token>>>,
}

impl Keys {
    /// Verifies a token: key, signature, issuer, audience, times. Whether it was revoked is for
    /// [`super::tokens::Revocations`] to say.
    pub fn verify(&self, token: &str, now: DateTime<Utc>) -> Result<Arc<Token>, Refusal> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(Refusal::Malformed);
        }
        // Known by its hash: the cache then holds nothing that could be used.
        let hash: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        let known =
            self.verified.read().unwrap_or_else(PoisonError::into_inner).get(&hash).cloned();
        if let Some(known) = known {
            known.check_time(now)?;
            return Ok(known);
        }
        let read = Arc::new(self.decode(token)?);
        read.check_time(now)?;
        let mut verified = self.verified.write().unwrap_or_else(PoisonError::into_inner);
        if verified.len() >= CACHE {
            verified.clear();
        }
        verified.insert(hash, Arc::clone(&read));
        Ok(read)
    }

    fn decode(&self, token: &str) -> Result<Token, Refusal> {
        let header = jsonwebtoken::decode_header(token).map_err(|error| match error.kind() {
            // An algorithm the library does not know is `none` or worse.
            ErrorKind::Json(_) => Refusal::UnknownKey,
            _ => Refusal::Malformed,
        })?;
        // RFC 7515 §4.1.11: what is marked critical must be understood, and we know no extension.
        if header.crit.is_some() {
            return Err(Refusal::Malformed);
        }
        let named = |key: &&Key| key.kid.is_some() && key.kid == header.kid;
        let unnamed = |key: &&Key| key.kid.is_none() || header.kid.is_none();
        let candidates: Vec<&Key> = if self.accepted.iter().any(|key| named(&key)) {
            self.accepted.iter().filter(named).collect()
        } else {
            self.accepted.iter().filter(unnamed).collect()
        };
        let mut refusal = Refusal::UnknownKey;
        for key in candidates.into_iter().filter(|key| key.algorithm == header.alg) {
            match jsonwebtoken::decode::<Read>(token, &key.decoding, &self.validation(key)) {
                Ok(data) => return data.claims.token(),
                Err(error) => {
                    refusal = match error.kind() {
                        ErrorKind::InvalidSignature => Refusal::Signature,
                        ErrorKind::InvalidIssuer => return Err(Refusal::Issuer),
                        ErrorKind::InvalidAudience => return Err(Refusal::Audience),
                        ErrorKind::MissingRequiredClaim(claim) if claim == "iss" => {
                            return Err(Refusal::Issuer);
                        }
                        ErrorKind::MissingRequiredClaim(claim) if claim == "aud" => {
                            return Err(Refusal::Audience);
                        }
                        _ => Refusal::Malformed,
                    }
                }
            }
        }
        Err(refusal)
    }

    fn validation(&self, key: &Key) -> Validation {
        let mut validation = Validation::new(key.algorithm);
        // Times are checked by our own clock, on each use.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        validation.set_issuer(&[&self.issuer]);
        validation.set_audience(&[&self.audience]);
        validation.set_required_spec_claims(&self.required);
        validation
    }

    /// Makes a token.
    pub fn issue(
        &self,
        subject: &str,
        scopes: &[Scope],
        ttl: Duration,
        now: DateTime<Utc>,
    ) -> anyhow::Result<Issued> {
        let signer = self.signer.as_ref().ok_or_else(|| {
            anyhow::anyhow!(
                "there is no key to sign with: set jwt_secret, or name a private PEM key in jwt_keys"
            )
        })?;
        let jti = Uuid::now_v7().to_string();
        let expires_at = now + ttl;
        let claims = Claims {
            sub: subject,
            scope: scopes.iter().map(Scope::to_string).collect::<Vec<_>>().join(" "),
            iat: now.timestamp(),
            exp: expires_at.timestamp(),
            jti: &jti,
            iss: &self.issuer,
            aud: &self.audience,
        };
        let header = Header { kid: signer.kid.clone(), ..Header::new(signer.algorithm) };
        let token = jsonwebtoken::encode(&header, &claims, &signer.encoding)?;
        Ok(Issued { token, jti, issued_at: now, expires_at })
    }
}

impl Read {
    fn token(self) -> Result<Token, Refusal> {
        let seconds = |number: &serde_json::Number| {
            #[expect(clippy::cast_possible_truncation, reason = "saturates, which is as good")]
            number.as_i64().or_else(|| number.as_f64().map(|seconds| seconds as i64))
        };
        Ok(Token {
            subject: self.sub.into(),
            scopes: self.scope.split_ascii_whitespace().filter_map(|s| s.parse().ok()).collect(),
            jti: self.jti,
            expires: seconds(&self.exp).ok_or(Refusal::Malformed)?,
            begins: match &self.nbf {
                Some(nbf) => seconds(nbf).ok_or(Refusal::Malformed)?,
                None => 0,
            },
        })
    }
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys").field("keys", &self.accepted.len()).finish_non_exhaustive()
    }
}
