//! Settings: defaults, then one TOML file, then the environment. Read once, at start.
//!
//! A key `listen` is `listen = "…"` in the file and `BOOST_DASHBOARD_LISTEN` in the environment;
//! `database_url` is `DATABASE_URL`. The file is `boost-dashboard.toml` in the working directory, or
//! the one `BOOST_DASHBOARD_CONFIG` names. Lists are TOML arrays in the file and separated by
//! commas in the environment. A key that is not in [`Settings`] is an error.

mod environment;
mod secret;

use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use figment::{
    Figment, Profile, Provider,
    providers::{Format, Serialized, Toml},
    value::Map,
};
use serde::{Deserialize, Deserializer, Serialize};

use self::environment::{Environment, check};
pub use self::secret::Secret;

/// The prefix of every environment variable but `DATABASE_URL`.
const PREFIX: &str = "BOOST_DASHBOARD_";
/// The file that is read when it exists and none is named.
const FILE: &str = "boost-dashboard.toml";
/// The shortest HS256 secret that is accepted: as long as the hash (RFC 7518 §3.2).
pub const MIN_SECRET_BYTES: usize = 32;

/// Every setting, with its default.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Settings {
    /// `DATABASE_URL`: the PostgreSQL to use (14 or newer). Unset: the embedded one.
    pub database_url: Option<Secret>,
    /// Folder of PostgreSQL server binaries for the embedded database. Unset: searched for.
    pub pg_bin: Option<PathBuf>,
    /// Address and port to listen on. `127.0.0.1:8080`.
    pub listen: String,
    /// Folder of the raw archive. `./workspace`.
    pub workspace: PathBuf,
    /// Folder of the embedded cluster and of generated keys. `./.boost-dashboard`.
    pub data_dir: PathBuf,

    /// HS256 secret of at least 32 bytes. With the embedded database one is made if neither this
    /// nor `jwt_keys` is set.
    pub jwt_secret: Option<Secret>,
    /// Key files: PEM (public, or private to issue tokens with) or JWKS.
    #[serde(deserialize_with = "list")]
    pub jwt_keys: Vec<PathBuf>,
    /// The `iss` a token must carry. Unset: `boost-dashboard`, and a token may leave it out.
    pub jwt_issuer: Option<String>,
    /// The `aud` a token must carry. Unset: `boost-dashboard`, and a token may leave it out.
    pub jwt_audience: Option<String>,
    /// `open`: scope `read` needs no token. `required`: it does. `open`.
    pub read_auth: ReadAuth,
    /// Secrets of the GitHub webhook; several while one is being replaced. Unset: it answers 404.
    #[serde(deserialize_with = "list")]
    pub github_webhook_secrets: Vec<Secret>,
    /// Signing secrets of the Slack webhook. Unset: it answers 404.
    #[serde(deserialize_with = "list")]
    pub slack_signing_secrets: Vec<Secret>,
    /// Whether the Slack webhook takes messages of channels that are not public. `false`.
    pub allow_private: bool,

    /// Connections in the pool. 16.
    pub pool_size: usize,
    /// Milliseconds a request waits for a free connection, and then for a new one to come up, before
    /// it is answered 503. 900.
    pub pool_wait_ms: u64,
    /// Milliseconds a statement of a read may run. 10,000.
    pub statement_timeout_ms: u64,
    /// Milliseconds an export (CSV, NDJSON) may take. 600,000.
    pub export_timeout_ms: u64,
    /// Exports at once, each with a connection of the pool and always fewer than it has; the next is
    /// answered 503. 4.
    pub max_exports: usize,

    /// Bytes of a request body as it is sent, NDJSON streams excepted. 32 MiB.
    pub body_limit: usize,
    /// Bytes of a request body once it is decompressed; of NDJSON streams only where they are atomic
    /// or dry runs, which are held whole. 256 MiB.
    pub body_limit_decompressed: usize,
    /// Bytes of one NDJSON line. 16 MiB.
    pub line_limit: usize,
    /// How deep JSON may nest. 128.
    pub json_depth: usize,
    /// Requests served at once; the next is answered 503. 512.
    pub max_in_flight: usize,
    /// Requests that may wait in the queue (`Prefer: respond-async`); the next is answered 503. 10,000.
    pub queue_limit: usize,
    /// Milliseconds a GET may take until its answer begins. 30,000.
    pub request_timeout_ms: u64,
    /// Requests a second that one client may send, a burst of as many included. 0: no limit.
    pub rate_limit: u32,
    /// Origins that browsers may read from. `*`: any.
    #[serde(deserialize_with = "list")]
    pub cors_origins: Vec<String>,
    /// Seconds that accepted requests get to finish when the server is told to stop. 30.
    pub shutdown_grace_s: u64,

    /// Days that changes are kept for the feeds; a cursor older than that is answered 410. 0: for
    /// ever. 90.
    pub change_log_days: u64,
    /// Who may wait for changes at once, by long polls and event streams; the next is answered 503.
    /// 128.
    pub max_subscribers: usize,

    /// GitHub owner of the Boost repositories. `boostorg`.
    pub boost_owner: String,
    /// The repository that the `clang` domain mirrors. `llvm/llvm-project`.
    pub clang_mirror: String,

    /// What the growth from year to year counts for in a library's activity score. 0.4.
    pub activity_derivation_weight: f64,
    /// What the trend counts for in it. 0.3.
    pub activity_trend_weight: f64,
    /// What the latest growth counts for in it. 0.3.
    pub activity_momentum_weight: f64,

    /// `json` or `text`. `json`.
    pub log_format: LogFormat,
    /// What is logged, as `level` or `target=level,…`; `access` is one line a request. `info`.
    pub log: String,

    /// What was wrong with them and did no harm; said as soon as there is a log.
    #[serde(skip)]
    pub warnings: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            database_url: None,
            pg_bin: None,
            listen: "127.0.0.1:8080".to_owned(),
            workspace: PathBuf::from("./workspace"),
            data_dir: PathBuf::from("./.boost-dashboard"),
            jwt_secret: None,
            jwt_keys: Vec::new(),
            jwt_issuer: None,
            jwt_audience: None,
            read_auth: ReadAuth::Open,
            github_webhook_secrets: Vec::new(),
            slack_signing_secrets: Vec::new(),
            allow_private: false,
            pool_size: 16,
            pool_wait_ms: 900,
            statement_timeout_ms: 10_000,
            export_timeout_ms: 600_000,
            max_exports: 4,
            body_limit: 32 << 20,
            body_limit_decompressed: 256 << 20,
            line_limit: 16 << 20,
            json_depth: 128,
            max_in_flight: 512,
            queue_limit: 10_000,
            request_timeout_ms: 30_000,
            rate_limit: 0,
            cors_origins: vec!["*".to_owned()],
            shutdown_grace_s: 30,
            change_log_days: 90,
            max_subscribers: 128,
            boost_owner: "boostorg".to_owned(),
            clang_mirror: "llvm/llvm-project".to_owned(),
            activity_derivation_weight: 0.4,
            activity_trend_weight: 0.3,
            activity_momentum_weight: 0.3,
            log_format: LogFormat::Json,
            log: "info".to_owned(),
            warnings: Vec::new(),
        }
    }
}

