//! The demo: what it prints works when it is pasted.

use std::process::Command;

use serde_json::Value;

use crate::{
    embedded::folder,
    support::process::{Place, Running, ask},
};

/// What a started demo has printed: the token and the lines to try.
async fn printed(server: &mut Running) -> (String, Vec<String>) {
    let (mut token, mut tries) = (String::new(), Vec::new());
    while tries.len() < 3 {
        let line = server.line().await;
        if let Some(text) = line.strip_prefix("Token ") {
            text.trim().clone_into(&mut token);
        }
        if line.starts_with("curl ") {
            tries.push(line.trim_end().to_owned());
        }
    }
    (token, tries)
}

async fn receipts(address: &str, token: &str) -> usize {
    let path = "/api/v1/ingest/receipts?limit=100";
    let (status, list) = ask(address, "GET", path, Some(token), b"").await.unwrap();
    assert_eq!(status, 200, "{list}");
    list["data"].as_array().unwrap().len()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_has_data_and_its_lines_work() {
    let folder = folder();
    let place = Place::new(folder.path(), None);
    let mut server = place.serve(&["demo"]).await;
    let (token, tries) = printed(&mut server).await;
    let address = server.address().to_owned();

    for (path, least) in [
        ("/github/repositories?limit=500", 7),
        ("/github/commits?limit=500", 500),
        ("/github/issues?limit=500", 10),
        ("/github/pull-requests?limit=500", 6),
        ("/github/pull-request-reviews?limit=500", 9),
        ("/github/repo-languages?limit=500", 40),
        ("/github/created-repos-by-language?limit=500", 40),
        ("/users/github-accounts?limit=500", 14),
    ] {
        let path = format!("/api/v1{path}");
        let (status, list) = ask(&address, "GET", &path, None, b"").await.unwrap();
        assert_eq!(status, 200, "{path} {list}");
        let rows = list["data"].as_array().unwrap().len();
        assert!(rows >= least, "{path}: {rows} rows");
    }
    let delivered = receipts(&address, &token).await;

    // As pasted.
    let has_curl = Command::new("curl").arg("--version").output().is_ok();
    if !has_curl {
        eprintln!("SKIPPED: curl is not on this machine, so its lines are not tried");
    }
    for line in tries.iter().filter(|_| has_curl) {
        let line = line.replacen("curl ", "curl --silent --show-error --fail ", 1);
        let output = Command::new("sh").args(["-c", &line]).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{line}: {error}");
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
        let rows = answer["data"].as_array().map_or(0, Vec::len);
        assert!(rows == 3 || answer["status"] == "done", "{line}: {answer}");
    }
    server.stop().await;

    // The second start has it all.
    let mut server = place.serve(&["serve", "--demo"]).await;
    let (token, _) = printed(&mut server).await;
    let again = receipts(server.address(), &token).await;
    assert_eq!(again, delivered + usize::from(has_curl));
    server.stop().await;
}
