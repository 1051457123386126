//! Boost payloads: versions, libraries, dependencies, lists of headers.

mod dependencies;
mod headers;
mod libraries;
mod orders;
mod versions;

use std::path::Path;

use serde_json::{Value, json};

use super::{rows, sender::Sender};

/// Each table by natural key, with every column that a payload decides.
const TABLES: &str = "with repo as (
    select r.id, a.username || '/' || r.repo_name as key
    from github_repository r join github_account a on a.id = r.owner_account_id
), library as (
    select l.id, r.key || ':' || l.name as key from boost_library l join repo r on r.id = l.repo_id
), lv as (
    select c.id, l.key || ':' || v.version as key from boost_library_version c
    join library l on l.id = c.library_id join boost_version v on v.id = c.version_id
) select line from (
    select 'repository ' || key as line from repo
    union all select 'library repository ' || key from boost_library_repository join repo using (id)
    union all select 'library ' || key || case when is_stub then ' stub' else '' end
        from boost_library join library using (id)
    union all select concat_ws(' ', 'version', version, version_key, version_created_at)
        from boost_version
    union all select concat_ws(' | ', 'library version ' || lv.key, cpp_version, description,
        documentation, c.key) from boost_library_version c join lv using (id)
    union all select concat_ws(' ', 'role', lv.key, a.stub_key, a.display_name,
        case when is_author then 'author' end, case when is_maintainer then 'maintainer' end)
        from boost_library_role_relationship x join lv on lv.id = x.library_version_id
        join github_account a on a.id = x.account_id
    union all select 'category ' || name from boost_library_category
    union all select concat_ws(' ', 'in category', l.key, c.name)
        from boost_library_category_relationship x join library l on l.id = x.library_id
        join boost_library_category c on c.id = x.category_id
    union all select concat_ws(' ', 'dependency', v.version, c.key, '->', d.key)
        from boost_dependency x join boost_version v on v.id = x.version_id
        join library c on c.id = x.client_library_id join library d on d.id = x.dep_library_id
    union all select concat_ws(' ', 'change', x.created_at, v.version,
        case when x.is_add then '+' else '-' end, c.key, '->', d.key)
        from dependency_change_log x join boost_version v on v.id = x.version_id
        join library c on c.id = x.client_library_id join library d on d.id = x.dep_library_id
    union all select concat_ws(' ', 'file', r.key, f.filename, l.key, b.assigned_by)
        from boost_file b join github_file f using (id) join repo r on r.id = f.repo_id
        join library l on l.id = b.library_id
    union all select concat_ws(' ', 'email', a.stub_key, e.email)
        from email e join github_account a on a.id = e.base_profile_id
) a order by line collate \"C\"";

/// A server, and what is posted to its Boost kinds.
struct Boost(Sender);

impl Boost {
    async fn new() -> Self {
        Self(Sender::new().await)
    }

    /// Posts a body; `to` is domain, kind and parameters.
    async fn send(&self, to: &str, media: &str, body: impl Into<axum::body::Body>) -> (u16, Value) {
        let path = format!("/api/v1/ingest/{to}");
        let answer = self.0.app.post(&path, &self.0.token, media, body).await;
        (answer.status(), answer.json())
    }

    /// Posts JSON that is taken.
    async fn post(&self, to: &str, body: &Value) -> Value {
        let (status, receipt) = self.send(to, "application/json", body.to_string()).await;
        assert_eq!(status, 200, "{receipt}");
        receipt
    }

    /// Posts rows that are taken.
    async fn csv(&self, to: &str, rows: &str) -> Value {
        let (status, receipt) = self.send(to, "text/csv", rows.to_owned()).await;
        assert_eq!(status, 200, "{receipt}");
        receipt
    }

    /// Every row by natural key, sorted.
    async fn dump(&self) -> Vec<String> {
        rows::texts(self.0.app.db(), TABLES.to_owned()).await
    }

    /// The rows that begin with a word.
    async fn rows(&self, of: &str) -> Vec<String> {
        let begin = format!("{of} ");
        let rows = self.dump().await.into_iter();
        rows.filter_map(|line| line.strip_prefix(&begin).map(str::to_owned)).collect()
    }
}

/// A file of `tests/fixtures/boost`.
fn fixture(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/boost");
    let path = folder.join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn json_fixture(name: &str) -> Value {
    serde_json::from_str(&fixture(name)).unwrap()
}

/// A document of one repository of Boost with libraries of these names and keys.
fn libraries(version: &str, repo: &str, of: &[(&str, &str)]) -> Value {
    let entries: Vec<Value> =
        of.iter().map(|(name, key)| json!({"name": name, "key": key})).collect();
    json!({"version": version, "repo": format!("boostorg/{repo}"), "libraries": entries})
}

fn dependencies(version: &str, of: Value) -> Value {
    json!({"version": version, "dependencies": of})
}
