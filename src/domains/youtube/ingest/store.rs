//! Storing videos and transcripts, with the tags and speakers of the videos.

use std::collections::{BTreeMap, BTreeSet};

use diesel::QueryResult;
use serde_json::json;

use super::{
    people,
    transcripts::{Transcript, preferred},
    videos::{Video, stub},
};
use crate::{
    db::sql::{SqlType, Statement as Sql, Value},
    ingest::{
        given::Given,
        kind::Outcome,
        statements::{self, Kept, Statement},
        tx::Tx,
        upsert::{Action, upsert},
    },
};

/// The fold of transcripts: a scope a video, a key a language.
const TRANSCRIPTS: &str = "youtube.transcript";

/// Talks are few, and what is derived of one touches speakers whom others share: whoever writes any
/// waits for whoever does.
async fn lock(tx: &mut Tx<'_>) -> QueryResult<()> {
    statements::lock(tx, "youtube", ["*"]).await
}

/// Stores videos; one outcome for each, in order.
pub async fn store_videos(tx: &mut Tx<'_>, videos: &[(i32, &Video)]) -> QueryResult<Vec<Outcome>> {
    lock(tx).await?;
    let drafts: Vec<_> = videos.iter().filter_map(|(item, video)| video.channel(*item)).collect();
    let names: Vec<String> = drafts.iter().map(|draft| draft.channel_id.clone()).collect();
    let channels: BTreeSet<String> = upsert(tx, drafts)
        .await?
        .into_iter()
        .zip(names)
        .filter(|(done, _)| done.action == Action::Updated)
        .map(|(_, name)| name)
        .collect();
    let done = upsert(tx, videos.iter().map(|(item, video)| video.draft(*item)).collect()).await?;
    let lists: BTreeMap<&str, &BTreeSet<String>> = videos
        .iter()
        .zip(&done)
        .filter(|(_, done)| done.sets == [true])
        .filter_map(|((_, video), _)| Some((video.video_id.as_str(), video.tags.as_ref()?)))
        .collect();
    let mut changed = store_tags(tx, &lists).await?;
    let touched: BTreeSet<String> = videos
        .iter()
        .zip(&done)
        .filter(|(_, done)| matches!(done.action, Action::Inserted | Action::Updated))
        .map(|((_, video), _)| video.video_id.clone())
        .collect();
    changed.extend(people::derive(tx, &touched, &channels).await?);
    Ok(videos
        .iter()
        .zip(done)
        .map(|((_, video), done)| Outcome {
            action: match done.action {
                Action::Unchanged | Action::Stale
                    if done.sets == [true] && changed.contains(&video.video_id) =>
                {
                    Action::Updated
                }
                action => action,
            },
            table: "youtube_video",
            row_id: Some(done.id),
        })
        .collect())
}

/// Makes the tags of videos what is listed; gives the videos of which one came or went.
async fn store_tags(
    tx: &mut Tx<'_>,
    lists: &BTreeMap<&str, &BTreeSet<String>>,
) -> QueryResult<BTreeSet<String>> {
    let mut changed = BTreeSet::new();
    if lists.is_empty() {
        return Ok(changed);
    }
    let mut select = Sql::new(
        "select v.youtube_video_id, t.tag_name, v.id from youtube_video_tags v \
         join cppa_tags t on t.id = v.cppa_tag_id where v.youtube_video_id = any(",
    );
    select
        .bind_all(SqlType::Text, lists.keys().map(|video| Value::Text((*video).to_owned())))
        .push(")");
    let mut stored: BTreeMap<(String, String), i64> = BTreeMap::new();
    for row in tx.query(select).await? {
        if let Ok([Value::Text(video), Value::Text(tag), Value::BigInt(id)]) =
            <[Value; 3]>::try_from(row.0)
        {
            stored.insert((video, tag), id);
        }
    }
    let mut added: Vec<(&str, &str)> = Vec::new();
    for (video, tags) in lists {
        for tag in *tags {
            if stored.remove(&((*video).to_owned(), tag.clone())).is_some() {
                tx.count("youtube_video_tags").unchanged += 1;
            } else {
                added.push((*video, tag));
                changed.insert((*video).to_owned());
            }
        }
    }
    changed.extend(stored.keys().map(|(video, _)| video.clone()));
    if !stored.is_empty() {
        tx.count("youtube_video_tags").deleted += stored.len() as u64;
        let mut delete = Sql::new("delete from youtube_video_tags where id = any(");
        delete.bind_all(SqlType::BigInt, stored.into_values().map(Value::BigInt)).push(")");
        tx.execute(delete).await?;
    }
    if !added.is_empty() {
        let tags: BTreeSet<&str> = added.iter().map(|(_, tag)| *tag).collect();
        let insert = Given::default().texts("tag_name", tags).statement(
            "insert into cppa_tags (tag_name) select u.tag_name from",
            "on conflict (tag_name) do nothing",
        );
        let made = tx.execute(insert).await?;
        tx.count("cppa_tags").inserted += made as u64;
        let insert = Given::default()
            .texts("video", added.iter().map(|(video, _)| *video))
            .texts("tag", added.iter().map(|(_, tag)| *tag))
            .statement(
                "insert into youtube_video_tags (youtube_video_id, cppa_tag_id) \
                 select u.video, t.id from",
                "join cppa_tags t on t.tag_name = u.tag",
            );
        let linked = tx.execute(insert).await?;
        tx.count("youtube_video_tags").inserted += linked as u64;
    }
    Ok(changed)
}

