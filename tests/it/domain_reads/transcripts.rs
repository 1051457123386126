//! Transcripts, out of the archive.

use serde_json::json;

use super::{get, ingest, sql};
use crate::support::TestApp;

const VTT: &str = "WEBVTT\n\n00:00:00.000 --> 00:00:02.000\nHello, my name is Jane Roe.\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_transcript_is_the_file_that_was_sent() {
    let app = TestApp::new().await;
    let german = VTT.replace("Hello", "Hallo").replace('\n', "\r\n");
    ingest(&app, "youtube/transcripts?video=abc&lang=de", "text/vtt", german.clone()).await;
    let answer = get(&app, "/youtube/videos/abc/transcript").await;
    assert_eq!((answer.status(), answer.text()), (200, german.as_str()));
    assert_eq!(answer.header("content-language"), Some("de"));
    assert_eq!(answer.header("content-type"), Some("text/vtt; charset=utf-8"));

    // English is preferred; in an object it is the text in it.
    let object = json!({"video_id": "abc", "language": "en", "vtt": VTT}).to_string();
    ingest(&app, "youtube/transcripts", "application/json", object).await;
    for path in ["", "?lang=en"] {
        let answer = get(&app, &format!("/youtube/videos/abc/transcript{path}")).await;
        assert_eq!((answer.status(), answer.text()), (200, VTT));
        assert_eq!(answer.header("content-language"), Some("en"));
    }
    let answer = get(&app, "/youtube/videos/abc/transcript?lang=de").await;
    assert_eq!(answer.text(), german);
    let problem = get(&app, "/youtube/videos/abc/transcript?lang=fr").await.expect(404);
    assert_eq!(problem["errors"][0]["suggestion"], "en");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_refused() {
    let app = TestApp::new().await;
    sql(&app, "insert into youtube_video (video_id) values ('none')").await;
    // Somebody wrote a path into the table by hand.
    sql(
        &app,
        "insert into youtube_video (video_id, has_transcript, transcript_path, transcript_lang)
         values ('evil', true, 'raw/../../data/keys', 'en'), ('gone', true, 'raw/gone.vtt', 'en')",
    )
    .await;
    for path in ["none", "none/transcript?lang=en", "evil", "gone", "unknown", "..%2F..%2Fetc"] {
        let path = if path.contains('/') { path.to_owned() } else { format!("{path}/transcript") };
        let problem = get(&app, &format!("/youtube/videos/{path}")).await.expect(404);
        assert_eq!(problem["type"], "urn:boost-dashboard:not_found", "{path}");
    }
    for lang in ["", "..%2F", "e_n", "en%00", "en-"] {
        let path = format!("/youtube/videos/none/transcript?lang={lang}");
        assert_eq!(get(&app, &path).await.expect(400)["errors"][0]["parameter"], "lang", "{lang}");
    }
    let problem = get(&app, "/youtube/videos/none/transcript?language=en").await.expect(400);
    assert_eq!(problem["errors"][0]["suggestion"], "lang");
}
