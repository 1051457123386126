//! Watermarks: where each scraper should resume.
//!
//! A kind's [`Watermark`](super::kind::Watermark) selects the rows that count, by scope and position.
//! `high` is the greatest of a scope; `safe` the greatest below every open failure: dead letters,
//! items of queued requests, and what else the kind says.

use std::collections::HashMap;

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use chrono::{DateTime, TimeDelta, Utc};
use diesel::QueryResult;
use diesel_async::RunQueryDsl;
use serde::{Deserialize, Serialize};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::kind::Spec;
use crate::{
    app::App,
    db::{
        Connection,
        sql::{Row, SqlType, Statement, Value},
    },
    domains,
    http::{
        access::{Allowed, Reads},
        extract::Query,
        json::Json,
        problem::{Fault, Problem, Result},
    },
};

/// Where a row stands.
#[derive(Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
struct Mark {
    /// Its time at the source; null where the kind orders by something else and has none.
    at: Option<DateTime<Utc>>,
    /// Its natural key within the scope.
    key: String,
}

/// Where a scraper of a kind and scope should resume.
#[derive(Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = Watermark)]
struct Shown {
    /// The domain.
    domain: &'static str,
    /// The kind.
    kind: &'static str,
    /// What is scraped by itself: a repository, a list, a channel; `*` where there is but one. Null
    /// for failures of which it cannot be told.
    scope: Option<String>,
    /// The newest row that is stored; null where nothing is.
    high: Option<Mark>,
    /// The newest row below every open failure; null where there is none.
    safe: Option<Mark>,
    /// Dead letters, items of queued requests, and failures that the source reported.
    open_failures: i64,
}

/// The watermarks of all scopes that were asked for.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Watermarks {
    /// By domain, kind and scope.
    data: Vec<Shown>,
}

/// Which watermarks are asked for.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct Asked {
    /// Only of this domain.
    #[param(example = "github")]
    domain: Option<String>,
    /// Only of kinds of this name.
    kind: Option<String>,
    /// Only of this scope, whatever its case: `boostorg/json`.
    scope: Option<String>,
}

/// The route.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list))
}

/// List watermarks
///
/// Where each scraper should resume, per kind and scope: `high` is the newest row that is stored,
/// `safe` the newest below every rejected, failed or queued item. Resume from `safe`, with an overlap
/// of your choice: to deliver again changes nothing. What is not public (direct messages, private
/// channels) is told to whoever has `read:pii` or may ingest into the domain.
#[utoipa::path(
    get,
    path = "/ingest/watermarks",
    operation_id = "list_ingest_watermarks",
    tag = "ingest",
    params(Asked),
    responses((status = 200, description = "The watermarks.", body = Watermarks, example = json!({"data": [{
        "domain": "github", "kind": "issues", "scope": "boostorg/json",
        "high": {"at": "2024-05-01T12:00:00Z", "key": "601"},
        "safe": {"at": "2024-05-01T12:00:00Z", "key": "601"},
        "open_failures": 0
    }]}))),
    extensions(("x-scope" = json!("read")))
)]
async fn list(
    State(app): State<App>,
    caller: Allowed<Reads>,
    Query(asked): Query<Asked>,
) -> Result<Response> {
    let domains = domains::all();
    if let Some(name) = &asked.domain {
        one_of("domain", name, domains.iter().map(|domain| domain.name))?;
    }
    let specs = domains.iter().flat_map(|domain| &domain.kinds).map(|kind| kind.spec());
    let specs: Vec<&Spec> =
        specs.filter(|spec| asked.domain.as_ref().is_none_or(|name| name == spec.domain)).collect();
    if let Some(name) = &asked.kind {
        one_of("kind", name, specs.iter().map(|spec| spec.name))?;
    }
    let mut conn = app.pool.get().await?;
    let mut data = Vec::new();
    for spec in specs {
        if asked.kind.as_ref().is_none_or(|name| name == spec.name) {
            let public = spec.watermark.public().filter(|_| !caller.knows_private(spec.domain));
            let (scope, now) = (asked.scope.as_deref(), app.clock.now());
            data.extend(of_kind(&mut conn, spec, scope, public, now).await?);
        }
    }
    data.sort_by(|a, b| (a.domain, a.kind, &a.scope).cmp(&(b.domain, b.kind, &b.scope)));
    Ok(Json(Watermarks { data }).into_response())
}

fn one_of<'a>(
    parameter: &str,
    given: &str,
    valid: impl Iterator<Item = &'a str> + Clone,
) -> Result<()> {
    if valid.clone().any(|name| name == given) {
        return Ok(());
    }
    let detail = format!("There is no {parameter} `{given}`.");
    let fault = Fault::parameter(parameter, "invalid_parameter", detail).suggest(given, valid);
    Err(Problem::invalid(vec![fault]))
}

/// Of rows of one position, the greatest key: numbers by value, all else by bytes.
const BY_KEY: &str = "case when w.key ~ '^[0-9]{1,18}$' then w.key::bigint end desc nulls last, \
                      w.key collate \"C\" desc";

