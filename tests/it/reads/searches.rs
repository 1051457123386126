//! Full-text search.

use std::collections::BTreeSet;

use boost_dashboard::{
    db::sql::{Row, Statement, Value as Sql},
    query::resource::Resource,
};
use diesel_async::{RunQueryDsl as _, SimpleAsyncConnection as _};
use serde_json::{Value, json};

use super::{all_rows, keys, query_text, resources, seed, seeded};
use crate::support::TestApp;

fn searchable() -> Vec<Resource> {
    resources().into_iter().filter(|resource| !resource.prose.is_empty()).collect()
}

fn escaped(text: &str) -> String {
    query_text(&Value::String(text.to_owned()))
}

async fn execute(app: &TestApp, sql: &str) {
    app.db().connect().await.batch_execute(sql).await.unwrap();
}

/// The rows that a search finds, and their snippets.
async fn search(app: &TestApp, token: &str, path: &str, q: &str) -> (Vec<Value>, Value) {
    let asked = format!("/api/v1{path}?limit=500&q={}", escaped(q));
    let page = app.get_as(token, &asked).await.expect(200);
    (page["data"].as_array().unwrap().clone(), page["meta"]["snippets"].clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_table_with_prose_is_searched_in_all_of_it() {
    let (app, token) = seeded().await;
    let tables: Vec<_> = searchable().iter().map(|resource| resource.table).collect();
    let expected = [
        "git_commit",
        "issue",
        "issue_comment",
        "pull_request",
        "pull_request_review",
        "pull_request_comment",
        "mailing_list_message",
        "slack_message",
        "wg21_paper",
        "youtube_video",
        "discord_message",
    ];
    assert_eq!(tables, expected);
    for resource in searchable() {
        let (path, key) = (resource.path, resource.key());
        let rows = all_rows(&app, &token, path).await;
        for (row, prose) in rows.iter().zip(resource.prose) {
            let id =
                row[key.name].as_str().map_or_else(|| row[key.name].to_string(), str::to_owned);
            let said =
                "Propagating \"allocators\" & <boost/json.hpp> in vector<int>'s <b>shadow</b>";
            let update = format!(
                "update {} set \"{prose}\" = $text${said}$text$ where {}::text = $key${id}$key$",
                resource.table, key.column,
            );
            execute(&app, &update).await;
            // Word forms, a path, what looks like a tag, a phrase.
            for q in ["allocator", "boost/json.hpp", "int", "\"propagates allocators\" -contract"] {
                let (found, snippets) = search(&app, &token, path, q).await;
                assert_eq!(keys(&resource, &found), [row[key.name].clone()], "{path} {q}");
                assert_eq!(snippets.as_object().unwrap().len(), 1, "{path} {q}");
                let snippet = snippets[&id].as_str().unwrap();
                assert!(snippet.contains("<mark>"), "{path} {q}: {snippet}");
                let text = snippet.replace("<mark>", "").replace("</mark>", "");
                assert!(!text.contains(['<', '>', '"', '\'']), "{path} {q}: {snippet}");
                assert!(text.contains("&lt;boost/json.hpp&gt;"), "{path} {q}: {snippet}");
            }
            let asked = format!("/api/v1{path}?q=allocator&count=exact&fields={prose}");
            let page = app.get_as(&token, &asked).await.expect(200);
            assert_eq!(page["meta"]["count"], json!({"value": 1, "exact": true}));
            assert_eq!(page["data"], json!([{ *prose: said }]));
            let asked = format!("{asked}&{}__ne={}", key.name, escaped(&id));
            assert_eq!(app.get_as(&token, &asked).await.expect(200)["data"], json!([]));
            let forget = format!("update {} set \"{prose}\" = ''", resource.table);
            execute(&app, &forget).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_index_finds_the_rows() {
    let app = TestApp::with(|settings| settings.pool_size = 1).await;
    seed::fill(&app).await;
    let token = app.token(&["read", "read:pii"]);
    let mut connection = app.app().pool.get().await.unwrap();
    // Thirteen rows are sooner read than looked up.
    connection.batch_execute("set enable_seqscan = off; set enable_indexscan = off").await.unwrap();
    drop(connection);
    for resource in searchable() {
        for _ in 0..3 {
            search(&app, &token, resource.path, "allocator").await;
        }
        let mut connection = app.app().pool.get().await.unwrap();
        let named = format!(
            "select name from pg_prepared_statements \
             where statement like 'select {}.%@@%order by%'",
            resource.table
        );
        let Row(name) = Statement::new(named).get_result(&mut *connection).await.unwrap();
        let [Sql::Text(name)] = &name[..] else { panic!("{name:?}") };
        let explain = Statement::new(format!("explain execute \"{name}\" ('allocator')"));
        let plan: Vec<Row> = explain.load(&mut *connection).await.unwrap();
        let plan = format!("{plan:?}");
        assert!(plan.contains(&format!("Bitmap Index Scan on {}_prose", resource.table)), "{plan}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn names_with_dots_and_slashes_are_found_by_their_words() {
    let (app, token) = seeded().await;
    let texts = "update git_commit set comment = case id % 3 \
                 when 0 then 'Boost.Zebra 1.84.0: see <boost/zebra/all.hpp>, https://zebra.example/a/b' \
                 when 1 then 'zebra of boost, 84.0.1' else 'hpp.zebra' end";
    execute(&app, texts).await;
    let kind = |row: &Value| row["id"].as_i64().unwrap() % 3;
    for (q, kinds) in [
        ("zebra", [0, 1, 2].as_slice()),
        ("Zebra boost", &[0, 1]),
        ("Boost.Zebra", &[0]),
        ("boost/zebra/all.hpp", &[0]),
        ("hpp", &[0, 2]),
        ("1.84", &[0]),
        ("1.84.0", &[0]),
        ("84.0", &[0, 1]),
        ("zebra.example", &[0]),
        ("https://zebra.example/a/b", &[0]),
        ("zebra -1.84.0", &[1, 2]),
    ] {
        let (found, snippets) = search(&app, &token, "/github/commits", q).await;
        let found: BTreeSet<i64> = found.iter().map(kind).collect();
        assert_eq!(found, kinds.iter().copied().collect(), "{q}");
        let marked = snippets.as_object().unwrap().values();
        assert!(marked.clone().all(|it| it.as_str().unwrap().contains("<mark>")), "{q} {snippets}");
    }
    let (found, snippets) = search(&app, &token, "/github/commits", "Boost.Zebra").await;
    assert_eq!(
        snippets[found[0]["id"].to_string()],
        "<mark>Boost</mark>.<mark>Zebra</mark> 1.84.0: see \
         &lt;<mark>boost</mark>/<mark>zebra</mark>/all.hpp&gt;, https://<mark>zebra</mark>.example"
    );
}

/// Mails of which the first speaks of it in its subject, and each other one more rarely.
async fn talk(app: &TestApp, mails: usize) {
    let talk = format!(
        "update mailing_list_message set subject = 'meeting', content = 'nothing';
         insert into mailing_list_message
            (sender_id, msg_id, parent_id, thread_id, subject, content, list_name, sent_at)
         select (select min(id) from mailing_list_profile), 'talk' || n, '', '',
            case n when 1 then 'Coroutines' else 'meeting' end,
            repeat('about coroutines ', n % 7) || repeat('and something else ', 5),
            'boost', timestamptz '2024-05-01' + n * interval '1 minute'
         from generate_series(1, {mails}) n"
    );
    execute(app, &talk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_best_come_first_and_pages_go_on_from_there() {
    let (app, token) = seeded().await;
    talk(&app, 60).await;
    let path = "/mailing-list/messages";
    let (all, _) = search(&app, &token, path, "coroutine").await;
    // Those that name it no time, the multiples of 7, are not among them.
    assert_eq!(all.len(), 60 - 8);
    assert_eq!(all[0]["msg_id"], "talk1");
    let times = |row: &Value| row["content"].as_str().unwrap().matches("coroutines").count();
    for pair in all[1..].windows(2) {
        let (before, after) = (times(&pair[0]), times(&pair[1]));
        let newer = pair[0]["id"].as_i64() > pair[1]["id"].as_i64();
        assert!(before > after || (before == after && newer), "{pair:?}");
    }
    for limit in [1, 7, 52] {
        let (mut walked, mut cursor) = (Vec::new(), String::new());
        loop {
            let asked = format!("/api/v1{path}?q=coroutine&limit={limit}{cursor}");
            let page = app.get_as(&token, &asked).await.expect(200);
            let rows = page["data"].as_array().unwrap();
            assert_eq!(page["meta"]["snippets"].as_object().unwrap().len(), rows.len());
            walked.extend(rows.iter().cloned());
            let Some(next) = page["page"]["next_cursor"].as_str() else { break };
            let other = format!("/api/v1{path}?q=coroutines&cursor={next}");
            assert_eq!(
                app.get_as(&token, &other).await.expect(400)["errors"][0]["code"],
                "invalid_cursor"
            );
            cursor = format!("&cursor={next}");
        }
        assert_eq!(walked, all, "limit {limit}");
    }
    // An order that was asked for is kept.
    let asked = format!("/api/v1{path}?q=coroutine&sort=-sent_at&limit=500&include=sender");
    let page = app.get_as(&token, &asked).await.expect(200);
    let rows = page["data"].as_array().unwrap();
    assert_eq!(rows.len(), all.len());
    assert!(rows.windows(2).all(|it| it[0]["sent_at"].as_str() > it[1]["sent_at"].as_str()));
    assert!(rows.iter().all(|row| row["sender"].is_object()));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_found_can_be_measured() {
    let (app, token) = seeded().await;
    talk(&app, 20).await;
    let path = "/mailing-list/messages";
    for q in ["coroutines", "\"about coroutines\"", "coroutines -meeting", "nowhere"] {
        let (found, _) = search(&app, &token, path, q).await;
        let asked = format!("/api/v1{path}/stats?measure=count&q={}", escaped(q));
        let measured = app.get_as(&token, &asked).await.expect(200);
        let count = measured["data"][0]["count"].as_u64().unwrap_or_default();
        assert_eq!(count, found.len() as u64, "{q}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn any_text_can_be_searched_for() {
    let (app, token) = seeded().await;
    talk(&app, 20).await;
    let path = "/mailing-list/messages";
    for (q, least) in [
        ("coroutines or meeting", 20),
        ("-coroutines", seed::ROWS),
        ("meeting -coroutines", seed::ROWS),
        ("\"about coroutines\"", 18),
        ("\"coroutines about\"", 10),
        ("COROUTINE", 18),
    ] {
        let (found, _) = search(&app, &token, path, q).await;
        assert!(found.len() >= least, "{q}: {}", found.len());
    }
    let long = "coroutines ".repeat(90);
    for q in [
        // Only words that are not indexed.
        "the of and",
        "the",
        "-the",
        "\"",
        "\"\"",
        "''",
        "-",
        "--",
        "or",
        "or or",
        "!",
        "&|!():*<->",
        "%",
        "_",
        "\\",
        "'; drop table issue; --",
        "<script>",
        "\u{1F600}",
        "a\u{301}",
        "\u{feff}",
        "\"unclosed phrase",
        "x:*",
        "a & b | c",
        "\u{1}\u{2}\u{3}",
        &long,
        &"x".repeat(1000),
        &"-x ".repeat(333),
        &"\"".repeat(1000),
        &"ö".repeat(1000),
        &"or ".repeat(333),
    ] {
        let (_, snippets) = search(&app, &token, path, q).await;
        assert!(snippets.is_object(), "{q}");
    }
    for q in ["the of and", "the", "\"\""] {
        assert_eq!(search(&app, &token, path, q).await.0, [] as [Value; 0], "{q}");
    }
    let too_long = "x".repeat(10_000);
    for (q, code) in [
        ("", "empty"),
        ("%20", "empty"),
        ("%00", "invalid_encoding"),
        ("%ff", "invalid_encoding"),
        (&too_long, "too_long"),
        ("a&q=b", "duplicate_parameter"),
    ] {
        let problem = app.get_as(&token, &format!("/api/v1{path}?q={q}")).await.expect(400);
        assert_eq!(problem["errors"][0]["code"], code, "{q:.9}");
        assert_eq!(problem["errors"][0]["parameter"], "q");
    }
    let problem = app.get_as(&token, "/api/v1/github/languages?q=c").await.expect(400);
    let fault = &problem["errors"][0];
    assert_eq!(fault["code"], "not_searchable");
    for resource in searchable() {
        assert!(fault["detail"].as_str().unwrap().contains(resource.path), "{fault}");
    }
    app.get_as(&token, "/api/v1/github/issues/1?q=c").await.expect(400);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_text_is_too_long_to_be_stored() {
    let (app, token) = seeded().await;
    // Of each kind more words than a tsvector holds: rare letters, compounds, addresses.
    for words in [
        "chr(131072 + n % 40000) || ' '",
        "chr(131072 + n % 40000) || chr(131072 + n / 40000)",
        "'x' || n || '-y' || n || '-z '",
        "'http://h' || n || '.example.org/p' || n || '?q=' || n || ' '",
        "n || ' '",
        "'word'",
    ] {
        let update = format!(
            "update issue set title = it, body = it from \
             (select string_agg({words}, '') as it from generate_series(1, 300000) n) it \
             where id = 1; \
             update mailing_list_message set subject = issue.body, content = issue.body \
             from issue where issue.id = 1 and mailing_list_message.id = 1"
        );
        execute(&app, &update).await;
        for path in ["/github/issues", "/mailing-list/messages"] {
            let asked = format!("/api/v1{path}?q=x1%20or%201%20or%20word&fields=id&limit=2");
            app.get_as(&token, &asked).await.expect(200);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn private_messages_are_not_found() {
    let (app, token) = seeded().await;
    // No seeded Slack channel is public, and one seeded Discord server is 0: direct messages.
    execute(&app, "update slack_message set message = 'a secret'").await;
    execute(&app, "update discord_message set content = 'a secret'").await;
    for path in ["/slack/messages", "/discord/messages"] {
        let asked = format!("/api/v1{path}?q=secret&count=exact&limit=500");
        let all = app.get_as(&token, &asked).await.expect(200);
        assert_eq!(all["meta"]["count"]["value"], seed::ROWS);
        let shown = app.get_as(&app.token(&["read"]), &asked).await.expect(200);
        let rows = shown["data"].as_array().unwrap().len();
        assert!(rows < seed::ROWS, "{path}");
        assert_eq!(shown["meta"]["count"]["value"], rows);
        assert_eq!(shown["meta"]["snippets"].as_object().unwrap().len(), rows);
    }
}
