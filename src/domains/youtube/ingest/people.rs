//! Speakers of videos: derived anew from what is stored of a video whenever that changes, so that
//! neither the order nor the history of payloads plays a role.

use std::collections::{BTreeMap, BTreeSet};

use diesel::QueryResult;

use super::speakers::{Talk, external_id};
use crate::{
    db::sql::{SqlType, Statement, Value},
    ingest::{given::Given, tx::Tx},
};

/// A speaker of a video: the speaker's key, and the name as the video spells it.
type Wanted = BTreeMap<(String, String), String>;

/// Makes the speakers of videos what is derived from them; gives the videos of which one came or
/// went. Videos of the channels are derived anew too.
pub async fn derive(
    tx: &mut Tx<'_>,
    videos: &BTreeSet<String>,
    channels: &BTreeSet<String>,
) -> QueryResult<BTreeSet<String>> {
    let (videos, wanted) = read(tx, videos, channels).await?;
    let mut changed = BTreeSet::new();
    let mut stored = stored(tx, &videos).await?;
    let mut added = Vec::new();
    let mut respelt = Vec::new();
    let mut touched = BTreeSet::new();
    for ((video, key), name) in &wanted {
        match stored.remove(&(video.clone(), key.clone())) {
            None => {
                changed.insert(video.clone());
                added.push((video.as_str(), key.as_str(), name.as_str()));
            }
            Some(link) => {
                touched.insert(link.speaker);
                tx.count("youtube_video_speaker").unchanged += 1;
                if link.spelling != *name {
                    respelt.push((link.id, name.as_str()));
                }
            }
        }
    }
    changed.extend(stored.keys().map(|(video, _)| video.clone()));
    let removed: Vec<&Link> = stored.values().collect();
    touched.extend(removed.iter().map(|link| link.speaker));
    remove(tx, &removed).await?;
    respell(tx, &respelt).await?;
    touched.extend(add(tx, &added).await?);
    name(tx, &touched).await?;
    forget(tx, &removed).await?;
    Ok(changed)
}

/// The videos that are concerned, and the speakers that are derived from each.
async fn read(
    tx: &mut Tx<'_>,
    videos: &BTreeSet<String>,
    channels: &BTreeSet<String>,
) -> QueryResult<(BTreeSet<String>, Wanted)> {
    let texts = |names: &BTreeSet<String>| -> Vec<Value> {
        names.iter().map(|name| Value::Text(name.clone())).collect()
    };
    let mut select = Statement::new(
        "select v.video_id, v.channel_id, coalesce(c.channel_title, ''), v.title, v.description, \
         v.transcript_head, v.given_speakers \
         from youtube_video v left join youtube_channel c on c.channel_id = v.channel_id \
         where v.video_id = any(",
    );
    select.bind_all(SqlType::Text, texts(videos)).push(") or v.channel_id = any(");
    select.bind_all(SqlType::Text, texts(channels)).push(")");
    let (mut found, mut wanted) = (BTreeSet::new(), Wanted::new());
    for row in tx.query(select).await? {
        let Ok(
            [
                Value::Text(video),
                channel,
                Value::Text(channel_title),
                Value::Text(title),
                Value::Text(description),
                Value::Text(transcript),
                given,
            ],
        ) = <[Value; 7]>::try_from(row.0)
        else {
            continue;
        };
        let text = |value: Value| match value {
            Value::Text(text) => Some(text),
            _ => None,
        };
        let given: Vec<String> =
            text(given).and_then(|json| serde_json::from_str(&json).ok()).unwrap_or_default();
        let channel = text(channel);
        let talk = Talk {
            given: &given,
            title: &title,
            description: &description,
            channel: &channel_title,
            transcript: &transcript,
        };
        for name in talk.speakers() {
            let key = external_id(channel.as_deref(), &video, &name);
            wanted.insert((video.clone(), key), name);
        }
        found.insert(video);
    }
    Ok((found, wanted))
}

/// A speaker that a video has.
struct Link {
    id: i64,
    speaker: i64,
    spelling: String,
}

async fn stored(
    tx: &mut Tx<'_>,
    videos: &BTreeSet<String>,
) -> QueryResult<BTreeMap<(String, String), Link>> {
    let mut select = Statement::new(
        "select l.video_id, s.external_id, l.id, s.id, l.spelling from youtube_video_speaker l \
         join youtube_speaker s on s.id = l.speaker_id where l.video_id = any(",
    );
    select.bind_all(SqlType::Text, videos.iter().map(|video| Value::Text(video.clone()))).push(")");
    let mut links = BTreeMap::new();
    for row in tx.query(select).await? {
        if let Ok(
            [
                Value::Text(video),
                Value::Text(key),
                Value::BigInt(id),
                Value::BigInt(speaker),
                Value::Text(spelling),
            ],
        ) = <[Value; 5]>::try_from(row.0)
        {
            links.insert((video, key), Link { id, speaker, spelling });
        }
    }
    Ok(links)
}

