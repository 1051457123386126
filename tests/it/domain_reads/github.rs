//! The names a file has had.

use serde_json::json;

use super::{all, column, get, sql};
use crate::support::TestApp;

/// Files 1 to 9 of a repository; `arrows` are `(from, to)`, each renamed by a commit of its own.
async fn renamed(arrows: &[(i64, i64)]) -> TestApp {
    let app = TestApp::new().await;
    sql(
        &app,
        "insert into base_profile (id, type) values (1, 'github');
         insert into github_account (id, github_account_id, username) values (1, 1, 'boostorg');
         insert into github_repository (id, owner_account_id, repo_name) values (1, 1, 'json');
         insert into github_file (id, repo_id, filename) select n, 1, 'f' || n from generate_series(1, 9) n",
    )
    .await;
    for (number, (from, to)) in arrows.iter().enumerate() {
        sql(
            &app,
            &format!(
                "update github_file set previous_filename_id = {from} where id = {to};
                 insert into git_commit (id, repo_id, account_id, commit_hash, commit_at)
                 values (100 + {number}, 1, 1, 'c{number}', '2024-01-01'::timestamptz + {number} * interval '1 day');
                 insert into git_commit_file_change (commit_id, github_file_id, status)
                 values (100 + {number}, {to}, 'renamed') on conflict do nothing"
            ),
        )
        .await;
    }
    app
}

async fn names(app: &TestApp, id: i64) -> Vec<(i64, String, Option<i64>)> {
    let token = app.token(&["read"]);
    let rows = all(app, &token, &format!("/github/files/{id}/renames")).await;
    let name = |row: &serde_json::Value| {
        let filename = row["filename"].as_str().unwrap().to_owned();
        (row["step"].as_i64().unwrap(), filename, row["commit_id"].as_i64())
    };
    rows.iter().map(name).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_is_the_same_from_each_of_its_names() {
    let app = renamed(&[(1, 2), (2, 3)]).await;
    for (id, first) in [(1, 0), (2, -1), (3, -2)] {
        let chain = names(&app, id).await;
        let expected = [(0, "f1", None), (1, "f2", Some(100)), (2, "f3", Some(101))]
            .map(|(step, name, commit)| (step + first, name.to_owned(), commit));
        assert_eq!(chain, expected);
    }
    let rows = get(&app, "/github/files/2/renames").await.expect(200);
    assert_eq!(rows["data"][1]["commit_hash"], "c0");
    assert_eq!(rows["data"][1]["commit_at"], "2024-01-01T00:00:00Z");
    assert_eq!(names(&app, 9).await, [(0, "f9".to_owned(), None)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_comes_again_ends_the_chain() {
    let app = renamed(&[(1, 2), (2, 1), (4, 4), (5, 6), (5, 7), (7, 8)]).await;
    assert_eq!(column_of(&names(&app, 1).await), ["f2", "f1"]);
    assert_eq!(column_of(&names(&app, 4).await), ["f4"]);
    // A name that was used twice leads to both files.
    assert_eq!(column_of(&names(&app, 5).await), ["f5", "f6", "f7", "f8"]);
    assert_eq!(column_of(&names(&app, 8).await), ["f5", "f7", "f8"]);
}

fn column_of(chain: &[(i64, String, Option<i64>)]) -> Vec<&str> {
    chain.iter().map(|(_, name, _)| name.as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_is_turned_however_the_address_is_spelt() {
    let app = renamed(&[(1, 2), (2, 3), (3, 4)]).await;
    let page = get(&app, "/github/files/2/renames?limit=1").await.expect(200);
    let cursor = page["page"]["next_cursor"].as_str().unwrap();
    // Libraries for addresses encode them as they like.
    let second = format!("/github/files/%32/renames?%6Cimit=%31&%63ursor={cursor}");
    let second = get(&app, &second).await;
    let link = second.header("link").unwrap().to_owned();
    let page = second.expect(200);
    assert_eq!(column(page["data"].as_array().unwrap(), "filename"), [json!("f2")]);
    let next = link.strip_suffix(">; rel=\"next\"").unwrap().strip_prefix("</api/v1").unwrap();
    let page = get(&app, next).await.expect(200);
    assert_eq!(column(page["data"].as_array().unwrap(), "filename"), [json!("f3")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_none_is_refused() {
    let app = renamed(&[(1, 2)]).await;
    get(&app, "/github/files/77/renames").await.expect(404);
    let problem = get(&app, "/github/files/seven/renames").await.expect(400);
    assert_eq!(problem["errors"][0]["code"], "invalid_path_parameter");
    let problem = get(&app, "/github/files/1/renames?limt=3").await.expect(400);
    assert_eq!(problem["errors"][0]["suggestion"], "limit");
    for limit in ["0", "501"] {
        let path = format!("/github/files/1/renames?limit={limit}");
        assert_eq!(get(&app, &path).await.expect(400)["errors"][0]["code"], "out_of_range");
    }
    let page = get(&app, "/github/files/1/renames?limit=1").await.expect(200);
    let cursor = page["page"]["next_cursor"].as_str().unwrap();
    for path in ["/github/files/2/renames", "/github/files/1/renames?limit=1"] {
        let sign = if path.contains('?') { '&' } else { '?' };
        let mangled = format!("{path}{sign}cursor={}", &cursor[1..]);
        let problem = get(&app, &mangled).await.expect(400);
        assert_eq!(problem["errors"][0]["code"], "invalid_cursor");
    }
    let other = format!("/github/files/2/renames?cursor={cursor}");
    get(&app, &other).await.expect(400);
    let rows = page["data"].as_array().unwrap();
    assert_eq!(column(rows, "filename"), [json!("f1")]);
}
