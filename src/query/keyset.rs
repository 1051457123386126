//! Lists whose rows are no table's: a domain's own SQL, answered and paged as a table's list is.
//!
//! A domain writes a row type and the SQL of all its rows; a [`Paging`] puts the cursor's condition,
//! the order and the limit around it. Cursors are bound to the request's own path and parameters.

use std::{borrow::Cow, sync::LazyLock};

use axum::{
    http::{Uri, header},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use diesel::{
    deserialize::{self, QueryableByName},
    pg::Pg,
    row::NamedRow,
    sql_types::Text,
};
use diesel_async::RunQueryDsl;
use serde::Serialize;
use serde_json::Value as Json;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{RefOr, Schema},
};

use super::{
    answer::{next_link, without_cursor},
    cursor,
    docs::schema::envelope,
    shapes::Shapes,
    value,
};
use crate::{
    app::App,
    db::sql::{SqlType, Statement, Value},
    http::{
        extract::{decoded, percent_decoded},
        json,
        problem::{Fault, Problem, Result},
    },
};

/// The statements of all such lists that are kept prepared.
static SHAPES: LazyLock<Shapes> = LazyLock::new(Shapes::default);

/// A key of an order: an SQL expression over the row `listed`, never null, and its type.
#[derive(Debug, Clone, Copy)]
pub struct Key(pub &'static str, pub SqlType);

/// The order of a list. No two rows have all keys in common.
#[derive(Debug, Clone, Copy)]
pub struct Order {
    /// The keys, the leading one first.
    pub keys: &'static [Key],
    /// Greatest first, in every key.
    pub descending: bool,
}

impl Order {
    /// By these keys, least first.
    pub const fn ascending(keys: &'static [Key]) -> Self {
        Self { keys, descending: false }
    }

    /// By these keys, greatest first.
    pub const fn descending(keys: &'static [Key]) -> Self {
        Self { keys, descending: true }
    }

    fn keys(&self, separator: &str) -> String {
        self.keys.iter().map(|key| key.0).collect::<Vec<_>>().join(separator)
    }
}

/// A page of a list, before it is read.
#[derive(Debug)]
pub struct Paging<'a> {
    uri: &'a Uri,
    order: Order,
    /// Rows on the page.
    pub limit: usize,
    /// The keys of the last row of the page before.
    pub after: Option<Vec<Value>>,
}

impl<'a> Paging<'a> {
    /// Reads `limit` and `cursor`, as the request at `uri` has them.
    pub fn read(
        uri: &'a Uri,
        order: Order,
        limit: Option<usize>,
        cursor: Option<&str>,
    ) -> Result<Self> {
        let limit = value::limit(limit).map_err(|fault| Problem::invalid(vec![fault]))?;
        let after = match cursor {
            None => None,
            Some(cursor) => Some(open(uri, &order, cursor).ok_or_else(|| {
                let detail = "The cursor is damaged, or was given for another list or other \
                              parameters. Begin again without a cursor.";
                Problem::invalid(vec![Fault::parameter("cursor", "invalid_cursor", detail)])
            })?),
        };
        Ok(Self { uri, order, limit, after })
    }

    /// Answers with the page of `rows`, which are all rows of the list.
    pub async fn answer<T>(&self, app: &App, rows: Statement) -> Result<Response>
    where
        T: QueryableByName<Pg> + Serialize + Send + 'static,
    {
        let rows = self.load::<T>(app, rows).await?;
        Ok(self.respond(app, rows))
    }

    /// Reads the page of `rows`, and one row more if there is a next one.
    pub async fn load<T>(&self, app: &App, rows: Statement) -> Result<Vec<Keyed<T>>>
    where
        T: QueryableByName<Pg> + Send + 'static,
    {
        let mut connection = app.reader().await?;
        let rows = SHAPES.mark(self.statement(rows)).load(&mut connection).await?;
        connection.rest();
        Ok(rows)
    }

