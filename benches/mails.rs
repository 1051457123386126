//! The 50,000 mails of a list: each a document of its own, and as one thread document.

use std::fmt::Write;

use crate::bulk::Bulk;

const MAILS: usize = 50_000;
const ARCHIVE: &str = "https://lists.boost.org/archives/api/list/boost@lists.boost.org";

/// The tables of mails, parents first.
const TABLES: [&str; 4] = ["base_profile", "mailing_list_profile", "email", "mailing_list_message"];

/// Both forms.
pub(crate) async fn run() -> anyhow::Result<()> {
    let list = |from, to| format!("[{}]", mails(from, to));
    let thread = |id: &str, from, to| {
        format!(
            r#"{{"thread_info":{{"thread_id":"{id}","url":"{ARCHIVE}/thread/{id}/"}},"messages":[{}]}}"#,
            mails(from, to)
        )
    };
    for (title, warm, body) in [
        ("A list of 50,000 mails", list(900_000, 900_010), list(0, MAILS)),
        ("A thread of 50,000 mails", thread("WARM", 900_000, 900_010), thread("THREAD", 0, MAILS)),
    ] {
        let bulk = Bulk {
            title,
            path: "/api/v1/ingest/mailing-list/messages",
            media: "application/json",
            tables: &TABLES,
            roots: "base_profile",
            own: &[],
            before: String::new(),
            warm,
            body,
            items: MAILS,
            newer: None,
        };
        bulk.run().await?;
    }
    Ok(())
}

/// Mails `from..to` as `HyperKitty` gives them, of about 1.5 KB, with a comma between.
fn mails(from: usize, to: usize) -> String {
    let mut mails = String::new();
    for n in from..to {
        let (person, thread) = (n * 7_919 % 2_000, n / 10);
        let parent = match n % 10 {
            0 => "null".to_owned(),
            _ => format!(r#""{ARCHIVE}/email/M{:031}/""#, n - 1),
        };
        let text = "The review is about the interface, and about what it promises when an \
                    allocation fails. "
            .repeat(4 + n % 13);
        let _ = write!(
            mails,
            r#"{}{{"url":"{ARCHIVE}/email/M{n:031}/","mailinglist":"{ARCHIVE}/","message_id":"m{n}@mail.example.org","message_id_hash":"M{n:031}","thread":"{ARCHIVE}/thread/M{:031}/","parent":{parent},"children":[],"subject":"Re: [boost] Review of library {thread}","content":"On day {n}, somebody wrote:\n> what about it?\n\n{text}\n","date":"20{:02}-{:02}-{:02}T{:02}:{:02}:00+02:00","sender":{{"address":"person{person} (a) example.org","mailman_id":"{person:032x}"}},"sender_name":"Person {person}"}}"#,
            if n == from { "" } else { "," },
            thread * 10,
            10 + n / 40_320 % 12,
            1 + n / 3_360 % 12,
            1 + n / 120 % 28,
            n % 24,
            n % 60,
        );
    }
    mails
}
