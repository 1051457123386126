//! What is served, against the contract and the database.

use std::collections::{BTreeMap, BTreeSet};

use boost_dashboard::{
    db::sql::{Row, Statement, Value},
    domains::{
        self,
        boost::file::BoostFile,
        users::{
            enums::{GitHubAccountType, ProfileType},
            github_account::GitHubAccount,
        },
    },
    query::{
        column::{Column, IdText, Type},
        relation,
        resource::Resource,
    },
    schema::{base_profile, boost_file, github_account, github_file},
};
use diesel::{QueryDsl as _, SelectableHelper as _};
use diesel_async::{RunQueryDsl as _, SimpleAsyncConnection as _};

use super::{
    catalog::Catalog,
    contract::{self, contract},
};
use crate::support::TestDb;

/// Every resource by its table, with its domain.
fn resources() -> BTreeMap<&'static str, (&'static str, Resource)> {
    let mut resources = BTreeMap::new();
    for domain in domains::all() {
        for resource in domain.resources {
            let table = resource.table;
            let twice = resources.insert(table, (domain.name, resource));
            assert!(twice.is_none(), "{table} is served twice");
        }
    }
    resources
}

/// The JSON type of a column of the contract.
fn json_type(column: &contract::Column) -> &'static str {
    match (column.r#type.as_str(), column.json.as_deref()) {
        ("bigint", Some("string")) => "id as text",
        ("bigint", _) => "bigint",
        ("integer", _) => "integer",
        ("double precision", _) => "double",
        ("text", _) => "text",
        ("boolean", _) => "boolean",
        ("timestamptz", _) => "timestamp",
        ("date", _) => "date",
        ("jsonb", _) => "json",
        _ => "enum",
    }
}

fn served_type(r#type: Type) -> &'static str {
    match r#type {
        Type::IdText => "id as text",
        Type::BigInt => "bigint",
        Type::Int => "integer",
        Type::Double => "double",
        Type::Text => "text",
        Type::Bool => "boolean",
        Type::Timestamp => "timestamp",
        Type::Date => "date",
        Type::Json => "json",
        Type::Enum(_) => "enum",
    }
}

/// The tables whose row is one with that of a base, by the shared id.
fn base(table: &contract::Table) -> Option<&str> {
    table.columns.iter().find(|column| column.pk)?.references.as_deref()
}

#[test]
fn every_table_is_served_at_its_path() {
    let mut resources = resources();
    for table in contract().tables {
        let (domain, resource) = resources.remove(table.name.as_str()).unwrap();
        assert_eq!(domain, table.domain);
        assert_eq!(format!("/api/v1{}", resource.path), table.path);
    }
    assert!(resources.is_empty(), "served beyond the contract: {:?}", resources.keys());
}

#[test]
fn every_column_of_the_contract_is_served_and_so_are_its_base_s() {
    let contract = contract();
    let resources = resources();
    for table in &contract.tables {
        let resource = &resources[table.name.as_str()].1;
        let base = base(table);
        let from = contract
            .tables
            .iter()
            .filter(|other| other.name == table.name || Some(other.name.as_str()) == base);
        for (owner, column) in from.flat_map(|owner| owner.columns.iter().map(move |c| (owner, c)))
        {
            if column.pk && owner.name != table.name {
                continue; // The shared id is served once.
            }
            let name = match (base, owner.name.as_str(), column.name.as_str()) {
                (Some(_), "base_profile", "type") => "profile_type",
                (Some(_), "github_account", "type") => "account_type",
                (_, _, name) => name,
            };
            let served = resource.column(name);
            let served = served.unwrap_or_else(|| panic!("{}.{name} is missing", table.name));
            assert_eq!((served.table, served.column), (owner.name.as_str(), &*column.name));
            assert_eq!(served_type(served.ty), json_type(column), "{}.{name}", table.name);
        }
        let key = table.columns.iter().find(|column| column.pk).unwrap();
        assert_eq!(resource.key().name, key.name, "{}", table.name);
    }
}

