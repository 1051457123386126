//! All rows of a database as text, comparable between databases: surrogate ids are replaced by
//! natural keys, bookkeeping is left out. Everything is read off the catalogue, so a new table is
//! compared without a line here.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use tokio_postgres::{Client, NoTls};

/// The rows of each table, in order.
pub(crate) type Dump = BTreeMap<String, Vec<String>>;

/// Tables that hold what happened, not what is.
const INTERNAL: &[&str] = &[
    "__diesel_schema_migrations",
    "change_log",
    "dead_letter",
    "drift",
    "issued_token",
    "queued_request",
    "queued_scope",
    "receipt",
    "receipt_items",
    "revoked_token",
    // Some scopes are surrogate ids; what is derived of statements is compared.
    "statement",
    "tombstone",
];
/// Our clock and our numbers.
const BOOKKEEPING: &[&str] =
    &["created_at", "updated_at", "seen_at", "source_receipt", "source_item"];
/// Ids that are made here when they are negative.
const MADE: &[(&str, &str)] = &[("github_account", "github_account_id"), ("pull_request", "pr_id")];

/// Every row of every table that says something about the world.
pub(crate) async fn dump(url: &str) -> Dump {
    let (client, driver) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(driver);
    let catalogue = Catalogue::read(&client).await;
    let mut dump = Dump::new();
    for table in catalogue.columns.keys().filter(|table| !INTERNAL.contains(&table.as_str())) {
        let rows = client.query(&catalogue.rows(table), &[]).await.unwrap();
        dump.insert(table.clone(), rows.iter().map(|row| row.get(0)).collect());
    }
    dump
}

/// Fails with the first rows that differ, table by table.
#[track_caller]
pub(crate) fn assert_same(left: &Dump, right: &Dump) {
    let empty = Vec::new();
    let tables: BTreeSet<&String> = left.keys().chain(right.keys()).collect();
    let mut differences = Vec::new();
    for table in tables {
        let (a, b) = (left.get(table).unwrap_or(&empty), right.get(table).unwrap_or(&empty));
        if a != b {
            differences.push(format!("{table}: {} rows and {}", a.len(), b.len()));
            let only = |side: &str, rows: &[String], others: &[String]| -> Vec<String> {
                let rows = rows.iter().filter(|row| !others.contains(row)).take(2);
                rows.map(|row| format!("  only {side}: {row:.1500}")).collect()
            };
            differences.extend(only("left", a, b));
            differences.extend(only("right", b, a));
        }
    }
    assert!(differences.is_empty(), "the databases differ:\n{}", differences.join("\n"));
}

#[derive(Default)]
struct Catalogue {
    columns: BTreeMap<String, Vec<String>>,
    /// The table that a column points to.
    references: HashMap<(String, String), String>,
    /// The columns of a table's first unique key that is not its surrogate.
    keys: HashMap<String, Vec<String>>,
    /// The column of a table's primary key.
    primary: HashMap<String, String>,
}

impl Catalogue {
    async fn read(client: &Client) -> Self {
        let mut catalogue = Self::default();
        let columns = "select table_name::text, column_name::text from information_schema.columns \
            where table_schema = 'public' order by 1, ordinal_position";
        for row in client.query(columns, &[]).await.unwrap() {
            catalogue.columns.entry(row.get(0)).or_default().push(row.get(1));
        }
        let references = "select conrelid::regclass::text, a.attname::text, confrelid::regclass::text \
            from pg_constraint join pg_attribute a on a.attrelid = conrelid and a.attnum = conkey[1] \
            where contype = 'f' and array_length(conkey, 1) = 1";
        for row in client.query(references, &[]).await.unwrap() {
            catalogue.references.insert((row.get(0), row.get(1)), row.get(2));
        }
        // Keys over expressions and over some of the rows are none.
        let keys = "select indrelid::regclass::text, (select array_agg(a.attname::text order by n) \
            from unnest(indkey) with ordinality k(num, n) \
            join pg_attribute a on a.attrelid = indrelid and a.attnum = k.num) \
            from pg_index where indisunique and not indisprimary and indpred is null \
            and indexprs is null and indrelid::regclass::text !~ '^pg_' \
            order by indrelid, indexrelid desc";
        for row in client.query(keys, &[]).await.unwrap() {
            catalogue.keys.insert(row.get(0), row.get(1));
        }
        let primary = "select conrelid::regclass::text, a.attname::text from pg_constraint \
            join pg_attribute a on a.attrelid = conrelid and a.attnum = conkey[1] \
            where contype = 'p' and conrelid::regclass::text !~ '^pg_'";
        for row in client.query(primary, &[]).await.unwrap() {
            catalogue.primary.insert(row.get(0), row.get(1));
        }
        catalogue
    }

    fn rows(&self, table: &str) -> String {
        let is_ours = |column: &str| column == "id" || BOOKKEEPING.contains(&column);
        let columns = self.columns[table].iter().filter(|column| !is_ours(column));
        let values: Vec<String> = columns
            .map(|column| match self.references.get(&(table.to_owned(), column.clone())) {
                Some(target) => format!("'{column}', {}", self.key_behind(target, "t", column)),
                None if MADE.contains(&(table, column)) => {
                    format!("'{column}', case when t.{column} > 0 then t.{column} end")
                }
                None => format!("'{column}', t.{column}"),
            })
            .collect();
        let key = self.key(table, "t");
        let row = format!("jsonb_build_object({})::text", values.join(", "));
        format!("select concat({key}, ' ', {row}) collate \"C\" from {table} t order by 1")
    }

    /// The natural key of the row that `alias.column` points to.
    fn key_behind(&self, table: &str, alias: &str, column: &str) -> String {
        let inner = format!("{alias}_");
        let (key, id) = (self.key(table, &inner), &self.primary[table]);
        format!("(select {key} from {table} {inner} where {inner}.{id} = {alias}.{column})")
    }

    /// The natural key of a row, as an expression.
    fn key(&self, table: &str, alias: &str) -> String {
        match table {
            "base_profile" => {
                let mut subtypes: Vec<&String> = self
                    .references
                    .iter()
                    .filter(|((_, column), target)| column == "id" && *target == table)
                    .map(|((subtype, _), _)| subtype)
                    .collect();
                subtypes.sort();
                let keys = subtypes.iter().map(|subtype| self.key_behind(subtype, alias, "id"));
                return format!("coalesce({}, '')", keys.collect::<Vec<_>>().join(", "));
            }
            "github_account" => {
                return format!(
                    "coalesce(case when {alias}.github_account_id > 0 \
                     then {alias}.github_account_id::text end, {alias}.stub_key)"
                );
            }
            // Its first key is an id that may be made here.
            "pull_request" => {
                let repo = self.key_behind("github_repository", alias, "repo_id");
                return format!("concat_ws('/', {repo}, {alias}.pr_number)");
            }
            _ => {}
        }
        let own = vec![self.primary[table].clone()];
        let columns = self.keys.get(table).unwrap_or(&own).iter().map(|column| {
            match self.references.get(&(table.to_owned(), column.clone())) {
                Some(target) => self.key_behind(target, alias, column),
                None if column == "id" => "''".to_owned(),
                None => format!("{alias}.{column}::text"),
            }
        });
        format!("concat_ws('/', {})", columns.collect::<Vec<_>>().join(", "))
    }
}
