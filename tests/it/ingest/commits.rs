//! Commits: their files, lists that GitHub cut, renames, what is deleted.

use serde_json::{Value, json};

use super::{
    rows::select,
    sender::{Sender, counts, fixture, notes},
};

fn commit(sha: &str, day: u32, files: Value) -> Value {
    let mut commit = json!({
        "sha": sha, "author": {"id": 5, "login": "u"},
        "commit": {"message": "m", "author": {"date": format!("2024-01-{day:02}T00:00:00Z")}},
    });
    if !files.is_null() {
        commit["files"] = files;
    }
    commit
}

fn file(name: &str, status: &str) -> Value {
    json!({"filename": name, "status": status, "additions": 1, "deletions": null})
}

fn renamed(from: &str, to: &str) -> Value {
    json!({"filename": to, "previous_filename": from, "status": "renamed"})
}

/// The files of the repository: `name`, `-name` if deleted, `name<before` if renamed.
async fn files(sender: &Sender) -> String {
    let rows = select(sender.app.db(), ["github_file"]).await;
    let mut files: Vec<String> = rows
        .iter()
        .map(|row| {
            let row: Value = serde_json::from_str(row.split_once(' ').unwrap().1).unwrap();
            let deleted = if row["is_deleted"] == true { "-" } else { "" };
            let before = row["before"].as_str().map(|name| format!("<{name}")).unwrap_or_default();
            format!("{deleted}{}{before}", row["filename"].as_str().unwrap())
        })
        .collect();
    files.sort();
    files.join(" ")
}

