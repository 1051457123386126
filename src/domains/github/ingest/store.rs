//! Storing a batch of GitHub items of any kind: parents first, each table once.

use std::collections::{BTreeSet, HashMap, HashSet};

use diesel::QueryResult;

use super::{
    Item,
    accounts::{Accounts, Handle},
    catalogue,
    commits::CommitDraft,
    created_repos::{self, CreatedRepos},
    edited::{self, Edited},
    files::{self, Placed as PlacedCommit},
    issues::Thread,
    library_names,
    person::Person,
    repositories::{Mentioned, Repository},
    settle::{self, Found, Settled},
    threads::{self, People, Placed},
};
use crate::{
    domains::boost::ingest::files as library_files,
    ingest::{
        kind::{Context, Outcome},
        repo_name::RepoName,
        stamp::Stamp,
        tx::Tx,
        upsert::{Action, upsert, upsert_locking},
    },
};

/// Stores items; one outcome for each, in order.
pub async fn store(
    tx: &mut Tx<'_>,
    items: &[(i32, &Item)],
    context: &Context,
) -> QueryResult<Vec<Outcome>> {
    let libraries = library_names::hold(tx, own_repositories(items).map(|(_, own)| own)).await?;
    edited::lock_threads(tx, items).await?;
    let named = named_repositories(items);
    let mut walk = Walk { accounts: Accounts::default(), as_of: context.as_of, ghost: None };
    let people: Vec<Whose> = items.iter().map(|(index, item)| walk.item(*index, item)).collect();
    let former = former_names(items);
    let mentions: Vec<Mentioned<'_>> = former
        .iter()
        .map(|(index, repository)| (*index, repository))
        .chain(own_repositories(items))
        .chain(named.iter().map(|(index, repository)| (*index, repository)))
        .map(|(item, repository)| mentioned(&mut walk.accounts, repository, item))
        .collect();
    let Walk { accounts, ghost, .. } = walk;
    let stored = accounts.store(tx).await?;
    let (rows, repositories_done) = store_repositories(tx, &mentions, &stored).await?;
    let repositories: HashMap<RepoName, i64> = mentions
        .iter()
        .zip(rows)
        .map(|(mention, row)| (mention.repository.name.folded(), row))
        .collect();
    let repo_id = |name: &RepoName| {
        repositories.get(&name.folded()).copied().ok_or(diesel::result::Error::NotFound)
    };
    let accounts =
        threads::Accounts { ghost: ghost.map_or(0, |ghost| stored.id(ghost)), stored: &stored };

    let mut outcomes = Outcomes(vec![None; items.len()]);
    let mut slots = Slots::default();
    let edited = Edited::begin(tx, items, &repositories).await?;
    outcomes.put(edited.removed.0.clone(), edited.removed.1.clone());
    let mut said = BTreeSet::new();
    let mut years: Vec<(i32, &CreatedRepos)> = Vec::new();
    let (mut commits, mut authors) = (Vec::new(), Vec::new());
    let (mut issues, mut pulls) = (Vec::new(), Vec::new());
    for (slot, ((index, item), whose)) in items.iter().zip(&people).enumerate() {
        match (item, whose) {
            (Item::Account(_), Whose::Account(handle)) => {
                // Equal payloads are one statement: the first makes it.
                let first = said.insert(*handle);
                outcomes.0[slot] = Some(Outcome {
                    action: if first { stored.action(*handle) } else { Action::Unchanged },
                    table: "github_account",
                    row_id: Some(stored.id(*handle)),
                });
            }
            (Item::Repository(_), _) => slots.repositories.push(slot),
            (Item::CreatedRepos(row), _) => {
                slots.years.push(slot);
                years.push((*index, row));
            }
            (Item::Commit(commit), Whose::Account(author)) => {
                slots.commits.push(slot);
                let repo_id = repo_id(&commit.repo)?;
                commits.push(PlacedCommit { commit, repo_id, item: *index });
                authors.push(stored.id(*author));
            }
            (Item::Issue(issue), Whose::Thread(people)) => {
                let here = repo_id(&issue.thread.repo)?;
                let Some((issue, repo_id)) = edited.now(issue, here) else {
                    outcomes.0[slot] = Some(edited::GONE);
                    continue;
                };
                slots.issues.push(slot);
                issues.push(Placed::of(issue, repo_id, people, *index, &edited.labels_now));
            }
            (Item::Pull(pull), Whose::Thread(people)) => {
                slots.pulls.push(slot);
                let repo_id = repo_id(&pull.thread.repo)?;
                pulls.push(Placed::of(&**pull, repo_id, people, *index, &edited.labels_now));
            }
            _ => {}
        }
    }
    outcomes.put(slots.repositories, repositories_done);
    outcomes.put(slots.years, store_years(tx, &years).await?);
    outcomes.put(slots.commits, store_commits(tx, &commits, &authors).await?);
    threads::reserve_numbers(tx, &issues, &pulls).await?;
    outcomes.put(slots.issues, threads::store_issues(tx, &issues, accounts).await?);
    outcomes.put(slots.pulls, threads::store_pulls(tx, &pulls, accounts).await?);
    for (slot, outcome) in edited.finish(tx, &repositories).await? {
        outcomes.0[slot] = Some(outcome);
    }
    library_names::follow(tx, libraries).await?;
    outcomes.0.into_iter().collect::<Option<_>>().ok_or(diesel::result::Error::NotFound)
}

