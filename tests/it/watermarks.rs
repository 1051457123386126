//! Where scrapers resume, and which keys are known.

use serde_json::{Value, json};

use crate::support::{TestApp, TestDb};

struct Scraper {
    app: TestApp,
    token: String,
}

impl Scraper {
    async fn new() -> Self {
        let app = TestApp::new().await;
        let token = app.token(&["ingest:*"]);
        Self { app, token }
    }

    async fn post(&self, to: &str, body: &Value) -> Value {
        let path = format!("/api/v1/ingest/github/{to}");
        self.app.post_json(&path, &self.token, body).await.json()
    }

    /// `(high, safe, open failures)` of the issues of `o/r`: keys.
    async fn issues(&self) -> (Value, Value, Value) {
        let path = "/api/v1/ingest/watermarks?domain=github&kind=issues&scope=O/r";
        let answer = self.app.get(path).await.expect(200);
        let data = answer["data"].as_array().unwrap();
        assert!(data.len() < 2, "{answer}");
        let mark = data.first().cloned().unwrap_or_default();
        (mark["high"]["key"].clone(), mark["safe"]["key"].clone(), mark["open_failures"].clone())
    }

    async fn known(&self, kind: &str, keys: &Value) -> Value {
        let path = format!("/api/v1/ingest/github/{kind}/known");
        self.app.post_json(&path, &self.token, &json!({"keys": keys})).await.expect(200)
    }

    async fn letters(&self) -> Vec<i64> {
        let path = "/api/v1/ingest/dead-letters?sort=id";
        let letters = self.app.get_as(&self.token, path).await.expect(200);
        let letters = letters["data"].as_array().unwrap();
        letters.iter().map(|letter| letter["id"].as_i64().unwrap()).collect()
    }

    async fn retry(&self, letter: i64) -> Value {
        let path = format!("/api/v1/ingest/dead-letters/{letter}/retry");
        self.app.post_json(&path, &self.token, &Value::Null).await.expect(200)
    }
}

fn issue(number: i64, day: u32) -> Value {
    json!({"id": 1_000 + number, "number": number, "title": "t", "state": "open",
        "url": format!("https://api.github.com/repos/o/r/issues/{number}"),
        "created_at": "2024-01-01T00:00:00Z", "updated_at": format!("2024-01-{day:02}T00:00:00Z")})
}

/// Rejected: its id is no id.
fn broken(number: i64, day: u32) -> Value {
    let mut issue = issue(number, day);
    issue["id"] = json!("none");
    issue
}

