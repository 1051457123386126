//! The contract's tables, as `schema.json` words them.

use std::collections::BTreeMap;

use serde::Deserialize;

/// `schema.json`.
#[derive(Deserialize)]
pub(super) struct Contract {
    pub(super) enums: BTreeMap<String, Vec<String>>,
    pub(super) tables: Vec<Table>,
}

/// A table and the path of its list.
#[derive(Deserialize)]
pub(super) struct Table {
    #[serde(rename = "table")]
    pub(super) name: String,
    pub(super) domain: String,
    pub(super) path: String,
    pub(super) columns: Vec<Column>,
    pub(super) unique: Vec<Vec<String>>,
}

/// A column.
#[derive(Deserialize)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) r#type: String,
    pub(super) null: bool,
    #[serde(default)]
    pub(super) pk: bool,
    #[serde(default)]
    pub(super) index: bool,
    pub(super) references: Option<String>,
    pub(super) on_delete: Option<String>,
    pub(super) json: Option<String>,
}

/// The contract that the tests hold the server to.
pub(super) fn contract() -> Contract {
    serde_json::from_str(include_str!("../../fixtures/schema.json")).unwrap()
}
