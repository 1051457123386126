//! `GET /dashboard/overview` and `GET /dashboard/{section}`.

use std::{sync::Arc, time::Instant};

use axum::{
    Extension,
    extract::State,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize, Serializer, ser::SerializeMap};
use serde_json::value::RawValue;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{answer::Answer, period::Period, section::Section};
use crate::{
    app::App,
    domains::dashboard::memory::{self, Memory, Seen, Work},
    http::{
        access::{Allowed, Reads},
        extract::{Path, Query},
        json::Json,
        problem::{Fault, Problem, Result},
        scope::Scope,
    },
    query::window::{self, Window},
};

/// A section's numbers, as they are sent.
type Numbers = Arc<RawValue>;
/// The sections that were worked out.
type Known = Memory<(Section, Period), Numbers>;

/// Answers that are kept.
const KEPT: usize = 256;
/// The window, if none is asked for.
const DEFAULT_WINDOW: &str = "30d";

/// The routes.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(overview))
        .routes(routes!(section))
        .layer(Extension(Arc::new(Known::fresh(KEPT))))
}

/// Which numbers are asked for.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct Asked {
    /// The window, in UTC and half-open: `today`, `7d`, `30d`, `90d`, `365d` (that many dates ending
    /// today), `last_release` (since the newest release of Boost), `boost:1.85..1.86` (from one
    /// release to another), or `from/to` as ISO dates, of which `to` may be left out.
    #[param(example = "30d", default = "30d")]
    window: Option<String>,
    /// What `today` is, and which release is the newest: a time or a date. Now if it is left out. It
    /// filters no rows.
    #[param(value_type = Option<String>, example = "2024-05-01T12:00:00Z")]
    as_of: Option<String>,
    /// Counts only what happened in repositories of this owner, whatever the case. Other platforms
    /// than GitHub have no owners.
    #[param(example = "boostorg", min_length = 1)]
    owner: Option<String>,
}

/// Which time the numbers are of.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = DashboardWindow)]
struct Shown {
    /// Where the window before begins; it ends where this one begins.
    previous_from: DateTime<Utc>,
    /// Where the window begins.
    from: DateTime<Utc>,
    /// The instant that it ends before.
    to: DateTime<Utc>,
    /// The length of a bucket: `day`, `week` (from Monday) or `month`.
    bucket: &'static str,
}

/// All sections.
#[derive(Debug, utoipa::ToSchema)]
#[schema(as = DashboardOverview)]
#[expect(dead_code, reason = "it only says what `Sections` writes")]
struct Overview {
    /// Which time the numbers are of.
    window: Shown,
    /// What happened on each platform.
    totals: Answer,
    /// Profiles that were active, and those first seen in the window, by platform.
    accounts: Answer,
    /// Commits; the people and the libraries with most of them.
    commits: Answer,
    /// Issues opened and closed, pull requests opened, merged and closed unmerged, comments, reviews
    /// and the comments in reviews.
    issues_and_pulls: Answer,
    /// Papers by subgroup.
    wg21: Answer,
    /// Messages; the channels and the senders with most of them.
    slack: Answer,
    /// Mails by list; the threads and the senders with most of them.
    mailing_list: Answer,
    /// Visits; countries and words with most of them.
    website: Answer,
}

/// The overview as it is written.
struct Sections {
    window: Shown,
    numbers: Vec<(&'static str, Numbers)>,
}

impl Serialize for Sections {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1 + self.numbers.len()))?;
        map.serialize_entry("window", &self.window)?;
        for (key, numbers) in &self.numbers {
            map.serialize_entry(key, &**numbers)?;
        }
        map.end()
    }
}

/// The overview
///
/// Every section of the front end in one answer. What is not public is counted with `read:pii` only;
/// deleted messages never are. People are identities, a profile without one counts as a person.
#[utoipa::path(
    get,
    path = "/dashboard/overview",
    operation_id = "get_dashboard_overview",
    tag = "dashboard",
    params(Asked),
    responses((
        status = 200,
        description = "All sections.",
        body = Overview,
        headers(("Cache-Control" = String, description = "30 s for `today`, else 300 s.")),
        example = json!({
            "window": {
                "previous_from": "2024-03-03T00:00:00Z", "from": "2024-04-02T00:00:00Z",
                "to": "2024-05-02T00:00:00Z", "bucket": "day"
            },
            "totals": {"totals": {"commits": 42}, "previous": {"commits": 40}, "series": [], "top": {}},
            "accounts": {"totals": {"github_active": 7}, "previous": {"github_active": 6}, "series": [], "top": {}},
            "commits": {"totals": {"commits": 42}, "previous": {"commits": 40}, "series": [], "top": {}},
            "issues_and_pulls": {"totals": {"issues_opened": 3}, "previous": {"issues_opened": 1}, "series": [], "top": {}},
            "wg21": {"totals": {"papers": 2}, "previous": {"papers": 0}, "series": [], "top": {}},
            "slack": {"totals": {"messages": 9}, "previous": {"messages": 5}, "series": [], "top": {}},
            "mailing_list": {"totals": {"mails": 9}, "previous": {"mails": 5}, "series": [], "top": {}},
            "website": {"totals": {"visits": 900}, "previous": {"visits": 500}, "series": [], "top": {}}
        })
    )),
    extensions(("x-scope" = json!("read")))
)]
async fn overview(
    State(app): State<App>,
    caller: Allowed<Reads>,
    Extension(known): Extension<Arc<Known>>,
    Query(asked): Query<Asked>,
) -> Result<Response> {
    let asked = Understood::of(&app, &caller, &asked).await?;
    let mut numbers = Vec::with_capacity(Section::ALL.len());
    for section in Section::ALL {
        numbers.push((section.key(), asked.numbers(&app, &known, section).await?));
    }
    let Period { before, from, to, bucket, .. } = asked.period;
    let window = Shown { previous_from: before, from, to, bucket: bucket.name() };
    Ok(cached(asked.max_age, Sections { window, numbers }))
}

