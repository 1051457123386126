//! Known keys: which natural keys of a kind are stored already.

use std::collections::HashMap;

use axum::{
    Extension,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use diesel::{
    QueryResult,
    result::{DatabaseErrorKind, Error},
};
use diesel_async::RunQueryDsl;
use serde_json::Value as Json;

use super::{given::Given, kind::Known, routes::Posted};
use crate::{
    app::App,
    db::{
        Connection,
        sql::{Row, SqlType, Statement, Value},
    },
    http::{
        access::{Allowed, Reads},
        json,
        problem::{Fault, Problem, Result},
    },
};

/// The most keys of a request.
pub const KEYS: usize = 10_000;
/// The most bytes of a request: room for as many long keys.
const BYTES: usize = 16 << 20;
/// How many keys that the database cannot read are looked for one by one.
const ODD: usize = 64;

/// A key template, `{repo}:{number}`: its fields, and the text behind each.
#[derive(Debug, PartialEq, Eq)]
pub struct Template {
    fields: Vec<(&'static str, &'static str)>,
}

impl Template {
    /// Reads a template. It begins with a field.
    pub fn of(template: &'static str) -> Self {
        let parts = template.split('{').skip(1);
        Self { fields: parts.filter_map(|part| part.split_once('}')).collect() }
    }

    /// The names of the fields.
    pub fn fields(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.fields.iter().map(|(name, _)| *name)
    }

    /// The fields of a key: a text, a whole number, or an object.
    fn split(&self, key: &Json) -> Option<Vec<String>> {
        match key {
            Json::String(text) => self.split_text(text),
            Json::Number(number) if !number.is_f64() => self.split_text(&number.to_string()),
            Json::Object(members) => {
                let field = |name: &str| match members.get(name) {
                    Some(Json::String(text)) => Some(text.clone()),
                    Some(Json::Number(number)) if !number.is_f64() => Some(number.to_string()),
                    _ => None,
                };
                // A repository may be given in its two parts.
                let repo = || {
                    let name = field("name").or_else(|| field("repo_name"))?;
                    Some(format!("{}/{name}", field("owner")?))
                };
                self.fields()
                    .map(|name| field(name).or_else(|| repo().filter(|_| name == "repo")))
                    .collect()
            }
            _ => None,
        }
    }

    /// Each field ends where the text behind it is found first; the last has the rest.
    fn split_text(&self, text: &str) -> Option<Vec<String>> {
        let mut rest = text.trim();
        let mut values = Vec::with_capacity(self.fields.len());
        for (nth, (_, behind)) in self.fields.iter().enumerate() {
            let (value, after) = if nth + 1 == self.fields.len() {
                (rest.strip_suffix(behind)?, "")
            } else {
                rest.split_once(behind)?
            };
            if value.is_empty() {
                return None;
            }
            values.push(value.to_owned());
            rest = after;
        }
        (!values.is_empty()).then_some(values)
    }
}

/// `POST /ingest/{domain}/{kind}/known`.
pub(super) async fn ask(
    State(app): State<App>,
    caller: Allowed<Reads>,
    Extension(Posted(kind)): Extension<Posted>,
    body: axum::body::Body,
) -> Result<Response> {
    let spec = kind.spec();
    let body = axum::body::to_bytes(body, BYTES).await.map_err(|_| {
        let detail = format!("The body is larger than {BYTES} bytes.");
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", detail)
    })?;
    let keys = keys_of(&body)?;
    if spec.known.key.is_empty() {
        return Err(Problem::not_found("Keys of this kind cannot be asked for."));
    }
    let template = Template::of(spec.known.key);
    let mut faults = Vec::new();
    let mut given = Vec::with_capacity(keys.len());
    for (nth, key) in keys.iter().enumerate() {
        match template.split(key) {
            Some(values) if values.iter().all(|value| !value.contains('\0')) => given.push(values),
            _ => faults.push(Fault::pointer(
                format!("/keys/{nth}"),
                "invalid_key",
                format!("A key is `{}`, or an object with these fields.", spec.known.key),
            )),
        }
    }
    if !faults.is_empty() {
        return Err(Problem::invalid(faults));
    }
    let mut conn = app.pool.get().await?;
    let public = spec.public_keys.filter(|_| !caller.knows_private(spec.domain));
    let asked = Asked { known: &spec.known, template, public };
    let found = find(&mut conn, &asked, &given).await?;
    let mut answer: [Vec<&Json>; 3] = Default::default();
    for (nth, key) in keys.iter().enumerate() {
        answer[found.get(&nth).copied().unwrap_or(Found::Unknown) as usize].push(key);
    }
    let [unknown, deleted, known] = answer;
    let answer = serde_json::json!({"known": known, "unknown": unknown, "deleted": deleted});
    Ok(json::Json(answer).into_response())
}

fn keys_of(body: &[u8]) -> Result<Vec<Json>> {
    let refuse =
        |code, detail: String| Problem::invalid(vec![Fault::pointer("/keys", code, detail)]);
    let body: Json = serde_json::from_slice(body).map_err(|error| {
        let detail = format!("The body is not JSON: {error}.");
        Problem::invalid(vec![Fault::pointer("", "invalid_json", detail)])
    })?;
    let Some(Json::Array(keys)) = body.get("keys") else {
        return Err(refuse("missing_field", "Send `{\"keys\": [...]}`.".to_owned()));
    };
    if keys.len() > KEYS {
        return Err(refuse(
            "too_many_items",
            format!("At most {KEYS} keys are asked for at once."),
        ));
    }
    Ok(keys.clone())
}

/// What is known of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Found {
    Unknown,
    Deleted,
    Known,
}