    /// Answers with rows that [`Self::load`] read.
    pub fn respond<T: Serialize>(&self, app: &App, mut rows: Vec<Keyed<T>>) -> Response {
        let more = rows.len() > self.limit;
        rows.truncate(self.limit);
        let last = rows.last().filter(|_| more);
        let next = last.map(|last| cursor::seal_text(&bound(self.uri), &last.key));
        let link = next.as_ref().and_then(|cursor| next_link(self.uri, cursor));
        let page = Rows {
            data: rows.into_iter().map(|keyed| keyed.row).collect(),
            page: Position { next_cursor: next, limit: self.limit },
            meta: Meta { as_of: app.clock.now() },
        };
        let mut response = json::Json(page).into_response();
        if let Some(link) = link {
            response.headers_mut().insert(header::LINK, link);
        }
        response
    }

    /// `rows` in their order from the cursor on, one more than asked for.
    fn statement(&self, rows: Statement) -> Statement {
        let keys = self.order.keys(", ");
        let mut sql = Statement::new(format!(
            "select listed.*, jsonb_build_array({keys})::text as key_ from ("
        ));
        sql.append(rows).push(") listed");
        let (sign, direction) =
            if self.order.descending { (" < (", " desc") } else { (" > (", "") };
        if let Some(after) = &self.after {
            sql.push(&format!(" where ({keys})")).push(sign);
            for (number, (value, Key(_, ty))) in after.iter().zip(self.order.keys).enumerate() {
                sql.push(if number > 0 { ", " } else { "" }).bind(*ty, value.clone());
            }
            sql.push(")");
        }
        let order = self.order.keys(&format!("{direction}, "));
        sql.push(&format!(" order by {order}{direction} limit {}", self.limit + 1));
        sql
    }
}

/// A row with its keys.
#[derive(Debug)]
pub struct Keyed<T> {
    /// The row.
    pub row: T,
    /// The keys, a JSON array.
    key: String,
}

impl<T: QueryableByName<Pg>> QueryableByName<Pg> for Keyed<T> {
    fn build<'a>(row: &impl NamedRow<'a, Pg>) -> deserialize::Result<Self> {
        Ok(Self { key: NamedRow::get::<Text, _>(row, "key_")?, row: T::build(row)? })
    }
}

/// What a cursor is bound to: the path and every parameter that decides which rows there are. As
/// they are meant, not as they are spelt: whoever follows a link may encode it otherwise.
fn bound(uri: &Uri) -> String {
    let mut pairs: Vec<_> = without_cursor(uri).filter_map(decoded).collect();
    pairs.retain(|(name, _)| name != "limit");
    pairs.sort_unstable();
    format!("{:?} {pairs:?}", percent_decoded(uri.path()))
}

/// The keys in a cursor.
fn open(uri: &Uri, order: &Order, cursor: &str) -> Option<Vec<Value>> {
    let sealed = cursor::open_text(&bound(uri), cursor)?;
    let Ok(Json::Array(values)) = serde_json::from_str(&sealed) else { return None };
    if values.len() != order.keys.len() {
        return None;
    }
    values.into_iter().zip(order.keys).map(|(value, Key(_, ty))| read(*ty, value)).collect()
}

/// A key's value, as PostgreSQL wrote it in JSON.
fn read(ty: SqlType, value: Json) -> Option<Value> {
    Some(match (ty, value) {
        (SqlType::BigInt, Json::Number(number)) => Value::BigInt(number.as_i64()?),
        (SqlType::Text, Json::String(text)) if !text.contains('\0') => Value::Text(text),
        (SqlType::Timestamptz, Json::String(text)) => {
            Value::Timestamptz(DateTime::parse_from_rfc3339(&text).ok()?.to_utc())
        }
        _ => return None,
    })
}