impl Settings {
    /// The settings of this process.
    pub fn load() -> anyhow::Result<Self> {
        let named = std::env::var_os("BOOST_DASHBOARD_CONFIG").map(PathBuf::from);
        let file = match named {
            Some(file) => {
                ensure!(file.is_file(), "BOOST_DASHBOARD_CONFIG names no file: {}", file.display());
                Some(file)
            }
            None => Some(PathBuf::from(FILE)).filter(|file| file.is_file()),
        };
        // A variable that is not UTF-8 cannot be one of ours.
        let environment = std::env::vars_os()
            .filter_map(|(key, value)| Some((key.into_string().ok()?, value.into_string().ok()?)));
        Self::read(file.as_deref(), environment)
    }

    /// Settings from a file and an environment.
    pub fn read(
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> anyhow::Result<Self> {
        let defaults = Figment::from(Serialized::defaults(Self::default()));
        let known = defaults.data()?.remove(&Profile::Default).unwrap_or_default();
        let mut figment = defaults;
        if let Some(file) = file {
            let toml = Toml::file_exact(file);
            for key in toml.data()?.values().flat_map(Map::keys) {
                check(key, &known, str::to_owned)
                    .with_context(|| format!("in {}", file.display()))?;
            }
            figment = figment.merge(toml);
        }
        let mut environment = Environment::of(environment, &known)?;
        let warnings = std::mem::take(&mut environment.warnings);
        let settings: Self =
            figment.merge(environment).extract().map_err(|error| explain(&error))?;
        let settings = Self { warnings, ..settings };
        settings.validate()?;
        Ok(settings)
    }

    /// What serde cannot see.
    fn validate(&self) -> anyhow::Result<()> {
        let port = self.listen.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
        ensure!(port.is_some(), "listen: `{}` is not an address and a port", self.listen);
        if let Some(secret) = &self.jwt_secret {
            ensure!(
                secret.expose().len() >= MIN_SECRET_BYTES,
                "jwt_secret: it must have at least {MIN_SECRET_BYTES} bytes"
            );
        }
        for (name, value) in [
            ("pool_size", self.pool_size),
            ("max_exports", self.max_exports),
            ("max_in_flight", self.max_in_flight),
            ("queue_limit", self.queue_limit),
            ("body_limit", self.body_limit),
            ("body_limit_decompressed", self.body_limit_decompressed),
            ("line_limit", self.line_limit),
            ("json_depth", self.json_depth),
        ] {
            ensure!(value > 0, "{name}: it must be at least 1");
        }
        for (name, weight) in [
            ("activity_derivation_weight", self.activity_derivation_weight),
            ("activity_trend_weight", self.activity_trend_weight),
            ("activity_momentum_weight", self.activity_momentum_weight),
        ] {
            ensure!(weight.is_finite(), "{name}: it must be finite");
        }
        ensure!(
            self.clang_mirror.split('/').filter(|part| !part.is_empty()).count() == 2,
            "clang_mirror: `{}` is not `owner/name`",
            self.clang_mirror
        );
        Ok(())
    }

    /// Every key with its value, secrets redacted: what `config --check` prints.
    pub fn shown(&self) -> anyhow::Result<Vec<(String, String)>> {
        let serde_json::Value::Object(shown) = serde_json::to_value(self)? else {
            bail!("settings are not an object");
        };
        Ok(shown.into_iter().map(|(key, value)| (key, value.to_string())).collect())
    }
}

/// figment's error in one line that names the key and never its value: it may be a secret.
fn explain(error: &figment::Error) -> anyhow::Error {
    let key = error.path.join(".");
    let secret = ["secret", "database_url"].iter().any(|word| key.contains(word));
    let problem =
        if secret { "the value has the wrong type".into() } else { error.kind.to_string() };
    anyhow::anyhow!("setting `{key}`: {problem}")
}

/// A list: an array, or texts separated by commas.
fn list<'de, D: Deserializer<'de>, T: Deserialize<'de> + From<String>>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum List {
        Array(Vec<String>),
        Commas(String),
    }
    let texts = match List::deserialize(deserializer)? {
        List::Array(texts) => texts,
        List::Commas(text) => text.split(',').map(|part| part.trim().to_owned()).collect(),
    };
    Ok(texts.into_iter().filter(|text| !text.is_empty()).map(T::from).collect())
}

