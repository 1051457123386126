//! What an operation sees: rows, each locked before it is looked at, and what is to become of them.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use diesel::QueryResult;
use diesel_async::RunQueryDsl;
use serde_json::{Value as Json, json};

use super::{
    changes::{self, Changes, Image, Table, flag, integer},
    redirect,
};
use crate::{
    db::{
        Connection,
        sql::{Row, SqlType, Statement, Value},
    },
    domains::users::named::NAMES,
    http::problem::{Fault, Problem},
    ingest::failed,
};

/// Why an operation was not done.
#[derive(Debug)]
pub enum Stop {
    /// It is refused.
    Refused(Problem),
    /// A profile was moved while it was looked up: begin again.
    Race,
    /// The database failed.
    Database(diesel::result::Error),
}

impl Stop {
    /// Whether it may succeed when it is tried again.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Refused(_) => false,
            Self::Race => true,
            Self::Database(error) => failed::lost_a_race(error),
        }
    }
}

impl From<Problem> for Stop {
    fn from(problem: Problem) -> Self {
        Self::Refused(problem)
    }
}

impl From<diesel::result::Error> for Stop {
    fn from(error: diesel::result::Error) -> Self {
        Self::Database(error)
    }
}

/// Where a request names a row: that is said of one that is missing.
#[derive(Debug, Clone, Copy)]
pub enum At<'a> {
    /// In its path: 404.
    Path,
    /// In this member of its body: 422.
    Member(&'a str),
    /// In this element of a list of its body: 422.
    Element(&'a str, usize),
    /// Nowhere: it was looked up.
    Nowhere,
}

impl At<'_> {
    /// What the request names is not there, or not as it has to be.
    pub fn refuse(self, code: &'static str, detail: String) -> Problem {
        use axum::http::StatusCode;
        match self {
            At::Path => return Problem::not_found(detail),
            At::Nowhere => return Problem::conflict(code, detail),
            At::Member(_) | At::Element(..) => {}
        }
        let fault = self.fault(code, detail.clone());
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail).with(fault)
    }

    /// A fault that says where.
    fn fault(self, code: &'static str, detail: String) -> Fault {
        match self {
            At::Path | At::Nowhere => Fault::parameter("id", code, detail),
            At::Member(name) => Fault::pointer(format!("/{name}"), code, detail),
            At::Element(name, index) => Fault::pointer(format!("/{name}/{index}"), code, detail),
        }
    }
}

/// What an operation sees, and what it does.
#[expect(missing_debug_implementations, reason = "a connection has none")]
pub struct World<'a> {
    /// The connection, inside the transaction.
    pub conn: &'a mut Connection,
    /// The time now.
    pub now: DateTime<Utc>,
    /// What the operation does.
    pub changes: Changes,
    /// The identities that are held.
    held: BTreeMap<i64, Image>,
}

impl<'a> World<'a> {
    /// A world in which nothing is held.
    pub fn new(conn: &'a mut Connection, now: DateTime<Utc>) -> Self {
        Self { conn, now, changes: Changes::default(), held: BTreeMap::new() }
    }

    /// Holds identities until the transaction ends. Called first and once, so that all operations
    /// take them in one order.
    pub async fn hold(&mut self, ids: impl IntoIterator<Item = i64>) -> Result<(), Stop> {
        let ids: BTreeSet<i64> = ids.into_iter().collect();
        if !ids.is_empty() {
            self.held = changes::read(self.conn, Table::Identity, "id", ids, "for update").await?;
        }
        Ok(())
    }

    /// Whether there is such an identity, held.
    pub fn is_held(&self, id: i64) -> bool {
        self.held.contains_key(&id)
    }

    /// Whether an identity that is held is hidden.
    pub fn is_hidden(&self, id: i64) -> bool {
        self.held.get(&id).is_some_and(|image| flag(image, "is_hidden"))
    }

    /// Whether any of these profiles belongs to a hidden identity.
    pub fn any_is_hidden(&self, profiles: &[Image]) -> bool {
        profiles.iter().filter_map(|row| integer(row, "identity_id")).any(|id| self.is_hidden(id))
    }

    /// An identity that is held, or why it is not there.
    pub async fn identity(&mut self, id: i64, at: At<'_>) -> Result<Image, Stop> {
        if let Some(image) = self.held.get(&id) {
            return Ok(image.clone());
        }
        Err(match redirect::survivor(self.conn, id).await? {
            Some(survivor) => {
                let detail =
                    format!("Identity {id} was merged away; identity {survivor} is what is left.");
                let mut fault = at.fault("merged_away", detail.clone());
                fault.suggestion = Some(survivor.to_string());
                Problem::conflict("merged_away", detail).with(fault)
            }
            None => at.refuse("no_such_identity", format!("There is no identity {id}.")),
        }
        .into())
    }