#[tokio::test(flavor = "multi_thread")]
async fn files_follow_the_greatest_commit_whatever_order_commits_come_in() {
    let sender = Sender::new().await;
    let cases = [
        // An older commit that touches the old name comes after the rename.
        (
            vec![
                commit("aaaaaaa2", 2, json!([renamed("a", "b")])),
                commit("aaaaaaa1", 1, json!([file("a", "added")])),
            ],
            "-a b<a",
        ),
        (
            vec![
                commit("aaaaaaa1", 1, json!([renamed("a", "b")])),
                commit("aaaaaaa2", 2, json!([renamed("b", "a")])),
            ],
            "-b<a a<b",
        ),
        (vec![commit("aaaaaaa1", 1, json!([renamed("a", "b"), file("a", "added")]))], "a b<a"),
        (
            vec![
                commit("aaaaaaa2", 2, json!([file("a", "removed")])),
                commit("aaaaaaa1", 1, json!([file("a", "added")])),
            ],
            "-a",
        ),
        (
            vec![
                commit("aaaaaaa2", 1, json!([file("a", "added")])),
                commit("aaaaaaa1", 1, json!([file("a", "removed")])),
            ],
            "a",
        ),
        (
            vec![commit(
                "aaaaaaa1",
                1,
                json!([{"filename": "b", "previous_filename": "a", "status": "copied"}]),
            )],
            "b",
        ),
        (
            vec![
                commit("aaaaaaa1", 1, json!([renamed("x", "b")])),
                commit("aaaaaaa2", 2, json!([renamed("y", "b")])),
            ],
            "-x -y b<y",
        ),
        (vec![commit("aaaaaaa1", 1, json!([renamed("a", "a")]))], "a"),
    ];
    for (commits, expected) in cases {
        for reversed in [false, true] {
            for together in [false, true] {
                sender.wipe().await;
                let mut commits = commits.clone();
                if reversed {
                    commits.reverse();
                }
                if together {
                    sender.post("commits?repo=a/b", &Value::Array(commits)).await;
                } else {
                    for commit in commits {
                        sender.post("commits?repo=a/b", &commit).await;
                    }
                }
                assert_eq!(
                    files(&sender).await,
                    expected,
                    "reversed {reversed}, together {together}"
                );
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_of_files_add_up_until_one_is_complete() {
    let sender = Sender::new().await;
    let list = |from: usize, count: usize| {
        let files = (from..from + count).map(|n| file(&format!("f{n}"), "added"));
        Value::Array(files.collect())
    };
    let changes = "select count(*) from git_commit_file_change";
    for (query, files, count, warnings) in [
        ("", Value::Null, 0, &[][..]),
        ("", json!([]), 0, &[]),
        ("", list(0, 300), 300, &["0 truncated /files"]),
        ("", list(200, 300), 500, &["0 truncated /files"]),
        ("", list(0, 299), 299, &[]),
        ("", list(0, 300), 299, &["0 truncated /files"]),
        ("", json!([]), 299, &[]),
        ("&as_of=2024-02-01T00:00:00Z&complete=files", list(0, 300), 300, &[]),
        ("&as_of=2024-02-02T00:00:00Z", list(0, 3_000), 300, &["0 truncated /files"]),
        ("&as_of=2024-02-02T00:00:00Z&complete=files", json!([]), 0, &[]),
    ] {
        let body = commit("abcdef0", 1, files);
        let receipt = sender.post(&format!("commits?repo=a/b{query}"), &body).await;
        let warnings: Vec<_> =
            warnings.iter().copied().chain(["0 short_sha /sha"]).map(str::to_owned).collect();
        let mut noted = notes(&receipt, "warnings");
        noted.sort_by_key(|note| note.ends_with("/sha"));
        assert_eq!(noted, warnings);
        assert_eq!(sender.number(changes).await, count, "{query}");
    }
    let answer = sender.raw("commits", "application/json", fixture("commits/gt300.json")).await;
    assert_eq!(sender.number(changes).await, 300, "{}", answer.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_are_read_as_they_are() {
    let sender = Sender::new().await;
    let long = "n/".repeat(900);
    let body = commit(
        " ABCDEFABCDEFABCDEFABCDEFABCDEFABCDEFABCD ",
        1,
        json!([
            file(" b lank ", "ADDED"), file("größer/→😀", "unchanged"), file("x", "type-changed"),
            {"filename": "logo.png"}, {"filename": "", "previous_filename": "old"}, {"status": "added"},
            {"filename": long, "status": "changed"}, file("twice", "added"), file("twice", "removed"),
            {"filename": "nul", "patch": "a\u{0}b"},
        ]),
    );
    let receipt = sender.post("commits?repo=a/b", &body).await;
    let mut warnings = notes(&receipt, "warnings");
    warnings.sort();
    assert_eq!(
        warnings,
        [
            "0 duplicate_in_payload /files/8",
            "0 ignored /files/5",
            "0 nul_removed /files/9/patch",
            "0 unknown_value /files/1/status",
            "0 unknown_value /files/2/status",
        ]
    );
    let rows = select(sender.app.db(), ["git_commit_file_change"]).await.join("\n");
    for expected in [
        r#""status": "added", "filename": " b lank ""#,
        r#""status": "changed", "filename": "größer/→😀""#,
        r#""status": "changed", "filename": "x""#,
        r#""status": "modified", "filename": "logo.png""#,
        r#""status": "modified", "filename": "old""#,
        r#""status": "removed", "filename": "twice""#,
    ] {
        let found = rows.lines().any(|row| expected.split(", ").all(|part| row.contains(part)));
        assert!(found, "{expected} in {rows}");
    }
    assert_eq!(rows.lines().count(), 8);
    let sha = select(sender.app.db(), ["git_commit"]).await.join("");
    assert!(sha.contains(r#""commit_hash": "abcdefabcdefabcdefabcdefabcdefabcdefabcd""#));
    // The same commit in a fork is another row.
    sender.post("commits?repo=fork/b", &body).await;
    assert_eq!(sender.number("select count(*) from git_commit").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn dates_are_the_authors_else_the_committers() {
    let sender = Sender::new().await;
    let dates = |n: u32, author: Value, committer: Value| json!({"sha": format!("aaaaaaa{n}"), "commit": {"author": {"date": author}, "committer": {"date": committer}}});
    let (early, late) = ("2024-01-01T00:00:00Z", "2024-01-02T05:00:00+05:00");
    for (n, (author, committer, commit_at, committed_at)) in (0..).zip([
        (json!(early), json!(late), "2024-01-01", "2024-01-02"),
        (json!(null), json!(late), "2024-01-02", "2024-01-02"),
        (json!(early), json!("soon"), "2024-01-01", "2024-01-01"),
        (json!("0001-01-01T00:00:00Z"), json!(late), "2024-01-02", "2024-01-02"),
    ]) {
        sender.post("commits?repo=a/b", &dates(n, author, committer)).await;
        let rows = select(sender.app.db(), ["git_commit"]).await;
        let row = rows.iter().find(|row| row.contains(&format!("aaaaaaa{n}"))).unwrap();
        assert!(row.contains(&format!(r#""commit_at": "{commit_at}T00"#)), "{row}");
        assert!(row.contains(&format!(r#""committed_at": "{committed_at}T00"#)), "{row}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_account_beats_an_unknown_one() {
    let sender = Sender::new().await;
    let of = |author: Value| {
        let mut body = commit("aaaaaaa1", 1, Value::Null);
        body["author"] = author;
        body["commit"]["author"]["email"] = json!("u@example.org");
        body
    };
    let author = "select count(*) from git_commit c join github_account a on a.id = c.account_id \
                  where a.github_account_id = 5";
    let receipt = sender.post("commits?repo=a/b", &of(json!({"id": 5, "login": "u"}))).await;
    assert_eq!(counts(&receipt), [1, 0, 0, 0, 0]);
    sender.post("commits?repo=a/b&as_of=2024-02-01T00:00:00Z", &of(Value::Null)).await;
    assert_eq!(sender.number(author).await, 1);
    sender.wipe().await;
    sender.post("commits?repo=a/b&as_of=2024-02-01T00:00:00Z", &of(Value::Null)).await;
    let receipt = sender.post("commits?repo=a/b", &of(json!({"id": 5, "login": "u"}))).await;
    assert_eq!((sender.number(author).await, counts(&receipt)), (1, [0, 1, 0, 0, 0]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_was_cut_does_not_decide_over_one_that_was_not() {
    let mut cut = vec![renamed("a", "b")];
    cut.extend((1..300).map(|n| file(&format!("f{n}"), "modified")));
    let whole = json!([renamed("a", "b"), file("a", "added")]);
    let cut = commit("aaaaaaa1", 1, json!(cut));
    let whole = commit("aaaaaaa1", 1, whole);
    for order in [[&cut, &whole], [&whole, &cut]] {
        let sender = Sender::new().await;
        for commit in order {
            sender.post("commits?repo=a/b", commit).await;
        }
        let files = files(&sender).await;
        let files: Vec<&str> = files.split(' ').filter(|name| !name.starts_with('f')).collect();
        assert_eq!(files, ["a", "b<a"]);
    }
}
