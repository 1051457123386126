//! Usage payloads: scans of repositories, lists of repositories, files and usages.

mod catalogue;
mod lists;
mod orders;
mod scans;

use serde_json::{Value, json};

use super::{rows, sender::Sender};

/// Each table by natural key, with every column that a payload decides.
const TABLES: &str = "with repo as (
    select r.id, a.username || '/' || r.repo_name as key
    from github_repository r join github_account a on a.id = r.owner_account_id
), file as (
    select f.id, r.key || ':' || f.filename as key
    from github_file f join repo r on r.id = f.repo_id
), usage as (
    select u.id, concat_ws(' -> ', f.key, coalesce(h.key, '?')) as key, r.key as repo,
        u.last_commit_date, u.excepted_at
    from boost_usage u join file f on f.id = u.file_path_id join repo r on r.id = u.repo_id
    left join file h on h.id = u.boost_header_id
) select line from (
    select concat_ws(' ', 'external', r.key, boost_version,
        case when is_boost_embedded then 'embedded' end, case when is_boost_used then 'used' end,
        to_char(last_scan_at at time zone 'UTC', 'YYYY-MM-DD'))as line
        from boost_external_repository x join repo r using (id)
    union all select concat_ws(' ', 'usage', key,
        to_char(last_commit_date at time zone 'UTC', 'YYYY-MM-DD'), 'excepted ' || excepted_at)
        from usage
    union all select concat_ws(' ', 'missing', u.repo, split_part(u.key, ' -> ', 1), t.header_name)
        from boost_missing_header_tmp t join usage u on u.id = t.usage_id
    union all select 'deleted ' || file.key from github_file f join file using (id)
        where f.is_deleted
) a order by line collate \"C\"";

/// A server, and what is posted to its usage kinds.
struct Usage(Sender);

impl Usage {
    async fn new() -> Self {
        Self(Sender::new().await)
    }

    /// A server that knows the headers of Asio and Beast.
    async fn with_headers() -> Self {
        let usage = Self::new().await;
        usage.headers().await;
        usage
    }

    /// Posts a body; `to` is domain, kind and parameters.
    async fn send(&self, to: &str, media: &str, body: impl Into<axum::body::Body>) -> (u16, Value) {
        let path = format!("/api/v1/ingest/{to}");
        let answer = self.0.app.post(&path, &self.0.token, media, body).await;
        (answer.status(), answer.json())
    }

    /// Posts a body that is taken.
    async fn taken(&self, to: &str, media: &str, body: impl Into<axum::body::Body>) -> Value {
        let (status, receipt) = self.send(to, media, body).await;
        assert_eq!(status, 200, "{receipt}");
        receipt
    }

    /// Posts a scan that is taken.
    async fn scan(&self, body: &Value) -> Value {
        self.taken("usage/repository-scans", "application/json", body.to_string()).await
    }

    /// Posts a scan that is refused; gives the code of its first error.
    async fn refused(&self, to: &str, body: &Value) -> String {
        let path = format!("usage/repository-scans{to}");
        let (status, receipt) = self.send(&path, "application/json", body.to_string()).await;
        assert_eq!(status, 422, "{receipt}");
        receipt["errors"][0]["code"].as_str().unwrap_or_default().to_owned()
    }

    /// Posts rows that are taken; `to` is a usage kind and its parameters.
    async fn csv(&self, to: &str, rows: &str) -> Value {
        self.taken(&format!("usage/{to}"), "text/csv", rows.to_owned()).await
    }

    /// Posts usages, given as lines without the first.
    async fn usages(&self, params: &str, rows: &str) -> Value {
        let names = "owner,repo_name,file_path,boost_header_name,last_commit_ts,excepted_at";
        self.csv(&format!("usages{params}"), &format!("{names}\n{rows}")).await
    }

    /// Makes the headers of two libraries known.
    async fn headers(&self) {
        for library in ["asio", "beast"] {
            let entry = json!([{"key": library, "name": library}]);
            let to = format!("boost/libraries?version=1.84.0&repo=boostorg/{library}");
            self.taken(&to, "application/json", entry.to_string()).await;
        }
        let rows = "library_name,file_name\nasio,boost/asio.hpp\nasio,boost/asio/ip/tcp.hpp\n\
                    beast,boost/beast.hpp\n";
        self.taken("boost/headers", "text/csv", rows).await;
    }

    async fn dump(&self) -> Vec<String> {
        rows::texts(self.0.app.db(), TABLES.to_owned()).await
    }

    /// The rows of some tables.
    async fn lines(&self, kinds: &[&str]) -> Vec<String> {
        let mut lines = self.dump().await;
        lines.retain(|line| kinds.iter().any(|kind| line.starts_with(kind)));
        lines
    }
}

/// The five counts of a receipt: inserted, updated, unchanged, stale, rejected.
fn counts(receipt: &Value) -> [u64; 5] {
    super::sender::counts(receipt)
}

/// A scan of `acme/app` on a day of June 2025, of files with their headers; none means not read.
fn scan(day: u32, files: &[(&str, Option<&[&str]>)]) -> Value {
    let files: Vec<Value> = files
        .iter()
        .map(|(path, headers)| match headers {
            Some(headers) => json!({"file_path": path, "boost_headers": headers}),
            None => json!({"file_path": path}),
        })
        .collect();
    json!({"repo_full_name": "acme/app", "scanned_at": format!("2025-06-{day:02}T00:00:00Z"),
           "scan_status": "ok", "files": files})
}

const ASIO: &str = "boostorg/asio:include/boost/asio.hpp";
const TCP: &str = "boostorg/asio:include/boost/asio/ip/tcp.hpp";

/// A usage as the dump shows it.
fn usage(path: &str, header: &str, rest: &str) -> String {
    format!("usage acme/app:{path} -> {header}{rest}")
}