/// Stores repositories that other domains name or describe, with their owners. Gives the row of each,
/// and an outcome for each that says more than its name. Call it first in a transaction.
pub async fn store_named(
    tx: &mut Tx<'_>,
    repositories: &[(i32, &Repository)],
) -> QueryResult<(Vec<i64>, Vec<Outcome>)> {
    if repositories.is_empty() {
        return Ok((Vec::new(), Vec::new()));
    }
    let mut accounts = Accounts::default();
    let mentions: Vec<Mentioned<'_>> = repositories
        .iter()
        .map(|(item, repository)| mentioned(&mut accounts, repository, *item))
        .collect();
    let stored = accounts.store(tx).await?;
    store_repositories(tx, &mentions, &stored).await
}

fn mentioned<'i>(accounts: &mut Accounts, repository: &'i Repository, item: i32) -> Mentioned<'i> {
    let Stamp { source_at, as_of, .. } = repository.stamp;
    Mentioned {
        owner: accounts.mention(repository.owner.clone(), source_at, as_of, item),
        repository,
        item,
    }
}

/// What repositories were called before they were renamed or transferred.
fn former_names(items: &[(i32, &Item)]) -> Vec<(i32, Repository)> {
    own_repositories(items)
        .filter_map(|(index, repository)| Some((index, repository.before()?)))
        .collect()
}

/// Which items are of which table, by their position in the batch.
#[derive(Default)]
struct Slots {
    repositories: Vec<usize>,
    years: Vec<usize>,
    commits: Vec<usize>,
    issues: Vec<usize>,
    pulls: Vec<usize>,
}

/// What became of each item of the batch.
struct Outcomes(Vec<Option<Outcome>>);

impl Outcomes {
    fn put(&mut self, slots: Vec<usize>, done: Vec<Outcome>) {
        for (slot, outcome) in slots.into_iter().zip(done) {
            self.0[slot] = Some(outcome);
        }
    }
}

/// Whose an item is.
enum Whose {
    /// An account item, or a commit's author.
    Account(Handle),
    /// An issue or pull request.
    Thread(People),
    /// Nobody's.
    Nobody,
}

/// Collects the accounts that items name.
struct Walk {
    accounts: Accounts,
    as_of: Option<chrono::DateTime<chrono::Utc>>,
    ghost: Option<Handle>,
}

