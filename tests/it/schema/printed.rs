//! `schema.rs` against the database.

use std::collections::BTreeMap;

use super::catalog::Catalog;
use crate::support::TestDb;

/// The columns of each table that `schema.rs` declares, with their types as written there.
fn declared() -> BTreeMap<&'static str, Vec<(&'static str, &'static str)>> {
    let source = include_str!("../../../src/schema.rs");
    source.split("diesel::table! {").skip(1).map(declared_table).collect()
}

fn declared_table(block: &'static str) -> (&'static str, Vec<(&'static str, &'static str)>) {
    let (block, _rest) = block.split_once("\n}\n").unwrap();
    let (mut table, mut columns, mut sql_name) = (None, Vec::new(), None);
    for line in block.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix("#[sql_name = \"") {
            sql_name = name.strip_suffix("\"]");
        } else if let Some((name, r#type)) = line.trim_end_matches(',').split_once(" -> ") {
            columns.push((sql_name.take().unwrap_or(name), r#type));
        } else if let Some((name, _key)) = line.split_once(" (") {
            table = Some(name);
        }
    }
    (table.unwrap(), columns)
}

/// A database type as diesel prints it.
fn printed(r#type: &str, null: bool) -> String {
    let name = match r#type {
        "bigint" => "Int8".to_owned(),
        "integer" => "Int4".to_owned(),
        "smallint" => "Int2".to_owned(),
        "boolean" => "Bool".to_owned(),
        "bigint[]" => "Array<Nullable<Int8>>".to_owned(),
        "double precision" => "Float8".to_owned(),
        "text[]" => "Array<Nullable<Text>>".to_owned(),
        "text" | "bytea" | "jsonb" | "date" | "timestamptz" | "uuid" => capitalised(r#type),
        native => native.split('_').map(capitalised).collect(),
    };
    if null { format!("Nullable<{name}>") } else { name }
}

fn capitalised(word: &str) -> String {
    word[..1].to_uppercase() + &word[1..]
}

#[tokio::test(flavor = "multi_thread")]
async fn schema_rs_is_the_database() {
    let catalog = Catalog::read(&mut TestDb::new().await.connect().await).await;
    let declared = declared();
    let names: Vec<_> = catalog.tables.keys().map(String::as_str).collect();
    assert_eq!(declared.keys().copied().collect::<Vec<_>>(), names);
    for (name, table) in &catalog.tables {
        let stored: Vec<_> = table
            .columns
            .iter()
            .map(|column| (column.name.clone(), printed(&column.r#type, column.null)))
            .collect();
        let declared: Vec<_> = declared[name.as_str()]
            .iter()
            .map(|&(column, r#type)| (column.to_owned(), r#type.to_owned()))
            .collect();
        assert_eq!(declared, stored, "{name}");
    }
}