/// Declares the parameters of such a list: its own, `limit` and `cursor`.
#[macro_export]
macro_rules! paged {
    (
        $(#[$meta:meta])*
        struct $name:ident { $($(#[$field_meta:meta])* $field:ident: $ty:ty,)* }
    ) => {
        $(#[$meta])*
        #[derive(Debug, serde::Deserialize, utoipa::IntoParams)]
        #[into_params(parameter_in = Query)]
        struct $name {
            $($(#[$field_meta])* $field: $ty,)*
            /// Rows on the page.
            #[param(minimum = 1, maximum = 500, default = 50, example = 50)]
            limit: Option<usize>,
            /// Where the page begins: `page.next_cursor` of the page before. Opaque, and bound to
            /// the other parameters.
            cursor: Option<String>,
        }

        impl $name {
            /// The page that is asked for.
            fn paging<'a>(
                &self,
                uri: &'a axum::http::Uri,
                order: $crate::query::keyset::Order,
            ) -> $crate::http::problem::Result<$crate::query::keyset::Paging<'a>> {
                $crate::query::keyset::Paging::read(uri, order, self.limit, self.cursor.as_deref())
            }
        }
    };
}

/// A page as it is answered.
#[derive(Debug, Serialize, ToSchema)]
pub struct Rows<T> {
    /// The rows of the page, in order.
    data: Vec<T>,
    /// Where the page stands.
    page: Position,
    /// About the answer.
    meta: Meta,
}

/// Where a page stands, as in the lists of tables.
#[derive(Debug, Serialize)]
pub struct Position {
    next_cursor: Option<String>,
    limit: usize,
}

/// About an answer, as in the lists of tables.
#[derive(Debug, Serialize)]
pub struct Meta {
    /// When it was read.
    pub as_of: DateTime<Utc>,
}

/// The parts of the envelope are those of tables' lists, and documented once.
macro_rules! documented_as {
    ($type:ident, $index:literal) => {
        impl PartialSchema for $type {
            fn schema() -> RefOr<Schema> {
                let [page, meta] = envelope();
                [page.1, meta.1][$index].clone()
            }
        }

        impl ToSchema for $type {
            fn name() -> Cow<'static, str> {
                let [page, meta] = envelope();
                Cow::Owned([page.0, meta.0][$index].clone())
            }
        }
    };
}

documented_as!(Position, 0);
documented_as!(Meta, 1);

#[cfg(test)]
mod tests {
    use super::*;

    const ORDER: Order = Order::ascending(&[
        Key("listed.name collate \"C\"", SqlType::Text),
        Key("listed.id", SqlType::BigInt),
    ]);

    #[test]
    fn a_cursor_belongs_to_its_list_and_its_parameters() {
        let here: Uri = "/api/v1/list?b=2&a=1&limit=3".parse().unwrap();
        let cursor = cursor::seal_text(&bound(&here), "[\"x\", 7]");
        let values = vec![Value::Text("x".to_owned()), Value::BigInt(7)];
        for same in [
            "/api/v1/list?a=1&b=2",
            "/api/v1/list?limit=9&a=1&cursor=old&b=2",
            "/api/v1/l%69st?a=%31&%62=2&%63ursor=old&%6Cimit=9",
        ] {
            let same = same.parse().unwrap();
            assert_eq!(open(&same, &ORDER, &cursor), Some(values.clone()), "{same}");
        }
        for other in [
            "/api/v1/list",
            "/api/v1/list?a=1&b=3",
            "/api/v1/lists?a=1&b=2",
            "/api/v1/list?a=1%26b=2",
            "/api/v1/list?a=1&b=2+",
        ] {
            assert_eq!(open(&other.parse().unwrap(), &ORDER, &cursor), None, "{other}");
        }
        let cut = &cursor[..cursor.len() - 1];
        for bad in ["", "x", "🦀", cut] {
            assert_eq!(open(&here, &ORDER, bad), None, "{bad}");
        }
        for forged in
            ["[]", "[\"x\"]", "[7, \"x\"]", "[null, 1]", "[\"\\u0000\", 1]", "[\"x\", 1e99]", "x"]
        {
            let forged = cursor::seal_text(&bound(&here), forged);
            assert_eq!(open(&here, &ORDER, &forged), None);
        }
    }

    #[test]
    fn a_page_is_the_rows_after_the_cursor() {
        let uri = "/api/v1/list".parse().unwrap();
        let after = Some(vec![Value::Text("x".to_owned()), Value::BigInt(7)]);
        let paging = Paging { uri: &uri, order: ORDER, limit: 2, after };
        let sql = paging.statement(Statement::new("select 1 as id, 'y' as name"));
        assert_eq!(
            sql.text(),
            "select listed.*, jsonb_build_array(listed.name collate \"C\", listed.id)::text as key_ \
             from (select 1 as id, 'y' as name) listed where (listed.name collate \"C\", listed.id) \
             > (, ) order by listed.name collate \"C\", listed.id limit 3"
        );
    }
}
