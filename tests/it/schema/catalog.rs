//! What PostgreSQL's catalogue says about a database.

use std::collections::{BTreeMap, BTreeSet};

use boost_dashboard::db::{
    Connection,
    sql::{Row, Statement, Value},
};
use diesel_async::RunQueryDsl as _;

/// The tables and the native enums of a database.
pub(super) struct Catalog {
    pub(super) tables: BTreeMap<String, Table>,
    pub(super) enums: BTreeMap<String, Vec<String>>,
}

#[derive(Default)]
pub(super) struct Table {
    /// In the order they were made.
    pub(super) columns: Vec<Column>,
    pub(super) primary_key: Vec<String>,
    pub(super) foreign_keys: Vec<ForeignKey>,
    pub(super) indexes: Vec<Index>,
}

pub(super) struct Column {
    pub(super) name: String,
    pub(super) r#type: String,
    pub(super) null: bool,
    pub(super) identity: bool,
}

pub(super) struct ForeignKey {
    pub(super) columns: Vec<String>,
    pub(super) references: String,
    pub(super) on_delete: String,
}

/// A B-tree index; every index here is one, but for those of prose, which are left out.
pub(super) struct Index {
    /// What it is ordered by: plain columns by name, expressions as PostgreSQL prints them.
    pub(super) keys: Vec<String>,
    pub(super) unique: bool,
    /// The condition of a partial index.
    pub(super) condition: String,
}

impl Table {
    pub(super) fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// Whether an index of all rows is ordered by these columns first.
    pub(super) fn is_led_by(&self, columns: &[String]) -> bool {
        self.indexes
            .iter()
            .any(|index| index.condition.is_empty() && index.keys.starts_with(columns))
    }

    /// Whether an index of all rows is ordered by the beginning of this text column first.
    pub(super) fn is_led_by_prefix_of(&self, column: &str) -> bool {
        let prefix = format!("\"left\"({column}, 200)");
        self.indexes.iter().any(|index| index.condition.is_empty() && index.keys[0] == prefix)
    }
}

const COLUMNS: &str = "
    select c.relname, a.attname, format_type(a.atttypid, a.atttypmod),
        (not a.attnotnull)::text, (a.attidentity <> '')::text
    from pg_attribute a join pg_class c on c.oid = a.attrelid
    where c.relnamespace = 'public'::regnamespace and c.relkind = 'r'
        and a.attnum > 0 and not a.attisdropped and c.relname not like '\\_\\_%'
    order by c.relname, a.attnum";

const FOREIGN_KEYS: &str = "
    select c.relname, p.relname,
        case f.confdeltype when 'c' then 'CASCADE' when 'n' then 'SET NULL' else 'other' end,
        (select string_agg(a.attname, ',' order by k.place)
         from unnest(f.conkey) with ordinality k (number, place)
         join pg_attribute a on a.attrelid = f.conrelid and a.attnum = k.number)
    from pg_constraint f
    join pg_class c on c.oid = f.conrelid join pg_class p on p.oid = f.confrelid
    where f.contype = 'f' and c.relnamespace = 'public'::regnamespace
    order by c.relname, f.conname";

const INDEXES: &str = "
    select c.relname, i.indisprimary::text, i.indisunique::text,
        coalesce(pg_get_expr(i.indpred, i.indrelid), ''), m.amname,
        (select string_agg(pg_get_indexdef(i.indexrelid, n, true), chr(31) order by n)
         from generate_series(1, i.indnkeyatts) n)
    from pg_index i
    join pg_class c on c.oid = i.indrelid join pg_class x on x.oid = i.indexrelid
    join pg_am m on m.oid = x.relam
    where c.relnamespace = 'public'::regnamespace and c.relname not like '\\_\\_%'
    order by c.relname, x.relname";

const ENUMS: &str = "
    select t.typname, e.enumlabel::text
    from pg_enum e join pg_type t on t.oid = e.enumtypid
    order by t.typname, e.enumsortorder";

