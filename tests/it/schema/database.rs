//! The migrated database against the contract.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    catalog::{Catalog, texts},
    contract::contract,
};
use crate::support::TestDb;

/// Tables of the server's own, which no resource serves.
const INTERNAL: [&str; 19] = [
    "boost_header_statement",
    "boost_include",
    "change_log",
    "dead_letter",
    "drift",
    "former_repository_name",
    "identity_operation",
    "identity_operation_row",
    "identity_redirect",
    "identity_suggestion",
    "identity_suggestion_run",
    "issued_token",
    "queued_request",
    "queued_scope",
    "receipt",
    "receipt_items",
    "revoked_token",
    "statement",
    "tombstone",
];

#[tokio::test(flavor = "multi_thread")]
async fn the_database_has_every_table_of_the_contract_and_our_own() {
    let catalog = Catalog::read(&mut TestDb::new().await.connect().await).await;
    let contract = contract();
    let expected: BTreeSet<_> =
        contract.tables.iter().map(|table| table.name.as_str()).chain(INTERNAL).collect();
    assert_eq!(catalog.tables.keys().map(String::as_str).collect::<BTreeSet<_>>(), expected);
    assert_eq!(contract.tables.len(), 69);
}

#[tokio::test(flavor = "multi_thread")]
async fn native_enums_have_the_values_of_the_contract() {
    let catalog = Catalog::read(&mut TestDb::new().await.connect().await).await;
    assert_eq!(catalog.enums, contract().enums);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_column_is_as_the_contract_says() {
    let catalog = Catalog::read(&mut TestDb::new().await.connect().await).await;
    for table in contract().tables {
        let stored = &catalog.tables[&table.name];
        let order: Vec<_> =
            stored.columns.iter().map(|column| &column.name).take(table.columns.len()).collect();
        let expected: Vec<_> = table.columns.iter().map(|column| &column.name).collect();
        assert_eq!(order, expected, "{}", table.name);

        for column in &table.columns {
            let name = format!("{}.{}", table.name, column.name);
            let made = stored.column(&column.name).unwrap();
            assert_eq!((&made.r#type, made.null), (&column.r#type, column.null), "{name}");
            // Surrogate keys count up; shared and YouTube's keys are given.
            let counts = column.pk && column.references.is_none() && column.r#type == "bigint";
            assert_eq!(made.identity, counts, "{name}");
        }
        let key: Vec<_> =
            table.columns.iter().filter(|column| column.pk).map(|c| c.name.clone()).collect();
        assert_eq!(stored.primary_key, key, "{}", table.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_foreign_key_is_as_the_contract_says() {
    let catalog = Catalog::read(&mut TestDb::new().await.connect().await).await;
    for table in contract().tables {
        let stored = &catalog.tables[&table.name];
        let named: BTreeSet<_> = table.columns.iter().map(|column| column.name.as_str()).collect();
        let made: BTreeMap<_, _> = stored
            .foreign_keys
            .iter()
            .filter(|key| named.contains(key.columns[0].as_str()))
            .map(|key| (&key.columns[0], (key.references.as_str(), key.on_delete.as_str())))
            .collect();
        let expected: BTreeMap<_, _> = table
            .columns
            .iter()
            .filter_map(|column| {
                let references = column.references.as_deref()?;
                Some((&column.name, (references, column.on_delete.as_deref()?)))
            })
            .collect();
        assert_eq!(made, expected, "{}", table.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_unique_key_of_the_contract_is_enforced() {
    let catalog = Catalog::read(&mut TestDb::new().await.connect().await).await;
    for table in contract().tables {
        for key in &table.unique {
            // The contract writes a partial key's condition behind its last column.
            let joined = key.join(",");
            let (columns, condition) = match joined.split_once(" (where ") {
                Some((columns, condition)) => (columns, condition.trim_end_matches(')')),
                None => (joined.as_str(), ""),
            };
            // Which column leads is a matter of speed, not of the contract.
            let columns: BTreeSet<_> = columns.split(',').collect();
            let enforced = catalog.tables[&table.name].indexes.iter().any(|index| {
                let made = index.condition.trim_matches(['(', ')']).to_lowercase();
                let keys: BTreeSet<_> = index.keys.iter().map(String::as_str).collect();
                index.unique && keys == columns && made == condition
            });
            assert!(enforced, "{} by {joined}", table.name);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_leads_with_every_foreign_key() {
    let catalog = Catalog::read(&mut TestDb::new().await.connect().await).await;
    for (name, table) in &catalog.tables {
        for key in &table.foreign_keys {
            assert!(table.is_led_by(&key.columns), "{name} by {:?}", key.columns);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_leads_with_every_column_the_contract_wants_indexed() {
    let catalog = Catalog::read(&mut TestDb::new().await.connect().await).await;
    for table in contract().tables {
        let stored = &catalog.tables[&table.name];
        for column in table.columns.iter().filter(|column| column.index) {
            assert!(
                stored.is_led_by(std::slice::from_ref(&column.name))
                    || stored.is_led_by_prefix_of(&column.name),
                "{}.{}",
                table.name,
                column.name,
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_index_is_the_beginning_of_another() {
    let catalog = Catalog::read(&mut TestDb::new().await.connect().await).await;
    for (name, table) in &catalog.tables {
        for (place, index) in table.indexes.iter().enumerate() {
            let longer = table.indexes.iter().enumerate().find(|(other_place, other)| {
                *other_place != place
                    && !index.unique
                    && other.condition == index.condition
                    && other.keys.starts_with(&index.keys)
            });
            assert!(longer.is_none(), "{name}: {:?}", index.keys);
        }
    }
}

/// The plan of a statement in a function is kept, and is made for as many rows as its first run had. Rows
/// of before and of after that are joined in loops then cost the square of how many there are.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_told_of_updates_joins_no_rows_one_by_one() {
    let mut connection = TestDb::new().await.connect().await;
    let joining = "select proname::text, coalesce(array_to_string(proconfig, ';'), '') \
                   from pg_proc where prosrc ~ 'join (before|changed) ' \
                   and prorettype = 'trigger'::regtype";
    let functions: Vec<[String; 2]> = texts(&mut connection, joining).await;
    assert!(functions.len() > 60, "{functions:?}");
    for [name, settings] in functions {
        assert_eq!(settings, "enable_nestloop=off", "{name}");
    }
}
