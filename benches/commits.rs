//! Commits as GitHub gives them, made up: 6 rows each (a commit and five file changes) and the files
//! and accounts they share.

use std::fmt::Write;

/// Files a commit changes.
pub(crate) const FILES: usize = 5;

/// The `n`th commit, as one line of JSON of about 4 KB.
pub(crate) fn commit(n: usize) -> String {
    let sha = format!("{:040x}", (n as u128 + 1) * 0x9e37_79b9_7f4a_7c15_f39c_c060);
    let person = n % 40;
    let minute = n % 1_400;
    let day = 1 + (n / 1_400) % 28;
    let month = 1 + (n / 39_200) % 12;
    let date = format!("2023-{month:02}-{day:02}T{:02}:{:02}:00Z", minute / 60, minute % 60);
    let who =
        format!(r#"{{"name":"Person {person}","email":"p{person}@example.org","date":"{date}"}}"#);
    let user = format!(
        r#"{{"login":"person{person}","id":{},"node_id":"U_{person}","avatar_url":"https://avatars.githubusercontent.com/u/{person}","url":"https://api.github.com/users/person{person}","html_url":"https://github.com/person{person}","type":"User","site_admin":false}}"#,
        1_000 + person
    );
    let url = format!("https://api.github.com/repos/boostorg/bench/commits/{sha}");
    let mut files = String::new();
    for file in 0..FILES {
        let name =
            format!("include/boost/bench/part{}/file{}.hpp", n % 17, (n * 7 + file * 13) % 400);
        let _ = write!(
            files,
            r#"{}{{"sha":"{:040x}","filename":"{name}","status":"modified","additions":{},"deletions":{},"changes":{},"blob_url":"https://github.com/boostorg/bench/blob/{sha}/{name}","raw_url":"https://github.com/boostorg/bench/raw/{sha}/{name}","contents_url":"https://api.github.com/repos/boostorg/bench/contents/{name}?ref={sha}","patch":"@@ -{n},7 +{n},9 @@ namespace boost {{\n // file {file} of commit {n}\n-    return detail::old_name(first, last);\n+    return detail::new_name(first, last, policy);\n+    // keeps the strong guarantee\n }}"}}"#,
            if file == 0 { "" } else { "," },
            n * 31 + file,
            file + 2,
            file + 1,
            2 * file + 3,
        );
    }
    format!(
        r#"{{"sha":"{sha}","node_id":"C_{n}","commit":{{"author":{who},"committer":{who},"message":"Change {n}: make the thing faster and safer\n\nThis is the body of the message of commit {n}; it explains why.","tree":{{"sha":"{sha}","url":"{url}"}},"url":"{url}","comment_count":0,"verification":{{"verified":false,"reason":"unsigned","signature":null,"payload":null}}}},"url":"{url}","html_url":"https://github.com/boostorg/bench/commit/{sha}","comments_url":"{url}/comments","author":{user},"committer":{user},"parents":[{{"sha":"{sha}","url":"{url}","html_url":"{url}"}}],"stats":{{"total":25,"additions":20,"deletions":15}},"files":[{files}]}}"#
    )
}

/// Commits `from..to` as lines.
pub(crate) fn lines(from: usize, to: usize) -> Vec<u8> {
    let mut body = String::new();
    for n in from..to {
        body.push_str(&commit(n));
        body.push('\n');
    }
    body.into_bytes()
}
