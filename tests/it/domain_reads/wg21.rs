//! The revisions of papers.

use serde_json::json;

use super::{all, column, fixture, get, ingest, sql};
use crate::support::TestApp;

#[tokio::test(flavor = "multi_thread")]
async fn papers_of_one_number_are_revisions() {
    let app = TestApp::new().await;
    sql(
        &app,
        "insert into wg21_mailing (id, mailing_date) values (1, '2023-05'), (2, 'unknown');
         insert into wg21_paper (paper_id, year, mailing_id) values ('p2300r10', 2024, 1),
             ('p2300r2', 2021, 1), ('p2300r2', 0, 2), ('p2300', 2020, 1), ('p23001r1', 2024, 1),
             ('n4950', 2023, 1), ('n4950r1', 2023, 1),
             ('p1r99999999999999999999999999', 2023, 1), ('p1r0', 2023, 1)",
    )
    .await;
    let token = app.token(&["read"]);
    for spelling in ["p2300r2", "P2300R10", "p2300", "p2300r77"] {
        let rows = all(&app, &token, &format!("/wg21/papers/{spelling}/revisions")).await;
        let papers = ["p2300", "p2300r2", "p2300r2", "p2300r10"].map(|it| json!(it));
        assert_eq!(column(&rows, "paper_id"), papers, "{spelling}");
        assert_eq!(column(&rows, "revision"), [json!(null), json!(2), json!(2), json!(10)]);
        assert_eq!(column(&rows, "year"), [2020, 0, 2021, 2024].map(|it| json!(it)));
        assert_eq!(rows[1]["mailing_date"], "unknown");
    }
    let rows = all(&app, &token, "/wg21/papers/n4950/revisions").await;
    assert_eq!(column(&rows, "paper_id"), [json!("n4950")]);
    let rows = all(&app, &token, "/wg21/papers/p1r0/revisions").await;
    assert_eq!(column(&rows, "revision"), [json!(null), json!(0)]);
    for unknown in ["p9999r0", "n1", "r0", "%20", "%27"] {
        get(&app, &format!("/wg21/papers/{unknown}/revisions")).await.expect(404);
    }
    get(&app, "/wg21/papers/p%00/revisions").await.expect(400);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_mailing_has_revisions() {
    let app = TestApp::new().await;
    ingest(&app, "wg21/papers?mailing=2018-02", "application/json", fixture("wg21/2018-02.json"))
        .await;
    let token = app.token(&["read"]);
    let papers = app.get_as(&token, "/api/v1/wg21/papers?limit=500").await.expect(200);
    for paper in papers["data"].as_array().unwrap() {
        let id = paper["paper_id"].as_str().unwrap();
        let rows = all(&app, &token, &format!("/wg21/papers/{id}/revisions")).await;
        assert!(rows.iter().any(|row| row["id"] == paper["id"]), "{id}");
    }
}
