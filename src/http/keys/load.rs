//! Where keys come from: a secret, PEM and JWKS files, or one secret made once.

use std::{
    fs,
    io::{ErrorKind, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
    sync::RwLock,
};

use anyhow::{Context, bail, ensure};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{
    Algorithm, DecodingKey, EncodingKey,
    jwk::{
        AlgorithmParameters, EllipticCurve, Jwk, JwkSet, KeyAlgorithm, PublicKeyUse, ThumbprintHash,
    },
};
use uuid::Uuid;

use super::{Key, Keys, OURSELVES, Signer};
use crate::config::{MIN_SECRET_BYTES, Settings};

/// The file of the generated secret, in the data folder.
const SECRET_FILE: &str = "jwt-secret";

impl Keys {
    /// The keys that settings name. With the embedded database and neither a secret nor key files,
    /// a random secret is made once and kept in the data folder.
    pub fn load(settings: &Settings) -> anyhow::Result<Self> {
        let mut keys = Vec::new();
        let mut signer = None;
        for file in &settings.jwt_keys {
            let text = fs::read_to_string(file)
                .with_context(|| format!("jwt_keys: cannot read {}", file.display()))?;
            let before = keys.len();
            if text.trim_start().starts_with('{') {
                read_jwks(&text, &mut keys)
            } else {
                read_pem(&text, &mut keys, &mut signer)
            }
            .with_context(|| format!("jwt_keys: {}", file.display()))?;
            ensure!(keys.len() > before, "jwt_keys: {} holds no usable key", file.display());
        }
        let secret = match &settings.jwt_secret {
            Some(secret) => Some(secret.expose().to_owned()),
            None if !keys.is_empty() => None,
            None if settings.database_url.is_none() => {
                Some(kept_secret(&settings.data_dir.join(SECRET_FILE))?)
            }
            None => bail!(
                "BOOST_DASHBOARD_JWT_SECRET or BOOST_DASHBOARD_JWT_KEYS is required with \
                 DATABASE_URL"
            ),
        };
        if let Some(secret) = secret {
            let secret = secret.as_bytes();
            ensure!(
                secret.len() >= MIN_SECRET_BYTES,
                "jwt_secret: it must have at least {MIN_SECRET_BYTES} bytes"
            );
            keys.push(Key {
                kid: None,
                algorithm: Algorithm::HS256,
                decoding: DecodingKey::from_secret(secret),
            });
            signer.get_or_insert_with(|| Signer {
                kid: None,
                algorithm: Algorithm::HS256,
                encoding: EncodingKey::from_secret(secret),
            });
        }
        let name = |set: &Option<String>| set.clone().unwrap_or_else(|| OURSELVES.to_owned());
        let mut required = vec!["exp", "sub"];
        required.extend(settings.jwt_issuer.is_some().then_some("iss"));
        required.extend(settings.jwt_audience.is_some().then_some("aud"));
        Ok(Self {
            accepted: keys,
            signer,
            issuer: name(&settings.jwt_issuer),
            audience: name(&settings.jwt_audience),
            required,
            verified: RwLock::default(),
        })
    }
}

/// Reads the secret of a data folder, or makes it.
fn kept_secret(file: &Path) -> anyhow::Result<String> {
    loop {
        match fs::read_to_string(file) {
            Ok(secret) => return Ok(secret.trim().to_owned()),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => {
                return Err(error).with_context(|| format!("cannot read {}", file.display()));
            }
        }
        let mut random = [0_u8; 32];
        aws_lc_random(&mut random)?;
        let folder = file.parent().unwrap_or_else(|| Path::new("."));
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        // Written aside and linked into place: a second process either finds it whole or not at
        // all, and never replaces it.
        let aside = folder.join(format!(".{SECRET_FILE}.{}", Uuid::now_v7()));
        let written = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&aside)
            .and_then(|mut out| {
                writeln!(out, "{}", URL_SAFE_NO_PAD.encode(random))?;
                out.sync_all()
            })
            .and_then(|()| fs::hard_link(&aside, file));
        let _ = fs::remove_file(&aside);
        match written {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => {
                return Err(error).with_context(|| format!("cannot write {}", file.display()));
            }
            _ => {}
        }
    }
}

/// Random bytes from the operating system.
fn aws_lc_random(into: &mut [u8]) -> anyhow::Result<()> {
    rustls::crypto::aws_lc_rs::default_provider()
        .secure_random
        .fill(into)
        .map_err(|_| anyhow::anyhow!("the operating system gives no random bytes"))
}

