//! What is said in a video: `/youtube/videos/{id}/transcript`.

use axum::{
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use diesel::{
    QueryableByName,
    sql_types::{Nullable, Text},
};
use diesel_async::RunQueryDsl;
use serde::Deserialize;
use tokio::task::spawn_blocking;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::ingest::{
    transcripts::{archived, is_language, text_of},
    video_id,
};
use crate::{
    app::App,
    db::sql::{SqlType, Statement, Value},
    http::{
        access::{Allowed, Reads},
        extract::{Path, Query},
        problem::{Fault, Problem, Result},
    },
    ingest::archive::Archive,
};

/// Where a video's transcript is.
#[derive(Debug, QueryableByName)]
struct Place {
    #[diesel(sql_type = Text)]
    transcript_path: String,
    #[diesel(sql_type = Nullable<Text>)]
    transcript_lang: Option<String>,
}

/// The routes.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(show))
}

/// Which transcript.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct Asked {
    /// The language, a BCP 47 tag; if none is given, that of `transcript_lang`.
    #[param(example = "en")]
    lang: Option<String>,
}

/// Read a transcript
///
/// The `WebVTT` file of the video, in English if there is one. `Content-Language` names the language.
#[utoipa::path(
    get,
    path = "/youtube/videos/{id}/transcript",
    operation_id = "get_youtube_video_transcript",
    tag = "youtube",
    params(
        ("id" = String, Path, description = "YouTube's id of the video.", example = "McUhgUD7n3A"),
        Asked
    ),
    responses((
        status = 200,
        description = "The transcript.",
        body = String,
        content_type = "text/vtt",
        headers(("Content-Language" = String, description = "The language, a BCP 47 tag.")),
        example = json!("WEBVTT\n\n00:00:00.000 --> 00:00:02.000\nHello, my name is Jane Roe.\n")
    )),
    extensions(("x-scope" = json!("read")))
)]
async fn show(
    State(app): State<App>,
    _: Allowed<Reads>,
    Path(video): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Response> {
    let unknown = || Problem::not_found(format!("There is no video `{video}`."));
    let video = video_id(&video).ok_or_else(unknown)?;
    if let Some(lang) = asked.lang.as_deref().filter(|lang| !is_language(lang)) {
        let detail = format!("`{lang}` is not a BCP 47 tag such as `en` or `pt-BR`.");
        return Err(Problem::invalid(vec![Fault::parameter("lang", "invalid_type", detail)]));
    }
    let mut sql = Statement::new(
        "select transcript_path, transcript_lang from youtube_video where video_id = ",
    );
    sql.bind(SqlType::Text, Value::Text(video.to_owned()));
    let mut connection = app.reader().await?;
    let place: Place = sql.load(&mut connection).await?.pop().ok_or_else(unknown)?;
    drop(connection);

    let (path, lang) = match asked.lang {
        Some(lang) => (archived(video, &lang).to_string(), Some(lang)),
        None => (place.transcript_path.clone(), place.transcript_lang.clone()),
    };
    let archive = app.archive.clone();
    let found =
        spawn_blocking(move || Archive::load(&archive, &path)).await.map_err(Problem::internal)?;
    let text = found.map_err(Problem::internal)?.and_then(text_of);
    let Some(text) = text else { return Err(missing(&place, lang.as_deref())) };
    let mut response = ([(header::CONTENT_TYPE, "text/vtt; charset=utf-8")], text).into_response();
    if let Some(lang) = lang.and_then(|lang| lang.parse().ok()) {
        response.headers_mut().insert(header::CONTENT_LANGUAGE, lang);
    }
    Ok(response)
}

/// 404, with the language that there is.
fn missing(place: &Place, asked: Option<&str>) -> Problem {
    let problem = Problem::not_found("The video has no transcript in this language.");
    let (Some(stored), Some(asked)) = (&place.transcript_lang, asked) else {
        return Problem::not_found("The video has no transcript.");
    };
    if stored == asked {
        return Problem::not_found("The transcript is not in the archive any more.");
    }
    let detail = format!("There is no transcript in `{asked}`; there is one in `{stored}`.");
    let mut fault = Fault::parameter("lang", "not_found", detail);
    fault.suggestion = Some(stored.clone());
    problem.with(fault)
}