impl Walk {
    fn item(&mut self, index: i32, item: &Item) -> Whose {
        match item {
            Item::Account(account) => {
                let at = account.stamp.source_at;
                let handle =
                    self.accounts.mention(account.person.clone(), at, account.stamp.as_of, index);
                if let Some(address) = &account.address {
                    self.accounts.address(handle, address.clone(), at);
                }
                Whose::Account(handle)
            }
            Item::Commit(commit) => {
                let at = commit.source_at;
                let handle = self.accounts.mention(commit.person.clone(), at, self.as_of, index);
                if let Some(address) = &commit.address {
                    self.accounts.address(handle, address.clone(), at);
                }
                Whose::Account(handle)
            }
            Item::Issue(issue) => {
                let at = issue.stamp.source_at;
                Whose::Thread(self.thread(&issue.thread, at, &[], index))
            }
            Item::Pull(pull) => {
                let reviewers: Vec<Option<&Person>> =
                    pull.reviews.iter().flatten().map(|review| review.person.as_ref()).collect();
                let at = pull.stamp.source_at;
                Whose::Thread(self.thread(&pull.thread, at, &reviewers, index))
            }
            Item::Repository(_)
            | Item::CreatedRepos(_)
            | Item::Removal(_)
            | Item::Transfer(_)
            | Item::LabelEdit(_) => Whose::Nobody,
        }
    }

    /// The people of an issue or pull request of time `at`.
    fn thread(
        &mut self,
        thread: &Thread,
        at: Option<chrono::DateTime<chrono::Utc>>,
        reviewers: &[Option<&Person>],
        item: i32,
    ) -> People {
        let mut mention = |person: Option<&Person>| {
            if let Some(person) = person {
                Some(self.accounts.mention(person.clone(), at, self.as_of, item))
            } else {
                self.ghost = Some(self.accounts.ghost(item));
                None
            }
        };
        People {
            author: mention(thread.person.as_ref()),
            assignees: thread
                .assignees
                .iter()
                .flatten()
                .filter_map(|person| mention(Some(person)))
                .collect(),
            comments: thread
                .comments
                .iter()
                .flatten()
                .map(|comment| mention(comment.person.as_ref()))
                .collect(),
            reviews: reviewers.iter().map(|person| mention(*person)).collect(),
        }
    }
}

/// The repositories that are items themselves.
fn own_repositories<'i>(
    items: &'i [(i32, &'i Item)],
) -> impl Iterator<Item = (i32, &'i Repository)> {
    items.iter().filter_map(|(index, item)| match item {
        Item::Repository(repository) => Some((*index, &**repository)),
        _ => None,
    })
}

/// The repositories that other items name, each once.
fn named_repositories(items: &[(i32, &Item)]) -> Vec<(i32, Repository)> {
    let mut seen = BTreeSet::new();
    items
        .iter()
        .filter_map(|(index, item)| {
            let name = match item {
                Item::Commit(commit) => &commit.repo,
                Item::Issue(issue) => &issue.thread.repo,
                Item::Pull(pull) => &pull.thread.repo,
                Item::Removal(removal) => &removal.repo,
                Item::LabelEdit(edit) => {
                    let id = Some(edit.github_id);
                    let named = Repository::named(edit.repo.clone());
                    return Some((*index, Repository { id, ..named }));
                }
                _ => return None,
            };
            seen.insert(name.folded()).then(|| (*index, Repository::named(name.clone())))
        })
        .collect()
}

