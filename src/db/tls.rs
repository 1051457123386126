//! TLS to PostgreSQL, by rustls.
//!
//! `sslmode` and `sslrootcert` are taken off the URL here: the driver knows only three of libpq's
//! six modes, and leaves all checking of certificates to us. They mean what they mean to libpq:
//!
//! | `sslmode` | encrypted | certificate checked |
//! |---|---|---|
//! | `disable` | no | |
//! | `allow`, `prefer` (the default) | if the server can | no |
//! | `require` | yes | its chain, if `sslrootcert` is given |
//! | `verify-ca` | yes | its chain |
//! | `verify-full` | yes | its chain and its host name |
//!
//! Where a chain is checked and `sslrootcert` is absent or `system`, the machine's own authorities
//! are trusted.

use std::{fs::File, io::BufReader, sync::Arc};

use anyhow::{Context as _, bail, ensure};
use rustls::{
    ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    client::{
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        verify_server_cert_signed_by_trust_anchor, verify_server_name,
    },
    crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
    server::ParsedCertificate,
};
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres_rustls::MakeRustlsConnect;

/// How much of the server's certificate is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Check {
    Nothing,
    Chain,
    ChainAndName,
}

/// What a URL says about TLS.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Tls {
    mode: SslMode,
    check: Check,
    root: Option<String>,
}

/// Parts a URL into what the driver understands and what it says about TLS.
pub(super) fn split(url: &str) -> anyhow::Result<(String, Tls)> {
    ensure!(
        url.starts_with("postgres://") || url.starts_with("postgresql://"),
        "the database URL must begin with `postgres://` or `postgresql://`"
    );
    let (base, query) = url.split_once('?').unwrap_or((url, ""));
    let (mut mode, mut root, mut rest) = ("prefer".to_owned(), None, Vec::new());
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        match pair.split_once('=') {
            Some(("sslmode", value)) => mode = decode(value)?,
            Some(("sslrootcert", value)) => root = Some(decode(value)?),
            _ => rest.push(pair),
        }
    }
    let (mode, check) = match mode.as_str() {
        "disable" => (SslMode::Disable, Check::Nothing),
        "allow" | "prefer" => (SslMode::Prefer, Check::Nothing),
        "require" if root.is_none() => (SslMode::Require, Check::Nothing),
        "require" | "verify-ca" => (SslMode::Require, Check::Chain),
        "verify-full" => (SslMode::Require, Check::ChainAndName),
        other => bail!(
            "sslmode `{other}` is none of disable, allow, prefer, require, verify-ca, verify-full"
        ),
    };
    let separator = if rest.is_empty() { "" } else { "?" };
    let url = format!("{base}{separator}{}", rest.join("&"));
    Ok((url, Tls { mode, check, root }))
}

/// Undoes percent-encoding.
fn decode(text: &str) -> anyhow::Result<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let escaped = (*first == b'%').then(|| tail.get(..2).and_then(|two| hex::decode(two).ok()));
        if let Some(Some(byte)) = escaped {
            bytes.extend(byte);
            rest = &tail[2..];
        } else {
            bytes.push(*first);
            rest = tail;
        }
    }
    String::from_utf8(bytes).context("the database URL holds what is not UTF-8")
}

impl Tls {
    /// Sets the driver's mode, and makes the connector, if TLS can be spoken at all.
    pub(super) fn prepare(
        &self,
        config: &mut tokio_postgres::Config,
    ) -> anyhow::Result<Option<MakeRustlsConnect>> {
        // As libpq: a Unix socket is never encrypted, whatever the URL asks for.
        let socket = config.get_hosts().iter().all(|host| matches!(host, Host::Unix(_)));
        let mode = if socket { SslMode::Disable } else { self.mode };
        config.ssl_mode(mode);
        Ok(match mode {
            SslMode::Disable => None,
            _ => Some(self.connector()?),
        })
    }

    fn connector(&self) -> anyhow::Result<MakeRustlsConnect> {
        // Named here, because a dependency that brings a second provider would leave none chosen.
        let provider = Arc::new(aws_lc_rs::default_provider());
        let trusted = match self.check {
            Check::Nothing => Vec::new(),
            Check::Chain | Check::ChainAndName => self.trusted()?,
        };
        let mut roots = RootCertStore::empty();
        let (usable, _) = roots.add_parsable_certificates(trusted.iter().cloned());
        ensure!(
            self.check == Check::Nothing || usable > 0,
            "no authority to check the database's certificate against: name one by `sslrootcert`"
        );
        let verifier = Verifier {
            check: self.check,
            roots,
            pinned: if self.root.is_some() { trusted } else { Vec::new() },
            provider: Arc::clone(&provider),
        };
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth();
        Ok(MakeRustlsConnect::new(config))
    }

    fn trusted(&self) -> anyhow::Result<Vec<CertificateDer<'static>>> {
        match self.root.as_deref() {
            None | Some("system") => Ok(rustls_native_certs::load_native_certs().certs),
            Some(path) => {
                let file = File::open(path)
                    .with_context(|| format!("sslrootcert `{path}` cannot be read"))?;
                rustls_pemfile::certs(&mut BufReader::new(file))
                    .collect::<Result<_, _>>()
                    .with_context(|| format!("sslrootcert `{path}` is not PEM"))
            }
        }
    }
}

/// Checks as much of the certificate as `sslmode` asks for.
#[derive(Debug)]
struct Verifier {
    check: Check,
    roots: RootCertStore,
    /// Certificates that `sslrootcert` names one by one. A self-signed server certificate is its
    /// own authority, which libpq accepts and webpki does not, so it is compared whole.
    pinned: Vec<CertificateDer<'static>>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if self.check == Check::Nothing {
            return Ok(ServerCertVerified::assertion());
        }
        let certificate = ParsedCertificate::try_from(end_entity)?;
        if !self.pinned.iter().any(|pinned| pinned == end_entity) {
            verify_server_cert_signed_by_trust_anchor(
                &certificate,
                &self.roots,
                intermediates,
                now,
                self.provider.signature_verification_algorithms.all,
            )?;
        }
        if self.check == Check::ChainAndName {
            verify_server_name(&certificate, server_name)?;
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_its_own_parameters_off_the_url() {
        let (url, tls) =
            split("postgres://a:b@h/d?sslmode=verify-full&connect_timeout=3&sslrootcert=%2Fca.pem")
                .unwrap();
        assert_eq!(url, "postgres://a:b@h/d?connect_timeout=3");
        assert_eq!(
            tls,
            Tls {
                mode: SslMode::Require,
                check: Check::ChainAndName,
                root: Some("/ca.pem".to_owned())
            }
        );
        let (url, tls) = split("postgres://h/d?sslmode=disable").unwrap();
        assert_eq!((url.as_str(), tls.mode), ("postgres://h/d", SslMode::Disable));
    }

    #[test]
    fn refuses_what_it_does_not_know_without_showing_the_url() {
        for url in ["mysql://u:secret@h/d", "postgres://u:secret@h/d?sslmode=strict"] {
            let error = split(url).unwrap_err().to_string();
            assert!(!error.contains("secret"), "{error}");
        }
    }

    #[test]
    fn a_root_makes_require_check_the_chain() {
        let (_, tls) = split("postgres://h/d?sslmode=require&sslrootcert=ca.pem").unwrap();
        assert_eq!(tls.check, Check::Chain);
    }
}
