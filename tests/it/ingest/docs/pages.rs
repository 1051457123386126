//! What pages become: contents by their text, links, files.

use std::path::Path;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{contents, crawl, links, post, send, texts};
use crate::ingest::sender::{Sender, counts, notes, with};

fn fixture(name: &str) -> Value {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/docs");
    serde_json::from_slice(&std::fs::read(folder.join(name)).unwrap()).unwrap()
}

fn hash(text: &str) -> String {
    hex::encode(Sha256::digest(text))
}

#[tokio::test(flavor = "multi_thread")]
async fn real_crawls_of_two_releases() {
    let sender = Sender::new().await;
    let (newer, older) =
        (fixture("multi_index.boost-1.84.0.json"), fixture("multi_index.boost-1.74.0.json"));
    let receipt = post(&sender, "", &newer).await;
    let path = receipt["raw"][0].as_str().unwrap();
    assert!(path.starts_with("raw/boost_library_docs_tracker/boost-1.84.0/multi_index/"), "{path}");
    let later = post(&sender, "", &older).await;
    assert_eq!(counts(&later)[4], 0, "{later}");
    insta::assert_snapshot!(format!(
        "{}\n{}\n\n{}\n\n{}",
        receipt["tables"],
        notes(&receipt, "errors").join("\n"),
        contents(&sender).await.join("\n"),
        links(&sender).await.join("\n"),
    ));
    for body in [newer, older] {
        let again = post(&sender, "", &body).await;
        let good = counts(&again)[2];
        assert_eq!(counts(&again)[..4], [0, 0, good, 0], "{again}");
        for (table, count) in again["tables"].as_object().unwrap() {
            assert_eq!((&count["inserted"], &count["updated"]), (&json!(0), &json!(0)), "{table}");
        }
    }
    assert_eq!(sender.get("/ingest/drift").await.expect(200)["data"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_is_one_row_at_however_many_addresses() {
    let sender = Sender::new().await;
    let two = crawl("1.80.0", 2, &[("b", "same"), ("a#top", "same")]);
    let receipt = post(&sender, "", &two).await;
    assert_eq!(counts(&receipt), [1, 0, 1, 0, 0]);
    assert_eq!(contents(&sender).await, ["https://b.org/a boost-1.80.0..boost-1.80.0 2025-01-02"]);

    // A newer release decides the address, an older one only that it had the text.
    post(&sender, "", &crawl("boost_1_87_0", 3, &[("z", "same")])).await;
    let expected = ["https://b.org/z boost-1.80.0..boost-1.87.0 2025-01-03"];
    assert_eq!(contents(&sender).await, expected);
    post(&sender, "", &crawl("1.9.0", 4, &[("0", "same")])).await;
    let expected = ["https://b.org/z boost-1.9.0..boost-1.87.0 2025-01-04"];
    assert_eq!(contents(&sender).await, expected);

    // One address with another text is another row.
    post(&sender, "", &crawl("1.87.0", 5, &[("z", "other")])).await;
    assert_eq!(contents(&sender).await.len(), 2);
    assert_eq!(links(&sender).await.len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_alone_takes_its_context() {
    let sender = Sender::new().await;
    let page = json!({"url": "https://b.org/x", "content": "text", "content_hash": hash("text")});
    let refused = send(&sender, "", &page).await.expect(422);
    let errors = ["0 missing_context /version", "0 missing_context /library"];
    assert_eq!(notes(&refused, "errors"), errors);
    let receipt = post(&sender, "version=1_87_0&library=json&complete=pages", &page).await;
    assert_eq!(counts(&receipt), [1, 0, 0, 0, 0]);
    assert_eq!(links(&sender).await, ["json boost-1.87.0 https://b.org/x"]);
    let stated = with(page, json!({"version": "1.86.0", "library": "json"}));
    let receipt = post(&sender, "version=1.87.0&library=url", &stated).await;
    let warnings = ["0 context_mismatch /version", "0 context_mismatch /library"];
    assert_eq!(notes(&receipt, "warnings"), warnings);
    assert_eq!(counts(&receipt), [0, 1, 0, 0, 0]);
    assert_eq!(links(&sender).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_pages_cost_no_good_one() {
    let sender = Sender::new().await;
    let mut body = crawl("1.87.0", 2, &[("a", "first"), ("b", " \n"), ("c", "third")]);
    let pages = body["pages"].as_array_mut().unwrap();
    pages.push(json!({"url": "/relative", "content": "x"}));
    pages.push(json!({"url": "ftp://b.org/", "content": "x"}));
    pages.push(json!({"url": "https://b.org/d", "content": "x", "content_hash": hash("y")}));
    pages.push(json!({"url": "https://b.org/e", "content": 7}));
    pages.push(json!("page"));
    let receipt = post(&sender, "complete=pages", &body).await;
    assert_eq!(counts(&receipt), [2, 0, 0, 0, 6]);
    assert_eq!(
        notes(&receipt, "errors"),
        [
            "1 missing_field /content",
            "3 invalid_url /url",
            "4 invalid_url /url",
            "5 hash_mismatch /content_hash",
            "6 invalid_type /content",
            "6 missing_field /content",
            "7 unknown_shape",
        ]
    );
    assert_eq!(notes(&receipt, "warnings"), ["0 partial_list"]);
    let wrong = crawl("develop", 2, &[("a", "first")]);
    let receipt = send(&sender, "", &wrong).await.expect(422);
    assert_eq!(notes(&receipt, "errors"), ["0 invalid_version /version"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_complete_list_unlinks_what_it_lacks() {
    let sender = Sender::new().await;
    post(&sender, "", &crawl("1.87.0", 2, &[("a", "one"), ("b", "two")])).await;
    post(&sender, "", &crawl("1.86.0", 2, &[("b", "two")])).await;
    let list = crawl("1.87.0", 4, &[("a", "one"), ("c", "three")]);
    let receipt = post(&sender, "complete=pages", &list).await;
    assert_eq!(receipt["tables"]["boost_library_documentation"]["deleted"], 1);
    let expected = [
        "json boost-1.86.0 https://b.org/b",
        "json boost-1.87.0 https://b.org/a",
        "json boost-1.87.0 https://b.org/c",
    ];
    assert_eq!(links(&sender).await, expected);
    // An older crawl does not bring it back; the text itself stays known.
    let old = crawl("1.87.0", 3, &[("b", "two"), ("d", "four")]);
    assert_eq!(counts(&post(&sender, "", &old).await), [1, 1, 0, 0, 0]);
    assert_eq!(links(&sender).await, expected);
    post(&sender, "", &crawl("1.87.0", 5, &[("b", "two")])).await;
    assert_eq!(links(&sender).await.len(), 4);
    let receipt = post(&sender, "complete=pages", &crawl("1.87.0", 6, &[])).await;
    assert_eq!(receipt["received"], 0);
    assert_eq!(links(&sender).await, expected[..1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_are_files_that_are_made_again_when_lost() {
    let sender = Sender::new().await;
    let text = "# Boost.JSON\r\n\r\nzażółć gęślą jaźń\n";
    let body = crawl("1.87.0", 2, &[("a", text), ("b", "x")]);
    let dry = post(&sender, "dry_run=true", &body).await;
    assert_eq!(counts(&dry)[0], 2);
    let workspace = sender.app.app().settings.workspace.clone();
    let hash = hash(text);
    let file = workspace
        .join("boost_library_docs_tracker/pages")
        .join(&hash[..2])
        .join(format!("{hash}.md"));
    assert!(!file.exists());
    post(&sender, "", &body).await;
    assert_eq!(std::fs::read_to_string(&file).unwrap(), text);

    let rows = sender.get("/docs/contents?sort=id").await.expect(200);
    let row = rows["data"].as_array().unwrap().iter().find(|r| r["content_hash"] == hash).unwrap();
    assert_eq!(row["text_bytes"], text.len());
    assert_eq!(row["is_upserted"], false);
    let path = format!("/docs/contents/{}/text", row["id"]);
    for broken in [None, Some("# Boost"), Some("")] {
        let answer = sender.get(&path).await;
        assert_eq!((answer.status(), answer.text()), (200, text));
        assert_eq!(answer.header("content-type"), Some("text/markdown; charset=utf-8"));
        match broken {
            None => std::fs::remove_file(&file).unwrap(),
            Some(broken) => std::fs::write(&file, broken).unwrap(),
        }
        let answer = sender.get(&path).await;
        assert_eq!((answer.status(), answer.text()), (200, text));
        assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
    }
    sender.get("/docs/contents/999/text").await.expect(404);
    sender.get(&format!("/docs/contents/{}/provenance", row["id"])).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_without_a_time_says_none() {
    let sender = Sender::new().await;
    let page = json!({"version": "1.87.0", "library": "json", "url": "https://b.org/x",
        "content": "text"});
    let second = with(page.clone(), json!({"scraped_at": "2025-01-02T00:00:00Z"}));
    let third = with(page.clone(), json!({"scraped_at": "2025-01-03T00:00:00Z"}));
    let stored = async || texts(&sender, "select to_jsonb(c)::text from boost_doc_content c").await;
    assert_eq!(counts(&post(&sender, "", &page).await), [1, 0, 0, 0, 0]);
    let before = stored().await;
    // When it came is no statement, so it changes nothing to come again.
    let again = post(&sender, "", &page).await;
    assert_eq!(counts(&again), [0, 0, 1, 0, 0], "{again}");
    assert_eq!(stored().await, before);
    for (body, action, day) in [
        (&second, 1, "2025-01-02"),
        (&page, 2, "2025-01-02"),
        (&third, 1, "2025-01-03"),
        (&second, 2, "2025-01-03"),
    ] {
        let receipt = post(&sender, "", body).await;
        assert_eq!(counts(&receipt)[action], 1, "{receipt}");
        let expected = format!("https://b.org/x boost-1.87.0..boost-1.87.0 {day}");
        assert_eq!(contents(&sender).await, [expected]);
    }
    // When it was true is one.
    let receipt = post(&sender, "as_of=2025-01-04T00:00:00Z", &page).await;
    assert_eq!(counts(&receipt)[1], 1, "{receipt}");
}
