//! Bad input of every kind: the right code at the right place, and nothing that was sent is lost.

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::sender::{Sender, fixture, notes};
use crate::support::Answer;

/// The path below `workspace` where bytes that nothing could be made of are kept.
fn kept(sender: &Sender, kind: &str, bytes: &[u8]) -> bool {
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
async fn each_rule_of_a_kind_has_its_code_and_its_place() {
    let sender = Sender::new().await;
    let long = "ü7".repeat(1_100);
    let date = json!({"date": "2024-01-01T00:00:00Z"});
    let commit = |more: Value| {
        let mut commit = json!({"sha": "aaaaaaa", "commit": {"author": date}});
        commit.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        commit
    };
    let issue = |more: Value| {
        let mut issue = json!({"id": 1, "number": 1});
        issue.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        issue
    };
    let error_page =
        json!({"message": "Not Found", "documentation_url": "https://docs.github.com"});
    let cases: Vec<(&str, Value, &str)> = vec![
        ("accounts", json!({"login": "x"}), "invalid_id /id"),
        ("accounts", json!({"id": 0, "login": "x"}), "invalid_id /id"),
        ("accounts", json!({"id": -1, "login": "x"}), "invalid_id /id"),
        ("accounts", json!({"id": 1.5, "login": "x"}), "invalid_id /id"),
        ("accounts", json!({"id": "9223372036854775808", "login": "x"}), "invalid_id /id"),
        ("accounts", json!({"owner": {"id": true}}), "invalid_id /owner/id"),
        ("accounts", json!({"id": 1, "login": long}), "too_long /login"),
        ("accounts", json!({"id": 1, "login": "x", "name": 5}), "invalid_type /name"),
        ("accounts", json!(7), "unknown_shape"),
        ("accounts", error_page.clone(), "source_error"),
        ("repositories", json!({"id": 1}), "missing_field /full_name"),
        ("repositories", json!("boostorg/json"), "unknown_shape"),
        (
            "repositories",
            json!({"full_name": "a/b", "stargazers_count": 2_147_483_648_i64}),
            "out_of_range /stargazers_count",
        ),
        (
            "repositories",
            json!({"full_name": "a/b", "forks_count": -1}),
            "out_of_range /forks_count",
        ),
        ("repositories", json!({"full_name": "a/b", "stars": true}), "invalid_type /stars"),
        (
            "repositories",
            json!({"full_name": "a/b", "license": {"name": long}}),
            "too_long /license/name",
        ),
        ("repositories", error_page.clone(), "source_error"),
        ("repo-languages", json!({"C": 1}), "missing_context"),
        ("repo-languages?repo=a/b", json!({" ": 1}), "missing_field /%20"),
        ("repo-languages?repo=a/b", json!({"C": -1}), "out_of_range /C"),
        ("repo-languages?repo=a/b", json!({"C": "many"}), "invalid_type /C"),
        ("repo-languages?repo=a/b", json!({long.clone(): 1}), "too_long"),
        ("repo-languages?repo=a/b", json!(3), "unknown_shape"),
        ("created-repos-by-language", json!({"year": 2023}), "missing_field /language"),
        ("created-repos-by-language", json!({"language": "C"}), "missing_field /year"),
        ("created-repos-by-language", json!({"language": "C", "year": 1969}), "out_of_range /year"),
        ("created-repos-by-language", json!({"language": "C", "year": 2101}), "out_of_range /year"),
        (
            "created-repos-by-language",
            json!({"language": "C", "year": 2000, "all_repos": -1}),
            "out_of_range /all_repos",
        ),
        (
            "created-repos-by-language",
            json!({"language": "C", "year": 2000, "significant_repos": 1e19}),
            "out_of_range /significant_repos",
        ),
        ("created-repos-by-language", json!(null), "unknown_shape"),
        ("commits?repo=a/b", json!({"commit": {"author": date}}), "invalid_sha /sha"),
        (
            "commits?repo=a/b",
            json!({"sha": "123456", "commit": {"author": date}}),
            "invalid_sha /sha",
        ),
        (
            "commits?repo=a/b",
            json!({"sha": "a".repeat(65), "commit": {"author": date}}),
            "invalid_sha /sha",
        ),
        ("commits", commit(json!({})), "missing_context"),
        ("commits?repo=a/b", json!({"sha": "aaaaaaa"}), "missing_time /commit/author/date"),
        (
            "commits?repo=a/b",
            json!({"sha": "aaaaaaa", "commit": {"author": {"date": "1969-12-31T23:59:59Z"}, "committer": {"date": "soon"}}}),
            "missing_time /commit/author/date",
        ),
        ("commits?repo=a/b", commit(json!({"files": {}})), "invalid_type /files"),
        (
            "commits?repo=a/b",
            commit(json!({"files": [{"filename": long}]})),
            "too_long /files/0/filename",
        ),
        (
            "commits?repo=a/b",
            commit(
                json!({"files": [{"filename": "f"}, {"filename": "g", "additions": 2_147_483_648_i64}]}),
            ),
            "out_of_range /files/1/additions",
        ),
        (
            "commits?repo=a/b",
            commit(json!({"files": [{"filename": "f", "patch": "x".repeat((8 << 20) + 1)}]})),
            "too_long /files/0/patch",
        ),
        (
            "commits?repo=a/b",
            json!({"sha": "aaaaaaa", "commit": {"author": {"name": long, "date": "2024-01-01T00:00:00Z"}}}),
            "too_long /commit/author/name",
        ),
        ("commits?repo=a/b", error_page.clone(), "source_error"),
        ("issues", issue(json!({})), "missing_context"),
        ("issues?repo=a/b", json!({"number": 1}), "invalid_id /id"),
        ("issues?repo=a/b", json!({"id": 1}), "invalid_id /number"),
        ("issues?repo=a/b", json!({"id": 1, "number": 2_147_483_648_i64}), "invalid_id /number"),
        (
            "issues?repo=a/b",
            json!({"issue_info": {"id": 1, "number": 0}}),
            "invalid_id /issue_info/number",
        ),
        ("issues?repo=a/b", json!({"issue_info": 3}), "unknown_shape /issue_info"),
        ("issues?repo=a/b", issue(json!({"title": []})), "invalid_type /title"),
        ("issues?repo=a/b", issue(json!({"labels": [long]})), "too_long /labels/0"),
        (
            "issues?repo=a/b",
            issue(json!({"labels": (0..1_001).map(|n| json!(n.to_string())).collect::<Vec<_>>()})),
            "too_many_items /labels",
        ),
        (
            "issues?repo=a/b",
            issue(
                json!({"assignees": (0..1_001).map(|n| json!({"id": n + 1})).collect::<Vec<_>>()}),
            ),
            "too_many_items /assignees",
        ),
        (
            "issues?repo=a/b",
            json!({"issue_info": issue(json!({})), "comments": [{"id": 1}, {"id": "x"}]}),
            "invalid_id /comments/1/id",
        ),
        (
            "issues?repo=a/b",
            json!({"issue_info": issue(json!({})), "comments": (0..20_001).map(|n| json!({"id": n + 1})).collect::<Vec<_>>()}),
            "too_many_items /comments",
        ),
        (
            "pull-requests?repo=a/b",
            json!({"pr_info": {"id": 0, "number": 1, "head": null}}),
            "invalid_id /pr_info/id",
        ),
        (
            "pull-requests?repo=a/b",
            json!({"pr_info": {"id": 1, "number": "one", "head": null}}),
            "invalid_id /pr_info/number",
        ),
        (
            "pull-requests?repo=a/b",
            json!({"pr_info": {"id": 1, "number": 1, "head": {"sha": long}}}),
            "too_long /pr_info/head/sha",
        ),
        (
            "pull-requests?repo=a/b",
            json!({"pr_info": {"number": 1}, "reviews": [{"id": -5, "path": "x"}]}),
            "invalid_id /reviews/0/id",
        ),
        (
            "pull-requests?repo=a/b",
            json!({"pr_info": {"number": 1}, "reviews": [{"id": 5, "path": "x", "body": 1}]}),
            "invalid_type /reviews/0/body",
        ),
        ("pull-requests?repo=a/b", json!({"pr_info": []}), "unknown_shape /pr_info"),
        ("pull-requests", json!({}), "invalid_id /number"),
    ];
    for (to, body, expected) in cases {
        let receipt = sender.refused(to, &body).await;
        let short: String = body.to_string().chars().take(200).collect();
        let found = notes(&receipt, "errors");
        let expected = format!("0 {}", expected.replace("%20", " "));
        let found = found.first().map(String::as_str).unwrap_or_default();
        if expected == "0 too_long" {
            assert!(found.starts_with(&expected), "{to} {short}: {found:.80}");
        } else {
            assert_eq!(found, expected.trim_end(), "{to} {short}");
        }
        let kind = to.split('?').next().unwrap();
        assert!(kept(&sender, kind, body.to_string().as_bytes()), "{to} {short} is lost");
    }
    assert_eq!(sender.dump().await, [String::new(); 0]);
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
    let outside = sender.get("/ingest/raw/../../data/anything").await;
    assert!(matches!(outside.status(), 400 | 404), "{}", outside.status());
}

fn urlencode(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

fn urlencode_path(path: &str) -> String {
    let rest = path.strip_prefix("raw/").unwrap();
    format!("raw/{}", rest.split('/').map(urlencode).collect::<Vec<_>>().join("/"))
}
