//! Every column that can be sorted by is read along an index, from whichever page: so a late page
//! costs what the first one costs.

use boost_dashboard::query::{explain, grammar, view::View};
use diesel_async::SimpleAsyncConnection as _;

use super::{resources, seeded};

#[tokio::test(flavor = "multi_thread")]
async fn every_sort_follows_an_index() {
    let (app, token) = seeded().await;
    let mut connection = app.db().connect().await;
    // Tables of a few rows are read whole otherwise. What is left is what cannot be done without.
    let settings = "set enable_seqscan = off; set enable_sort = off; set enable_bitmapscan = off; \
                    set enable_hashjoin = off; set enable_mergejoin = off";
    connection.batch_execute(settings).await.unwrap();
    let mut sorted = Vec::new();
    for resource in resources() {
        let view = View::new(resource.clone());
        for column in resource.columns.iter().filter(|column| column.indexed) {
            for minus in ["", "-"] {
                let sort = format!("{minus}{}", column.name);
                let path = format!("/api/v1{}?limit=4&sort={sort}", resource.path);
                let page = app.get_as(&token, &path).await.expect(200);
                let cursor = page["page"]["next_cursor"].as_str().unwrap().to_owned();
                let first = vec![("sort".to_owned(), sort)];
                let later = [&first[..], &[("cursor".to_owned(), cursor)]].concat();
                for pairs in [first, later] {
                    let mut plan = grammar::list(&view, &pairs, &[]).unwrap();
                    plan.private = true;
                    for found in explain::page(&view, &plan, &mut connection).await.unwrap() {
                        // An incremental sort is along an index too: it orders rows of equal keys.
                        if found.contains("\"Node Type\": \"Sort\"") || !found.contains("Index") {
                            sorted.push(format!("{path}: {found}"));
                        }
                    }
                }
            }
        }
    }
    assert!(sorted.is_empty(), "{} are sorted: {}", sorted.len(), sorted.join("\n"));
}
