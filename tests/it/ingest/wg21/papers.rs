//! `wg21/papers` and `wg21/metadata`: files, their formats, their authors.

use serde_json::{Value, json};

use super::{PAPERS, feed, file};
use crate::ingest::{
    feed::{Feed, json_file},
    sender::{counts, notes},
};

#[tokio::test(flavor = "multi_thread")]
async fn real_papers_become_rows() {
    let feed = feed().await;
    let first = feed.post(&json_file("wg21/2019-06.json")).await;
    let second = feed.post(&json_file("wg21/2019-06.rescrape.json")).await;
    assert_eq!(counts(&first)[4] + counts(&second)[4], 0, "{first} {second}");
    assert_eq!(feed.sender.number("select count(*) from drift").await, 0);
    assert_eq!(counts(&feed.post(&json_file("wg21/2019-06.rescrape.json")).await)[..2], [0, 0]);
    let many = feed.post(&json_file("wg21/2018-02.json")).await;
    assert_eq!(counts(&many)[4], 0, "{many}");
    insta::assert_snapshot!(feed.rows(PAPERS).await.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_collector_s_table_becomes_rows() {
    let feed = Feed::new("wg21/metadata").await;
    let table = crate::ingest::feed::file("wg21/metadata.csv");
    let receipt = feed.raw("", "text/csv", table.clone()).await.expect(200);
    assert_eq!(counts(&receipt)[4], 0, "{receipt}");
    insta::assert_snapshot!(feed.rows(PAPERS).await.join("\n"));
    let again = feed.raw("", "text/csv", table).await.expect(200);
    assert_eq!(counts(&again)[..2], [0, 0], "{again}");
    let path = receipt["raw"][0].as_str().unwrap();
    assert!(path.starts_with("raw/wg21_paper_tracker/metadata/20"), "{path}");
    let refused = feed.raw("", "text/csv", "paper_id,title\np1,t\n").await.expect(422);
    assert_eq!(notes(&refused, "errors"), ["0 bad_header_row"]);
    feed.raw("", "application/json", "[]").await.expect(415);
    // A mailing that is none counts as unknown here.
    let row = "paper_id,url,mailing_date,date\np9r9,https://x.org/p9r9.pdf,2025-13,2025-02-30\n";
    let receipt = feed.raw("", "text/csv", row).await.expect(200);
    assert_eq!(notes(&receipt, "warnings"), ["0 bad_time /date"]);
    let found = "select p.year || m.title from wg21_paper p join wg21_mailing m \
                 on m.id = p.mailing_id where paper_id = 'p9r9'";
    assert_eq!(feed.texts(found).await, ["0Unknown"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_best_format_stands_for_a_paper() {
    let html = file("p1r0.html", json!({"title": "", "authors": [], "type": "HTML"}));
    let pdf = file("p1r0.pdf", json!({"title": "Real", "subgroup": "", "authors": ["A B", "C D"]}));
    let text = file("p1r0.md", json!({"title": "Worse"}));
    let mut ends = Vec::new();
    for papers in [json!([html, pdf, text]), json!([text, pdf, html]), json!([pdf, html, text])] {
        let feed = feed().await;
        let receipt = feed.given("mailing=2025-01", &papers).await;
        assert_eq!(counts(&receipt), [1, 0, 2, 0, 0], "{papers}");
        let again = feed.given("mailing=2025-01", &papers).await;
        assert_eq!(counts(&again), [0, 0, 3, 0, 0], "{papers}");
        ends.push(feed.rows(PAPERS).await);
    }
    assert_eq!(ends[0].len(), 1);
    for part in ["p1r0.html", "Real", "LEWG", "[\"A B\", \"C D\"]", "\"2025-01\""] {
        assert!(ends[0][0].contains(part), "{part}: {}", ends[0][0]);
    }
    assert!(ends.iter().all(|end| *end == ends[0]), "{ends:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn blank_never_erases() {
    let feed = feed().await;
    let full = file(
        "N5034.pdf",
        json!({"document_date": "2025-01-15", "is_downloaded": true, "mailing_date": "2025-01"}),
    );
    feed.post(&json!([full])).await;
    let before = feed.rows(PAPERS).await;
    assert!(before[0].contains("\"n5034\""), "{before:?}");
    let bare = json!({"url": full["url"], "paper_id": " n5034 ", "title": "N5034", "subgroup": "",
        "authors": [], "document_date": "2025-02-30", "mailing_date": "2025-01", "is_downloaded": null});
    let receipt = feed.post(&json!([bare])).await;
    assert_eq!(counts(&receipt), [0, 0, 1, 0, 0]);
    assert_eq!(notes(&receipt, "warnings"), ["0 bad_time /document_date"]);
    assert_eq!(feed.rows(PAPERS).await, before);
    // A page that names no mailing leaves the real one.
    let unknown = file("N5034.pdf", json!({"year": 2025}));
    assert_eq!(counts(&feed.post(&json!([unknown])).await), [0, 0, 1, 0, 0]);
    assert_eq!(feed.rows(PAPERS).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn authors_are_replaced_in_order() {
    let feed = feed().await;
    let by = |authors: Value| {
        json!([file("p1r0.pdf", json!({"authors": authors, "mailing_date": "2025-01"}))])
    };
    let names = "select string_agg(a.display_name, ', ' order by x.author_order) \
                 from wg21_paper_author x join wg21_paper_author_profile a on a.id = x.profile_id";
    for (authors, expected, changes) in [
        (json!(["A", "B", "C"]), "A, B, C", [1, 0, 0, 0, 0]),
        (json!(["C", "A", "c"]), "C, A", [0, 1, 0, 0, 0]),
        (json!([]), "C, A", [0, 0, 1, 0, 0]),
        (json!("D and A, E"), "D, A, E", [0, 1, 0, 0, 0]),
        (json!([{"name": "D", "email": "d@x.org", "alias": "Dd"}, "A"]), "D, A", [0, 1, 0, 0, 0]),
    ] {
        let receipt = feed.post(&by(authors.clone())).await;
        assert_eq!(counts(&receipt), changes, "{authors}: {receipt}");
        assert_eq!(feed.texts(names).await, [expected], "{authors}");
    }
    let profiles =
        "select profile_key || '/' || author_alias from wg21_paper_author_profile order by 1";
    assert_eq!(
        feed.texts(profiles).await,
        ["addr:d@x.org/Dd", "name:a/", "name:b/", "name:c/", "name:d/", "name:e/"]
    );
    assert_eq!(feed.texts("select email from email").await, ["d@x.org"]);
    // An older list does not come back.
    let old = feed.given("as_of=2020-01-01T00:00:00Z", &by(json!(["Z"]))).await;
    assert_eq!(counts(&old), [0, 0, 0, 1, 0]);
    assert_eq!(feed.texts(names).await, ["D, A"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_entries_are_refused_alone() {
    let feed = feed().await;
    let body = json!([
        file("p1r0.pdf", json!({})),
        file("p2r0.pdf", json!({"url": ""})),
        file("p3r0.pdf", json!({"url": "ftp://x.org/p3r0.pdf"})),
        {"url": "https://x.org/a.pdf"},
        {"url": "https://x.org/p4r0.pdf", "filename": "P4R0.pdf", "paper_id": ""},
        file("p5r0.pdf", json!({"mailing_date": "2025-13"})),
        file("p6r0.pdf", json!({"authors": ["X Y", "Y Z"]})),
        "no paper",
    ]);
    let receipt = feed.given("mailing=2025-01", &body).await;
    assert_eq!(counts(&receipt), [3, 0, 0, 0, 5]);
    assert_eq!(
        notes(&receipt, "errors"),
        [
            "1 missing_field /url",
            "2 invalid_url /url",
            "3 missing_field /paper_id",
            "5 invalid_mailing /mailing_date",
            "7 unknown_shape"
        ]
    );
    assert_eq!(
        feed.texts("select paper_id from wg21_paper order by 1").await,
        ["p1r0", "p4r0", "p6r0"]
    );
    assert_eq!(
        feed.refused("mailing=2025-13", &json!([file("p1.pdf", json!({}))])).await,
        ["0 invalid_mailing"]
    );
    let many: Vec<String> = (0..201).map(|n| format!("A {n}")).collect();
    let body = json!([file("p7r0.pdf", json!({"authors": many}))]);
    assert_eq!(feed.refused("", &body).await, ["0 too_many_items /authors"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_papers_is_one_document() {
    let feed = feed().await;
    let receipt = feed
        .given(
            "mailing=2025-01",
            &json!([file("p1r0.pdf", json!({})), file("p2r0.pdf", json!({}))]),
        )
        .await;
    let raw = receipt["raw"].as_array().unwrap();
    assert_eq!(raw.len(), 1);
    assert!(
        raw[0].as_str().unwrap().starts_with("raw/wg21_paper_tracker/papers/2025-01@"),
        "{raw:?}"
    );
    let receipt = feed.post(&json!([file("p3r0.pdf", json!({}))])).await;
    assert!(
        receipt["raw"][0].as_str().unwrap().starts_with("raw/wg21_paper_tracker/papers/unknown@")
    );
    let body = json!({"mailing_date": "2025-02", "papers": [file("p4r0.pdf", json!({}))]});
    let receipt = feed.given("mailing=2025-01", &body).await;
    assert_eq!(notes(&receipt, "warnings"), ["0 context_mismatch /mailing_date"]);
    let where_from = feed.sender.number("select id from wg21_paper where paper_id = 'p2r0'").await;
    let provenance = feed.sender.get(&format!("/wg21/papers/{where_from}/provenance")).await.json();
    assert_eq!(
        (&provenance["item"], &provenance["kind"]),
        (&json!(1), &json!("papers")),
        "{provenance}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn long_tables_are_taken_side_by_side() {
    let feed = Feed::new("wg21/metadata").await;
    let deadlocks = feed.sender.deadlocks().await;
    let table = |from: usize| {
        let rows: Vec<String> = (from..from + 6_000)
            .map(|n| {
                format!("p{n}r0,https://x.org/p{n}r0.pdf,\"A {}, B {}\",2020-01", n % 50, n % 70)
            })
            .collect();
        format!("paper_id,url,author,mailing_date\n{}\n", rows.join("\n"))
    };
    let tables = [0, 3_000, 6_000].map(table);
    let sent = tables.into_iter().map(|table| feed.raw("", "text/csv", table));
    for answer in futures_util::future::join_all(sent).await {
        let receipt = answer.expect(200);
        assert_eq!(counts(&receipt)[4], 0, "{}", receipt["errors"]);
    }
    assert_eq!(feed.sender.number("select count(*) from wg21_paper").await, 12_000);
    assert_eq!(feed.sender.number("select count(*) from wg21_paper_author").await, 24_000);
    assert_eq!(feed.sender.deadlocks().await, deadlocks);
}
