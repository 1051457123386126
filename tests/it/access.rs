//! Who may do what: every operation of the document, and every way to forge a token.

use std::{path::PathBuf, sync::Mutex};

use axum::{body::Body, http::Method};
use boost_dashboard::{app::Clock, config::ReadAuth};
use chrono::{DateTime, Duration, Utc};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use crate::{
    openapi::{operations, served},
    support::{Answer, TestApp, request},
};

/// One scope of each kind.
const SCOPES: [&str; 7] =
    ["read", "read:pii", "read:raw", "identity:write", "ingest:github", "ingest:slack", "admin"];

/// Sends what an operation takes at least: its path with something for each parameter, no body.
async fn call(app: &TestApp, method: &str, path: &str, token: Option<&str>) -> Answer {
    let path: Vec<&str> = path
        .split('/')
        .map(|segment| if segment.starts_with('{') { "1" } else { segment })
        .collect();
    let request = request(method.parse().unwrap(), &path.join("/"), token);
    app.send(request.body(Body::empty()).unwrap()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_needs_its_scope_and_no_other() {
    let app = TestApp::with(|settings| settings.read_auth = ReadAuth::Required).await;
    let mut faults = Vec::new();
    for (method, path, operation) in operations(&served(&app).await) {
        let scope = operation["x-scope"].as_str().unwrap().to_owned();
        let mut expect = |who: &str, right: bool, answer: &Answer| {
            if !right {
                faults.push(format!("{method} {path} ({scope}): {who} got {}", answer.status()));
            }
        };
        let answer = call(&app, &method, &path, None).await;
        if scope == "none" {
            expect("no token", ![401, 403].contains(&answer.status()), &answer);
            continue;
        }
        let challenged = answer.header("www-authenticate") == Some("Bearer");
        expect("no token", answer.status() == 401 && challenged, &answer);
        for other in SCOPES.iter().filter(|other| **other != scope && **other != "admin") {
            let token = app.token(&[other]);
            let answer = call(&app, &method, &path, Some(&token)).await;
            expect(other, answer.status() == 403, &answer);
        }
        for right in [scope.as_str(), "admin"] {
            let token = app.token(&[right]);
            let answer = call(&app, &method, &path, Some(&token)).await;
            expect(right, ![401, 403].contains(&answer.status()), &answer);
            // Nor does an empty request bring the server down.
            expect(right, answer.status() != 500, &answer);
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_are_open_by_default_and_nothing_else_is() {
    let app = TestApp::new().await;
    for (method, path, operation) in operations(&served(&app).await) {
        let open = ["none", "read"].contains(&operation["x-scope"].as_str().unwrap());
        let status = call(&app, &method, &path, None).await.status();
        assert_eq!(open, status != 401, "{method} {path}: {status}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_token_is_refused_even_where_none_is_needed() {
    let app = TestApp::new().await;
    for authorization in ["Bearer nonsense", "Bearer a.b.c", "Bearer ", "Basic dTpw", "x"] {
        let request = request(Method::GET, "/api/v1/github/commits", None)
            .header("authorization", authorization)
            .body(Body::empty())
            .unwrap();
        let answer = app.send(request).await;
        assert!(answer.header("www-authenticate").unwrap().contains("error="), "{authorization}");
        answer.expect(401);
    }
}

fn key_file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/keys").join(name)
}

fn pem(name: &str) -> Vec<u8> {
    std::fs::read(key_file(name)).unwrap()
}

const SECRET: &str = "a secret of this test, of more than 32 bytes";

/// The claims of a token that is good for an hour.
fn claims() -> Value {
    let now = Clock::system().now().timestamp();
    json!({"sub": "scraper", "scope": "read", "iat": now, "exp": now + 3_600,
        "iss": "boost-dashboard", "aud": "boost-dashboard", "jti": "one"})
}

fn claims_with(change: &Value) -> Value {
    let mut claims = claims();
    for (claim, value) in change.as_object().unwrap() {
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(claim);
        } else {
            claims[claim] = value.clone();
        }
    }
    claims
}

fn sign(algorithm: Algorithm, kid: Option<&str>, key: &EncodingKey, claims: &Value) -> String {
    let header = Header { kid: kid.map(str::to_owned), ..Header::new(algorithm) };
    jsonwebtoken::encode(&header, claims, key).unwrap()
}

fn hs256(claims: &Value) -> String {
    sign(Algorithm::HS256, None, &EncodingKey::from_secret(SECRET.as_bytes()), claims)
}

async fn locked(change: impl FnOnce(&mut boost_dashboard::config::Settings)) -> TestApp {
    TestApp::with(|settings| {
        settings.read_auth = ReadAuth::Required;
        settings.jwt_secret = Some(SECRET.into());
        change(settings);
    })
    .await
}

async fn status(app: &TestApp, token: &str) -> u16 {
    app.get_as(token, "/api/v1/github/commits").await.status()
}

#[tokio::test(flavor = "multi_thread")]
async fn claims_are_checked() {
    let app = locked(|_| {}).await;
    let now = Clock::system().now().timestamp();
    for (change, expected) in [
        (json!({}), 200),
        (json!({"jti": null}), 200),
        (json!({"iss": null, "aud": null}), 200),
        (json!({"aud": ["other", "boost-dashboard"]}), 200),
        (json!({"nbf": now - 10}), 200),
        (json!({"exp": now - 1}), 401),
        (json!({"exp": null}), 401),
        (json!({"exp": "tomorrow"}), 401),
        (json!({"nbf": now + 600}), 401),
        (json!({"nbf": "x"}), 401),
        (json!({"iss": "somebody"}), 401),
        (json!({"aud": "another service"}), 401),
        (json!({"sub": null}), 401),
        (json!({"scope": null}), 403),
        (json!({"scope": "unheard:of"}), 403),
        (json!({"scope": "unheard:of read"}), 200),
    ] {
        assert_eq!(status(&app, &hs256(&claims_with(&change))).await, expected, "{change}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn issuer_and_audience_are_required_once_they_are_set() {
    let app = locked(|settings| {
        settings.jwt_issuer = Some("https://id.example".to_owned());
        settings.jwt_audience = Some("dashboard".to_owned());
    })
    .await;
    let right = json!({"iss": "https://id.example", "aud": "dashboard"});
    assert_eq!(status(&app, &hs256(&claims_with(&right))).await, 200);
    assert_eq!(status(&app, &app.token(&["read"])).await, 200);
    for claim in ["iss", "aud"] {
        for value in [Value::Null, json!("boost-dashboard")] {
            let mut wrong = right.clone();
            wrong[claim] = value;
            assert_eq!(status(&app, &hs256(&claims_with(&wrong))).await, 401, "{wrong}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_key_decides_the_algorithm() {
    let app = locked(|settings| {
        settings.jwt_secret = None;
        settings.jwt_keys =
            ["ed25519.pub.pem", "rsa.pub.pem", "p256.pub.pem"].map(key_file).to_vec();
    })
    .await;
    let rsa = EncodingKey::from_rsa_pem(&pem("rsa.pem")).unwrap();
    let ed = EncodingKey::from_ed_pem(&pem("ed25519.pem")).unwrap();
    let p256 = EncodingKey::from_ec_pem(&pem("p256.pem")).unwrap();
    for (algorithm, key, expected) in [
        (Algorithm::RS256, &rsa, 200),
        (Algorithm::EdDSA, &ed, 200),
        (Algorithm::ES256, &p256, 200),
        // The same keys, another algorithm.
        (Algorithm::RS512, &rsa, 401),
        (Algorithm::PS256, &rsa, 401),
        // The public keys, taken for shared secrets.
        (Algorithm::HS256, &EncodingKey::from_secret(&pem("rsa.pub.pem")), 401),
        (Algorithm::HS256, &EncodingKey::from_secret(&pem("ed25519.pub.pem")), 401),
        // Another key.
        (Algorithm::EdDSA, &EncodingKey::from_ed_pem(&pem("ed25519-other.pem")).unwrap(), 401),
        (Algorithm::HS256, &EncodingKey::from_secret(SECRET.as_bytes()), 401),
    ] {
        let token = sign(algorithm, None, key, &claims());
        assert_eq!(status(&app, &token).await, expected, "{algorithm:?}");
    }
}

/// base64url of a JSON value.
fn encode(value: &Value) -> String {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    URL_SAFE_NO_PAD.encode(value.to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn unsigned_and_altered_tokens_are_refused() {
    let app = locked(|_| {}).await;
    let good = hs256(&claims());
    let [header, payload, signature] =
        <[&str; 3]>::try_from(good.split('.').collect::<Vec<_>>()).unwrap();
    let admin = encode(&claims_with(&json!({"scope": "admin"})));
    for none in ["none", "None", "NONE"] {
        let header = encode(&json!({"alg": none, "typ": "JWT"}));
        assert_eq!(status(&app, &format!("{header}.{payload}.")).await, 401);
        assert_eq!(status(&app, &format!("{header}.{payload}.{signature}")).await, 401);
    }
    let critical = encode(&json!({"alg": "HS256", "crit": ["exp"]}));
    for forged in [
        format!("{header}.{admin}.{signature}"),
        format!("{header}.{payload}."),
        format!("{header}.{payload}"),
        format!("{critical}.{payload}.{signature}"),
        "x".repeat(100_000),
    ] {
        assert_eq!(status(&app, &forged).await, 401, "{forged:.80}");
    }
    assert_eq!(status(&app, &good).await, 200);
}

/// The JWKS entry of an Ed25519 public key: the last 32 bytes of its DER.
fn jwk(file: &str, kid: &str) -> Value {
    use base64::{
        Engine,
        engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
    };
    let pem = String::from_utf8(pem(file)).unwrap();
    let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let der = STANDARD.decode(body).unwrap();
    let x = URL_SAFE_NO_PAD.encode(&der[der.len() - 32..]);
    json!({"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": kid, "x": x})
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_rotate_by_kid() {
    let folder = tempfile::tempdir().unwrap();
    let jwks = |name: &str, keys: Value| {
        let file = folder.path().join(name);
        std::fs::write(&file, json!({"keys": keys}).to_string()).unwrap();
        file
    };
    let [old, new] = [jwk("ed25519.pub.pem", "2025"), jwk("ed25519-other.pub.pem", "2026")];
    let unusable = json!({"kty": "RSA", "use": "enc", "kid": "enc", "n": "AQAB", "e": "AQAB"});
    let both = jwks("both.json", json!([old, new, unusable]));
    let newer = jwks("newer.json", json!([new]));
    let old = EncodingKey::from_ed_pem(&pem("ed25519.pem")).unwrap();
    let new = EncodingKey::from_ed_pem(&pem("ed25519-other.pem")).unwrap();

    let during = locked(|settings| settings.jwt_keys = vec![both]).await;
    let after = locked(|settings| settings.jwt_keys = vec![newer]).await;
    for (kid, key, in_rotation, rotated) in [
        (Some("2025"), &old, 200, 401),
        (Some("2026"), &new, 200, 200),
        (None, &new, 200, 200),
        // Signed by a known key, but not by the one that it names.
        (Some("2026"), &old, 401, 401),
        (Some("unknown"), &new, 401, 401),
    ] {
        let token = sign(Algorithm::EdDSA, kid, key, &claims());
        assert_eq!(status(&during, &token).await, in_rotation, "{kid:?}");
        assert_eq!(status(&after, &token).await, rotated, "{kid:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_private_key_issues_what_its_public_key_accepts() {
    for name in ["ed25519", "rsa", "p256"] {
        let issuer = locked(|settings| {
            settings.jwt_secret = None;
            settings.jwt_keys = vec![key_file(&format!("{name}.pem"))];
        })
        .await;
        let verifier = locked(|settings| {
            settings.jwt_secret = None;
            settings.jwt_keys = vec![key_file(&format!("{name}.pub.pem"))];
        })
        .await;
        let token = issuer.token(&["read"]);
        assert_eq!(status(&issuer, &token).await, 200, "{name}");
        assert_eq!(status(&verifier, &token).await, 200, "{name}");
        let day = Duration::days(1);
        let now = Clock::system().now();
        assert!(verifier.app().keys.issue("x", &[], day, now).is_err(), "{name}");
    }
}

#[test]
fn weak_and_missing_keys_are_refused_at_start() {
    use boost_dashboard::{config::Settings, http::keys::Keys};
    let folder = tempfile::tempdir().unwrap();
    let with = |change: &dyn Fn(&mut Settings)| {
        let mut settings = Settings { data_dir: folder.path().to_owned(), ..Settings::default() };
        change(&mut settings);
        Keys::load(&settings).map(|_| ()).map_err(|error| format!("{error:#}"))
    };
    let short = with(&|settings| settings.jwt_secret = Some("short".into())).unwrap_err();
    assert!(short.contains("32 bytes") && !short.contains("short"), "{short}");
    let none = with(&|settings| settings.database_url = Some("postgres://x/y".into())).unwrap_err();
    assert!(none.contains("BOOST_DASHBOARD_JWT_SECRET"), "{none}");
    let curve = with(&|settings| settings.jwt_keys = vec![key_file("p384.pub.pem")]).unwrap_err();
    assert!(curve.contains("P-256"), "{curve}");
    let oct = folder.path().join("oct.json");
    std::fs::write(&oct, json!({"keys": [{"kty": "oct", "kid": "a", "k": "c2hvcnQ"}]}).to_string())
        .unwrap();
    let oct = with(&|settings| settings.jwt_keys = vec![oct.clone()]).unwrap_err();
    assert!(oct.contains("32 bytes"), "{oct}");
    assert!(with(&|settings| settings.jwt_keys = vec![key_file("README.md")]).is_err());
}

#[test]
fn a_secret_is_made_once_for_the_embedded_database() {
    use std::os::unix::fs::PermissionsExt;

    use boost_dashboard::{
        config::Settings,
        http::{keys::Keys, scope::Scope},
    };
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings { data_dir: folder.path().join("data"), ..Settings::default() };
    let keys: Vec<Keys> = std::thread::scope(|threads| {
        let loading: Vec<_> =
            (0..8).map(|_| threads.spawn(|| Keys::load(&settings).unwrap())).collect();
        loading.into_iter().map(|keys| keys.join().unwrap()).collect()
    });
    let now = Clock::system().now();
    let issued = keys[0].issue("me", &[Scope::Admin], Duration::days(1), now).unwrap();
    for other in &keys {
        assert_eq!(&*other.verify(&issued.token, now).unwrap().subject, "me");
    }
    let file = folder.path().join("data/jwt-secret");
    assert_eq!(std::fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(std::fs::read_dir(folder.path().join("data")).unwrap().count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_was_good_expires() {
    let now = std::sync::Arc::new(Mutex::new(Clock::system().now()));
    let told = std::sync::Arc::clone(&now);
    let clock = Clock::new(move || -> DateTime<Utc> { *told.lock().unwrap() });
    let app = TestApp::with_clock(clock, |settings| settings.read_auth = ReadAuth::Required).await;
    let token = app.token(&["read"]);
    assert_eq!(status(&app, &token).await, 200);
    *now.lock().unwrap() += Duration::days(2);
    assert_eq!(status(&app, &token).await, 401, "the memory of good tokens must not keep it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_token_is_refused_here_at_once_and_elsewhere_in_time() {
    use boost_dashboard::{app::App, http::tokens};
    let app = locked(|_| {}).await;
    // A second server on the same database.
    let other =
        App::assemble(app.app().settings.clone(), app.db().pool(), Clock::system()).unwrap();
    let now = Clock::system().now();
    let day = Duration::days(1);
    let scopes = ["read".parse().unwrap()];
    let [first, second] =
        ["a", "b"].map(|subject| app.app().keys.issue(subject, &scopes, day, now).unwrap());
    let mut conn = app.db().connect().await;
    tokens::record(&mut conn, &first, "a", &scopes).await.unwrap();
    assert_eq!(status(&app, &first.token).await, 200);

    app.app().revoked.revoke(&mut conn, &first.jti, now).await.unwrap();
    assert_eq!(status(&app, &first.token).await, 401);
    assert_eq!(status(&app, &second.token).await, 200);
    let started = std::time::Instant::now();
    while !other.revoked.contains(&first.jti) {
        assert!(started.elapsed() < std::time::Duration::from_secs(5), "not within 5 s");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }

    let listed = tokens::list(&mut conn).await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!((listed[0].subject.as_str(), listed[0].scope.as_str()), ("a", "read"));
    assert!(listed[0].revoked_at.is_some());
    // Twice is once; a name that was never issued here can be revoked.
    app.app().revoked.revoke(&mut conn, &first.jti, now).await.unwrap();
    tokens::revoke(&mut conn, "unheard of", now).await.unwrap();
}
