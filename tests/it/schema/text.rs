//! No text that the rules allow fails an insert because of an index.

use diesel_async::SimpleAsyncConnection as _;
use rand::{Rng as _, distr::Alphanumeric};

use super::catalog::Catalog;
use crate::support::TestDb;

/// The longest text that is part of a key, in bytes.
const LONGEST_KEY: usize = 2_000;

/// Text that PostgreSQL cannot make shorter.
fn incompressible(length: usize) -> String {
    rand::rng().sample_iter(Alphanumeric).take(length).map(char::from).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn free_text_of_any_length_is_stored() {
    let database = TestDb::new().await;
    let mut connection = database.connect().await;
    let catalog = Catalog::read(&mut connection).await;
    let free = incompressible(100_000);
    let mut tried = 0;
    for (table, stored) in &catalog.tables {
        let of_text = stored.columns.iter().filter(|column| column.r#type == "text");
        for column in of_text.filter(|column| stored.is_led_by_prefix_of(&column.name)) {
            // A row of its own for each column: the other keys are filled with what fits them.
            let (mut names, mut values) = (vec![column.name.clone()], vec![format!("'{free}'")]);
            for other in &stored.columns {
                if other.name != column.name && !other.identity && !other.null {
                    names.push(other.name.clone());
                    values.push(filler(&other.r#type, tried));
                }
            }
            let insert = format!(
                "set session_replication_role = replica;
                 insert into {table} ({}) values ({})",
                names.join(", "),
                values.join(", ")
            );
            connection.batch_execute(&insert).await.unwrap();
            tried += 1;
        }
    }
    assert!(tried > 10, "only {tried} columns are indexed by a prefix");
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_of_the_longest_allowed_text_are_stored() {
    let mut connection = TestDb::new().await.connect().await;
    let long = incompressible(LONGEST_KEY);
    let rows = format!(
        "set session_replication_role = replica;
         insert into github_file (repo_id, filename) values (1, '{long}');
         insert into issue_label (issue_id, label_name) values (1, '{long}');
         insert into language (name) values ('{long}');
         insert into license (name, spdx_id) values ('{long}', '{long}');
         insert into website_word_count (stat_date, word, count) values ('2025-01-15', '{long}', 1);
         insert into pinecone_fail_list (failed_id, app_type) values ('{long}', '{}');
         insert into mailing_list_message (sender_id, msg_id, parent_id, thread_id, list_name)
         values (1, '{long}', '{long}', '{long}', '{long}');
         insert into cppa_tags (tag_name) values ('{long}');
         insert into discord_reaction (message_id, emoji) values (1, '{long}')",
        "x".repeat(64)
    );
    connection.batch_execute(&rows).await.unwrap();
}

/// A value of a type, different each time where a key may need that.
fn filler(r#type: &str, number: usize) -> String {
    match r#type {
        "bigint" | "integer" | "smallint" => number.to_string(),
        "boolean" => "false".to_owned(),
        "timestamptz" | "date" => "'2025-01-15'".to_owned(),
        "jsonb" => "'[]'".to_owned(),
        "bytea" => "''".to_owned(),
        "text" => format!("'{number}'"),
        native => format!("(enum_range(null::{native}))[1]"),
    }
}