/// Finds, makes and writes repositories; gives the row of each mention, and an outcome for each that
/// is an item. Who has a name is decided one after the other, so those that contend for one are
/// written before the next are looked at.
async fn store_repositories(
    tx: &mut Tx<'_>,
    mut mentions: &[Mentioned<'_>],
    accounts: &super::accounts::Stored,
) -> QueryResult<(Vec<i64>, Vec<Outcome>)> {
    let (mut rows, mut outcomes) = (Vec::new(), Vec::new());
    let mut held = Some(settle::hold(tx, mentions, first_contender(mentions).is_some()).await?);
    while !mentions.is_empty() {
        let end = first_contender(mentions).unwrap_or(mentions.len());
        let (together, rest) = mentions.split_at(end);
        let found = match held.take() {
            Some(held) => held,
            None => Found::of(tx, together).await?,
        };
        let settled = settle::settle(tx, together, found, accounts).await?;
        outcomes.extend(write_repositories(tx, together, &settled, accounts).await?);
        rows.extend(settled.into_iter().map(|settled| settled.id));
        mentions = rest;
    }
    Ok((rows, outcomes))
}

/// The first repository whose name another one before it has, or that has another name before.
fn first_contender(mentions: &[Mentioned<'_>]) -> Option<usize> {
    let (mut names, mut ids) = (HashMap::new(), HashMap::new());
    mentions.iter().position(|Mentioned { repository, .. }| {
        let Some(id) = repository.id else { return false };
        let name = repository.name.folded();
        *names.entry(name.clone()).or_insert(id) != id
            || *ids.entry(id).or_insert(name.clone()) != name
    })
}

/// Writes the repositories that are items; those that are only named exist by now.
async fn write_repositories(
    tx: &mut Tx<'_>,
    mentions: &[Mentioned<'_>],
    settled: &[Settled],
    accounts: &super::accounts::Stored,
) -> QueryResult<Vec<Outcome>> {
    let full: Vec<(&Mentioned<'_>, &Settled)> =
        mentions.iter().zip(settled).filter(|(mention, _)| mention.repository.is_full()).collect();
    let drafts = full
        .iter()
        .map(|(mention, settled)| {
            let repository = mention.repository;
            let name = repository.spelling(settled.may_name);
            repository.draft(settled.id, accounts.id(mention.owner), name, mention.item)
        })
        .collect();
    let done = upsert(tx, drafts).await?;
    // Rows that this batch made were counted when they were made.
    let filled: HashSet<i64> = settled.iter().filter(|s| s.created).map(|s| s.id).collect();
    let count = tx.count("github_repository");
    for id in filled {
        if done.iter().any(|done| done.id == id && done.action == Action::Updated) {
            count.updated = count.updated.saturating_sub(1);
        } else if done.iter().any(|done| done.id == id) {
            count.unchanged = count.unchanged.saturating_sub(1);
        }
    }
    let sets: Vec<_> =
        full.iter().zip(&done).map(|((mention, _), done)| (mention.repository, done)).collect();
    let changed = catalogue::store_sets(tx, &sets).await?;
    let mut new: BTreeSet<i64> =
        settled.iter().filter(|settled| settled.created).map(|settled| settled.id).collect();
    Ok(done
        .into_iter()
        .map(|done| Outcome {
            action: match done.action {
                _ if new.remove(&done.id) => Action::Inserted,
                _ if changed.contains(&done.id) => Action::Updated,
                action => action,
            },
            table: "github_repository",
            row_id: Some(done.id),
        })
        .collect())
}

async fn store_years(tx: &mut Tx<'_>, years: &[(i32, &CreatedRepos)]) -> QueryResult<Vec<Outcome>> {
    let mut names = BTreeSet::new();
    for (_, row) in years {
        names.insert(row.language.as_str());
    }
    let languages = catalogue::languages(tx, &names).await?;
    let mut rows = Vec::new();
    for (index, row) in years {
        if let Some(language) = languages.get(&row.language) {
            rows.push((*index, *row, *language));
        }
    }
    created_repos::store(tx, &rows).await
}

async fn store_commits(
    tx: &mut Tx<'_>,
    commits: &[PlacedCommit<'_>],
    authors: &[i64],
) -> QueryResult<Vec<Outcome>> {
    let (files, touched) = files::store_files(tx, commits).await?;
    let drafts: Vec<CommitDraft> = commits
        .iter()
        .zip(authors)
        .map(|(placed, author)| placed.commit.draft(placed.repo_id, *author, placed.item))
        .collect();
    // A list that is not complete is united with what is stored: nobody else may do so meanwhile.
    let locks: Vec<bool> = commits
        .iter()
        .map(|placed| placed.commit.files.is_some() && !placed.commit.lists_all_files())
        .collect();
    let done = upsert_locking(tx, drafts, &locks).await?;
    let changed = files::store_changes(tx, commits, &done, &files).await?;
    library_files::touched(tx, &touched).await?;
    Ok(done
        .into_iter()
        .map(|done| Outcome {
            action: match done.action {
                Action::Inserted => Action::Inserted,
                _ if changed.contains(&done.id) => Action::Updated,
                action => action,
            },
            table: "git_commit",
            row_id: Some(done.id),
        })
        .collect())
}