/// Whether scope `read` needs a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReadAuth {
    /// Anyone may read.
    Open,
    /// A token with the scope is needed.
    Required,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For people.
    Text,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> anyhow::Result<Settings> {
        Settings::read(None, variables.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())))
    }

    #[test]
    fn environment_wins_over_file_over_defaults() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("settings.toml");
        std::fs::write(&file, "listen = '0.0.0.0:1'\npool_size = 3\njwt_keys = ['a', 'b']")
            .unwrap();
        let environment = [("BOOST_DASHBOARD_POOL_SIZE".to_owned(), "5".to_owned())];
        let settings = Settings::read(Some(&file), environment).unwrap();
        assert_eq!(settings.listen, "0.0.0.0:1");
        assert_eq!(settings.pool_size, 5);
        assert_eq!(settings.jwt_keys, [PathBuf::from("a"), PathBuf::from("b")]);
        assert_eq!(settings.json_depth, 128);
    }

    #[test]
    fn unknown_keys_are_refused_with_the_nearest() {
        let error = format!("{:#}", read(&[("BOOST_DASHBOARD_LISTENS", "x")]).unwrap_err());
        assert!(error.contains("BOOST_DASHBOARD_LISTEN`?"), "{error}");
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("settings.toml");
        std::fs::write(&file, "pool_sise = 3").unwrap();
        let error = format!("{:#}", Settings::read(Some(&file), []).unwrap_err());
        assert!(error.contains("did you mean `pool_size`?"), "{error}");
    }

    #[test]
    fn a_secret_of_digits_stays_text_and_is_never_shown() {
        let digits = "12345678901234567890123456789012";
        let settings = read(&[
            ("BOOST_DASHBOARD_JWT_SECRET", digits),
            ("BOOST_DASHBOARD_GITHUB_WEBHOOK_SECRETS", "one, two"),
            ("DATABASE_URL", "postgres://user:hunter2@host/db"),
        ])
        .unwrap();
        assert_eq!(settings.jwt_secret.as_ref().unwrap().expose(), digits);
        assert_eq!(settings.github_webhook_secrets.len(), 2);
        let shown = format!("{settings:?}{:?}", settings.shown().unwrap());
        for secret in [digits, "hunter2", "one", "two"] {
            assert!(!shown.contains(&format!("\"{secret}")), "{secret} is shown: {shown}");
        }
        assert!(!shown.contains("hunter2"));
    }

    #[test]
    fn a_weight_that_is_no_number_is_its_default_with_a_warning() {
        let settings = read(&[
            ("BOOST_DASHBOARD_ACTIVITY_DERIVATION_WEIGHT", "much"),
            ("BOOST_DASHBOARD_ACTIVITY_TREND_WEIGHT", "1"),
            ("BOOST_DASHBOARD_ACTIVITY_MOMENTUM_WEIGHT", "NaN"),
        ])
        .unwrap();
        let weights = [
            settings.activity_derivation_weight,
            settings.activity_trend_weight,
            settings.activity_momentum_weight,
        ];
        assert_eq!(weights.map(|weight| weight.to_string()), ["0.4", "1", "0.3"]);
        assert_eq!(settings.warnings.len(), 2);
        assert!(settings.warnings.iter().any(|it| it.contains("DERIVATION_WEIGHT: `much`")));
    }

    #[test]
    fn bad_values_are_refused() {
        assert!(read(&[("BOOST_DASHBOARD_JWT_SECRET", "short")]).is_err());
        assert!(read(&[("BOOST_DASHBOARD_POOL_SIZE", "many")]).is_err());
        assert!(read(&[("BOOST_DASHBOARD_POOL_SIZE", "0")]).is_err());
        assert!(read(&[("BOOST_DASHBOARD_LISTEN", "nowhere")]).is_err());
        let error = read(&[("BOOST_DASHBOARD_READ_AUTH", "closed")]).unwrap_err().to_string();
        assert!(error.contains("read_auth"), "{error}");
    }
}
