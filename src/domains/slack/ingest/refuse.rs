//! What only the database can tell: whose channel it is, and whether everybody may read it.

use std::collections::{BTreeSet, HashMap};

use diesel::QueryResult;
use diesel_async::{AnsiTransactionManager as Manager, RunQueryDsl, TransactionManager};

use super::{
    Item, Place,
    channels::{self, ChannelDraft, PUBLIC},
    moved,
};
use crate::{
    db::{
        Connection,
        sql::{Row, SqlType, Statement, Value},
    },
    ingest::{
        kind::Context,
        register::Cell,
        stamp::{Stamp, digest},
        tx::Tx,
        upsert::upsert,
        value::{Note, PRIVATE},
    },
};

/// A channel that is stored.
#[derive(Debug, Clone)]
pub struct Known {
    /// Slack's id of its team.
    pub team: String,
    /// `slack_team.id`.
    pub team_id: i64,
    /// Its type.
    pub channel_type: String,
}

/// The channels that are stored, by Slack's id: of several teams if they share it.
#[derive(Debug, Default)]
pub struct Channels {
    stored: HashMap<String, Vec<Known>>,
    /// Ids that channels had before: the teams, and what the channel's id is now.
    moved: HashMap<String, Vec<(String, String)>>,
}

impl Channels {
    /// Those that have one of these ids.
    pub async fn of(conn: &mut Connection, ids: BTreeSet<&str>) -> QueryResult<Self> {
        let mut found = Self::default();
        if ids.is_empty() {
            return Ok(found);
        }
        let mut statement =
            Statement::new("select scope, key, body ->> 'to' from statement where fold = ");
        statement.bind(SqlType::Text, Value::Text(moved::FOLD.to_owned())).push(" and key = any(");
        statement
            .bind_all(SqlType::Text, ids.iter().map(|id| Value::Text((*id).to_owned())))
            .push(")");
        let rows: Vec<Row> = statement.load(conn).await?;
        for row in rows {
            if let Ok([Value::Text(team), Value::Text(from), Value::Text(to)]) =
                <[Value; 3]>::try_from(row.0)
            {
                found.moved.entry(from).or_default().push((team, to));
            }
        }
        let targets = found.moved.values().flatten().map(|(_, to)| to.clone());
        let ids: BTreeSet<String> = ids.into_iter().map(str::to_owned).chain(targets).collect();
        let mut statement = Statement::new(
            "select c.channel_id, t.team_id, t.id, c.channel_type \
             from slack_channel c join slack_team t on t.id = c.team_id where c.channel_id = any(",
        );
        statement.bind_all(SqlType::Text, ids.into_iter().map(Value::Text)).push(") order by c.id");
        let rows: Vec<Row> = statement.load(conn).await?;
        for row in rows {
            if let Ok(
                [
                    Value::Text(channel),
                    Value::Text(team),
                    Value::BigInt(team_id),
                    Value::Text(channel_type),
                ],
            ) = <[Value; 4]>::try_from(row.0)
            {
                let known = Known { team, team_id, channel_type };
                found.stored.entry(channel).or_default().push(known);
            }
        }
        Ok(found)
    }

    /// The team of a channel: the one that is named, else the only one that has the channel.
    pub fn team<'a>(&'a self, place: &'a Place) -> Option<&'a str> {
        if let Some(team) = &place.team {
            return Some(team);
        }
        let stored = self.stored.get(&place.channel).map(Vec::as_slice);
        let moved = self.moved.get(&place.channel).map(Vec::as_slice);
        match (stored, moved) {
            (Some([only]), None) => Some(&only.team),
            (None, Some([(team, _)])) => Some(team),
            _ => None,
        }
    }

    /// The id that the channel has now.
    pub fn present<'a>(&'a self, team: &str, channel: &'a str) -> &'a str {
        let moved = self.moved.get(channel).into_iter().flatten();
        moved.filter(|(of, _)| of == team).map(|(_, to)| to.as_str()).next().unwrap_or(channel)
    }

