//! Who sent a mail: a profile known by its address, else by its name within one list.

use std::collections::{BTreeMap, HashMap};

use diesel::QueryResult;
use serde::Serialize;

use super::{
    list::{filled, first},
    mail::Mail,
};
use crate::{
    domains::users::ingest::{
        address::{self, Named},
        email::{self, Mention},
        name::fold,
    },
    draft,
    ingest::{
        register::Cell,
        stamp::{Stamp, digest},
        tx::Tx,
        upsert::upsert,
        value::Node,
    },
};

draft! {
    /// What a mail says about its sender.
    pub struct SenderDraft, table mailing_list_profile, extends base_profile as "mailing_list",
        key { profile_key: String };
    registers { display_name: String }
    dates { created_at, updated_at }
}

/// The sender of a mail.
#[derive(Debug, Serialize)]
pub struct Sender {
    /// What tells the profile from others.
    pub key: String,
    /// The name, if the mail gives one.
    #[serde(skip)]
    pub name: Option<String>,
    /// The address, if the mail shows one.
    #[serde(skip)]
    pub address: Option<String>,
    /// Whether the mail names anybody.
    #[serde(skip)]
    pub is_stated: bool,
}

/// The name of a sender who has none.
const UNKNOWN: &str = "Unknown Sender";

impl Sender {
    /// Reads the sender of a mail on a list.
    pub fn read(node: Node<'_>, list: &str) -> Self {
        let sender = node.get("sender");
        let from = node.get("from").str().map(address::split).unwrap_or_default();
        let own = [node.get("sender_address"), sender.get("address"), sender.get("email")]
            .into_iter()
            .find(|address| filled(*address).is_some());
        let address = match own {
            Some(own) => address::address_at(own),
            None => from.address,
        };
        // A mail that the list sent on in its own name hides who wrote it.
        let address = address.filter(|address| !address.eq_ignore_ascii_case(list));
        let name = first(node, &["sender_name"])
            .or_else(|| first(sender, &["name", "sender_name", "display_name"]))
            .map(address::split)
            .map_or(from.name, |Named { name, .. }| name);
        let key = match (&address, &name) {
            (Some(address), _) => format!("addr:{}", address.to_lowercase()),
            (None, name) => {
                format!("name:{list}:{}", name.as_deref().map(fold).unwrap_or_default())
            }
        };
        Self { key, is_stated: address.is_some() || name.is_some(), name, address }
    }

    /// How the profile is shown until a mail gives a name.
    fn fallback(&self) -> String {
        let local = self.address.as_deref().and_then(|address| address.split('@').next());
        local.unwrap_or(UNKNOWN).to_owned()
    }
}

/// Profiles of one statement.
const CHUNK: usize = 10_000;

/// Stores the senders of mails, in the order of their keys; gives the profile of each mail. The newest
/// mail names its sender.
pub async fn store(tx: &mut Tx<'_>, mails: &[(i32, &Mail)]) -> QueryResult<Vec<i64>> {
    let mut drafts: BTreeMap<&str, SenderDraft> = BTreeMap::new();
    for (item, Mail { sender, stamp, .. }) in mails {
        let draft = SenderDraft {
            profile_key: sender.key.clone(),
            display_name: sender
                .name
                .clone()
                .map_or_else(|| Cell::Unstated(sender.fallback()), Cell::Stated),
            stamp: match &sender.name {
                Some(name) => Stamp { digest: digest(name), ..stamp.clone() },
                None => Stamp::BOTTOM,
            },
            item: *item,
        };
        match drafts.get(sender.key.as_str()) {
            Some(newer) if newer.stamp >= draft.stamp => {}
            _ => {
                drafts.insert(&sender.key, draft);
            }
        }
    }
    let keys: Vec<&str> = drafts.keys().copied().collect();
    let mut ids: HashMap<&str, i64> = HashMap::with_capacity(keys.len());
    let mut drafts = drafts.into_values();
    for keys in keys.chunks(CHUNK) {
        let done = upsert(tx, drafts.by_ref().take(CHUNK).collect()).await?;
        ids.extend(keys.iter().copied().zip(done.into_iter().map(|done| done.id)));
    }
    let id = |mail: &Mail| {
        ids.get(mail.sender.key.as_str()).copied().ok_or(diesel::result::Error::NotFound)
    };
    let mut mentions = Vec::new();
    for (_, mail) in mails {
        if let Some(address) = &mail.sender.address {
            let (profile, address) = (id(mail)?, address.clone());
            mentions.push(Mention { profile, address, at: mail.stamp.source_at });
        }
    }
    email::record(tx, mentions).await?;
    mails.iter().map(|(_, mail)| id(mail)).collect()
}