impl Catalog {
    pub(super) async fn read(connection: &mut Connection) -> Self {
        let mut tables: BTreeMap<String, Table> = BTreeMap::new();
        for [table, name, r#type, null, identity] in texts(connection, COLUMNS).await {
            let r#type = r#type.replace("timestamp with time zone", "timestamptz");
            let (null, identity) = (null == "true", identity == "true");
            tables.entry(table).or_default().columns.push(Column { name, r#type, null, identity });
        }
        for [table, references, on_delete, columns] in texts(connection, FOREIGN_KEYS).await {
            let columns = columns.split(',').map(ToOwned::to_owned).collect();
            let key = ForeignKey { columns, references, on_delete };
            tables.get_mut(&table).unwrap().foreign_keys.push(key);
        }
        for [table, primary, unique, condition, method, keys] in texts(connection, INDEXES).await {
            // What is searched by its words has no order.
            if method == "gin" && keys.contains("to_tsvector") {
                continue;
            }
            assert_eq!(method, "btree", "an index of {table}");
            let keys: Vec<_> = keys.split('\u{1f}').map(ToOwned::to_owned).collect();
            let table = tables.get_mut(&table).unwrap();
            if primary == "true" {
                table.primary_key.clone_from(&keys);
            }
            table.indexes.push(Index { keys, unique: unique == "true", condition });
        }
        let mut enums: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for [name, text] in texts(connection, ENUMS).await {
            enums.entry(name).or_default().push(text);
        }
        Self { tables, enums }
    }
}

/// Everything a migration can make, one line each, as PostgreSQL would make it again.
const EVERYTHING: &str = "
    with own as (
        select oid, relname, relkind from pg_class
        where relnamespace = 'public'::regnamespace and relname not like '\\_\\_%')
    select format('%s %s.%s %s %s %s %s', o.relkind, o.relname, a.attname,
        format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity,
        pg_get_expr(d.adbin, d.adrelid))
    from own o join pg_attribute a on a.attrelid = o.oid and a.attnum > 0 and not a.attisdropped
    left join pg_attrdef d on d.adrelid = o.oid and d.adnum = a.attnum
    where o.relkind in ('r', 'v', 'm', 'p')
    union all
    select format('constraint %s of %s: %s', c.conname, c.conrelid::regclass,
        pg_get_constraintdef(c.oid))
    from pg_constraint c join own o on o.oid = c.conrelid
    union all
    select pg_get_indexdef(i.indexrelid) from pg_index i join own o on o.oid = i.indrelid
    union all
    select format('sequence %s', to_jsonb(s)) from pg_sequences s where schemaname = 'public'
    union all
    select format('enum %s: %s', t.typname, string_agg(e.enumlabel, ',' order by e.enumsortorder))
    from pg_type t join pg_enum e on e.enumtypid = t.oid group by t.typname
    union all
    select pg_get_functiondef(p.oid) from pg_proc p
    where p.pronamespace = 'public'::regnamespace and p.prokind in ('f', 'p')
    union all
    select pg_get_triggerdef(t.oid) from pg_trigger t where not t.tgisinternal
    union all
    select format('view %s.%s: %s', schemaname, viewname, definition) from pg_views
    where schemaname not in ('pg_catalog', 'information_schema')
    union all
    select format('extension %s', extname) from pg_extension";

/// Everything in the database, for comparing it with itself at another time.
pub(super) async fn everything(connection: &mut Connection) -> BTreeSet<String> {
    texts(connection, EVERYTHING).await.into_iter().map(|[line]| line).collect()
}

/// The rows of a query of text columns.
pub(super) async fn texts<const N: usize>(
    connection: &mut Connection,
    query: &str,
) -> Vec<[String; N]> {
    let rows: Vec<Row> = Statement::new(query).load(connection).await.unwrap();
    rows.into_iter()
        .map(|Row(values)| {
            let texts: Vec<_> = values
                .into_iter()
                .map(|value| match value {
                    Value::Text(text) => text,
                    other => panic!("{other:?} is no text in {query}"),
                })
                .collect();
            texts.try_into().unwrap()
        })
        .collect()
}
