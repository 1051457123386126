//! Estimated counts, of every table: joined ones and such with private rows too.

use diesel_async::SimpleAsyncConnection as _;
use serde_json::json;

use super::{resources, seed, seeded};

#[tokio::test(flavor = "multi_thread")]
async fn every_table_can_be_estimated() {
    let (app, token) = seeded().await;
    app.db().connect().await.batch_execute("analyze").await.unwrap();
    let reader = app.token(&["read"]);
    for resource in resources() {
        let path = format!("/api/v1{}?count=estimated&limit=1", resource.path);
        let page = app.get_as(&token, &path).await.expect(200);
        assert_eq!(page["meta"]["count"]["exact"], json!(false), "{path}");
        let joined = resource.from_clause().contains(" join ");
        let value = page["meta"]["count"]["value"].as_u64().unwrap();
        let rows = seed::ROWS as u64;
        // Without a filter the planner knows, but for how many rows of a base a join leaves.
        assert!(if joined { (1..=8 * rows).contains(&value) } else { value == rows }, "{path}");
        if resource.public.is_some() {
            let page = app.get_as(&reader, &path).await.expect(200);
            assert!(page["meta"]["count"]["value"].is_u64(), "{path}");
        }
        let none = format!("{path}&{}__isnull=true", resource.key().name);
        app.get_as(&token, &none).await.expect(400);
    }
    let narrow = "/api/v1/github/issues?id__lt=3&count=estimated";
    let page = app.get_as(&token, narrow).await.expect(200);
    // Where the first page has them all, nothing is left to be estimated.
    assert_eq!(page["meta"]["count"], json!({"value": 2, "exact": true}));
    let page = app.get_as(&token, &format!("{narrow}&limit=2")).await.expect(200);
    assert_eq!(page["meta"]["count"], json!({"value": 2, "exact": true}));
    let page = app.get_as(&token, &format!("{narrow}&limit=1")).await.expect(200);
    assert_eq!(page["meta"]["count"]["exact"], false);
    let next = page["page"]["next_cursor"].as_str().unwrap();
    let page = app.get_as(&token, &format!("{narrow}&limit=1&cursor={next}")).await.expect(200);
    assert_eq!(page["meta"]["count"]["exact"], false, "what came before is not known");
}
