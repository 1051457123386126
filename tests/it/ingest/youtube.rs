//! Talks on YouTube.

use serde_json::{Value, json};

use super::{
    domain::{Domain, at_once, documents, same_in_any_order},
    sender::{counts, notes, with},
};

const SPEAKERS: &str = "select l.video_id || ' ' || s.external_id || ' ' || s.display_name \
    from youtube_video_speaker l join youtube_speaker s on s.id = l.speaker_id order by 1";
const TAGS: &str = "select v.youtube_video_id || ' ' || t.tag_name from youtube_video_tags v \
    join cppa_tags t on t.id = v.cppa_tag_id order by 1";
const VIDEOS: &str = "select (to_jsonb(v) - '{created_at,updated_at,id,column_stamps,source_at,\
    source_digest,source_rank,source_as_of,source_receipt,source_item,given_speakers,\
    transcript_head}'::text[])::text from youtube_video v order by video_id";

fn talk() -> Value {
    json!({
        "video_id": "aBcD3fGhI_k", "title": "Concurrency in C++ - Jane O’Roe - CppCon 2023",
        "description": "About threads.", "channel_id": "UCxyz", "channel_title": "CppCon",
        "published_at": "2023-10-01T12:00:00Z", "duration_seconds": 3723, "view_count": 10,
        "like_count": null, "comment_count": 3_000_000_000_i64, "tags": [" C++", "Concurrency", "", "c++"],
        "search_term": "CppCon 2023", "scraped_at": "2024-01-01T00:00:00Z",
    })
}

