//! Provenance: the payload that a row came from.

use std::sync::Arc;

use axum::{
    Extension,
    extract::State,
    response::{IntoResponse, Response},
    routing::get,
};
use diesel_async::RunQueryDsl;
use serde_json::json;
use utoipa::openapi::{
    ContentBuilder, HttpMethod, PathItem, RefOr, ResponseBuilder,
    path::Paths,
    schema::{ObjectBuilder, Type},
};
use utoipa_axum::router::OpenApiRouter;

use crate::{
    app::App,
    db::sql::{Json, Row, Statement, Value},
    http::{
        access::{Allowed, ReadsResource},
        extract::{NoParams, Params, Path},
        json::Json as JsonAnswer,
        openapi::operation,
        problem::{Problem, Result},
        scope::Scope,
    },
    query::{answer, docs, plan::Filter, resource::Resource, routes::serving, view::View},
};

/// What says where the profile of an id comes from, as `t`.
macro_rules! of_a_profile {
    ($id:literal) => {
        concat!(
            "lateral (select source_receipt, source_item from github_account where id = ",
            $id,
            " union all select source_receipt, source_item from mailing_list_profile where id = ",
            $id,
            " union all select source_receipt, source_item from wg21_paper_author_profile \
             where id = ",
            $id,
            " union all select source_receipt, source_item from slack_user where id = ",
            $id,
            " union all select source_receipt, source_item from discord_profile where id = ",
            $id,
            ") t on true"
        )
    };
}

/// Rows that are members of a set say where they come from through what lists them: table, and what
/// is joined to it.
const MEMBERS: &[(&str, &str)] = &[
    ("issue_label", "issue t on t.id = m.issue_id"),
    ("issue_assignee", "issue t on t.id = m.issue_id"),
    ("pull_request_label", "pull_request t on t.id = m.pr_id"),
    ("pull_request_assignee", "pull_request t on t.id = m.pr_id"),
    ("git_commit_file_change", "git_commit t on t.id = m.commit_id"),
    ("repo_language", "github_repository t on t.id = m.repo_id"),
    ("repo_license", "github_repository t on t.id = m.repo_id"),
    ("boost_library_repository", "github_repository t on t.id = m.id"),
    ("boost_missing_header_tmp", "boost_usage t on t.id = m.usage_id"),
    ("boost_file", "github_file t on t.id = m.id"),
    ("wg21_paper_author", "wg21_paper t on t.id = m.paper_id"),
    ("boost_library_role_relationship", "boost_library_version t on t.id = m.library_version_id"),
    ("boost_library_category_relationship", "boost_library t on t.id = m.library_id"),
    ("discord_reaction", "discord_message t on t.id = m.message_id"),
    ("boost_library_documentation", "boost_doc_content t on t.id = m.boost_doc_content_id"),
    ("youtube_video_tags", "youtube_video t on t.video_id = m.youtube_video_id"),
    ("youtube_video_speaker", "youtube_video t on t.video_id = m.video_id"),
    // An address is its profile's, and a profile is what its platform says of it.
    ("base_profile", of_a_profile!("m.id")),
    ("email", of_a_profile!("m.base_profile_id")),
    // What is but a name comes from whatever first called it so.
    (
        "language",
        "lateral (select r.source_receipt, r.source_item from repo_language l \
         join github_repository r on r.id = l.repo_id where l.language_id = m.id \
         union all select source_receipt, source_item from created_repos_by_language \
         where language_id = m.id order by 1, 2 limit 1) t on true",
    ),
    (
        "license",
        "lateral (select r.source_receipt, r.source_item from repo_license l \
         join github_repository r on r.id = l.repo_id where l.license_id = m.id \
         order by 1, 2 limit 1) t on true",
    ),
    (
        "cppa_tags",
        "lateral (select v.source_receipt, v.source_item from youtube_video_tags l \
         join youtube_video v on v.video_id = l.youtube_video_id where l.cppa_tag_id = m.id \
         order by 1, 2 limit 1) t on true",
    ),
    (
        "youtube_speaker",
        "lateral (select v.source_receipt, v.source_item from youtube_video_speaker l \
         join youtube_video v on v.video_id = l.video_id where l.speaker_id = m.id \
         order by 1, 2 limit 1) t on true",
    ),
    // The list in force is the one that was said last.
    (
        "pinecone_fail_list",
        "lateral (select s.source_receipt, s.source_item from statement s \
         where s.fold = 'pinecone.fail-list' and s.scope = m.app_type \
         order by (s.body->>'said_at')::bigint desc, s.id limit 1) t on true",
    ),
];

