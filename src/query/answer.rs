//! A read as it is answered: parameters in, a response out.

use axum::{
    http::{HeaderValue, Uri, header},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};

use super::{
    grammar, list,
    plan::{Filter, Plan},
    relation::Relation,
    resource::Resource,
    value,
    view::View,
    window::Span,
};
use crate::{
    app::App,
    db::{Connection, sql::Value},
    http::{
        access::{Allowed, ReadsResource},
        extract::{Params, decoded},
        openapi,
        problem::{Problem, Result},
        scope::Scope,
    },
};

/// A page of the rows that pass `fixed` and what the parameters ask for. `uri` is the request's
/// own, for the link to the next page.
pub async fn list(
    app: &App,
    caller: &Allowed<ReadsResource>,
    view: &View,
    fixed: &[Filter],
    Params(pairs): &Params,
    uri: &Uri,
) -> Result<Response> {
    let mut plan = grammar::list(view, pairs, fixed).map_err(Problem::invalid)?;
    plan.private = caller.has(&Scope::ReadPii);
    may_include(app, caller, &plan.include)?;
    let mut connection = app.reader().await?;
    let as_of = app.clock.now();
    place(&mut plan, view, as_of, &mut connection).await?;
    let page = list::page(view, &plan, as_of, &mut connection).await?;
    connection.rest();
    let mut response = json(page.body);
    if let Some(link) = page.next.and_then(|cursor| next_link(uri, &cursor)) {
        response.headers_mut().insert(header::LINK, link);
    }
    Ok(response)
}

/// The one row that passes `filters`.
pub async fn one(
    app: &App,
    caller: &Allowed<ReadsResource>,
    view: &View,
    filters: &[Filter],
    Params(pairs): &Params,
) -> Result<Response> {
    let mut shown = grammar::detail(view, pairs).map_err(Problem::invalid)?;
    shown.private = caller.has(&Scope::ReadPii);
    may_include(app, caller, &shown.include)?;
    let mut connection = app.reader().await?;
    let row = list::one(view, &shown, filters, &mut connection).await?;
    connection.rest();
    row.map(json).ok_or_else(|| Problem::not_found("There is no such row."))
}

/// Reads the key in a row's path. Where it cannot be one, a word that stands there in other paths may
/// be meant.
pub fn key(resource: &Resource, text: &str) -> Result<Value> {
    value::parse("id", resource.key(), text).map_err(|fault| {
        let words = openapi::words_below(resource.path);
        Problem::invalid(vec![fault.suggest(text, words.iter().map(String::as_str))])
    })
}

/// Says what the plan's window means now.
pub(super) async fn place(
    plan: &mut Plan,
    view: &View,
    now: DateTime<Utc>,
    connection: &mut Connection,
) -> Result<Option<Span>> {
    let time = view.resource().time.and_then(|time| view.index(time));
    let (Some(window), Some(time)) = (&plan.window, time) else { return Ok(None) };
    let span = window.resolve(now, connection).await?;
    plan.within = span.filters(time, view.column(time));
    Ok(Some(span))
}

/// Refuses a caller who could not read by itself what is to be included.
fn may_include(
    app: &App,
    caller: &Allowed<ReadsResource>,
    include: &[&'static Relation],
) -> Result<()> {
    include.iter().try_for_each(|it| caller.also(&it.target().resource().scope, app))
}

/// An answer in JSON.
pub fn json(body: Vec<u8>) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}

/// What a query asks for, pair by pair as it was sent, without the cursor, however that is spelt.
pub fn without_cursor(uri: &Uri) -> impl Iterator<Item = &str> {
    let pairs = uri.query().into_iter().flat_map(|query| query.split('&'));
    let is_cursor = |pair: &str| decoded(pair).is_some_and(|(name, _)| name == "cursor");
    pairs.filter(move |pair| !pair.is_empty() && !is_cursor(pair))
}

/// The request's own address with another cursor.
pub(super) fn next_link(uri: &Uri, cursor: &str) -> Option<HeaderValue> {
    let mut link = format!("<{}?", uri.path());
    for pair in without_cursor(uri) {
        link.push_str(pair);
        link.push('&');
    }
    link.push_str("cursor=");
    link.push_str(cursor);
    link.push_str(">; rel=\"next\"");
    HeaderValue::try_from(link).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_the_same_request_with_another_cursor() {
        let uri = Uri::from_static("/api/v1/github/commits?cursor=old&sort=-id&limit=2");
        let expected = "</api/v1/github/commits?sort=-id&limit=2&cursor=new>; rel=\"next\"";
        assert_eq!(next_link(&uri, "new").unwrap(), expected);
        let uri = Uri::from_static("/list?cursors=%63ursor&%63ursor=old&cursor&a=%20");
        let expected = "</list?cursors=%63ursor&a=%20&cursor=new>; rel=\"next\"";
        assert_eq!(next_link(&uri, "new").unwrap(), expected);
    }
}