/// One section
///
/// `totals`, `accounts`, `commits`, `issues-and-pulls`, `wg21`, `slack`, `mailing-list` or `website`:
/// what the overview says of it.
#[utoipa::path(
    get,
    path = "/dashboard/{section}",
    operation_id = "get_dashboard_section",
    tag = "dashboard",
    params(
        ("section" = String, Path, description = "The section: `totals`, `accounts`, `commits`, `issues-and-pulls`, `wg21`, `slack`, `mailing-list` or `website`.", example = "commits"),
        Asked
    ),
    responses((
        status = 200,
        description = "The section.",
        body = Answer,
        headers(("Cache-Control" = String, description = "30 s for `today`, else 300 s.")),
        example = json!({
            "totals": {"commits": 42},
            "previous": {"commits": 40},
            "series": [{"bucket": "2024-05-01", "commits": 42}],
            "top": {
                "committers": [{"name": "Jane Roe", "identity_id": 1, "count": 40}],
                "libraries": [{"name": "json", "library_id": 7, "count": 12}]
            }
        })
    )),
    extensions(("x-scope" = json!("read")))
)]
async fn section(
    State(app): State<App>,
    caller: Allowed<Reads>,
    Extension(known): Extension<Arc<Known>>,
    Path(name): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Response> {
    let section = Section::ALL.into_iter().find(|section| section.name() == name);
    let section = section.ok_or_else(|| no_section(&name))?;
    let asked = Understood::of(&app, &caller, &asked).await?;
    let numbers = asked.numbers(&app, &known, section).await?;
    Ok(cached(asked.max_age, &*numbers))
}

fn no_section(name: &str) -> Problem {
    let detail = format!("The dashboard has no section `{name}`.");
    let fault = Fault::parameter("section", "unknown_section", detail.clone());
    let others = ["overview", "boost-usage"];
    let names = Section::ALL.map(Section::name).into_iter().chain(others);
    Problem::not_found(detail).with(fault.suggest(name, names))
}

/// A request after it was understood.
struct Understood {
    period: Period,
    /// When it came.
    asked: memory::Asked,
    max_age: &'static str,
}

impl Understood {
    async fn of(app: &App, caller: &Allowed<Reads>, asked: &Asked) -> Result<Self> {
        let at = Instant::now();
        let mut faults = Vec::new();
        let words = asked.window.as_deref().unwrap_or(DEFAULT_WINDOW);
        let window = Window::parse(words).map_err(|fault| faults.push(fault)).ok();
        let as_of = asked.as_of.as_deref().map(window::as_of).transpose();
        let as_of = as_of.map_err(|fault| faults.push(fault)).ok().flatten();
        let owner = asked.owner.as_deref();
        if owner == Some("") {
            faults.push(Fault::parameter("owner", "empty", "`owner` names nobody."));
        }
        let (Some(window), true) = (window, faults.is_empty()) else {
            return Err(Problem::invalid(faults));
        };
        let as_of = as_of.unwrap_or_else(|| app.clock.now());
        let private = caller.has(&Scope::ReadPii);
        let mut connection = app.reader().await?;
        let period = Period::of(&window, as_of, owner, private, &mut connection).await?;
        let asked = memory::Asked { seen: Seen::by(&mut connection, app).await?, at };
        let max_age = if words == "today" { "private, max-age=30" } else { "private, max-age=300" };
        Ok(Self { period, asked, max_age })
    }

    async fn numbers(&self, app: &App, known: &Known, section: Section) -> Result<Numbers> {
        let (app, period) = (app.clone(), self.period.clone());
        let work = Counting { app, section, period };
        known.get((section, self.period.clone()), &self.asked, work).await
    }
}

/// The work of a section's numbers.
struct Counting {
    app: App,
    section: Section,
    period: Period,
}

impl Work for Counting {
    type Value = Numbers;

    async fn seen(&self) -> Result<Seen> {
        Seen::now(&self.app).await
    }

    async fn answer(&self, _: &Seen) -> Result<Numbers> {
        let mut connection = self.app.reader().await?;
        let answer = self.section.answer(&self.period, &mut connection).await?;
        drop(connection);
        let json = serde_json::value::to_raw_value(&answer).map_err(Problem::internal)?;
        Ok(Numbers::from(json))
    }
}

fn cached(max_age: &'static str, body: impl Serialize) -> Response {
    let caching = [(header::CACHE_CONTROL, HeaderValue::from_static(max_age))];
    (caching, Json(body)).into_response()
}
