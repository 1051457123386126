//! Texts of pages: files named by their content, made again from the archive where one is missing.

use std::sync::Arc;

use axum::{
    Extension,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
    routing::get,
};
use bytes::Bytes;
use diesel_async::RunQueryDsl;
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};
use tokio::task::spawn_blocking;
use utoipa::openapi::{
    ContentBuilder, HttpMethod, PathItem, RefOr, ResponseBuilder,
    path::Paths,
    schema::{ObjectBuilder, Type},
};
use utoipa_axum::router::OpenApiRouter;

use crate::{
    app::App,
    db::sql::{Row, Statement, Value},
    domains::docs::content::BoostDocContent,
    http::{
        access::{Allowed, ReadsResource},
        extract::{NoParams, Path},
        openapi::operation,
        problem::{Problem, Result},
    },
    ingest::{archive::Archive, clean, derived},
    query::{answer, docs, resource::Served, routes::serving, view::View},
};

/// Where the text of a hash is, relative to the workspace.
pub fn path(hash: &str) -> String {
    let shelf = hash.get(..2).unwrap_or("__");
    format!("boost_library_docs_tracker/pages/{shelf}/{hash}.md")
}

/// `GET /docs/contents/{id}/text`.
pub fn routes() -> OpenApiRouter<App> {
    let resource = BoostDocContent::resource();
    let content = ContentBuilder::new()
        .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
        .example(Some(json!("# Boost.JSON\n\nBoost.JSON is a portable C++ library.")))
        .build();
    let mut described =
        operation("docs", "get_text_of_docs_contents", "Read a page's text", &resource.scope)
            .description(Some("The text as it was sent, whose SHA-256 is `content_hash`."))
            .response(
                "200",
                ResponseBuilder::new().description("The text.").content("text/markdown", content),
            )
            .build();
    described.parameters = Some(vec![RefOr::T(docs::key(&resource))]);
    let mut paths = Paths::new();
    let path = format!("{}/{{id}}/text", resource.path);
    paths.paths.insert(path, PathItem::new(HttpMethod::Get, described));
    serving(&resource, OpenApiRouter::new().routes((Vec::new(), paths, get(show))))
}

async fn show(
    State(app): State<App>,
    _: Allowed<ReadsResource>,
    _: NoParams,
    Extension(view): Extension<Arc<View>>,
    Path(id): Path<String>,
) -> Result<Response> {
    let key = view.resource().key();
    let id = answer::key(view.resource(), &id)?;
    let mut statement = Statement::new(
        "select c.content_hash, i.items -> (c.source_item - i.first_index) ->> 'raw' \
         from boost_doc_content c left join lateral (select * from receipt_items \
         where receipt_number = c.source_receipt and first_index <= c.source_item \
         order by first_index desc limit 1) i on true where c.id = ",
    );
    statement.bind(key.ty.sql(), id);
    let mut conn = app.reader().await?;
    let found: Option<Row> = statement.load(&mut conn).await?.pop();
    drop(conn);
    let Some(Ok([Value::Text(hash), raw])) = found.map(|row| <[Value; 2]>::try_from(row.0)) else {
        return Err(Problem::not_found("There is no such page."));
    };
    let raw = if let Value::Text(raw) = raw { Some(raw) } else { None };
    let text = match stored(&app, &hash).await? {
        Some(text) => Some(text),
        None => remade(&app, &hash, raw).await?,
    };
    let text = text.ok_or_else(|| Problem::not_found("The text of this page is not kept."))?;
    let tag = format!("\"{hash}\"");
    Ok(([(header::CONTENT_TYPE, "text/markdown; charset=utf-8"), (header::ETAG, &tag)], text)
        .into_response())
}

/// The text in its file, if that is whole.
async fn stored(app: &App, hash: &str) -> Result<Option<Bytes>> {
    match tokio::fs::read(app.settings.workspace.join(path(hash))).await {
        Ok(text) if is_of(&text, hash) => Ok(Some(text.into())),
        Ok(_) => Ok(None),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Problem::internal(error)),
    }
}

/// The text out of the archive, put back into its file.
async fn remade(app: &App, hash: &str, raw: Option<String>) -> Result<Option<Bytes>> {
    let Some(raw) = raw else { return Ok(None) };
    let (archive, wanted) = (app.archive.clone(), hash.to_owned());
    let text = spawn_blocking(move || -> std::io::Result<Option<Bytes>> {
        let Some(document) = Archive::load(&archive, &raw)? else { return Ok(None) };
        let Ok((document, _)) = clean::parse(&document) else { return Ok(None) };
        Ok(text_in(&document, &wanted))
    })
    .await
    .map_err(Problem::internal)?
    .map_err(Problem::internal)?;
    if let Some(text) = &text {
        let path = app.settings.workspace.join(path(hash));
        // A file of the right length is left alone when texts are written: this one is broken.
        let _ = tokio::fs::remove_file(&path).await;
        let files = [(self::path(hash), text.clone())].into();
        derived::write(&app.settings.workspace, files).await.map_err(Problem::internal)?;
    }
    Ok(text)
}

/// The text of a hash in a document of pages.
fn text_in(document: &Json, hash: &str) -> Option<Bytes> {
    let pages = document.get("pages").and_then(Json::as_array);
    let alone = std::slice::from_ref(document);
    let texts = pages.map_or(alone, Vec::as_slice).iter();
    let text = texts
        .filter_map(|page| page.get("content")?.as_str())
        .find(|text| is_of(text.as_bytes(), hash))?;
    Some(text.to_owned().into())
}

fn is_of(text: &[u8], hash: &str) -> bool {
    hex::encode(Sha256::digest(text)) == hash
}