/// Reads a JWKS, or a single JWK. Keys of other uses and algorithms are left out: an identity
/// provider publishes them side by side.
fn read_jwks(text: &str, keys: &mut Vec<Key>) -> anyhow::Result<()> {
    let document: serde_json::Value = serde_json::from_str(text)?;
    let set = match document.get("keys") {
        Some(_) => serde_json::from_value::<JwkSet>(document)?.keys,
        None => vec![serde_json::from_value::<Jwk>(document)?],
    };
    for jwk in set {
        if jwk.common.public_key_use.as_ref().is_some_and(|used| *used != PublicKeyUse::Signature) {
            continue;
        }
        let (algorithm, named) = match &jwk.algorithm {
            AlgorithmParameters::OctetKey(oct) => {
                let secret = URL_SAFE_NO_PAD.decode(&oct.value).context("`k` is not base64url")?;
                ensure!(
                    secret.len() >= MIN_SECRET_BYTES,
                    "an `oct` key must have at least {MIN_SECRET_BYTES} bytes"
                );
                (Algorithm::HS256, KeyAlgorithm::HS256)
            }
            AlgorithmParameters::RSA(_) => (Algorithm::RS256, KeyAlgorithm::RS256),
            AlgorithmParameters::EllipticCurve(ec) if ec.curve == EllipticCurve::P256 => {
                (Algorithm::ES256, KeyAlgorithm::ES256)
            }
            AlgorithmParameters::OctetKeyPair(okp) if okp.curve == EllipticCurve::Ed25519 => {
                (Algorithm::EdDSA, KeyAlgorithm::EdDSA)
            }
            _ => continue,
        };
        if jwk.common.key_algorithm.is_some_and(|stated| stated != named) {
            continue;
        }
        let decoding = DecodingKey::from_jwk(&jwk)?;
        keys.push(Key { kid: jwk.common.key_id, algorithm, decoding });
    }
    Ok(())
}

/// Reads every block of a PEM file.
fn read_pem(text: &str, keys: &mut Vec<Key>, signer: &mut Option<Signer>) -> anyhow::Result<()> {
    let mut rest = text;
    while let Some(begin) = rest.find("-----BEGIN ") {
        let block = &rest[begin..];
        let end = block.find("-----END ").context("a PEM block has no end")?;
        let length = block[end..].find('\n').map_or(block.len(), |newline| end + newline);
        read_block(block[..length].trim(), keys, signer)?;
        rest = &block[length..];
    }
    Ok(())
}

fn read_block(pem: &str, keys: &mut Vec<Key>, signer: &mut Option<Signer>) -> anyhow::Result<()> {
    let bytes = pem.as_bytes();
    if pem.contains("PRIVATE KEY-----") {
        let (algorithm, encoding) = EncodingKey::from_ed_pem(bytes)
            .map(|key| (Algorithm::EdDSA, key))
            .or_else(|_| EncodingKey::from_ec_pem(bytes).map(|key| (Algorithm::ES256, key)))
            .or_else(|_| EncodingKey::from_rsa_pem(bytes).map(|key| (Algorithm::RS256, key)))
            .context("neither an Ed25519, P-256 nor RSA private key in PKCS #8")?;
        let public = Jwk::from_encoding_key(&encoding, algorithm)?;
        let decoding = DecodingKey::from_jwk(&public)?;
        check_curve(algorithm, &decoding)?;
        let kid = Some(public.thumbprint(ThumbprintHash::SHA256)?);
        keys.push(Key { kid: None, algorithm, decoding });
        signer.get_or_insert(Signer { kid, algorithm, encoding });
        return Ok(());
    }
    let (algorithm, decoding) = DecodingKey::from_ed_pem(bytes)
        .map(|key| (Algorithm::EdDSA, key))
        .or_else(|_| DecodingKey::from_ec_pem(bytes).map(|key| (Algorithm::ES256, key)))
        .or_else(|_| DecodingKey::from_rsa_pem(bytes).map(|key| (Algorithm::RS256, key)))
        .context("neither an Ed25519, P-256 nor RSA public key")?;
    check_curve(algorithm, &decoding)?;
    keys.push(Key { kid: None, algorithm, decoding });
    Ok(())
}

/// ES256 is P-256 alone: an uncompressed point of it has 65 bytes.
fn check_curve(algorithm: Algorithm, key: &DecodingKey) -> anyhow::Result<()> {
    ensure!(
        algorithm != Algorithm::ES256 || key.try_get_as_bytes()?.len() == 65,
        "the elliptic curve is not P-256"
    );
    Ok(())
}
