//! The feeds' endpoints.

use std::{sync::Arc, time::Duration};

use axum::{Extension, extract::State, http::HeaderMap, response::Response, routing::get};
use serde::Deserialize;
use tokio::time::Instant;
use utoipa_axum::router::OpenApiRouter;

use super::{
    cursor::{self, After},
    docs,
    page::{self, Wanted},
    stream,
};
use crate::{
    app::App,
    http::{
        access::{Allowed, Reads, ReadsResource},
        extract::Query,
        problem::{Fault, Problem, Result},
        scope::Scope,
    },
    query::{
        answer::json, format::Format, plan::DEFAULT_LIMIT, resource::Resource, routes::serving,
        value, view::View,
    },
};

/// The longest that a request may wait for changes.
pub(super) const MAX_WAIT: u64 = 30;
/// What is left of the time that a request may take, when a wait ends.
const MARGIN: Duration = Duration::from_secs(1);

/// `GET {path}/changes`.
pub fn of(resource: &Resource) -> OpenApiRouter<App> {
    let (schemas, paths) = docs::of(resource);
    serving(resource, OpenApiRouter::new().routes((schemas, paths, get(one_table))))
}

/// `GET /changes`.
pub fn routes() -> OpenApiRouter<App> {
    let (schemas, paths) = docs::of_all();
    OpenApiRouter::new().routes((schemas, paths, get(all_tables)))
}

#[derive(Debug, Deserialize)]
struct OneTable {
    after: Option<String>,
    limit: Option<usize>,
}

async fn one_table(
    State(app): State<App>,
    caller: Allowed<ReadsResource>,
    Extension(view): Extension<Arc<View>>,
    Query(query): Query<OneTable>,
) -> Result<Response> {
    let mut faults = Vec::new();
    let after = after("after", query.after.as_deref(), &mut faults);
    let limit = limit(query.limit, &mut faults);
    refuse(faults)?;
    let wanted = Wanted {
        tables: Some(vec![view.resource().table]),
        hidden: Vec::new(),
        private: caller.has(&Scope::ReadPii),
        limit,
    };
    let page = page::read(&app, &wanted, after).await?;
    Ok(json(page.body(limit, app.clock.now())))
}

#[derive(Debug, Deserialize)]
struct AllTables {
    after: Option<String>,
    limit: Option<usize>,
    domain: Option<Vec<String>>,
    table: Option<Vec<String>>,
    wait: Option<u64>,
}

async fn all_tables(
    State(app): State<App>,
    caller: Allowed<Reads>,
    headers: HeaderMap,
    Query(query): Query<AllTables>,
) -> Result<Response> {
    let mut faults = Vec::new();
    let last_event = headers.get("last-event-id").map(|id| id.to_str().unwrap_or_default());
    // Who comes back to a stream names the last event; the address is still that of the first time.
    let after = match last_event.filter(|id| !id.is_empty()) {
        Some(id) => after("last-event-id", Some(id), &mut faults),
        None => after("after", query.after.as_deref(), &mut faults),
    };
    let limit = limit(query.limit, &mut faults);
    let wait = query.wait.unwrap_or_default();
    if wait > MAX_WAIT {
        let detail = format!("`wait` is at most {MAX_WAIT} seconds, not {wait}.");
        faults.push(Fault::parameter("wait", "out_of_range", detail));
    }
    let tables = tables(&app, query.domain.as_ref(), query.table.as_ref(), &mut faults);
    refuse(faults)?;
    let hidden = hidden(&app, &caller);
    for table in query.table.iter().flatten() {
        // Who names a table is told; who names none is not shown it.
        if let Some((_, scope)) = hidden.iter().find(|(name, _)| name == table) {
            caller.also(scope, &app)?;
        }
    }
    let wanted = Wanted {
        tables,
        hidden: hidden.into_iter().map(|(table, _)| table).collect(),
        private: caller.has(&Scope::ReadPii),
        limit,
    };
    if Format::of_feed(&headers) == Format::Events {
        return stream::answer(app, caller, wanted, after).await;
    }
    let page = if wait == 0 {
        page::read(&app, &wanted, after).await?
    } else {
        poll(&app, &wanted, after, Duration::from_secs(wait)).await?
    };
    Ok(json(page.body(limit, app.clock.now())))
}

