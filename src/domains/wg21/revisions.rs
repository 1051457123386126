//! The revisions of a paper: `/wg21/papers/{paper_id}/revisions`.

use axum::{
    extract::{OriginalUri, State},
    response::Response,
};
use chrono::NaiveDate;
use diesel::{
    QueryableByName,
    sql_types::{BigInt, Date, Integer, Nullable, Text},
};
use serde::Serialize;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    db::sql::{SqlType, Statement, Value},
    http::{
        access::{Allowed, Reads},
        extract::{Path, Query},
        problem::{Problem, Result},
    },
    paged,
    query::keyset::{Key, Order, Rows},
};

/// A revision of a paper.
#[derive(Debug, Serialize, QueryableByName, utoipa::ToSchema)]
#[schema(as = PaperRevision)]
struct Revision {
    /// The paper, `wg21_paper.id`.
    #[diesel(sql_type = BigInt)]
    id: i64,
    /// The number with the revision, such as `p1234r0`.
    #[diesel(sql_type = Text)]
    paper_id: String,
    /// The revision: the number behind `r`. Null where there is none, as in `n4950`.
    #[diesel(sql_type = Nullable<BigInt>)]
    revision: Option<i64>,
    /// The year of its mailing, else of its date; 0 while not known.
    #[diesel(sql_type = Integer)]
    year: i32,
    /// The title; the number while not known.
    #[diesel(sql_type = Text)]
    title: String,
    /// The date on the paper.
    #[diesel(sql_type = Nullable<Date>)]
    document_date: Option<NaiveDate>,
    /// The mailing, `wg21_mailing.id`.
    #[diesel(sql_type = BigInt)]
    mailing_id: i64,
    /// The month of the mailing, such as `2024-05`, or `unknown`.
    #[diesel(sql_type = Text)]
    mailing_date: String,
    /// The subgroup it is meant for; empty if not stated.
    #[diesel(sql_type = Text)]
    subgroup: String,
    /// Where it is published.
    #[diesel(sql_type = Text)]
    url: String,
}

/// Papers without a revision come first.
const ORDER: Order = Order::ascending(&[
    Key("coalesce(listed.revision, -1)", SqlType::BigInt),
    Key("listed.year::bigint", SqlType::BigInt),
    Key("listed.id", SqlType::BigInt),
]);

/// The digits of a revision that is no number of ours are left out of the order, not refused.
const PAPERS: &str = "select paper.id, paper.paper_id, \
        substring(paper.paper_id from 'r0*([0-9]{1,18})$')::bigint as revision, paper.year, \
        paper.title, paper.document_date, paper.mailing_id, mailing.mailing_date, paper.subgroup, \
        paper.url \
    from wg21_paper paper join wg21_mailing mailing on mailing.id = paper.mailing_id where ";

/// The routes.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list))
}

paged! {
    /// Which revisions.
    struct Asked {}
}

/// List the revisions of a paper
///
/// All papers whose number is the same up to the trailing `r<digits>`, by revision, then year. Papers
/// numbered `n…` have none but themselves.
#[utoipa::path(
    get,
    path = "/wg21/papers/{paper_id}/revisions",
    operation_id = "list_wg21_paper_revisions",
    tag = "wg21",
    params(
        ("paper_id" = String, Path, description = "The number, in any case, with a revision or without.", example = "p1108r4"),
        Asked
    ),
    responses((
        status = 200,
        description = "A page of revisions.",
        body = Rows<Revision>,
        headers(("Link" = String, description = "The next page, `<…>; rel=\"next\"`.")),
        example = json!({"data": [{
            "id": 1, "paper_id": "p2300r7", "revision": 7, "year": 2023, "title": "std::execution",
            "document_date": "2023-04-21", "mailing_id": 1, "mailing_date": "2023-05",
            "subgroup": "LEWG", "url": "https://wg21.link/p2300r7"
        }], "page": {"next_cursor": null, "limit": 50}, "meta": {"as_of": "2024-05-01T12:00:00Z"}})
    )),
    extensions(("x-scope" = json!("read")))
)]
async fn list(
    State(app): State<App>,
    _: Allowed<Reads>,
    Path(paper_id): Path<String>,
    Query(asked): Query<Asked>,
    OriginalUri(uri): OriginalUri,
) -> Result<Response> {
    let paging = asked.paging(&uri, ORDER)?;
    let paper_id = paper_id.to_ascii_lowercase();
    let mut papers = Statement::new(PAPERS);
    // As the index has it.
    let column = if paper_id.starts_with('n') { "paper.paper_id" } else { STEM };
    papers.push(column).push(" = ").bind(SqlType::Text, Value::Text(stem(&paper_id).to_owned()));
    let rows = paging.load::<Revision>(&app, papers).await?;
    if rows.is_empty() && paging.after.is_none() {
        return Err(Problem::not_found(format!("There is no paper `{paper_id}`.")));
    }
    Ok(paging.respond(&app, rows))
}

/// The number without the revision, in SQL: an index has just this.
const STEM: &str = "regexp_replace(paper.paper_id, 'r[0-9]+$', '')";

/// The number without the revision.
fn stem(paper_id: &str) -> &str {
    let stem = paper_id.trim_end_matches(|it: char| it.is_ascii_digit());
    match stem.strip_suffix('r') {
        Some(bare) if stem.len() < paper_id.len() && !paper_id.starts_with('n') => bare,
        _ => paper_id,
    }
}

#[cfg(test)]
mod tests {
    use super::stem;

    #[test]
    fn a_stem_is_what_revisions_share() {
        let papers = ["p2300r7", "p2300", "p0443r14", "n4950", "n4950r1", "sd6", "r12", "r", ""];
        let stems = ["p2300", "p2300", "p0443", "n4950", "n4950r1", "sd6", "", "r", ""];
        assert_eq!(papers.map(stem), stems);
    }
}