    fn find(&self, place: &Place) -> Option<&Known> {
        let team = self.team(place)?;
        let channel = self.present(team, &place.channel);
        self.stored.get(channel)?.iter().find(|known| known.team == team)
    }
}

/// The ids of channels that items name.
pub fn named<'i>(items: impl Iterator<Item = &'i Item>) -> BTreeSet<&'i str> {
    let mut ids = BTreeSet::new();
    for item in items {
        ids.extend(item.place().map(|place| place.channel.as_str()));
        if let Item::Moved(moved) = item {
            ids.insert(moved.from.as_str());
        }
    }
    ids
}

/// Refuses items of unknown teams and, unless they are asked for, of channels that are not public.
pub async fn refuse(
    conn: &mut Connection,
    items: &[(i32, &Item)],
    context: &Context,
) -> QueryResult<Vec<(i32, Note)>> {
    let known = Channels::of(conn, named(items.iter().map(|(_, item)| *item))).await?;
    let allows_private = context.flag("allow_private");
    let mut refused = Vec::new();
    let mut told = Vec::new();
    for (index, item) in items {
        let Some(place) = item.place() else { continue };
        let stored = known.find(place);
        let said = match item {
            Item::Channel(channel) => channel.channel_type,
            _ => place.seen_as,
        };
        let channel_type = said
            .or(channels::type_of_id(&place.channel))
            .or(stored.map(|known| known.channel_type.as_str()))
            .unwrap_or(PUBLIC);
        if channel_type != PUBLIC && !allows_private {
            refused.push((*index, private(channel_type)));
            if let (Some(said), Some(stored)) = (said, stored) {
                told.push(ChannelDraft {
                    channel_type: Cell::Stated(said.to_owned()),
                    channel_name: Cell::Unstated(String::new()),
                    description: Cell::Unstated(None),
                    creator_user_id: Cell::Unstated(None),
                    team_id: stored.team_id,
                    channel_id: known.present(&stored.team, &place.channel).to_owned(),
                    stamp: match item {
                        Item::Channel(channel) => channel.stamp.clone(),
                        item => Stamp {
                            source_at: item.at().or(Some(context.received_at)),
                            digest: digest(&said),
                            ..Stamp::BOTTOM
                        },
                    },
                    item: *index,
                });
            }
        } else if known.team(place).is_none() && !matches!(item, Item::Nothing(_)) {
            refused.push((*index, teamless()));
        }
    }
    // A dry run keeps nothing, and says the same.
    if !told.is_empty() && !context.dry_run {
        close(conn, told, context).await?;
    }
    Ok(refused)
}

fn private(channel_type: &str) -> Note {
    Note {
        pointer: String::new(),
        code: PRIVATE.to_owned(),
        detail: format!(
            "The channel is not public (`{channel_type}`); `allow_private=true` accepts it."
        ),
    }
}

fn teamless() -> Note {
    Note {
        pointer: String::new(),
        code: "missing_context".to_owned(),
        detail: "Which team this is of is said nowhere, and no single team has the channel: \
                 `team=`."
            .to_owned(),
    }
}

/// Sets the type of channels that turn out not to be public: nothing else of the payload is kept,
/// but what is stored of them must not stay open.
async fn close(
    conn: &mut Connection,
    drafts: Vec<ChannelDraft>,
    context: &Context,
) -> QueryResult<()> {
    Manager::begin_transaction(conn).await?;
    let mut tx = Tx::new(conn, context.received_at, 0);
    let stored = upsert(&mut tx, drafts).await;
    let conn = tx.conn;
    match stored {
        Ok(_) => Manager::commit_transaction(conn).await,
        Err(error) => {
            // A connection that is lost has rolled back by itself.
            let _ = Manager::rollback_transaction(conn).await;
            Err(error)
        }
    }
}