/// The page after `after`, as soon as there is something on it.
async fn poll(app: &App, wanted: &Wanted, mut after: After, wait: Duration) -> Result<page::Page> {
    let mut follower = app.changes.follow()?;
    // The server's own limit would refuse what is answered with an empty page a moment earlier.
    let most = Duration::from_millis(app.settings.request_timeout_ms).saturating_sub(MARGIN);
    let until = Instant::now() + wait.min(most);
    loop {
        follower.begin_look();
        let page = page::read(app, wanted, after).await?;
        if !page.changes.is_empty() || follower.is_closed() || Instant::now() >= until {
            return Ok(page);
        }
        if !page.more {
            follower.wait(page.held, app.versions.is_listening(), until).await;
        }
        after = page.next();
    }
}

fn after(parameter: &str, text: Option<&str>, faults: &mut Vec<Fault>) -> After {
    cursor::open(parameter, text).unwrap_or_else(|fault| {
        faults.push(fault);
        After::Beginning
    })
}

fn limit(limit: Option<usize>, faults: &mut Vec<Fault>) -> usize {
    value::limit(limit).unwrap_or_else(|fault| {
        faults.push(fault);
        DEFAULT_LIMIT
    })
}

fn refuse(faults: Vec<Fault>) -> Result<()> {
    if faults.is_empty() { Ok(()) } else { Err(Problem::invalid(faults)) }
}

/// The tables that are of these domains and among those named.
fn tables(
    app: &App,
    domains: Option<&Vec<String>>,
    tables: Option<&Vec<String>>,
    faults: &mut Vec<Fault>,
) -> Option<Vec<&'static str>> {
    let feeds = &app.changes.feeds;
    let lists = [("domain", domains, app.domains.len()), ("table", tables, feeds.len())];
    for (parameter, names, most) in lists {
        let given = names.map_or(1, Vec::len);
        if given == 0 {
            let detail = format!("`{parameter}` names no {parameter}.");
            faults.push(Fault::parameter(parameter, "empty", detail));
        }
        let noun = format!("{parameter}s");
        if let Err(fault) = value::at_most(parameter, given, most, &noun) {
            faults.push(fault);
            return None;
        }
    }
    let mut unknown = |parameter: &str, name: &str, valid: Vec<&'static str>| {
        let detail = format!("There is no {parameter} `{name}`.");
        faults.push(Fault::parameter(parameter, "unknown_value", detail).suggest(name, valid));
    };
    for name in domains.into_iter().flatten() {
        let valid: Vec<_> = app.domains.iter().map(|domain| domain.name).collect();
        if !valid.contains(&name.as_str()) {
            unknown("domain", name, valid);
        }
    }
    for name in tables.into_iter().flatten() {
        if !feeds.contains_key(name.as_str()) {
            unknown("table", name, feeds.keys().copied().collect());
        }
    }
    if domains.is_none() && tables.is_none() {
        return None;
    }
    let is_meant = |names: Option<&Vec<String>>, name: &str| {
        names.is_none_or(|names| names.iter().any(|it| it == name))
    };
    let meant = feeds
        .iter()
        .filter(|(table, feed)| is_meant(domains, feed.domain) && is_meant(tables, table));
    Some(meant.map(|(table, _)| *table).collect())
}

/// The tables that the caller may not read, each with the scope that it takes.
fn hidden(app: &App, caller: &Allowed<Reads>) -> Vec<(&'static str, Scope)> {
    let resources = app.changes.feeds.values().map(|feed| feed.view.resource());
    resources
        .filter(|resource| resource.scope != Scope::Read && !caller.has(&resource.scope))
        .map(|resource| (resource.table, resource.scope.clone()))
        .collect()
}
