//! Rows for every served table, made from what the database says of itself.

use std::collections::{BTreeMap, BTreeSet};

use boost_dashboard::{
    db::{
        Connection,
        sql::{Row, Statement, Value},
    },
    domains,
};
use diesel_async::RunQueryDsl as _;

use crate::support::TestApp;

/// Rows a table is given.
pub(crate) const ROWS: usize = 13;

struct Column {
    name: String,
    ty: String,
    /// Whether the database numbers the rows.
    is_numbered: bool,
    is_nullable: bool,
    /// Whether a unique key has it, so that no two rows may share its value.
    is_distinct: bool,
    /// The table it refers to, and that table's key.
    parent: Option<(String, String)>,
}

/// Fills every served table: parents first, with duplicates and nulls wherever they are allowed.
pub(crate) async fn fill(app: &TestApp) {
    let mut connection = app.db().connect().await;
    let mut tables = describe(&mut connection).await;
    let mut filled = BTreeSet::new();
    while !tables.is_empty() {
        let is_ready = |columns: &Vec<Column>, table: &str| {
            let mut parents = columns.iter().filter_map(|column| column.parent.as_ref());
            parents.all(|(parent, _)| parent == table || filled.contains(parent))
        };
        let next = tables.iter().find(|(table, columns)| is_ready(columns, table));
        let table = next.map(|(table, _)| table.clone()).expect("foreign keys in a circle");
        let columns = tables.remove(&table).unwrap();
        let insert = Statement::new(insert(&table, &columns));
        insert.execute(&mut connection).await.unwrap();
        filled.insert(table);
    }
}

/// The columns of each served table.
async fn describe(connection: &mut Connection) -> BTreeMap<String, Vec<Column>> {
    let mut tables = BTreeMap::new();
    for resource in domains::all().iter().flat_map(|domain| &domain.resources) {
        let table = resource.table;
        let rows: Vec<Row> = Statement::new(format!(
            "select c.column_name::text, c.udt_name::text, c.is_nullable = 'YES',
                c.is_identity = 'YES',
                exists (select 1 from pg_index i
                    join pg_attribute a on a.attrelid = i.indrelid and a.attname = c.column_name
                    where i.indrelid = '{table}'::regclass and i.indisunique
                      and (a.attnum = any(i.indkey) or pg_get_indexdef(i.indexrelid) ~ ('\\m' || c.column_name || '\\M'))),
                (select f.relname::text from pg_constraint k join pg_class f on f.oid = k.confrelid
                    join pg_attribute a on a.attrelid = k.conrelid and k.conkey = array[a.attnum]
                    where k.conrelid = '{table}'::regclass and k.contype = 'f'
                      and a.attname = c.column_name)
             from information_schema.columns c
             where c.table_schema = 'public' and c.table_name = '{table}'
             order by c.ordinal_position"
        ))
        .load(connection)
        .await
        .unwrap();
        let columns = rows.into_iter().map(|Row(values)| column(values)).collect();
        tables.insert(table.to_owned(), columns);
    }
    tables
}

fn column(values: Vec<Value>) -> Column {
    let [Value::Text(name), Value::Text(ty), nullable, numbered, distinct, parent] =
        <[Value; 6]>::try_from(values).unwrap()
    else {
        panic!("a column without name and type")
    };
    let parent = match parent {
        Value::Text(parent) => {
            let key = match parent.as_str() {
                "youtube_channel" => "channel_id",
                "youtube_video" => "video_id",
                _ => "id",
            };
            Some((parent, key.to_owned()))
        }
        _ => None,
    };
    Column {
        name,
        ty,
        is_numbered: numbered == Value::Bool(true),
        is_nullable: nullable == Value::Bool(true),
        is_distinct: distinct == Value::Bool(true),
        parent,
    }
}

/// One statement that inserts [`ROWS`] rows.
fn insert(table: &str, columns: &[Column]) -> String {
    let columns: Vec<_> = columns
        .iter()
        // Hidden rows are shown otherwise than they are: see `people::hidden`.
        .filter(|column| {
            !column.is_numbered
                && !["previous_filename_id", "is_hidden"].contains(&column.name.as_str())
        })
        .collect();
    let names: Vec<_> = columns.iter().map(|column| format!("\"{}\"", column.name)).collect();
    let mut nullable = 0;
    let values: Vec<_> = columns
        .iter()
        .map(|column| {
            let value = value(column);
            if !column.is_nullable || column.is_distinct {
                return value;
            }
            nullable += 1;
            // A row may lack one column and have another, and some lack them all.
            format!("case when m is null or (n + {nullable}) % 7 < 2 then null else {value} end")
        })
        .collect();
    // `n` numbers the rows; `m` repeats, so that values do.
    format!(
        "insert into {table} ({}) select {} from \
         (select n, case when n % 5 = 4 then null else n % 4 end as m from \
          generate_series(0, {} - 1) n order by n * 7 % {ROWS}) rows",
        names.join(", "),
        values.join(", "),
        ROWS
    )
}

/// A column's value in row `n`, as SQL.
fn value(column: &Column) -> String {
    let number = if column.is_distinct { "n" } else { "coalesce(m, 0)" };
    match (&column.parent, column.ty.as_str()) {
        (Some((parent, key)), _) => {
            format!("(select {key} from {parent} order by {key} offset {number} limit 1)")
        }
        (None, "text") if column.name == "kind" => "'comment'".to_owned(),
        (None, "text") => format!("'{}_%' || chr(97 + {number}::int)", column.name),
        (None, "bool") => format!("{number} % 2 = 0"),
        (None, "int2" | "int4" | "int8") => format!("{number} * 3"),
        (None, "timestamptz") => {
            format!("'2024-02-28T23:00:00.5Z'::timestamptz + {number} * interval '90 minutes'")
        }
        (None, "date") => format!("date '2024-02-28' + {number}::int"),
        (None, "jsonb") => format!("jsonb_build_array({number}, 'ö \"x\"')"),
        (None, "bytea") => "''::bytea".to_owned(),
        (None, enumeration) => format!(
            "(enum_range(null::{enumeration}))[1 + {number}::int % \
             cardinality(enum_range(null::{enumeration}))]"
        ),
    }
}