#[tokio::test(flavor = "multi_thread")]
async fn high_is_the_newest_and_safe_lies_below_every_failure() {
    let scraper = Scraper::new().await;
    assert_eq!(scraper.issues().await, (Value::Null, Value::Null, Value::Null));
    scraper.post("issues", &json!([issue(1, 10), issue(2, 20), issue(9, 25), issue(10, 25)])).await;
    // Of two at one time the greater number.
    assert_eq!(scraper.issues().await, (json!("10"), json!("10"), json!(0)));
    // A failure is told by its own time, wherever it comes in.
    scraper.post("issues", &json!([broken(3, 20), issue(4, 28)])).await;
    assert_eq!(scraper.issues().await, (json!("4"), json!("1"), json!(1)));
    // Below all that is stored.
    scraper.post("issues", &json!([broken(5, 2)])).await;
    assert_eq!(scraper.issues().await, (json!("4"), Value::Null, json!(2)));
    // Nothing of it touches another repository, or another kind.
    let pulls = "/api/v1/ingest/watermarks?kind=pull-requests";
    assert_eq!(scraper.app.get(pulls).await.expect(200)["data"], json!([]));

    let letters = scraper.letters().await;
    let path = format!("/api/v1/ingest/dead-letters/{}", letters[1]);
    let delete = crate::support::request(axum::http::Method::DELETE, &path, Some(&scraper.token));
    let gone = scraper.app.send(delete.body(axum::body::Body::empty()).unwrap()).await;
    assert_eq!(gone.status(), 204);
    assert_eq!(scraper.issues().await, (json!("4"), json!("1"), json!(1)));
    assert_eq!(scraper.retry(letters[0]).await["rejected"], 1);
    assert_eq!(scraper.issues().await, (json!("4"), json!("1"), json!(1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_without_a_time_counts_as_just_above_what_was_there() {
    let scraper = Scraper::new().await;
    let mut timeless = broken(7, 1);
    timeless["updated_at"] = json!("at some time");
    // Before anything is stored: below all of it.
    scraper.post("issues", &json!([timeless])).await;
    assert_eq!(scraper.issues().await, (Value::Null, Value::Null, json!(1)));
    scraper.post("issues", &json!([issue(1, 10)])).await;
    assert_eq!(scraper.issues().await, (json!("1"), Value::Null, json!(1)));
    sqlish(scraper.app.db(), "delete from dead_letter").await;
    // Beside good ones it stands above what was there, not above them.
    scraper.post("issues", &json!([issue(2, 20), timeless])).await;
    assert_eq!(scraper.issues().await, (json!("2"), json!("1"), json!(1)));
    sqlish(scraper.app.db(), "delete from dead_letter").await;
    // Not even JSON: the parameter tells the scope.
    scraper.post("issues?repo=O/R", &json!(["nothing"])).await;
    assert_eq!(scraper.issues().await, (json!("2"), json!("2"), json!(1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_clock_is_no_watermark() {
    let scraper = Scraper::new().await;
    let mut future = issue(3, 1);
    future["updated_at"] = json!("2999-01-01T00:00:00Z");
    scraper.post("issues", &json!([issue(1, 10), future])).await;
    assert_eq!(scraper.issues().await, (json!("1"), json!("1"), json!(0)));
    // Neither is a stub: of what these mention nothing was read.
    scraper
        .post(
            "commits",
            &json!({"sha": "b".repeat(40), "url": "https://api.github.com/repos/o/r/commits/b",
            "commit": {"message": "m", "author": {"date": "2024-02-01T00:00:00Z"}}}),
        )
        .await;
    let all = scraper.app.get("/api/v1/ingest/watermarks").await.expect(200);
    let kinds: Vec<&Value> =
        all["data"].as_array().unwrap().iter().map(|mark| &mark["kind"]).collect();
    assert_eq!(kinds, ["commits", "issues"]);
    assert_eq!(
        all["data"][0]["high"],
        json!({"at": "2024-02-01T00:00:00Z", "key": "b".repeat(40)})
    );
    assert_eq!(all["data"][0]["scope"], "o/r");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_misspelt_domain_is_refused_with_the_nearest() {
    let app = TestApp::new().await;
    let refused = app.get("/api/v1/ingest/watermarks?domain=githab").await.expect(400);
    assert_eq!(refused["errors"][0]["suggestion"], "github");
    let refused = app.get("/api/v1/ingest/watermarks?kind=isues").await.expect(400);
    assert_eq!(refused["errors"][0]["suggestion"], "issues");
}

#[tokio::test(flavor = "multi_thread")]
async fn known_keys_are_told_from_unknown_ones() {
    let scraper = Scraper::new().await;
    let pull_seen_as_issue = json!({"id": 5, "number": 5, "title": "t", "state": "open",
        "updated_at": "2024-01-01T00:00:00Z", "pull_request": {"url": "x"},
        "url": "https://api.github.com/repos/o/r/issues/5"});
    scraper.post("issues", &json!([issue(1, 10), pull_seen_as_issue])).await;
    let object = json!({"repo": "o/r", "number": 1});
    let parts = json!({"owner": "o", "name": "R", "number": "2"});
    let keys =
        json!(["O/r:1", object, "o/r:2", parts, "x/y:1", "o/r:many", "o/r:99999999999999999999"]);
    let answer = scraper.known("issues", &keys).await;
    assert_eq!(answer["known"], json!(["O/r:1", object]));
    assert_eq!(answer["unknown"].as_array().unwrap().len(), 5);
    assert_eq!(answer["deleted"], json!([]));
    // Stubs are unknown.
    let answer = scraper.known("pull-requests", &json!(["o/r:5"])).await;
    assert_eq!(answer["unknown"], json!(["o/r:5"]));
    assert_eq!(scraper.known("repositories", &json!(["o/r"])).await["known"], json!([]));
    scraper.post("repo-languages?repo=o/r", &json!({"C++": 3})).await;
    assert_eq!(scraper.known("repositories", &json!(["o/r"])).await["known"], json!([]));
    assert_eq!(scraper.known("repo-languages", &json!(["o/r"])).await["known"], json!(["o/r"]));
    scraper.post("repositories", &json!({"full_name": "o/r", "stargazers_count": 3})).await;
    assert_eq!(scraper.known("repositories", &json!(["O/R"])).await["known"], json!(["O/R"]));
    scraper.post("accounts", &json!({"id": 77, "login": "x"})).await;
    assert_eq!(scraper.known("accounts", &json!([77, "78", "x"])).await["known"], json!([77]));
    scraper.post("created-repos-by-language", &json!({"language": "C++", "year": 2020})).await;
    let answer = scraper.known("created-repos-by-language", &json!(["C++:2020", "C++:2021"])).await;
    assert_eq!(
        (&answer["known"], &answer["unknown"]),
        (&json!(["C++:2020"]), &json!(["C++:2021"]))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_key_is_refused_with_its_place() {
    let scraper = Scraper::new().await;
    let path = "/api/v1/ingest/github/issues/known";
    let ask =
        async |body: &Value| scraper.app.post_json(path, &scraper.token, body).await.expect(400);
    let refused = ask(&json!({"keys": ["o/r:1", "o/r", 7, null]})).await;
    let pointers: Vec<&Value> =
        refused["errors"].as_array().unwrap().iter().map(|error| &error["pointer"]).collect();
    assert_eq!(pointers, ["/keys/1", "/keys/2", "/keys/3"]);
    assert_eq!(ask(&json!([])).await["errors"][0]["code"], "missing_field");
    let many: Vec<String> = (0..=10_000).map(|number| format!("o/r:{number}")).collect();
    assert_eq!(ask(&json!({"keys": many})).await["errors"][0]["code"], "too_many_items");
}

async fn sqlish(db: &TestDb, sql: &str) {
    let statement = boost_dashboard::db::sql::Statement::new(sql);
    let mut conn = db.connect().await;
    diesel_async::RunQueryDsl::execute(statement, &mut conn).await.unwrap();
}
