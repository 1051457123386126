//! Who sent a mail.

use serde_json::{Value, json};

use super::{PEOPLE, feed, mail};
use crate::ingest::sender::{counts, notes};

#[tokio::test(flavor = "multi_thread")]
async fn obfuscations_of_an_address_are_one_sender() {
    let feed = feed().await;
    let spellings = [
        json!({"sender_address": "jane@example.org"}),
        json!({"sender_address": "Jane (a) example.org"}),
        json!({"sender_address": null, "sender": {"address": "jane [at] example (dot) org"}}),
        json!({"sender_address": "", "sender": {"email": "jane -at- example.org"}}),
        json!({"sender_address": null, "from": "\"Roe, Jane\" <jane at example.org>"}),
    ];
    let mails: Vec<Value> =
        spellings.into_iter().zip('A'..).map(|(more, id)| mail(&id.to_string(), more)).collect();
    assert_eq!(counts(&feed.post(&json!(mails)).await), [5, 0, 0, 0, 0]);
    assert_eq!(
        feed.texts("select profile_key from mailing_list_profile").await,
        ["addr:jane@example.org"]
    );
    assert_eq!(feed.sender.number("select count(*) from email").await, 1);
    assert_eq!(
        feed.sender.number("select count(*) from base_profile where type = 'mailing_list'").await,
        1
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_mail_names_its_sender() {
    let names = ["Jane", "Jane Roe", ""];
    for order in [[0, 1, 2], [1, 0, 2], [2, 1, 0]] {
        let feed = feed().await;
        for nth in order {
            let day = format!("2024-06-1{nth}T00:00:00Z");
            let more = json!({"sender_name": names[nth], "sent_at": day});
            feed.post(&mail(&format!("M{nth}"), more)).await;
        }
        let shown = feed.texts("select display_name from mailing_list_profile").await;
        assert_eq!(shown, ["Jane Roe"], "{order:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn senders_without_an_address_are_known_by_name_within_a_list() {
    let feed = feed().await;
    let of = |id: &str, name: &str, address: &str, list: &str| {
        mail(id, json!({"sender_name": name, "sender_address": address, "list_name": list}))
    };
    let receipt = feed
        .post(&json!([
            of("A", "Jane  Roe", "", "a@x.org"),
            of("B", "JANE ROE", "jane@...", "a@x.org"),
            of("C", "Jane Roe", "", "b@x.org"),
            of("D", "", "", "b@x.org"),
            of("E", "john@x.org", "", "b@x.org"),
            of("F", "", "j.doe@x.org", "b@x.org"),
            of("G", "Jo Doe via B", "b@x.org", "b@x.org"),
            of("H", "No Address", "at nowhere", "b@x.org"),
        ]))
        .await;
    assert_eq!(counts(&receipt), [8, 0, 0, 0, 0]);
    assert_eq!(notes(&receipt, "warnings"), ["7 bad_address /sender_address"]);
    insta::assert_snapshot!(feed.rows(PEOPLE).await.join("\n"));
    // Nobody named in a later copy is no statement.
    let copy = json!({"msg_id": "A", "list_name": "a@x.org", "sent_at": "2025-01-01T00:00:00Z"});
    feed.post(&copy).await;
    let sender = "select p.profile_key from mailing_list_message m \
                  join mailing_list_profile p on p.id = m.sender_id where m.msg_id = 'A'";
    assert_eq!(feed.texts(sender).await, ["name:a@x.org:jane roe"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_are_shown_to_those_who_may_see_them_alone() {
    let feed = feed().await;
    let body = mail(
        "A",
        json!({"sender_name": "jane (a) example.org", "sender_address": "jane (a) example.org"}),
    );
    let receipt = feed.post(&body).await.to_string();
    assert!(!receipt.contains("jane@"), "{receipt}");
    let profile = feed.sender.get("/users/mailing-list-profiles").await.json();
    assert_eq!(profile["data"][0]["display_name"], "jane", "{profile}");
}
