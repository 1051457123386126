//! Who may do what, as a type in the handler's signature.
//!
//! `Allowed<N>` is an extractor: a handler that has one runs only for a caller whom `N` lets in.

use std::{marker::PhantomData, sync::Arc};

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, StatusCode, header, request::Parts},
};

use super::{
    keys::{Refusal, Token},
    problem::{Problem, Result},
    scope::Scope,
};
use crate::{app::App, config::ReadAuth, query::view::View, telemetry};

/// Which scope a request needs.
pub trait Needed: Send + Sync + 'static {
    /// The scope; it may depend on the route and the path.
    fn scope(parts: &Parts) -> Result<Scope>;
}

macro_rules! needs {
    ($($(#[doc = $doc:literal])+ $name:ident => $scope:ident),+ $(,)?) => {$(
        $(#[doc = $doc])+
        #[derive(Debug)]
        pub struct $name;

        impl Needed for $name {
            fn scope(_: &Parts) -> Result<Scope> {
                Ok(Scope::$scope)
            }
        }
    )+};
}
needs! {
    /// Needs `read`, which is free where reads are open.
    Reads => Read,
    /// Needs `read:pii`.
    ReadsPii => ReadPii,
    /// Needs `read:raw`.
    ReadsRaw => ReadRaw,
    /// Needs `identity:write`.
    WritesIdentity => IdentityWrite,
    /// Needs `admin`.
    Administers => Admin,
}

/// Needs the scope of the route's resource: that of its `Extension<Arc<View>>`.
#[derive(Debug)]
pub struct ReadsResource;

impl Needed for ReadsResource {
    fn scope(parts: &Parts) -> Result<Scope> {
        match parts.extensions.get::<Arc<View>>() {
            Some(view) => Ok(view.resource().scope.clone()),
            None => Err(Problem::internal("the route has no resource")),
        }
    }
}

/// Needs `ingest:{domain}`, the domain being the path segment after `/ingest/`.
#[derive(Debug)]
pub struct IngestsDomain;

impl Needed for IngestsDomain {
    fn scope(parts: &Parts) -> Result<Scope> {
        let domain = parts.uri.path().split_once("/ingest/").map(|(_, rest)| rest);
        match domain.and_then(|rest| rest.split('/').next()) {
            // `*` is what a token may hold, never what a path may ask for.
            Some(domain) if !domain.is_empty() && domain != "*" => {
                Ok(Scope::Ingest(domain.to_owned()))
            }
            _ => Err(Problem::not_found("The path names no domain.")),
        }
    }
}

/// Needs `ingest:*`: whoever looks after deliveries of every domain.
#[derive(Debug)]
pub struct Operates;

impl Needed for Operates {
    fn scope(_: &Parts) -> Result<Scope> {
        Ok(Scope::Ingest("*".to_owned()))
    }
}

/// A caller whom `N` lets in.
#[derive(Debug)]
pub struct Allowed<N> {
    token: Option<Arc<Token>>,
    needed: PhantomData<fn() -> N>,
}

impl<N> Allowed<N> {
    /// Who calls: the token's subject, or `anonymous`.
    pub fn subject(&self) -> &str {
        self.token.as_ref().map_or("anonymous", |token| &token.subject)
    }

    /// Refuses a caller who may not also do what `needed` asks for.
    pub fn also(&self, needed: &Scope, app: &App) -> Result<()> {
        permit(self.token.as_deref(), needed, app)
    }

    /// Whether the caller may also do what `scope` asks for. Not for [`Scope::Read`], which may be
    /// free.
    pub fn has(&self, scope: &Scope) -> bool {
        self.token.as_ref().is_some_and(|token| token.has(scope))
    }

    /// Whether the caller may be told that something of a domain exists which is not public: who may
    /// read it, and who may send it.
    pub fn knows_private(&self, domain: &str) -> bool {
        self.has(&Scope::ReadPii) || self.has(&Scope::Ingest(domain.to_owned()))
    }

    /// Whether the token is still good, for answers that take long. Without one there is nothing
    /// that could end.
    pub fn is_still_good(&self, app: &App) -> bool {
        self.token.as_ref().is_none_or(|token| {
            let is_revoked = token.jti.as_ref().is_some_and(|jti| app.revoked.contains(jti));
            !is_revoked && token.check_time(app.clock.now()).is_ok()
        })
    }
}

impl<N: Needed> FromRequestParts<App> for Allowed<N> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let token = caller(&parts.headers, app)?;
        let needed = N::scope(parts)?;
        permit(token.as_deref(), &needed, app)?;
        Ok(Self { token, needed: PhantomData })
    }
}

/// Refuses a token, or the lack of one, that does not do for `needed`.
fn permit(token: Option<&Token>, needed: &Scope, app: &App) -> Result<()> {
    let free = *needed == Scope::Read && app.settings.read_auth == ReadAuth::Open;
    match token {
        _ if free => Ok(()),
        None => {
            Err(unauthorized(format!("This needs a token with the scope `{needed}`."), "Bearer"))
        }
        Some(token) if !token.has(needed) => Err(forbidden(needed)),
        Some(_) => Ok(()),
    }
}

/// The bearer token of a request, if it has exactly one.
pub(super) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut sent = headers.get_all(header::AUTHORIZATION).iter();
    let (scheme, token) = sent.next()?.to_str().ok()?.split_once(' ')?;
    let sole = sent.next().is_none();
    (sole && scheme.eq_ignore_ascii_case("bearer")).then(|| token.trim())
}

/// Refuses a request whose token is not good now. What it may do is another question.
pub(super) fn welcome(headers: &HeaderMap, app: &App) -> Result<()> {
    caller(headers, app).map(drop)
}

/// The token of a request. None is sent: none. A bad one is sent: refused, even where none is
/// needed, since whoever sends one believes in it.
fn caller(headers: &HeaderMap, app: &App) -> Result<Option<Arc<Token>>> {
    if !headers.contains_key(header::AUTHORIZATION) {
        return Ok(None);
    }
    let Some(bearer) = bearer(headers) else {
        return Err(unauthorized(
            "The Authorization header must be `Bearer` and a token.",
            "Bearer error=\"invalid_request\"",
        ));
    };
    let token = app
        .keys
        .verify(bearer, app.clock.now())
        .and_then(|token| match &token.jti {
            Some(jti) if app.revoked.contains(jti) => Err(Refusal::Revoked),
            _ => Ok(token),
        })
        .map_err(|refusal| unauthorized(refusal.to_string(), "Bearer error=\"invalid_token\""))?;
    telemetry::name_subject(&token.subject);
    Ok(Some(token))
}

fn unauthorized(detail: impl Into<String>, challenge: &'static str) -> Problem {
    Problem {
        challenge: Some(challenge),
        ..Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", detail)
    }
}

/// The refusal of a caller whose token lacks a scope.
fn forbidden(needed: &Scope) -> Problem {
    Problem {
        challenge: Some("Bearer error=\"insufficient_scope\""),
        ..Problem::new(
            StatusCode::FORBIDDEN,
            "insufficient_scope",
            format!("The token lacks the scope `{needed}`."),
        )
    }
}