/// Tables whose rows say where they come from.
const STAMPED: &[&str] = &[
    "github_account",
    "github_repository",
    "created_repos_by_language",
    "git_commit",
    "github_file",
    "issue",
    "issue_comment",
    "pull_request",
    "pull_request_comment",
    "pull_request_review",
    "mailing_list_profile",
    "mailing_list_message",
    "wg21_paper_author_profile",
    "wg21_mailing",
    "wg21_paper",
    "boost_version",
    "boost_library",
    "boost_library_version",
    "boost_library_category",
    "boost_dependency",
    "dependency_change_log",
    "boost_external_repository",
    "boost_usage",
    "clang_github_issue_item",
    "clang_github_commit",
    "website",
    "website_visit_count",
    "website_word_count",
    "pinecone_sync_status",
    "youtube_channel",
    "youtube_video",
    "slack_team",
    "slack_user",
    "slack_channel",
    "slack_channel_membership",
    "slack_channel_membership_change_log",
    "slack_message",
    "discord_profile",
    "discord_server",
    "discord_channel",
    "discord_message",
    "boost_doc_content",
];

/// `GET {path}/{id}/provenance`.
pub fn routes(resource: &Resource) -> OpenApiRouter<App> {
    let path = format!("{}/{{id}}/provenance", resource.path);
    let domain = resource.path.trim_start_matches('/').split('/').next().unwrap_or_default();
    let id = format!("provenance_of_{}", resource.path.trim_matches('/').replace(['/', '-'], "_"));
    let content = ContentBuilder::new()
        .schema(Some(ObjectBuilder::new().schema_type(Type::Object)))
        .example(Some(json!({
            "table": resource.table,
            "receipt": "019319f2-7d3c-7c3e-8a51-0d9f1c6b2a10",
            "domain": "github",
            "kind": "commits",
            "params": {},
            "received_at": "2024-05-01T12:00:00Z",
            "item": 0,
            "raw": "raw/github_activity_tracker/boostorg/json/repository@9f2c61d07be4a315.json"
        })))
        .build();
    let mut described = operation(domain, &id, "Name the payload of a row", &resource.scope)
        .description(Some(
            "The delivery that last changed the row: its receipt, its item, its document; of what is \
             but a name (a language, a licence, a tag, a speaker) the one that first called it so, of a \
             profile or an address what the platform says of the profile. A row that no payload has \
             stated (a stub) has none: 404. While an identity is hidden, `params` and \
             `raw` are told only to who has the scope `read:raw`.",
        ))
        .response(
            "200",
            ResponseBuilder::new()
                .description("Where the row comes from.")
                .content("application/json", content)
                .build(),
        )
        .build();
    described.parameters = Some(vec![RefOr::T(docs::key(resource))]);
    let mut paths = Paths::new();
    paths.paths.insert(path, PathItem::new(HttpMethod::Get, described));
    serving(resource, OpenApiRouter::new().routes((Vec::new(), paths, get(show))))
}

async fn show(
    State(app): State<App>,
    caller: Allowed<ReadsResource>,
    _: NoParams,
    Extension(view): Extension<Arc<View>>,
    Path(id): Path<String>,
) -> Result<Response> {
    let resource = view.resource();
    let key = resource.key();
    let id = answer::key(resource, &id)?;
    // Whoever is not shown the row is not told where it comes from.
    answer::one(&app, &caller, &view, &[Filter::equals(0, id.clone())], &Params::default()).await?;
    let unknown = || Problem::not_found("Where this row comes from is not recorded.");
    let table = resource.table;
    let from = match MEMBERS.iter().find(|(member, _)| *member == table) {
        Some((member, list)) => format!("{member} m join {list} where m.id = "),
        None if STAMPED.contains(&table) => format!("{table} t where t.{} = ", key.name),
        None => return Err(unknown()),
    };
    let mut statement = Statement::new(
        "select jsonb_build_object('receipt', r.id, 'domain', r.domain, 'kind', r.kind, \
         'params', r.params, 'received_at', to_char(r.received_at at time zone 'UTC', \
         'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'), 'item', s.item, \
         'raw', i.items -> (s.item - i.first_index) ->> 'raw') \
         from (select t.source_receipt as receipt, t.source_item as item from ",
    );
    statement.push(&from);
    statement.bind(key.ty.sql(), id);
    statement.push(
        ") s join receipt r on r.number = s.receipt left join lateral (select * from receipt_items \
         where receipt_number = s.receipt and first_index <= s.item \
         order by first_index desc limit 1) i on true",
    );
    let mut conn = app.reader().await?;
    let rows: Vec<Row> = statement.load(&mut conn).await?;
    match rows.into_iter().next().map(|row| <[Value; 1]>::try_from(row.0)) {
        Some(Ok([Value::Jsonb(Json(mut found))])) => {
            found["table"] = json!(table);
            // Where a document lies, and what it was sent with, is made of names, and of which is not
            // looked at: while somebody is hidden it is for those who may read the document itself.
            if conn.is_veiled() && !caller.has(&Scope::ReadRaw) {
                (found["params"], found["raw"]) = (json!({}), json!(null));
            }
            Ok(JsonAnswer(found).into_response())
        }
        _ => Err(unknown()),
    }
}