async fn remove(tx: &mut Tx<'_>, links: &[&Link]) -> QueryResult<()> {
    if links.is_empty() {
        return Ok(());
    }
    let mut delete = Statement::new("delete from youtube_video_speaker where id = any(");
    delete.bind_all(SqlType::BigInt, links.iter().map(|link| Value::BigInt(link.id))).push(")");
    tx.execute(delete).await?;
    tx.count("youtube_video_speaker").deleted += links.len() as u64;
    Ok(())
}

async fn respell(tx: &mut Tx<'_>, links: &[(i64, &str)]) -> QueryResult<()> {
    if links.is_empty() {
        return Ok(());
    }
    let update = Given::default()
        .ids("id", links.iter().map(|(id, _)| *id))
        .texts("spelling", links.iter().map(|(_, name)| *name))
        .statement(
            "update youtube_video_speaker l set spelling = u.spelling from",
            "where l.id = u.id",
        );
    tx.execute(update).await?;
    Ok(())
}

/// Adds speakers to videos, made where they are new; gives their ids.
async fn add(tx: &mut Tx<'_>, links: &[(&str, &str, &str)]) -> QueryResult<BTreeSet<i64>> {
    if links.is_empty() {
        return Ok(BTreeSet::new());
    }
    let people: BTreeMap<&str, &str> = links.iter().map(|(_, key, name)| (*key, *name)).collect();
    let mut insert =
        Statement::new("with u as (select nextval('base_profile_id_seq') as id, u.* from ");
    Given::default()
        .texts("external_id", people.keys().copied())
        .texts("display_name", people.values().copied())
        .append(&mut insert);
    insert.push(
        "), made as (insert into youtube_speaker \
         (id, external_id, display_name, created_at, updated_at) \
         select u.id, u.external_id, u.display_name, ",
    );
    let now = Value::Timestamptz(tx.now);
    insert.bind(SqlType::Timestamptz, now.clone()).push("::timestamptz, ");
    insert.bind(SqlType::Timestamptz, now.clone()).push(
        "::timestamptz from u order by u.external_id on conflict (external_id) do nothing \
         returning id) \
         insert into base_profile (id, type) select id, 'youtube' from made",
    );
    let made = tx.execute(insert).await?;
    tx.count("youtube_speaker").inserted += made as u64;
    tx.count("base_profile").inserted += made as u64;

    let mut insert = Statement::new(
        "insert into youtube_video_speaker (video_id, speaker_id, spelling, created_at) \
         select u.video_id, s.id, u.spelling, ",
    );
    insert.bind(SqlType::Timestamptz, now).push("::timestamptz from ");
    Given::default()
        .texts("video_id", links.iter().map(|(video, ..)| *video))
        .texts("external_id", links.iter().map(|(_, key, _)| *key))
        .texts("spelling", links.iter().map(|(.., name)| *name))
        .append(&mut insert);
    insert.push(" join youtube_speaker s on s.external_id = u.external_id returning speaker_id");
    let speakers = tx.ids(insert).await?;
    tx.count("youtube_video_speaker").inserted += speakers.len() as u64;
    Ok(speakers.into_iter().collect())
}

/// A speaker is shown as the newest of their videos spells the name.
async fn name(tx: &mut Tx<'_>, speakers: &BTreeSet<i64>) -> QueryResult<()> {
    if speakers.is_empty() {
        return Ok(());
    }
    let mut update = Statement::new("update youtube_speaker s set updated_at = ");
    update.bind(SqlType::Timestamptz, Value::Timestamptz(tx.now)).push(
        ", display_name = n.spelling from (select distinct on (l.speaker_id) l.speaker_id, \
         l.spelling from youtube_video_speaker l join youtube_video v on v.video_id = l.video_id \
         where l.speaker_id = any(",
    );
    update.bind_all(SqlType::BigInt, speakers.iter().map(|id| Value::BigInt(*id))).push(
        ") order by l.speaker_id, v.published_at desc nulls last, \
             v.video_id collate \"C\" desc) n \
             where s.id = n.speaker_id and s.display_name <> n.spelling",
    );
    let renamed = tx.execute(update).await?;
    tx.count("youtube_speaker").updated += renamed as u64;
    Ok(())
}

/// Removes speakers who are left without video and identity.
async fn forget(tx: &mut Tx<'_>, links: &[&Link]) -> QueryResult<()> {
    let speakers: BTreeSet<i64> = links.iter().map(|link| link.speaker).collect();
    if speakers.is_empty() {
        return Ok(());
    }
    let mut delete = Statement::new(
        "delete from base_profile p where p.identity_id is null and not exists \
         (select from youtube_video_speaker l where l.speaker_id = p.id) and p.id = any(",
    );
    delete.bind_all(SqlType::BigInt, speakers.into_iter().map(Value::BigInt)).push(")");
    let gone = tx.execute(delete).await?;
    tx.count("youtube_speaker").deleted += gone as u64;
    tx.count("base_profile").deleted += gone as u64;
    Ok(())
}
