//! Versions of objects, at random: every member may be missing, times may be equal or none.

use proptest::{option, prelude::*, sample::select};
use serde_json::{Map, Value, json};

/// A payload and where it is posted.
#[derive(Clone)]
pub(super) struct Sent {
    pub(super) to: String,
    pub(super) body: Value,
}

impl std::fmt::Debug for Sent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.to, self.body)
    }
}

/// A strategy of members of an object that may be missing.
pub(super) fn maybe(
    key: &'static str,
    values: Vec<Value>,
) -> BoxedStrategy<Option<(String, Value)>> {
    option::weighted(0.8, select(values))
        .prop_map(move |value| value.map(|value| (key.to_owned(), value)))
        .boxed()
}

/// An object of members, each of them or not.
pub(super) fn object(
    fixed: Value,
    members: Vec<BoxedStrategy<Option<(String, Value)>>>,
) -> BoxedStrategy<Value> {
    members
        .prop_map(move |members| {
            let mut object: Map<String, Value> = fixed.as_object().unwrap().clone();
            object.extend(members.into_iter().flatten());
            Value::Object(object)
        })
        .boxed()
}

pub(super) fn time(day: u32) -> Value {
    json!(format!("2024-01-{day:02}T00:00:00Z"))
}

pub(super) fn times() -> Vec<Value> {
    vec![time(2), time(2), time(3), time(4), Value::Null]
}

pub(super) fn sent(kind: &'static str, body: BoxedStrategy<Value>) -> BoxedStrategy<Sent> {
    let as_of = option::weighted(0.3, select(vec!["2024-02-01T00:00:00Z", "2024-02-02T00:00:00Z"]));
    (as_of, body)
        .prop_map(move |(as_of, body)| {
            let as_of = as_of.map(|at| format!("as_of={at}")).unwrap_or_default();
            let repo = if kind == "accounts" { "" } else { "repo=boostorg/json&" };
            Sent { to: format!("{kind}?{repo}{as_of}"), body }
        })
        .boxed()
}

pub(super) fn user(id: i64) -> Value {
    json!({"id": id, "login": format!("user{id}")})
}

fn users() -> Vec<Value> {
    vec![
        Value::Null,
        user(1),
        user(2),
        json!({"id": 2, "login": "renamed", "type": "Organization"}),
    ]
}

fn comments() -> Vec<Value> {
    let comment = |body: &str, day: u32, user: Value| json!({"id": 77, "body": body, "user": user, "created_at": time(1), "updated_at": time(day)});
    vec![
        json!([]),
        json!([comment("a", 2, user(1))]),
        json!([comment("b", 2, Value::Null)]),
        json!([comment("b", 3, user(3)), {"id": 78, "body": null, "user": null, "created_at": null}]),
    ]
}

pub(super) fn issue(number: i64, id: i64) -> BoxedStrategy<Value> {
    let info = object(
        json!({"id": id, "number": number}),
        vec![
            maybe("title", vec![json!("x"), json!("y"), Value::Null]),
            maybe("state", vec![json!("open"), json!("closed")]),
            maybe("state_reason", vec![json!("completed"), Value::Null]),
            maybe("user", users()),
            maybe(
                "labels",
                vec![json!([]), json!(["bug"]), json!([{"name": "bug"}, {"name": "doc"}])],
            ),
            maybe("assignees", vec![json!([]), json!([user(1), null]), json!([user(2)])]),
            maybe("updated_at", times()),
            maybe("closed_at", vec![time(3), Value::Null]),
        ],
    );
    (info, select(comments()))
        .prop_map(|(info, comments)| json!({"issue_info": info, "comments": comments}))
        .boxed()
}

/// The columns that every shape of a pull request has.
fn pull_members() -> Vec<BoxedStrategy<Option<(String, Value)>>> {
    vec![
        maybe("title", vec![json!("x"), json!("y")]),
        maybe("state", vec![json!("open"), json!("closed")]),
        maybe("user", users()),
        maybe("labels", vec![json!([]), json!(["bug"])]),
        maybe("updated_at", times()),
    ]
}

pub(super) fn pull(number: i64, id: i64) -> BoxedStrategy<Value> {
    let item = (object(json!({"id": id + 1_000, "number": number}), pull_members()), any::<bool>())
        .prop_map(|(mut item, merged)| {
            item["pull_request"] = json!({"url": "https://api.github.com/x"});
            if merged {
                item["pull_request"]["merged_at"] = time(4);
            }
            item
        });
    let mut members = pull_members();
    members.push(maybe("merged_at", vec![time(3)]));
    let head = json!({"id": id, "number": number, "head": {"sha": "aa"}, "base": {"sha": "bb"}});
    let reviews = vec![
        json!([]),
        json!([{"id": 5, "path": "a", "body": "c", "user": user(1), "updated_at": time(2)}]),
        json!([{"id": 5, "state": "APPROVED", "body": "r", "user": null, "submitted_at": time(2)}]),
        json!([{"id": 5, "path": "a", "body": "d", "user": user(2), "updated_at": time(2)},
               {"id": 5, "state": "DISMISSED", "body": "r", "user": user(3), "submitted_at": time(2)}]),
    ];
    let detail = (object(head, members), select(comments()), select(reviews)).prop_map(
        |(info, comments, reviews)| json!({"pr_info": info, "comments": comments, "reviews": reviews}),
    );
    prop_oneof![item, detail].boxed()
}

pub(super) fn repository(
    id: Option<i64>,
    name: &'static str,
    owner: &Value,
) -> BoxedStrategy<Value> {
    let mut fixed = json!({"full_name": name, "owner": owner});
    if let Some(id) = id {
        fixed["id"] = json!(id);
    }
    object(
        fixed,
        vec![
            maybe("stargazers_count", vec![json!(1), json!(2)]),
            maybe("description", vec![json!("d"), Value::Null]),
            maybe("pushed_at", vec![time(2), time(5), json!(1_704_067_200)]),
            maybe("updated_at", times()),
            maybe("license", vec![Value::Null, json!({"name": "MIT License", "spdx_id": "MIT"})]),
        ],
    )
}

pub(super) fn file(name: &str, status: &str, patch: &str) -> Value {
    json!({"filename": name, "status": status, "additions": 1, "deletions": 0, "patch": patch})
}

/// A list of 300 files: GitHub cuts there.
pub(super) fn cut(patch: &str) -> Value {
    let files =
        (0..300).map(|n| file(&format!("f{n}"), "modified", if n < 3 { patch } else { "" }));
    Value::Array(files.collect())
}

pub(super) fn commit(sha: &'static str, day: u32, files: Vec<Value>) -> BoxedStrategy<Value> {
    let unknown = json!({"name": "Jane", "email": "jane@example.org", "date": time(day)});
    let noreply =
        json!({"name": "Jane", "email": "5+jane@users.noreply.github.com", "date": time(day)});
    let people = select(vec![unknown, noreply]);
    let author = select(vec![Value::Null, json!({}), user(1), user(2)]);
    (people, author, option::weighted(0.8, select(files)))
        .prop_map(move |(person, author, files)| {
            let mut commit = json!({
                "sha": sha, "author": author,
                "commit": {"message": "m", "author": person, "committer": {"date": time(day)}},
            });
            if let Some(files) = files {
                commit["files"] = files;
            }
            commit
        })
        .boxed()
}