/// The watermarks of a kind; of the rows that pass `public` alone, if it is given.
async fn of_kind(
    conn: &mut Connection,
    spec: &Spec,
    scope: Option<&str>,
    public: Option<&str>,
    now: DateTime<Utc>,
) -> QueryResult<Vec<Shown>> {
    let Some(rows) = spec.watermark.rows() else { return Ok(Vec::new()) };
    let text = |text: &str| Value::Text(text.to_owned());
    let mut statement = Statement::new("with w as (");
    match public {
        Some(public) => counted(&mut statement, &format!("{rows} and {public}"), now),
        None => counted(&mut statement, rows, now),
    }
    if let Some(scope) = scope {
        statement.push(" and lower(w.scope) = lower(").bind(SqlType::Text, text(scope)).push(")");
    }
    statement.push(
        "), f as (select lower(f.scope) as folded, f.scope, \
         coalesce(f.position, -9223372036854775808) as position from (\
         select d.scope, d.position from dead_letter d where d.domain = ",
    );
    statement.bind(SqlType::Text, text(spec.domain)).push(" and d.kind = ");
    statement.bind(SqlType::Text, text(spec.name)).push(
        " union all select q.scope, q.position from queued_scope q \
         join receipt r on r.number = q.receipt_number where r.domain = ",
    );
    statement.bind(SqlType::Text, text(spec.domain)).push(" and r.kind = ");
    statement.bind(SqlType::Text, text(spec.name));
    if let Some(failures) = spec.watermark.failures() {
        statement.push(" union all select x.scope, x.position from (").push(failures).push(") x");
    }
    statement.push(") f");
    if let Some(scope) = scope {
        statement.push(" where lower(f.scope) = lower(").bind(SqlType::Text, text(scope)).push(")");
    }
    // Of a scope of which there are failures alone nobody knows whether it is public.
    let join = if public.is_some() { "left join" } else { "full join" };
    statement.push(&format!(
        "), failing as (select folded, min(scope) as scope, count(*) as open, \
         min(position) as least from f group by folded), \
         top as (select folded, max(position) as position from w group by folded), \
         high as (select distinct on (w.folded) w.* from w join top using (folded, position) \
         order by w.folded, {BY_KEY}), \
         below as (select w.folded, max(w.position) as position from w \
         join failing f on f.folded = w.folded and w.position < f.least group by w.folded), \
         safe as (select distinct on (w.folded) w.* from w join below using (folded, position) \
         order by w.folded, {BY_KEY}) \
         select coalesce(h.scope, f.scope), h.at, h.key, \
         case when f.open is null then h.at else s.at end, \
         case when f.open is null then h.key else s.key end, coalesce(f.open, 0) \
         from high h {join} failing f on f.folded = h.folded \
         left join safe s on s.folded = h.folded"
    ));
    let rows: Vec<Row> = statement.load(conn).await?;
    Ok(rows.into_iter().filter_map(|row| shown(spec, row)).collect())
}

fn shown(spec: &Spec, row: Row) -> Option<Shown> {
    let [scope, high_at, high, safe_at, safe, Value::BigInt(open_failures)] =
        <[Value; 6]>::try_from(row.0).ok()?
    else {
        return None;
    };
    let text = |value| match value {
        Value::Text(text) => Some(text),
        _ => None,
    };
    let mark = |at, key| {
        let at = if let Value::Timestamptz(at) = at { Some(at) } else { None };
        Some(Mark { at, key: text(key)? })
    };
    Some(Shown {
        domain: spec.domain,
        kind: spec.name,
        scope: text(scope),
        high: mark(high_at, high),
        safe: mark(safe_at, safe),
        open_failures,
    })
}

/// Selects the rows that count as `w`, with the scope as it is compared: `folded`. A time that a
/// wrong clock made is none.
fn counted(statement: &mut Statement, rows: &str, now: DateTime<Utc>) {
    statement
        .push("select w.scope, w.at, w.key, w.position, lower(w.scope) as folded from (")
        .push(rows)
        .push(") w where w.position is not null and (w.at is null or w.at <= ");
    let latest = Value::Timestamptz(now + TimeDelta::days(1));
    statement.bind(SqlType::Timestamptz, latest).push(")");
}

/// The greatest position of each of these scopes, or of every scope; scopes lower-cased.
pub async fn highs(
    conn: &mut Connection,
    spec: &Spec,
    scopes: Option<&[String]>,
    now: DateTime<Utc>,
) -> QueryResult<HashMap<String, i64>> {
    let Some(rows) = spec.watermark.rows() else { return Ok(HashMap::new()) };
    let mut statement = Statement::new("select w.folded, max(w.position) from (");
    counted(&mut statement, rows, now);
    if let Some(scopes) = scopes {
        statement.push(" and lower(w.scope) = any(");
        let folded = scopes.iter().map(|scope| Value::Text(scope.to_lowercase()));
        statement.bind_all(SqlType::Text, folded).push(")");
    }
    statement.push(") w group by w.folded");
    let rows: Vec<Row> = statement.load(conn).await?;
    let high = |row: Row| match <[Value; 2]>::try_from(row.0) {
        Ok([Value::Text(scope), Value::BigInt(high)]) => Some((scope, high)),
        _ => None,
    };
    Ok(rows.into_iter().filter_map(high).collect())
}

/// The position of a failed item of which it cannot be read: just above the high that held when it
/// was received. Below everything where nothing was stored.
pub fn just_above(high: Option<&i64>) -> i64 {
    high.map_or(i64::MIN, |high| high.saturating_add(1))
}