fn resource() -> Value {
    json!({
        "kind": "youtube#video", "id": "aBcD3fGhI_k",
        "snippet": {
            "title": "Concurrency in C++ - Jane O’Roe - CppCon 2023", "description": "About threads.",
            "channelId": "UCxyz", "channelTitle": "CppCon", "publishedAt": "2023-10-01T12:00:00Z",
            "tags": ["C++", "concurrency"],
        },
        "statistics": {"viewCount": "10", "commentCount": "3000000000"},
        "contentDetails": {"duration": "PT1H2M3S"},
        "search_term": "CppCon 2023", "scraped_at": "2024-01-01T00:00:00Z",
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn flat_and_raw_give_one_row() {
    let mut seen = Vec::new();
    for body in [talk(), json!({"items": [resource()]})] {
        let domain = Domain::new("youtube").await;
        assert_eq!(domain.action("videos", &body).await, "inserted");
        assert_eq!(domain.action("videos", &body).await, "unchanged");
        assert_eq!(domain.texts(TAGS).await, ["aBcD3fGhI_k c++", "aBcD3fGhI_k concurrency"]);
        assert_eq!(
            domain.texts(SPEAKERS).await,
            ["aBcD3fGhI_k youtube:channel:UCxyz:speaker:jane_o_roe Jane O'Roe"]
        );
        seen.push(domain.texts(VIDEOS).await);
        let from = domain.sender.get("/youtube/videos/aBcD3fGhI_k/provenance").await.expect(200);
        let raw = from["raw"].as_str().unwrap();
        assert!(raw.starts_with("raw/cppa_youtube_script_tracker/metadata/aBcD3fGhI_k@"), "{raw}");
        // Tags and speakers come from what lists them.
        for members in ["video-tags", "video-speakers"] {
            let rows = domain.sender.get(&format!("/youtube/{members}")).await.expect(200);
            let id = &rows["data"][0]["id"];
            let member = domain.sender.get(&format!("/youtube/{members}/{id}/provenance")).await;
            assert_eq!(member.expect(200)["raw"], raw, "{members}");
        }
        assert_eq!(domain.sender.number("select count(*) from drift").await, 0);
    }
    assert_eq!(seen[0], seen[1]);
    assert_eq!(
        serde_json::from_str::<Value>(&seen[0][0]).unwrap(),
        json!({
            "video_id": "aBcD3fGhI_k", "channel_id": "UCxyz",
            "title": "Concurrency in C++ - Jane O'Roe - CppCon 2023", "description": "About threads.",
            "published_at": "2023-10-01T12:00:00+00:00", "duration_seconds": 3723,
            "view_count": 10, "like_count": null, "comment_count": 3_000_000_000_i64,
            "search_term": "CppCon 2023", "has_transcript": false, "transcript_path": "",
            "scraped_at": "2024-01-01T00:00:00+00:00", "transcript_lang": null,
        })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn real_payloads_become_rows() {
    let domain = Domain::new("youtube").await;
    let receipt = domain.post("videos", &Value::Array(documents("youtube/videos.ndjson"))).await;
    assert_eq!(counts(&receipt)[4], 0, "{}", receipt["errors"]);
    for file in ["youtube/search.json", "youtube/videos_real.json"] {
        let receipt = domain.post("videos", &documents(file)[0]).await;
        assert_eq!(counts(&receipt)[4], 0, "{file}: {}", receipt["errors"]);
        assert!(counts(&receipt)[0] > 0);
    }
    assert_eq!(domain.sender.number("select count(*) from drift").await, 0);
    let receipt = domain.post("videos", &documents("youtube/channel.json")[0]).await;
    assert_eq!(counts(&receipt)[4], receipt["received"].as_u64().unwrap(), "a channel is no video");
    insta::assert_snapshot!(domain.texts(SPEAKERS).await.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_scrape_refreshes_and_blank_never_does() {
    let domain = Domain::new("youtube").await;
    domain.post("videos", &talk()).await;
    let older =
        with(talk(), json!({"scraped_at": "2023-12-01T00:00:00Z", "title": "Old", "tags": []}));
    assert_eq!(domain.action("videos", &older).await, "stale");
    let newer = with(
        talk(),
        json!({
            "scraped_at": "2024-02-01T00:00:00Z", "title": "", "description": null, "view_count": null,
            "comment_count": "12", "tags": ["C++"], "channel_id": "", "duration_seconds": "PT0S",
        }),
    );
    assert_eq!(domain.action("videos", &newer).await, "updated");
    let row: Value = serde_json::from_str(&domain.texts(VIDEOS).await[0]).unwrap();
    assert_eq!(row["title"], "Concurrency in C++ - Jane O'Roe - CppCon 2023");
    assert_eq!((&row["view_count"], &row["comment_count"]), (&json!(10), &json!(12)));
    assert_eq!((&row["channel_id"], &row["duration_seconds"]), (&json!("UCxyz"), &json!(0)));
    assert_eq!(domain.texts(TAGS).await, ["aBcD3fGhI_k c++"]);
    let tagged = with(
        talk(),
        json!({"scraped_at": "2024-03-01T00:00:00Z", "comment_count": 12,
        "duration_seconds": 0, "tags": ["c++", "new"], "title": null}),
    );
    assert_eq!(domain.action("videos", &tagged).await, "updated");
    let undated = json!({"video_id": "aBcD3fGhI_k", "view_count": 11});
    assert_eq!(domain.action("videos", &undated).await, "updated");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_order_of_scrapes_plays_no_role() {
    let scrape = |day: u32, members: Value| {
        let scraped = json!({"video_id": "v", "scraped_at": format!("2024-01-{day:02}T00:00:00Z")});
        ("videos".to_owned(), with(scraped, members))
    };
    let vtt = |text: &str| json!({"video_id": "v", "language": "en", "vtt": format!("WEBVTT\n\n00:00 --> 00:01\n{text}")});
    let transcript =
        |day: u32, text: &str| (format!("transcripts?as_of=2024-01-{day:02}T00:00:00Z"), vtt(text));
    let posts = [
        scrape(1, json!({"title": "One - Jane Roe - CppCon 2020", "tags": ["a"], "view_count": 1})),
        scrape(
            2,
            json!({"title": "One - JANE ROE - CppCon 2020", "channel_id": "UC1", "channel_title": "CppCon"}),
        ),
        scrape(2, json!({"title": "Two - Ann Poe - CppCon 2020", "tags": ["b"], "view_count": 2})),
        scrape(
            3,
            json!({"title": "Three", "tags": ["c", "A"], "channel_id": "UC1", "channel_title": "Other"}),
        ),
        transcript(1, "I'm Jane Roe and"),
        transcript(2, "I'm Eve Noe and"),
        (
            "videos?as_of=2024-02-01T00:00:00Z".to_owned(),
            json!({"video_id": "w", "channel_id": "UC1", "speakers": ["Eve NOE"], "published_at": "2020-01-01T00:00:00Z"}),
        ),
    ];
    let dump = same_in_any_order("youtube", &posts).await;
    assert_eq!(dump["youtube_video_speaker"].len(), 2, "{:?}", dump["youtube_video_speaker"]);
    let speakers = &dump["youtube_speaker"];
    assert_eq!(speakers.len(), 1, "{speakers:?}");
    // The dated video's spelling is shown.
    assert!(speakers[0].contains("Eve NOE"), "{speakers:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn speakers_follow_what_is_known() {
    let domain = Domain::new("youtube").await;
    let at = |day: u32, members: Value| {
        with(json!({"video_id": "v", "scraped_at": format!("2024-01-{day:02}T00:00:00Z")}), members)
    };
    domain.post("videos", &at(1, json!({"title": "T - Jane Roe - CppCon 2020"}))).await;
    assert_eq!(domain.texts(SPEAKERS).await, ["v youtube:video:v:speaker:jane_roe Jane Roe"]);
    // The channel comes: keyed anew, and nobody is left over.
    domain.post("videos", &at(2, json!({"channel_id": "UC1", "channel_title": "X"}))).await;
    assert_eq!(domain.texts(SPEAKERS).await, ["v youtube:channel:UC1:speaker:jane_roe Jane Roe"]);
    assert_eq!(domain.sender.number("select count(*) from base_profile").await, 1);
    // The channel's title alone makes a title say who speaks, in another video of the channel.
    domain
        .post(
            "videos",
            &json!({"video_id": "w", "title": "T - Ann Poe - Some Days 2020", "channel_id": "UC1"}),
        )
        .await;
    assert_eq!(domain.texts(SPEAKERS).await.len(), 1);
    domain.post("videos", &at(3, json!({"channel_id": "UC1", "channel_title": "Some Days"}))).await;
    assert_eq!(domain.texts(SPEAKERS).await[1], "w youtube:channel:UC1:speaker:ann_poe Ann Poe");
    // What a payload names wins, and stays when the next does not name anybody.
    domain.post("videos", &at(4, json!({"speakers": ["Jané Roe", "Jane Roe, PhD"]}))).await;
    domain.post("videos", &at(5, json!({"view_count": 5}))).await;
    assert_eq!(
        domain.texts(SPEAKERS).await[..2],
        [
            "v youtube:channel:UC1:speaker:jane_roe Jane Roe",
            "v youtube:channel:UC1:speaker:jané_roe Jané Roe"
        ]
    );
    // Whoever has an identity stays without video.
    domain
        .execute(&[
            "insert into identity (display_name) values ('Jane')",
            "update base_profile set identity_id = (select id from identity) where id = \
             (select id from youtube_speaker where display_name = 'Jane Roe')",
        ])
        .await;
    domain.post("videos", &at(6, json!({"speakers": ["Bob Day"]}))).await;
    let left = "select display_name from youtube_speaker order by 1";
    assert_eq!(domain.texts(left).await, ["Ann Poe", "Bob Day", "Jane Roe"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn transcripts_make_stubs_and_english_is_shown() {
    let domain = Domain::new("youtube").await;
    let vtt = |text: &str| format!("\u{FEFF}WEBVTT\r\n\r\n00:00.000 --> 00:01.000\r\n{text}\r\n");
    let post = |to: &'static str, text: &str| domain.raw(to, "text/vtt", vtt(text));
    let receipt = post("transcripts?video=v&lang=de", "Ich bin es").await.expect(200);
    assert_eq!(counts(&receipt), [1, 0, 0, 0, 0]);
    let shown = "select transcript_lang || ' ' || transcript_path || ' ' || has_transcript || ' ' || \
                 title || (published_at is null) from youtube_video";
    let path = "raw/cppa_youtube_script_tracker/transcripts";
    assert_eq!(domain.texts(shown).await, [format!("de {path}/v.de.vtt true true")]);
    let receipt = post("transcripts?video=v", "I'm Jane Roe today").await.expect(200);
    assert_eq!(counts(&receipt), [0, 1, 0, 0, 0]);
    post("transcripts?video=v&lang=en-GB", "I'm John Doe").await.expect(200);
    assert_eq!(domain.texts(shown).await, [format!("en {path}/v.en.vtt true true")]);
    assert_eq!(domain.texts(SPEAKERS).await, ["v youtube:video:v:speaker:jane_roe Jane Roe"]);
    let receipt = post("transcripts?video=v", "I'm Jane Roe today").await.expect(200);
    assert_eq!(counts(&receipt), [0, 0, 1, 0, 0]);
    let receipt = post("transcripts?video=v", "I'm Ann Poe today").await.expect(200);
    assert_eq!(counts(&receipt), [0, 1, 0, 0, 0]);
    assert_eq!(domain.texts(SPEAKERS).await, ["v youtube:video:v:speaker:ann_poe Ann Poe"]);
    // The stub is filled.
    let filled = json!({"video_id": "v", "title": "T", "published_at": "2024-01-01T00:00:00Z"});
    assert_eq!(domain.action("videos", &filled).await, "updated");
    assert_eq!(domain.texts(shown).await, [format!("en {path}/v.en.vtt true Tfalse")]);
    let kept = domain.sender.app.folder().join("workspace").join(path).join("v.en.vtt");
    assert!(std::fs::read_to_string(kept).unwrap().contains("Ann Poe"));
}

#[tokio::test(flavor = "multi_thread")]
async fn transcripts_in_json_are_taken_and_bad_ones_named() {
    let domain = Domain::new("youtube").await;
    for file in ["youtube/transcript.json", "youtube/youtube_dl.json"] {
        let receipt = domain.post("transcripts", &documents(file)[0]).await;
        assert_eq!(counts(&receipt), [1, 0, 0, 0, 0], "{receipt}");
    }
    assert_eq!(domain.sender.number("select count(*) from drift").await, 0);
    let heads = "select transcript_head from youtube_video order by video_id desc";
    assert_eq!(domain.texts(heads).await[0], "yeah\nwhat\nthis will happen is I'm telling");
    let vtt = "WEBVTT\n";
    for (body, fault) in [
        (json!({"video_id": "v", "vtt": "1\n00:00 --> 00:01\nhi"}), "0 invalid_vtt /vtt"),
        (json!({"vtt": vtt}), "0 missing_context /video_id"),
        (json!({"video_id": "a/b", "vtt": vtt}), "0 invalid_id /video_id"),
        (json!({"video_id": "v"}), "0 missing_field /vtt"),
        (json!({"video_id": "v", "vtt": vtt, "language": "../x"}), "0 invalid_type /language"),
        (json!(["v"]), "0 missing_context"),
    ] {
        let receipt = domain.post("transcripts", &body).await;
        assert_eq!(notes(&receipt, "errors")[0], fault, "{body}");
    }
    let answer = domain.raw("transcripts", "text/vtt", "WEBVTT\n").await;
    assert_eq!(notes(&answer.expect(422), "errors"), ["0 missing_context"]);
    let receipt = domain.post("transcripts?video=x", &json!({"video_id": "v", "vtt": vtt})).await;
    assert_eq!(notes(&receipt, "warnings"), ["0 context_mismatch /video_id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_videos_are_named_and_others_stored() {
    let domain = Domain::new("youtube").await;
    let bodies = json!([
        {"video_id": "good"}, {"title": "no id"}, {"video_id": "a b"}, {"video_id": "x".repeat(65)},
        {"video_id": "n", "view_count": -1}, {"video_id": "d", "duration_seconds": 3_000_000_000_i64},
        {"video_id": "t", "tags": [5]}, {"video_id": "-ok_", "duration_seconds": "soon"}, "text",
        {"video_id": "s", "speakers": vec!["A B"; 51]}, {"id": {"videoId": "found"}, "kind": "youtube#searchResult"},
    ]);
    let receipt = domain.post("videos", &bodies).await;
    assert_eq!(
        notes(&receipt, "errors"),
        [
            "1 invalid_id /id",
            "2 invalid_id /video_id",
            "3 invalid_id /video_id",
            "4 out_of_range /view_count",
            "5 out_of_range /duration_seconds",
            "6 invalid_type /tags/0",
            "7 invalid_type /duration_seconds",
            "8 unknown_shape",
            "9 too_many_items /speakers",
        ]
    );
    assert_eq!(
        domain.texts("select video_id from youtube_video order by 1").await,
        ["found", "good"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn many_at_once_end_in_one_set_of_rows() {
    let domain = Domain::new("youtube").await;
    let mut videos: Vec<Value> = documents("youtube/videos.ndjson");
    videos.sort_by_key(|video| video["video_id"].to_string());
    videos.dedup_by_key(|video| video["video_id"].to_string());
    at_once(&domain, "videos", &Value::Array(videos)).await;
    let titled = json!({"video_id": "new", "title": "T"});
    let vtt = "WEBVTT\n\n00:00 --> 00:01\nI'm Jane Roe";
    let (left, right) = tokio::join!(
        domain.raw("transcripts?video=new", "text/vtt", vtt),
        domain.post("videos", &titled)
    );
    assert_eq!((left.status(), counts(&right)[4]), (200, 0));
    let speakers = domain.texts(SPEAKERS).await;
    assert!(speakers.contains(&"new youtube:video:new:speaker:jane_roe Jane Roe".to_owned()));
}
