//! Identities as a model in memory: what operations must do, written down a second time.

use std::collections::{BTreeMap, BTreeSet};

use boost_dashboard::domains::users::identities::Operation;

/// A row: its table and id.
pub(super) type Key = (&'static str, i64);
/// Every row, as text.
pub(super) type State = BTreeMap<Key, String>;

/// What was done.
#[derive(Debug, Clone)]
struct Entry {
    id: i64,
    before: BTreeMap<Key, Option<String>>,
    after: BTreeMap<Key, Option<String>>,
    used: BTreeSet<Key>,
    undoes: Option<i64>,
    undone: bool,
    /// Whether it joined people, or was the undo of what did, and so on.
    about_joining: bool,
    /// How many undos it is away from what was asked for.
    depth: usize,
}

impl Entry {
    /// Whether the row was made or ended.
    fn made_or_ended(&self, key: &Key) -> bool {
        self.before.contains_key(key) && (self.before[key].is_none() || self.after[key].is_none())
    }

    fn is_in_the_way_of(&self, earlier: &Self) -> bool {
        self.before.keys().any(|key| earlier.before.contains_key(key))
            || self.used.iter().any(|key| earlier.made_or_ended(key))
            || earlier.used.iter().any(|key| self.made_or_ended(key))
    }
}

/// Says in an identity's row whether it is hidden.
fn hide(row: &mut String, is_hidden: bool) {
    let (rest, _) = row.rsplit_once('|').unwrap();
    *row = format!("{rest}|{is_hidden}");
}

/// The model.
#[derive(Debug, Default)]
pub(super) struct Model {
    pub(super) state: State,
    log: Vec<Entry>,
}

impl Model {
    pub(super) fn new(profiles: i64) -> Self {
        let state = (1..=profiles).map(|id| (("base_profile", id), String::new())).collect();
        Self { state, log: Vec::new() }
    }

    pub(super) fn ids(&self, table: &'static str) -> Vec<i64> {
        let rows = self.state.range((table, i64::MIN)..=(table, i64::MAX));
        rows.map(|((_, id), _)| *id).collect()
    }

    pub(super) fn operations(&self) -> Vec<i64> {
        self.log.iter().map(|entry| entry.id).collect()
    }

    /// Whether the operation is one that was asked for, and is in effect.
    pub(super) fn stands(&self, id: i64) -> bool {
        self.log.iter().any(|entry| entry.id == id && entry.undoes.is_none() && !entry.undone)
    }

    pub(super) fn home(&self, profile: i64) -> Option<i64> {
        self.state[&("base_profile", profile)].parse().ok()
    }

    fn members(&self, identity: i64) -> Vec<i64> {
        let profiles = self.ids("base_profile").into_iter();
        profiles.filter(|profile| self.home(*profile) == Some(identity)).collect()
    }

    fn is_live(&self, identity: i64) -> bool {
        self.state.contains_key(&("identity", identity))
    }

    fn is_locked(&self, identity: i64) -> bool {
        self.state[&("identity", identity)].split('|').nth(2) == Some("true")
    }

    fn is_hidden(&self, identity: i64) -> bool {
        self.state.get(&("identity", identity)).is_some_and(|row| row.ends_with("true"))
    }

    fn any_hidden(&self, profiles: &[i64]) -> bool {
        profiles.iter().filter_map(|it| self.home(*it)).any(|home| self.is_hidden(home))
    }

    fn proposals(&self, target: i64) -> Vec<(i64, i64)> {
        let relations = self.ids("relation").into_iter().map(|id| {
            let (profile, of) = self.state[&("relation", id)].split_once('|').unwrap();
            (id, profile.parse::<i64>().unwrap(), of.parse::<i64>().unwrap())
        });
        relations.filter(|(.., of)| *of == target).map(|(id, profile, _)| (id, profile)).collect()
    }

    /// Whether an operation can be done, and is not refused.
    pub(super) fn allows(&self, operation: &Operation) -> bool {
        let mergeable = |id: &i64| self.is_live(*id) && !self.is_locked(*id);
        match operation {
            Operation::Edit { identity, .. } | Operation::Hide { identity, .. } => {
                self.is_live(*identity)
            }
            Operation::Delete { identity } => {
                let seen = || !self.is_hidden(*identity) || self.members(*identity).is_empty();
                self.is_live(*identity) && seen()
            }
            Operation::Assign { identity, .. } => identity.is_none_or(|id| self.is_live(id)),
            Operation::Merge { into, from } => {
                mergeable(into) && !from.contains(into) && from.iter().all(mergeable)
            }
            Operation::Split { identity, profiles, .. } => {
                self.is_live(*identity)
                    && profiles.iter().all(|profile| self.home(*profile) == Some(*identity))
            }
            Operation::Propose { target, .. } | Operation::Discard { target } => {
                self.state.contains_key(&("tmp_identity", *target))
            }
            Operation::Withdraw { relation } => self.state.contains_key(&("relation", *relation)),
            Operation::Promote { target, identity } => {
                let mut homes =
                    self.proposals(*target).into_iter().filter_map(|(_, it)| self.home(it));
                self.state.contains_key(&("tmp_identity", *target))
                    && identity.as_ref().is_none_or(mergeable)
                    && homes.all(|home| mergeable(&home))
            }
            Operation::Undo { operation } => {
                self.blocker(*operation).is_none() && !self.joins_locked(*operation)
            }
            _ => true,
        }
    }

    /// The last operation that keeps another from being undone; itself if it is undone already.
    pub(super) fn blocker(&self, operation: i64) -> Option<i64> {
        let entry = self.log.iter().find(|entry| entry.id == operation).unwrap();
        if entry.undone {
            return Some(operation);
        }
        let later = self.log.iter().filter(|later| {
            later.id > operation
                && !later.undone
                && later.undoes.is_none_or(|undoes| undoes < operation)
                && later.is_in_the_way_of(entry)
        });
        let later = later.map(|later| later.id).chain(self.in_the_place_of(entry));
        later.chain(self.hidden_since(entry)).max()
    }

    /// Whether to undo an operation is to join once more, and one of these people is locked.
    fn joins_locked(&self, operation: i64) -> bool {
        let entry = self.log.iter().find(|entry| entry.id == operation).unwrap();
        let mut keys = entry.before.keys().chain(&entry.used).filter(|key| key.0 == "identity");
        entry.about_joining
            && entry.depth % 2 == 1
            && keys.any(|(_, id)| self.is_live(*id) && self.is_locked(*id))
    }

    /// The operations that hid an identity whose profiles another one's undo would show.
    fn hidden_since(&self, entry: &Entry) -> Vec<i64> {
        let hides = |row: &Option<String>| row.as_ref().is_some_and(|row| row.ends_with("true"));
        let home = |row: &Option<String>| row.as_ref().and_then(|row| row.parse::<i64>().ok());
        let then = |id: i64| match entry.before.get(&("identity", id)) {
            Some(row) => hides(row),
            None => self.is_hidden(id),
        };
        let left = entry.before.iter().filter(|(key, _)| key.0 == "base_profile");
        let left = left.filter_map(|(key, before)| {
            let from = home(&entry.after[key])?;
            (self.is_hidden(from) && !home(before).is_some_and(then)).then_some(from)
        });
        let hid = |later: &&Entry, id: i64| {
            let key = ("identity", id);
            later.id > entry.id
                && !later.undone
                && later.undoes.is_none_or(|undoes| undoes < entry.id)
                && later.after.get(&key).is_some_and(hides)
                && !later.before.get(&key).is_some_and(hides)
        };
        left.filter_map(|id| self.log.iter().rfind(|later| hid(later, id)))
            .map(|entry| entry.id)
            .collect()
    }

    /// The operations that made a proposal that another one's undo would bring back.
    fn in_the_place_of(&self, entry: &Entry) -> Vec<i64> {
        let ended = entry.before.iter().filter(|(key, _)| entry.after[*key].is_none());
        let ended = ended.filter(|(key, _)| key.0 == "relation");
        let there = ended.flat_map(|(key, row)| {
            let same = |(other, text): &(&Key, &String)| {
                other.0 == "relation" && *other != key && Some(*text) == row.as_ref()
            };
            self.state.iter().filter(same).map(|(other, _)| *other).collect::<Vec<_>>()
        });
        let makes = |entry: &&Entry, key: &Key| entry.before.get(key) == Some(&None);
        there
            .filter_map(|key| self.log.iter().rfind(|entry| makes(entry, &key)))
            .map(|entry| entry.id)
            .collect()
    }

    /// Does what is allowed. `id` is the operation's, `new` what the server made, if it made one.
    /// The relations that a staging makes are told by `made`.
    pub(super) fn apply(
        &mut self,
        operation: &Operation,
        id: Option<i64>,
        new: Option<i64>,
        made: &BTreeMap<i64, i64>,
    ) {
        let mut next = self.state.clone();
        let mut used = BTreeSet::new();
        let mut moves: Vec<(i64, Option<i64>)> = Vec::new();
        match operation {
            Operation::Create { about, profiles } => {
                let new = new.unwrap();
                let hides = self.any_hidden(profiles);
                let row = format!("{}|{}|false|{hides}", about.display_name, about.description);
                next.insert(("identity", new), row);
                moves.extend(profiles.iter().map(|profile| (*profile, Some(new))));
            }
            Operation::Edit { identity, about, is_locked } => {
                let row = next.get_mut(&("identity", *identity)).unwrap();
                let mut parts: Vec<String> = row.split('|').map(str::to_owned).collect();
                if let Some(name) = &about.display_name {
                    parts[0].clone_from(name);
                }
                if let Some(description) = &about.description {
                    parts[1].clone_from(description);
                }
                if let Some(is_locked) = is_locked {
                    parts[2] = is_locked.to_string();
                }
                *row = parts.join("|");
            }
            Operation::Hide { identity, is_hidden } => {
                hide(next.get_mut(&("identity", *identity)).unwrap(), *is_hidden);
            }
            Operation::Delete { identity } => {
                moves.extend(self.members(*identity).into_iter().map(|profile| (profile, None)));
                next.remove(&("identity", *identity));
            }
            Operation::Assign { profile, identity } => moves.push((*profile, *identity)),
            Operation::Merge { into, from } => {
                used.insert(("identity", *into));
                let hides = from.iter().any(|gone| self.is_hidden(*gone));
                hide(next.get_mut(&("identity", *into)).unwrap(), hides || self.is_hidden(*into));
                for gone in from {
                    let members = self.members(*gone).into_iter();
                    moves.extend(members.map(|profile| (profile, Some(*into))));
                    next.remove(&("identity", *gone));
                    next.insert(("redirect", *gone), into.to_string());
                }
            }
            Operation::Split { identity, profiles, about } => {
                let new = new.unwrap();
                let name = about.display_name.clone().unwrap();
                next.insert(
                    ("identity", new),
                    format!("{name}||false|{}", self.is_hidden(*identity)),
                );
                moves.extend(profiles.iter().map(|profile| (*profile, Some(new))));
            }
            Operation::Stage { about, profiles } => {
                let new = new.unwrap();
                let row = format!("{}|{}", about.display_name, about.description);
                next.insert(("tmp_identity", new), row);
                for profile in profiles {
                    next.insert(("relation", made[profile]), format!("{profile}|{new}"));
                    used.insert(("tmp_identity", new));
                }
            }
            Operation::Propose { profile, target } => {
                next.insert(("relation", new.unwrap()), format!("{profile}|{target}"));
                used.insert(("tmp_identity", *target));
            }
            Operation::Withdraw { relation } => {
                let (_, target) = self.state[&("relation", *relation)].split_once('|').unwrap();
                used.insert(("tmp_identity", target.parse().unwrap()));
                next.remove(&("relation", *relation));
            }
            Operation::Discard { target } => {
                next.remove(&("tmp_identity", *target));
                for (relation, _) in self.proposals(*target) {
                    next.remove(&("relation", relation));
                }
            }
            Operation::Promote { target, identity } => {
                let home = identity.or(new).unwrap();
                self.promote(&mut next, *target, home);
                let proposed = self.proposals(*target).into_iter();
                moves.extend(proposed.map(|(_, profile)| (profile, Some(home))));
            }
            Operation::Undo { operation } => return self.undo(*operation, id.unwrap()),
            other => panic!("{other:?} is not modelled"),
        }
        for (profile, home) in moves {
            if self.home(profile) != home {
                let homes = self.home(profile).into_iter().chain(home);
                used.extend(homes.map(|home| ("identity", home)));
                let text = home.map(|home| home.to_string()).unwrap_or_default();
                next.insert(("base_profile", profile), text);
            }
        }
        let about_joining =
            matches!(operation, Operation::Merge { .. } | Operation::Promote { .. });
        self.enter(next, used, id, about_joining);
    }

    /// Ends a temporary identity, and makes or hides the one that its profiles go to.
    fn promote(&self, next: &mut State, target: i64, home: i64) {
        let proposals = self.proposals(target);
        let profiles: Vec<i64> = proposals.iter().map(|(_, profile)| *profile).collect();
        let hides = self.any_hidden(&profiles);
        let row = &self.state[&("tmp_identity", target)];
        let row = next.entry(("identity", home)).or_insert_with(|| format!("{row}|false|false"));
        if hides {
            hide(row, true);
        }
        next.remove(&("tmp_identity", target));
        for (relation, _) in proposals {
            next.remove(&("relation", relation));
        }
    }

    fn enter(&mut self, next: State, used: BTreeSet<Key>, id: Option<i64>, about_joining: bool) {
        let keys: BTreeSet<&Key> = self.state.keys().chain(next.keys()).collect();
        let differing = keys.into_iter().filter(|key| self.state.get(*key) != next.get(*key));
        let differing: Vec<Key> = differing.copied().collect();
        assert_eq!(id.is_some(), !differing.is_empty(), "what changes nothing is not journalled");
        let before = differing.iter().map(|key| (*key, self.state.get(key).cloned())).collect();
        let after = differing.iter().map(|key| (*key, next.get(key).cloned())).collect();
        self.state = next;
        if let Some(id) = id {
            self.log.push(Entry {
                id,
                before,
                after,
                used,
                undoes: None,
                undone: false,
                about_joining,
                depth: 0,
            });
        }
    }

    fn undo(&mut self, operation: i64, id: i64) {
        let entry = self.log.iter().find(|entry| entry.id == operation).unwrap().clone();
        for (key, before) in &entry.before {
            match before {
                Some(row) => self.state.insert(*key, row.clone()),
                None => self.state.remove(key),
            };
        }
        let (mut target, mut undone) = (Some(operation), true);
        while let Some(at) = target {
            let entry = self.log.iter_mut().find(|entry| entry.id == at).unwrap();
            entry.undone = undone;
            undone = !undone;
            target = entry.undoes;
        }
        self.log.push(Entry {
            id,
            before: entry.after,
            after: entry.before,
            undoes: Some(operation),
            undone: false,
            depth: entry.depth + 1,
            ..entry
        });
    }
}
