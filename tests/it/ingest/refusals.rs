//! Bad input of every kind: the right code at the right place, and nothing that was sent is lost.

use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::sender::{Sender, fixture, notes};
use crate::support::Answer;

/// The path below `workspace` where bytes that nothing could be made of are kept.
pub(super) fn kept(sender: &Sender, kind: &str, bytes: &[u8]) -> bool {
    let folder = sender.app.folder().join("workspace/raw/_rejected/github").join(kind);
    let name = format!("{}.json", hex::encode(Sha256::digest(bytes)));
    let Ok(days) = std::fs::read_dir(folder) else { return false };
    days.map(|day| day.unwrap().path().join(&name))
        .any(|path| std::fs::read(path).is_ok_and(|found| found == bytes))
}

#[track_caller]
fn assert_problem(answer: &Answer, status: u16, code: &str) {
    assert_eq!(
        answer.header("content-type"),
        Some("application/problem+json"),
        "{}",
        answer.text()
    );
    let problem = answer.json();
    assert_eq!(answer.status(), status, "{problem}");
    assert_eq!(problem["type"], format!("urn:boost-dashboard:{code}"), "{problem}");
    assert!(problem["request_id"].is_string() && problem["detail"].is_string(), "{problem}");
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_are_no_json_are_kept_as_they_came() {
    let sender = Sender::new().await;
    for name in ["trailing_comma.json.txt", "truncated.json.txt"] {
        let bytes = fixture(&format!("malformed/{name}"));
        let answer = sender.raw("commits", "application/json", bytes.clone()).await;
        assert_problem(&answer, 400, "invalid_json");
        assert_eq!(answer.json()["errors"][0]["code"], "invalid_json", "{name}");
        assert!(kept(&sender, "commits", &bytes), "{name} is lost");
    }
    // These are read, cleaned, and are no commits.
    for name in ["bom.json.txt", "invalid_utf8.json.txt", "lone_surrogate.json.txt"] {
        let bytes = fixture(&format!("malformed/{name}"));
        let receipt =
            sender.raw("commits?repo=a/b", "application/json", bytes.clone()).await.expect(422);
        assert_eq!(notes(&receipt, "errors")[0], "0 invalid_sha /sha", "{name}");
        assert!(kept(&sender, "commits", &bytes), "{name} is lost");
    }
    for body in ["", "   ", "nonsense", "{\"a\":1} {\"b\":2}", "[1,2", "{'a':1}", "\u{feff}", "NaN"]
    {
        let answer = sender.raw("commits", "application/json", body).await;
        assert_problem(&answer, 400, "invalid_json");
    }
    let empty = sender.raw("commits", "application/json", "[]").await.expect(200);
    assert_eq!((&empty["received"], &empty["status"]), (&json!(0), &json!("done")));
    let empty = sender.raw("commits", "application/x-ndjson", "\n\n").await.expect(200);
    assert_eq!(empty["received"], 0);
    // A bad line is one bad item.
    let lines = "{\"sha\":\n{\"id\":1,\"login\":\"x\"}\nnull";
    let receipt = sender.raw("accounts", "application/x-ndjson", lines).await.expect(200);
    assert_eq!((&receipt["inserted"], &receipt["rejected"]), (&json!(1), &json!(2)));
    assert_eq!(notes(&receipt, "errors"), ["0 invalid_json", "2 unknown_shape"]);
    assert!(kept(&sender, "accounts", b"{\"sha\":"));
    // So is a bad element, as long as the array is whole.
    let receipt =
        sender.raw("accounts", "application/json", r#"[{"id":1,"login":"x"},{bad}]"#).await;
    assert_eq!(notes(&receipt.expect(200), "errors"), ["1 invalid_json"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn poison_text_is_cleaned_and_kept_as_sent() {
    let sender = Sender::new().await;
    let mut body = br#"{"id":1,"number":1,"title":"a\u0000b","body":"x\ud83dy","labels":["l\u0000"],"state":""#.to_vec();
    body.extend(b"open\",\"user\":{\"id\":5,\"login\":\"\xff\"}}");
    let receipt = sender.raw("issues?repo=a/b", "application/json", body.clone()).await.expect(200);
    let mut warnings = notes(&receipt, "warnings");
    warnings.sort();
    assert_eq!(
        warnings,
        [
            "0 invalid_utf8 /user/login",
            "0 nul_removed /labels/0",
            "0 nul_removed /title",
            "0 surrogate_replaced /body"
        ]
    );
    let rows = super::rows::select(sender.app.db(), ["issue", "issue_label"]).await.join("\n");
    for text in ["\"title\": \"ab\"", "\"body\": \"x\u{FFFD}y\"", "\"label_name\": \"l\""] {
        assert!(rows.contains(text), "{rows}");
    }
    let raw = receipt["raw"][0].as_str().unwrap();
    assert_eq!(sender.get(&format!("/ingest/{raw}")).await.bytes().as_ref(), body);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_large_is_refused_at_once() {
    let sender = Sender::with(|settings| {
        settings.body_limit = 20_000;
        settings.body_limit_decompressed = 100_000;
        settings.line_limit = 30_000;
    })
    .await;
    let big = |bytes: usize| json!({"id": 1, "login": "x", "bio": "y".repeat(bytes)}).to_string();
    sender.raw("accounts", "application/json", big(19_000)).await.expect(200);
    let answer = sender.raw("accounts", "application/json", big(20_001)).await;
    assert_problem(&answer, 413, "too_large");
    let gzip = |text: &str| {
        use std::io::Write as _;
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    };
    sender.coded("accounts", "application/json", "gzip", gzip(&big(99_000))).await.expect(200);
    let bomb = gzip(&big(5_000_000));
    assert!(bomb.len() < 20_000);
    let answer = sender.coded("accounts", "application/json", "gzip", bomb).await;
    assert_problem(&answer, 413, "too_large");
    // A stream may be as long as it likes; a line may not.
    let line = big(10_000) + "\n";
    sender.raw("accounts", "application/x-ndjson", line.repeat(30)).await.expect(200);
    let lines = line + &big(30_001) + "\n";
    assert_problem(&sender.raw("accounts", "application/x-ndjson", lines).await, 413, "too_large");
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let deep = |depth: usize| open.repeat(depth) + "1" + &close.repeat(depth);
        assert_problem(
            &sender.raw("accounts", "application/json", deep(129)).await,
            413,
            "too_deep",
        );
        assert_problem(
            &sender.raw("accounts", "application/json", deep(2_000)).await,
            413,
            "too_deep",
        );
        sender.raw("accounts", "application/json", deep(127)).await.expect(422);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn codings_and_media_types_are_what_they_say() {
    let sender = Sender::new().await;
    let body = json!({"id": 1, "login": "x"}).to_string();
    let answer = sender.coded("accounts", "application/json", "gzip", body.clone().into()).await;
    assert_problem(&answer, 400, "unreadable_body");
    let answer =
        sender.coded("accounts", "application/json", "zstd", b"\x28\xb5\x2f\xfd".to_vec()).await;
    assert_problem(&answer, 400, "unreadable_body");
    let answer =
        sender.coded("accounts", "application/json", "compress", body.clone().into()).await;
    assert_problem(&answer, 415, "unsupported_encoding");
    for media in ["text/csv", "text/plain", "application/xml", "multipart/form-data", "nonsense"] {
        let answer = sender.raw("accounts", media, body.clone()).await;
        assert_problem(&answer, 415, "unsupported_media_type");
        assert!(answer.json()["detail"].as_str().unwrap().contains("application/x-ndjson"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn parameters_are_checked() {
    let sender = Sender::new().await;
    let far = (chrono::Days::new(3), sender.app.app().clock.now());
    let far = far.1.checked_add_days(far.0).unwrap().format("%Y-%m-%dT%H:%M:%SZ");
    for (query, parameter, code) in [
        ("rep=a/b".to_owned(), "rep", "unknown_parameter"),
        ("repo=nonsense".to_owned(), "repo", "invalid_parameter"),
        ("mode=most".to_owned(), "mode", "invalid_parameter"),
        ("dry_run=maybe".to_owned(), "dry_run", "invalid_parameter"),
        ("dry_run=TRUE".to_owned(), "dry_run", "invalid_parameter"),
        ("as_of=yesterday".to_owned(), "as_of", "invalid_parameter"),
        (format!("as_of={far}"), "as_of", "invalid_parameter"),
        ("complete=labels".to_owned(), "complete", "invalid_parameter"),
    ] {
        let answer = sender.raw(&format!("issues?{query}"), "application/json", "[]").await;
        assert_eq!(answer.status(), 400, "{query}");
        let error = &answer.json()["errors"][0];
        assert_eq!(
            (&error["parameter"], &error["code"]),
            (&json!(parameter), &json!(code)),
            "{query}"
        );
        if code == "unknown_parameter" {
            assert_eq!(error["suggestion"], "repo");
        }
    }
    for (to, parameter) in [
        ("website/days?replace=TRUE", "replace"),
        ("slack/messages?allow_private=yes", "allow_private"),
        ("discord/exports?allow_private=True", "allow_private"),
    ] {
        let path = format!("/api/v1/ingest/{to}");
        let answer = sender.app.post_json(&path, &sender.token, &json!([])).await.expect(400);
        let error = &answer["errors"][0];
        assert_eq!(
            (&error["parameter"], &error["code"]),
            (&json!(parameter), &json!("invalid_parameter"))
        );
    }
    let nowhere = sender.raw("issue", "application/json", "[]").await;
    assert_eq!(nowhere.status(), 404);
    // What the payload says wins over the parameter, with a warning.
    let body = json!({"id": 1, "number": 1, "html_url": "https://github.com/x/y/issues/1"});
    let receipt = sender.post("issues?repo=a/b", &body).await;
    assert_eq!(notes(&receipt, "warnings"), ["0 context_mismatch"]);
    assert_eq!(
        sender.number("select count(*) from github_repository where repo_name = 'y'").await,
        1
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_names_stay_in_the_archive() {
    let sender = Sender::new().await;
    let long = "n".repeat(200);
    let mut paths = std::collections::BTreeSet::new();
    for name in ["..", ".", ".git", "a\\b", "😀", "a%2Fb", "a~b", &long] {
        let body = json!({"id": 1, "number": 1, "title": name});
        let query = format!("issues?repo=x/{}", urlencode(name));
        let receipt = sender.post(&query, &body).await;
        let raw = receipt["raw"][0].as_str().unwrap().to_owned();
        assert!(
            raw.starts_with("raw/github_activity_tracker/x/") && !raw.contains("/../"),
            "{raw}"
        );
        assert_eq!(
            sender.get(&format!("/ingest/{}", urlencode_path(&raw))).await.text(),
            body.to_string()
        );
        assert!(paths.insert(raw), "two names share a file");
    }
    for language in ["../up", "/", "C++", "."] {
        let body = json!({"language": language, "year": 2000});
        let raw = sender.post("created-repos-by-language", &body).await["raw"][0].clone();
        let raw = raw.as_str().unwrap();
        assert_eq!(raw.matches('/').count(), 3, "{raw}");
    }
    let outside = sender.get("/ingest/raw/../../data/anything").await;
    assert!(matches!(outside.status(), 400 | 404), "{}", outside.status());
}

fn urlencode(text: &str) -> String {
    use std::fmt::Write as _;
    text.bytes().fold(String::new(), |mut coded, byte| {
        write!(coded, "%{byte:02X}").unwrap();
        coded
    })
}

fn urlencode_path(path: &str) -> String {
    let rest = path.strip_prefix("raw/").unwrap();
    format!("raw/{}", rest.split('/').map(urlencode).collect::<Vec<_>>().join("/"))
}