#[test]
fn rows_include_what_every_foreign_key_of_the_contract_names() {
    let contract = contract();
    let resources = resources();
    let relation = |table: &str, kind, to: &str, by: &str| {
        let found = relation::of(&resources[table].1).iter().find(|it| {
            let target = &resources[it.table].1;
            it.kind == kind && it.table == to && target.columns[it.by].name == by
        });
        found.unwrap_or_else(|| panic!("{table} lacks {to} by {by}"))
    };
    let mut declared = 0;
    for table in &contract.tables {
        for column in &table.columns {
            let (references, name) = (column.references.as_deref(), column.name.as_str());
            let Some(served) = resources[table.name.as_str()].1.column(name) else {
                // Only an enum has another name where it is served.
                assert_eq!(references, None, "{}.{name}", table.name);
                continue;
            };
            if column.pk {
                assert_eq!(served.references, None, "{}.{name}", table.name);
                if let Some(base) = references {
                    assert_eq!(resources[table.name.as_str()].1.base(), Some(base));
                    relation(base, relation::Kind::Subtype, &table.name, name);
                }
                continue;
            }
            assert_eq!(served.references, references, "{}.{name}", table.name);
            if let Some(parent) = references {
                let key = resources[parent].1.key().name;
                let parents = relation::of(&resources[table.name.as_str()].1).iter();
                let named = parents.filter(|it| Some(it.name.as_str()) == name.strip_suffix("_id"));
                let [named] = named.collect::<Vec<_>>()[..] else { panic!("{name}") };
                assert_eq!((named.table, named.kind), (parent, relation::Kind::Parent));
                assert_eq!(resources[parent].1.columns[named.by].name, key);
                relation(parent, relation::Kind::Children, &table.name, name);
                declared += 1;
            }
        }
    }
    assert_eq!(declared, 74);
}

