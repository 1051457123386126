//! A read as it is answered: parameters in, a response out.

use axum::{
    http::{HeaderValue, Uri, header},
    response::{IntoResponse, Response},
};

use super::{grammar, list, plan::Filter, view::View};
use crate::{
    app::App,
    http::{
        access::{Allowed, ReadsResource},
        extract::Params,
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
    plan.private = sees_private(view, caller);
    let mut connection = app.pool.get().await?;
    let page = list::page(view, &plan, app.clock.now(), &mut connection).await?;
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
    let fields = grammar::detail(view, pairs).map_err(Problem::invalid)?;
    let mut connection = app.pool.get().await?;
    let private = sees_private(view, caller);
    let row = list::one(view, fields.as_ref(), filters, private, &mut connection).await?;
    row.map(json).ok_or_else(|| Problem::not_found("There is no such row."))
}

/// Whether the caller is shown the rows that are not public.
fn sees_private(view: &View, caller: &Allowed<ReadsResource>) -> bool {
    view.resource().public.is_some() && caller.has(&Scope::ReadPii)
}

fn json(body: Vec<u8>) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}

/// The request's own address with another cursor.
pub(super) fn next_link(uri: &Uri, cursor: &str) -> Option<HeaderValue> {
    let kept = uri.query().into_iter().flat_map(|query| query.split('&'));
    let mut link = format!("<{}?", uri.path());
    for pair in kept.filter(|pair| !pair.is_empty() && !pair.starts_with("cursor=")) {
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
    }
}
