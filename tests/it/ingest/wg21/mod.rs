//! The WG21 kinds.

mod mailings;
mod papers;
mod years;

use serde_json::{Value, json};

use super::feed::Feed;

async fn feed() -> Feed {
    Feed::new("wg21/papers").await
}

/// One file of a paper.
fn file(name: &str, more: Value) -> Value {
    let stem = name.split('.').next().unwrap();
    let base = json!({
        "url": format!("https://www.open-std.org/jtc1/sc22/wg21/docs/papers/{name}"),
        "filename": name, "paper_id": stem, "title": format!("About {stem}"),
        "authors": ["Jane Roe"], "document_date": null, "subgroup": "LEWG",
    });
    super::sender::with(base, more)
}

/// Every paper by its keys, with its mailing and its authors in order.
const PAPERS: &str = "select p.paper_id, p.year, p.url, p.title, p.document_date, m.mailing_date, \
                      p.subgroup, p.is_downloaded, (select json_agg(a.display_name order by \
                      x.author_order) from wg21_paper_author x join wg21_paper_author_profile a \
                      on a.id = x.profile_id where x.paper_id = p.id) as authors \
                      from wg21_paper p join wg21_mailing m on m.id = p.mailing_id \
                      order by p.paper_id collate \"C\", p.year";
