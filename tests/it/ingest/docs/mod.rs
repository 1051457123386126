//! `docs/pages`, through the real router.

mod orders;
mod pages;

use boost_dashboard::db::sql::{Row, Statement, Value as Cell};
use diesel_async::RunQueryDsl as _;
use serde_json::{Value, json};

use super::sender::Sender;
use crate::support::Answer;

/// Where pages are posted.
const PAGES: &str = "/api/v1/ingest/docs/pages";

async fn send(sender: &Sender, query: &str, body: &Value) -> Answer {
    let path = format!("{PAGES}?{query}");
    sender.app.post(&path, &sender.token, "application/json", body.to_string()).await
}

async fn post(sender: &Sender, query: &str, body: &Value) -> Value {
    send(sender, query, body).await.expect(200)
}

/// A crawl of the library `json`.
fn crawl(version: &str, day: u32, pages: &[(&str, &str)]) -> Value {
    let pages: Vec<Value> = pages
        .iter()
        .map(|(page, content)| json!({"url": format!("https://b.org/{page}"), "content": content}))
        .collect();
    json!({
        "version": version, "library": "json",
        "scraped_at": format!("2025-01-{day:02}T00:00:00Z"), "pages": pages,
    })
}

/// Contents as `url first..last scraped`, in order of their ids.
async fn contents(sender: &Sender) -> Vec<String> {
    texts(
        sender,
        "select c.url || ' ' || f.version || '..' || l.version || ' ' || \
         to_char(c.scraped_at at time zone 'UTC', 'YYYY-MM-DD') from boost_doc_content c \
         join boost_version f on f.id = c.first_version_id \
         join boost_version l on l.id = c.last_version_id order by c.id",
    )
    .await
}

/// Links as `library version url`, sorted.
async fn links(sender: &Sender) -> Vec<String> {
    texts(
        sender,
        "select l.name || ' ' || v.version || ' ' || c.url \
         from boost_library_documentation d \
         join boost_doc_content c on c.id = d.boost_doc_content_id \
         join boost_library_version lv on lv.id = d.boost_library_version_id \
         join boost_library l on l.id = lv.library_id \
         join boost_version v on v.id = lv.version_id order by 1",
    )
    .await
}

async fn texts(sender: &Sender, sql: &str) -> Vec<String> {
    let mut conn = sender.app.db().pool().get().await.unwrap();
    let rows: Vec<Row> = Statement::new(sql).load(&mut conn).await.unwrap();
    rows.into_iter()
        .map(|row| match row.0.into_iter().next() {
            Some(Cell::Text(text)) => text,
            other => panic!("{other:?} is no text"),
        })
        .collect()
}
