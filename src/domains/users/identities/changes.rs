//! What an operation does, row by row, as images before and after.

use std::collections::{BTreeMap, BTreeSet};

use diesel::QueryResult;
use diesel_async::RunQueryDsl;
use serde_json::{Map, Value as Json};

use super::world::Stop;
use crate::{
    db::{
        Connection,
        sql::{Json as Jsonb, Row, SqlType, Statement, Value},
    },
    http::problem::Problem,
    ingest::given::Given,
};

/// A row, or some columns of it, as `to_jsonb` has them.
pub type Image = Map<String, Json>;

/// A table that operations write, parents first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "each variant is the table of its name")]
pub enum Table {
    Identity,
    TmpIdentity,
    BaseProfile,
    Email,
    Relation,
    Redirect,
    Suggestion,
}

impl Table {
    /// Every table that operations write.
    pub const ALL: [Self; 7] = [
        Self::Identity,
        Self::TmpIdentity,
        Self::BaseProfile,
        Self::Email,
        Self::Relation,
        Self::Redirect,
        Self::Suggestion,
    ];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::TmpIdentity => "tmp_identity",
            Self::BaseProfile => "base_profile",
            Self::Email => "email",
            Self::Relation => "temp_profile_identity_relation",
            Self::Redirect => "identity_redirect",
            Self::Suggestion => "identity_suggestion",
        }
    }

    /// The table of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|table| table.name() == name)
    }

    /// The columns that operations write besides `id`.
    const fn columns(self) -> &'static str {
        match self {
            Self::Identity => {
                "display_name, description, created_at, updated_at, is_locked, is_hidden"
            }
            Self::TmpIdentity => "display_name, description, created_at, updated_at",
            Self::BaseProfile => "identity_id",
            Self::Email => {
                "base_profile_id, email, is_primary, is_active, created_at, updated_at, \
                 email_lower, last_seen_at, is_manual"
            }
            Self::Relation => "base_profile_id, target_identity_id, created_at, updated_at",
            Self::Redirect => "target_id",
            Self::Suggestion => "status, updated_at",
        }
    }

    /// The same, of the row `r`.
    fn columns_of_r(self) -> String {
        let columns = self.columns().split(", ").map(|column| match column {
            // Images from before the column was there lack it.
            "is_hidden" => "coalesce(r.is_hidden, false)".to_owned(),
            column => format!("r.{column}"),
        });
        columns.collect::<Vec<_>>().join(", ")
    }
}

/// A row of a table.
pub type Key = (Table, i64);

/// What becomes of a row.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// It did not exist.
    Made(Image),
    /// Some of its columns differ: as they were, as they are.
    Changed(Image, Image),
    /// It no longer exists.
    Ended(Image),
}

/// What an operation does.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Changes {
    /// The rows it writes.
    pub rows: BTreeMap<Key, Change>,
    /// The rows it relies on.
    pub used: BTreeSet<Key>,
}

impl Changes {
    /// A row is made.
    pub fn make(&mut self, table: Table, id: i64, mut image: Image) {
        image.insert("id".to_owned(), id.into());
        self.rows.insert((table, id), Change::Made(image));
    }

    /// A row ends.
    pub fn end(&mut self, table: Table, id: i64, image: &Image) {
        self.rows.insert((table, id), Change::Ended(image.clone()));
    }

    /// Some columns of a row change; says whether any does.
    pub fn change<'a>(
        &mut self,
        table: Table,
        row: &Image,
        columns: impl IntoIterator<Item = (&'a str, Json)>,
    ) -> bool {
        let (mut before, mut after) = (Image::new(), Image::new());
        for (column, new) in columns {
            let old = row.get(column).cloned().unwrap_or_default();
            if old != new {
                before.insert(column.to_owned(), old);
                after.insert(column.to_owned(), new);
            }
        }
        let differs = !after.is_empty();
        if let (true, Some(id)) = (differs, integer(row, "id")) {
            self.rows.insert((table, id), Change::Changed(before, after));
        }
        differs
    }

    /// A row must be there, before and after.
    pub fn rely_on(&mut self, table: Table, id: i64) {
        self.used.insert((table, id));
    }

    /// The rows it has to do with.
    pub fn keys(&self) -> impl Iterator<Item = Key> {
        self.rows.keys().chain(&self.used).copied()
    }

    /// What takes this back.
    #[must_use]
    pub fn inverse(self) -> Self {
        let rows = self.rows.into_iter().map(|(key, change)| {
            let inverse = match change {
                Change::Made(image) => Change::Ended(image),
                Change::Changed(before, after) => Change::Changed(after, before),
                Change::Ended(image) => Change::Made(image),
            };
            (key, inverse)
        });
        Self { rows: rows.collect(), used: self.used }
    }

    /// Writes them: what is made parents first, what ends children first. Afterwards the images are
    /// those that the database has.
    pub async fn write(&mut self, conn: &mut Connection) -> Result<(), Stop> {
        for table in Table::ALL {
            self.insert(table, conn).await?;
            self.update(table, conn).await?;
        }
        for table in Table::ALL.into_iter().rev() {
            self.delete(table, conn).await?;
        }
        Ok(())
    }