/// Stores transcripts; one outcome for each, in order.
pub async fn store_transcripts(
    tx: &mut Tx<'_>,
    transcripts: &[(i32, &Transcript)],
) -> QueryResult<Vec<Outcome>> {
    lock(tx).await?;
    let drafts = transcripts.iter().map(|(item, said)| stub(&said.video_id, *item)).collect();
    let videos = upsert(tx, drafts).await?;
    let said: Vec<Statement> = transcripts
        .iter()
        .map(|(item, said)| Statement {
            scope: said.video_id.clone(),
            key: said.lang.clone(),
            stamp: said.stamp.clone(),
            body: json!({
                "path": said.path.to_string(),
                "head": said.head,
                "digest": hex::encode(&said.stamp.digest),
            }),
            item: *item,
        })
        .collect();
    let kept = statements::keep(tx, TRANSCRIPTS, &said).await?;
    let touched: BTreeSet<String> = said
        .iter()
        .zip(&kept)
        .filter(|(_, kept)| matches!(kept, Kept::First | Kept::Newer))
        .map(|(said, _)| said.scope.clone())
        .collect();
    show(tx, &touched).await?;
    people::derive(tx, &touched, &BTreeSet::new()).await?;
    Ok(videos
        .into_iter()
        .zip(kept)
        .map(|(video, kept)| Outcome {
            action: match kept {
                _ if video.action == Action::Inserted => Action::Inserted,
                Kept::First | Kept::Newer => Action::Updated,
                Kept::Same => Action::Unchanged,
                Kept::Older => Action::Stale,
            },
            table: "youtube_video",
            row_id: Some(video.id),
        })
        .collect())
}

/// Shows the transcript of the preferred language at each video.
async fn show(tx: &mut Tx<'_>, videos: &BTreeSet<String>) -> QueryResult<()> {
    let known = statements::of(tx, TRANSCRIPTS, videos.iter().map(String::as_str)).await?;
    let shown: Vec<&Statement> = known
        .values()
        .filter_map(|said| {
            let lang = preferred(said.iter().map(|said| said.key.as_str()))?;
            said.iter().find(|said| said.key == lang)
        })
        .collect();
    if shown.is_empty() {
        return Ok(());
    }
    let member =
        |said: &Statement, name: &str| said.body[name].as_str().unwrap_or_default().to_owned();
    let mut update = Sql::new(
        "update youtube_video v set has_transcript = true, transcript_path = u.path, \
         transcript_lang = u.lang, transcript_head = u.head, updated_at = ",
    );
    update.bind(SqlType::Timestamptz, Value::Timestamptz(tx.now)).push(" from ");
    Given::default()
        .texts("video_id", shown.iter().map(|said| said.scope.as_str()))
        .texts("lang", shown.iter().map(|said| said.key.as_str()))
        .texts("path", shown.iter().map(|said| member(said, "path")))
        .texts("head", shown.iter().map(|said| member(said, "head")))
        .append(&mut update);
    update.push(
        " where v.video_id = u.video_id and \
         (v.transcript_path, v.transcript_lang, v.transcript_head) \
         is distinct from (u.path, u.lang, u.head)",
    );
    let changed = tx.execute(update).await?;
    tx.count("youtube_video").updated += changed as u64;
    Ok(())
}