/// How keys are looked up.
struct Asked<'a> {
    known: &'a Known,
    template: Template,
    /// The condition of keys that the caller may be told of; all others are unknown.
    public: Option<&'static str>,
}

/// Looks keys up; gives those that are known or deleted, by position.
async fn find(
    conn: &mut Connection,
    asked: &Asked<'_>,
    given: &[Vec<String>],
) -> Result<HashMap<usize, Found>> {
    let mut found = HashMap::new();
    let mut odd = 0;
    let mut stack = vec![(0, given.len())];
    while let Some((from, to)) = stack.pop() {
        if from == to {
            continue;
        }
        match look_up(conn, asked, &given[from..to]).await {
            Ok(part) => {
                for (nth, what) in part {
                    let known = found.entry(from + nth).or_insert(what);
                    *known = what.max(*known);
                }
            }
            // A key that the database cannot read as what it is there: nothing has that key. Halves
            // are tried, so that it costs no other.
            Err(Error::DatabaseError(DatabaseErrorKind::Unknown, info))
                if ["out of range", "invalid input syntax"]
                    .iter()
                    .any(|reason| info.message().contains(reason)) =>
            {
                if to - from > 1 {
                    let middle = from + (to - from) / 2;
                    stack.extend([(from, middle), (middle, to)]);
                    continue;
                }
                odd += 1;
                if odd > ODD {
                    let detail = "Too many keys are none of this kind.".to_owned();
                    let pointer = format!("/keys/{from}");
                    return Err(Problem::invalid(vec![Fault::pointer(
                        pointer,
                        "invalid_key",
                        detail,
                    )]));
                }
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(found)
}

async fn look_up(
    conn: &mut Connection,
    asked: &Asked<'_>,
    given: &[Vec<String>],
) -> QueryResult<Vec<(usize, Found)>> {
    let Asked { known, template, public } = asked;
    let keys = |statement: &mut Statement| {
        let mut columns = Given::default();
        for (nth, field) in template.fields().enumerate() {
            let values = given.iter().map(|values| Value::Text(values[nth].clone()));
            columns.push(field, SqlType::Text, values);
        }
        columns.append(statement);
    };
    let mut statement = Statement::new("with u as materialized (select * from ");
    keys(&mut statement);
    if let Some(public) = public {
        statement.push(" where ").push(public);
    }
    statement.push(") select u.ord, true from ").push(known.stored);
    if let Some((table, key)) = known.deleted {
        statement.push(" union select u.ord, false from u join tombstone t on t.natural_key = (");
        statement.push(key).push(") where t.table_name = ");
        statement.bind(SqlType::Text, Value::Text(table.to_owned()));
    }
    let rows: Vec<Row> = statement.load(conn).await?;
    let read = |row: Row| match row.0.as_slice() {
        [Value::BigInt(ord), Value::Bool(is_known)] => {
            let found = if *is_known { Found::Known } else { Found::Deleted };
            usize::try_from(ord - 1).ok().map(|nth| (nth, found))
        }
        _ => None,
    };
    Ok(rows.into_iter().filter_map(read).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_are_taken_apart() {
        let issue = Template::of("{repo}:{number}");
        let parts = Some(vec!["boostorg/json".to_owned(), "601".to_owned()]);
        for key in [
            json!("boostorg/json:601"),
            json!({"repo": "boostorg/json", "number": 601}),
            json!({"owner": "boostorg", "name": "json", "number": "601"}),
        ] {
            assert_eq!(issue.split(&key), parts, "{key}");
        }
        for key in [json!("boostorg/json"), json!(":601"), json!({"number": 1}), json!(null)] {
            assert_eq!(issue.split(&key), None, "{key}");
        }
        let message = Template::of("{team}/{channel}:{ts}");
        let parts = ["T1", "C1", "1735689600.000100"].map(str::to_owned).to_vec();
        assert_eq!(message.split(&json!("T1/C1:1735689600.000100")), Some(parts));
        assert_eq!(Template::of("{id}").split(&json!(7)), Some(vec!["7".to_owned()]));
    }
}