    async fn insert(&mut self, table: Table, conn: &mut Connection) -> Result<(), Stop> {
        let images: Vec<Value> = self
            .of(table)
            .filter_map(|(_, change)| match change {
                Change::Made(image) => Some(json(image)),
                _ => None,
            })
            .collect();
        if images.is_empty() {
            return Ok(());
        }
        let mut statement = Statement::new(format!(
            "insert into {0} as t (id, {1}) select r.id, {2} from unnest(",
            table.name(),
            table.columns(),
            table.columns_of_r(),
        ));
        statement.bind_all(SqlType::Jsonb, images).push(&format!(
            ") u(image), jsonb_populate_record(null::{}, u.image) r returning t.id, to_jsonb(t)",
            table.name()
        ));
        self.keep(table, statement.load(conn).await?);
        Ok(())
    }

    async fn update(&mut self, table: Table, conn: &mut Connection) -> Result<(), Stop> {
        let changed: Vec<(i64, Value, Value)> = self
            .of(table)
            .filter_map(|(id, change)| match change {
                Change::Changed(before, after) => Some((id, json(before), json(after))),
                _ => None,
            })
            .collect();
        if changed.is_empty() {
            return Ok(());
        }
        let expected = changed.len();
        let before = format!(
            "update {} t set ({}) = (select {} from jsonb_populate_record(t, u.after) r) from",
            table.name(),
            table.columns(),
            table.columns_of_r(),
        );
        let statement = Given::default()
            .ids("id", changed.iter().map(|(id, ..)| *id))
            .with("before", SqlType::Jsonb, changed.iter().map(|(_, before, _)| before.clone()))
            .with("after", SqlType::Jsonb, changed.iter().map(|(.., after)| after.clone()))
            .statement(
                &before,
                "where t.id = u.id and to_jsonb(t) @> u.before returning t.id, to_jsonb(t)",
            );
        let rows: Vec<Row> = statement.load(conn).await?;
        let written = rows.len();
        self.keep(table, rows);
        if written == expected { Ok(()) } else { Err(self.changed_since(table)) }
    }

    async fn delete(&self, table: Table, conn: &mut Connection) -> Result<(), Stop> {
        let ended: Vec<(i64, Value)> = self
            .of(table)
            .filter_map(|(id, change)| match change {
                Change::Ended(image) => Some((id, json(image))),
                _ => None,
            })
            .collect();
        if ended.is_empty() {
            return Ok(());
        }
        let statement = Given::default()
            .ids("id", ended.iter().map(|(id, _)| *id))
            .with("image", SqlType::Jsonb, ended.iter().map(|(_, image)| image.clone()))
            .statement(
                &format!("delete from {} t using", table.name()),
                "where t.id = u.id and to_jsonb(t) @> u.image",
            );
        let deleted = statement.execute(conn).await?;
        if deleted == ended.len() { Ok(()) } else { Err(self.changed_since(table)) }
    }

    fn of(&self, table: Table) -> impl Iterator<Item = (i64, &Change)> {
        self.rows
            .range((table, i64::MIN)..=(table, i64::MAX))
            .map(|((_, id), change)| (*id, change))
    }

    /// Keeps the images as the database writes them: times have one spelling there.
    fn keep(&mut self, table: Table, rows: Vec<Row>) {
        for (id, stored) in images(rows) {
            match self.rows.get_mut(&(table, id)) {
                Some(Change::Made(image)) => *image = stored,
                Some(Change::Changed(_, after)) => {
                    for (column, value) in after.iter_mut() {
                        *value = stored.get(column).cloned().unwrap_or_default();
                    }
                }
                _ => {}
            }
        }
    }

    /// A row is not as it was left, or gone: only ingest, or a hand in the database, does that.
    fn changed_since(&self, table: Table) -> Stop {
        let rows: Vec<String> = self.of(table).take(10).map(|(id, _)| id.to_string()).collect();
        let detail = format!(
            "Something besides identity operations has changed one of the rows {} of `{}` since.",
            rows.join(", "),
            table.name()
        );
        Problem::conflict("changed_since", detail).into()
    }
}

/// The images of rows, locked as `lock` says, of which `column` is one of `ids`; by id, in order.
pub async fn read(
    conn: &mut Connection,
    table: Table,
    column: &str,
    ids: impl IntoIterator<Item = i64>,
    lock: &str,
) -> QueryResult<BTreeMap<i64, Image>> {
    let mut statement = Statement::new(format!(
        "select t.id, to_jsonb(t) from {} t where t.{column} = any(",
        table.name()
    ));
    statement.bind_all(SqlType::BigInt, ids.into_iter().map(Value::BigInt));
    statement.push(") order by t.id ").push(lock);
    Ok(images(statement.load(conn).await?))
}

fn images(rows: Vec<Row>) -> BTreeMap<i64, Image> {
    rows.into_iter()
        .filter_map(|Row(values)| match <[Value; 2]>::try_from(values) {
            Ok([Value::BigInt(id), Value::Jsonb(Jsonb(Json::Object(image)))]) => Some((id, image)),
            _ => None,
        })
        .collect()
}

fn json(image: &Image) -> Value {
    Value::Jsonb(Jsonb(Json::Object(image.clone())))
}

/// A number of an image.
pub fn integer(image: &Image, column: &str) -> Option<i64> {
    image.get(column).and_then(Json::as_i64)
}

/// A flag of an image.
pub fn flag(image: &Image, column: &str) -> bool {
    image.get(column).and_then(Json::as_bool).unwrap_or_default()
}

/// A text of an image.
pub fn text<'a>(image: &'a Image, column: &str) -> &'a str {
    image.get(column).and_then(Json::as_str).unwrap_or_default()
}