#[tokio::test(flavor = "multi_thread")]
async fn served_columns_are_as_the_database_has_them() {
    let catalog = Catalog::read(&mut TestDb::new().await.connect().await).await;
    for (_, resource) in resources().values() {
        for column in &resource.columns {
            let stored = &catalog.tables[column.table];
            let made = stored.column(column.column).unwrap();
            assert_eq!(column.nullable, made.null, "{}", column.path());
            let mut keys = stored.foreign_keys.iter();
            let key = keys.find(|it| it.columns == [column.column.to_owned()]);
            let shared = column.name == resource.key().name;
            let parent = key.filter(|_| !shared).map(|it| it.references.as_str());
            assert_eq!(column.references, parent, "{}", column.path());
            let led = if column.prefix {
                stored.is_led_by_prefix_of(column.column)
            } else {
                stored.is_led_by(&[column.column.to_owned()])
            };
            assert_eq!(column.indexed, led, "whether {} is indexed", column.path());
            if let Type::Enum(texts) = column.ty {
                assert_eq!(texts, catalog.enums[&made.r#type], "{}", column.path());
            }
        }
    }
}

/// See `log_updates_of` in migration 30: it is to be called again for a table that got a column.
#[tokio::test(flavor = "multi_thread")]
async fn an_update_of_every_served_column_is_logged() {
    let mut connection = TestDb::new().await.connect().await;
    let sql =
        "select proname::text, prosrc from pg_proc where proname like 'log\\_update\\_of\\_%'";
    let rows: Vec<Row> = Statement::new(sql).load(&mut connection).await.unwrap();
    let functions: BTreeMap<_, _> = rows
        .into_iter()
        .map(|Row(values)| match <[Value; 2]>::try_from(values) {
            Ok([Value::Text(name), Value::Text(source)]) => (name, source),
            other => panic!("{other:?}"),
        })
        .collect();
    for (table, (_, resource)) in resources() {
        for column in &resource.columns {
            let function = functions[&format!("log_update_of_{}", column.table)].replace('"', "");
            // Whole words: `id` is not in `repo_id`.
            let is_compared = function
                .split(|c: char| !c.is_alphanumeric() && c != '_' && c != '.')
                .any(|word| word == format!("n.{}", column.column));
            assert!(is_compared, "{} in {function}", column.path());
        }
        if let Some(of_base) = resource.columns.iter().find(|column| column.table != table) {
            let function = &functions[&format!("log_update_of_{}", of_base.table)];
            assert!(function.contains(&format!("from {table} s ")), "{table} in {function}");
        }
    }
}

#[test]
fn resources_describe_themselves() {
    let resources = resources();
    let names: BTreeSet<_> = resources.values().map(|(_, resource)| resource.name).collect();
    assert_eq!(names.len(), resources.len(), "a name is used twice");
    for (_, resource) in resources.values() {
        assert!(!resource.doc.is_empty(), "{}", resource.name);
        let columns: BTreeSet<_> = resource.columns.iter().map(|column| column.name).collect();
        assert_eq!(columns.len(), resource.columns.len(), "{}", resource.name);
        for column in &resource.columns {
            assert!(!column.doc.is_empty(), "{}", column.path());
        }
        if let Some(time) = resource.time {
            let r#type = resource.column(time).unwrap().ty;
            assert!(matches!(r#type, Type::Timestamp | Type::Date), "{}.{time}", resource.name);
        } else {
            let timed = columns.contains("created_at");
            assert!(!timed, "{} has a time of its own", resource.name);
        }
    }
}

#[test]
fn addresses_need_their_scope() {
    for (_, resource) in resources().values() {
        let expected = if resource.table == "email" { "read:pii" } else { "read" };
        assert_eq!(resource.scope.to_string(), expected, "{}", resource.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_resource_can_be_selected() {
    let mut connection = TestDb::new().await.connect().await;
    for (_, resource) in resources().values() {
        let columns: Vec<_> = resource.columns.iter().map(Column::path).collect();
        let select = format!("select {} from {}", columns.join(", "), resource.from_clause());
        let rows: Vec<Row> = Statement::new(select).load(&mut connection).await.unwrap();
        assert!(rows.is_empty(), "{}", resource.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subtype_is_read_with_its_base() {
    let mut connection = TestDb::new().await.connect().await;
    let rows = "
        insert into identity (id, display_name) values (3, 'Jane Roe');
        insert into base_profile (id, identity_id, type) values (5, 3, 'github');
        insert into github_account (id, github_account_id, username, type)
        values (5, 9007199254740993, 'boostorg', 'organization');
        insert into github_repository (id, owner_account_id, repo_name) values (7, 5, 'json');
        insert into github_file (id, repo_id, filename) values (11, 7, 'include/boost/json.hpp');
        insert into boost_library_repository (id) values (7);
        insert into boost_library (id, repo_id, name) values (13, 7, 'JSON');
        insert into boost_file (id, library_id) values (11, 13)";
    connection.batch_execute(rows).await.unwrap();

    let account = github_account::table
        .inner_join(base_profile::table)
        .select(GitHubAccount::as_select())
        .first(&mut connection)
        .await
        .unwrap();
    assert_eq!((account.id, account.identity_id), (5, Some(3)));
    assert_eq!(account.github_account_id, IdText(9_007_199_254_740_993));
    assert_eq!(account.profile_type, ProfileType::GitHub);
    assert_eq!(account.account_type, GitHubAccountType::Organization);

    let file = boost_file::table
        .inner_join(github_file::table)
        .select(BoostFile::as_select())
        .first(&mut connection)
        .await
        .unwrap();
    assert_eq!((file.id, file.repo_id, file.library_id), (11, 7, 13));
    assert_eq!(file.filename, "include/boost/json.hpp");
}