    /// An identity that is held and may be merged.
    pub async fn mergeable(&mut self, id: i64, at: At<'_>) -> Result<Image, Stop> {
        let image = self.identity(id, at).await?;
        if flag(&image, "is_locked") {
            let detail = format!("Identity {id} is locked: it is never merged.");
            return Err(Problem::conflict("identity_locked", detail).into());
        }
        Ok(image)
    }

    /// The identities that profiles belong to, as far as can be told without a lock.
    pub async fn homes(&mut self, profiles: &[i64]) -> QueryResult<BTreeSet<i64>> {
        let ids = profiles.iter().copied();
        let rows = changes::read(self.conn, Table::BaseProfile, "id", ids, "").await?;
        Ok(rows.values().filter_map(|row| integer(row, "identity_id")).collect())
    }

    /// Profiles by id, held; each as an element of `list`. Where they belong is held as well, or the
    /// transaction begins again.
    pub async fn profiles(
        &mut self,
        ids: &[i64],
        at: impl Fn(usize) -> At<'static>,
    ) -> Result<Vec<Image>, Stop> {
        let lock = "for no key update";
        let all = ids.iter().copied();
        let rows = changes::read(self.conn, Table::BaseProfile, "id", all, lock).await?;
        let mut found = Vec::with_capacity(ids.len());
        for (index, id) in ids.iter().enumerate() {
            let Some(row) = rows.get(id) else {
                let detail = format!("There is no profile {id}.");
                return Err(at(index).refuse("no_such_profile", detail).into());
            };
            let home = integer(row, "identity_id");
            if home.is_some_and(|home| !self.held.contains_key(&home)) {
                return Err(Stop::Race);
            }
            found.push(row.clone());
        }
        Ok(found)
    }

    /// The profiles of identities that are held.
    pub async fn members(&mut self, identities: &[i64]) -> QueryResult<Vec<Image>> {
        let (ids, lock) = (identities.iter().copied(), "for no key update");
        let rows = changes::read(self.conn, Table::BaseProfile, "identity_id", ids, lock).await?;
        Ok(rows.into_values().collect())
    }

    /// Moves a profile to an identity, or to none.
    pub fn assign(&mut self, profile: &Image, to: Option<i64>) {
        if self.changes.change(Table::BaseProfile, profile, [("identity_id", json!(to))]) {
            let homes = integer(profile, "identity_id").into_iter().chain(to);
            homes.for_each(|home| self.changes.rely_on(Table::Identity, home));
        }
    }

    /// Moves profiles to an identity, or to none.
    pub fn assign_all(&mut self, profiles: &[Image], to: Option<i64>) {
        for profile in profiles {
            self.assign(profile, to);
        }
    }

    /// Makes a row of a table that has a sequence; gives its id.
    pub async fn make(&mut self, table: Table, mut image: Json) -> QueryResult<i64> {
        let sequence = format!("select nextval(pg_get_serial_sequence('{}', 'id'))", table.name());
        let row: Row = Statement::new(sequence).get_result(self.conn).await?;
        let [Value::BigInt(id)] = row.0[..] else {
            return Err(diesel::result::Error::NotFound);
        };
        for time in ["created_at", "updated_at"] {
            image[time] = json!(self.now);
        }
        if let Json::Object(image) = image {
            self.changes.make(table, id, image);
        }
        Ok(id)
    }

    /// Changes columns of a row, and when it was changed.
    pub fn edit<'c>(
        &mut self,
        table: Table,
        row: &Image,
        columns: impl IntoIterator<Item = (&'c str, Json)>,
    ) {
        let columns: Vec<_> = columns.into_iter().collect();
        if self.changes.change(table, row, columns.clone()) {
            let touched = ("updated_at", json!(self.now));
            self.changes.change(table, row, columns.into_iter().chain([touched]));
        }
    }

    /// What profiles are called on their platforms.
    pub async fn names(&mut self, profiles: &[i64]) -> QueryResult<Vec<String>> {
        let mut statement = Statement::new(
            "select coalesce(nullif(named.display_name, ''), named.username) \
             from base_profile profile",
        );
        statement.push(NAMES).push(" where profile.id = any(");
        statement.bind_all(SqlType::BigInt, profiles.iter().copied().map(Value::BigInt));
        statement.push(") order by profile.id");
        let rows: Vec<Row> = statement.load(self.conn).await?;
        Ok(rows
            .into_iter()
            .filter_map(|Row(values)| match values.into_iter().next() {
                Some(Value::Text(name)) if !name.is_empty() => Some(name),
                _ => None,
            })
            .collect())
    }
}

/// A list without what is in it twice.
pub fn distinct(ids: &[i64]) -> Vec<i64> {
    let mut seen = BTreeSet::new();
    ids.iter().copied().filter(|id| seen.insert(*id)).collect()
}
