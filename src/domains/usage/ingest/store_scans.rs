//! Storing scans of repositories.

use std::collections::{HashMap, HashSet};

use diesel::QueryResult;
use serde_json::json;

use super::{
    FAILURES, SCANS, except, externals,
    includes::{self, Include},
    places::{self, is_changed},
    resolve,
    scans::{Form, Scan},
    store::{file, follow},
};
use crate::{
    db::sql::{SqlType, Statement as Sql, Value},
    domains::github::ingest::files::{Deletion, ListedFile},
    ingest::{
        given::Given,
        kind::Outcome,
        statements::{self, Kept, Statement},
        tx::Tx,
        upsert::{Action, Done},
    },
};

const TABLE: &str = "boost_external_repository";

/// A scan with the row of its repository.
#[derive(Clone, Copy)]
struct Placed<'i> {
    /// Its position among the items.
    slot: usize,
    item: i32,
    scan: &'i Scan,
    repo: i64,
}

/// Stores scans; one outcome for each, in order.
pub async fn store(tx: &mut Tx<'_>, items: &[(i32, &Scan)]) -> QueryResult<Vec<Outcome>> {
    let is_good = |scan: &Scan| scan.form != Form::Failure;
    let good = || items.iter().filter(|(_, scan)| is_good(scan));
    let described: Vec<_> =
        good().filter_map(|(item, scan)| Some((*item, &**scan.repository.as_ref()?))).collect();
    let named = good().map(|(item, scan)| (*item, &scan.repo));
    let (repositories, base) = places::repositories(tx, &described, named).await?;
    let placed = items
        .iter()
        .enumerate()
        .filter(|(_, (_, scan))| is_good(scan))
        .map(|(slot, (item, scan))| {
            let repo = places::repository(&repositories, &scan.repo)?;
            Ok(Placed { slot, item: *item, scan, repo })
        })
        .collect::<QueryResult<Vec<_>>>()?;
    let said = placed.iter().map(|placed| (placed.repo, placed.item, placed.scan.external()));
    let externals = externals::store(tx, said.collect()).await?;
    let mut changed = store_files(tx, &placed).await?;
    for ((item, _), outcome) in described.iter().zip(base) {
        if matches!(outcome.action, Action::Inserted | Action::Updated) {
            changed.extend(placed.iter().filter(|p| p.item == *item).map(|p| p.slot));
        }
    }

    let mut outcomes: Vec<Outcome> = items
        .iter()
        .map(|_| Outcome { action: Action::Unchanged, table: TABLE, row_id: None })
        .collect();
    for (placed, done) in placed.iter().zip(&externals) {
        outcomes[placed.slot] = Outcome {
            action: match done.action {
                Action::Inserted => Action::Inserted,
                _ if changed.contains(&placed.slot) => Action::Updated,
                action => action,
            },
            table: TABLE,
            row_id: Some(done.id),
        };
    }
    let failed: Vec<(i32, &Scan)> =
        items.iter().filter(|(_, scan)| !is_good(scan)).copied().collect();
    keep_failures(tx, &placed, &failed).await?;
    Ok(outcomes)
}

/// Stores the files of scans and what they include; gives the positions of the scans by which a row
/// changed.
async fn store_files(tx: &mut Tx<'_>, placed: &[Placed<'_>]) -> QueryResult<HashSet<usize>> {
    let mut listed = Vec::new();
    let mut slots = Vec::new();
    for Placed { slot, item, scan, repo } in placed {
        for path in scan.files.keys() {
            slots.push(*slot);
            listed.push(ListedFile {
                repo_id: *repo,
                filename: path,
                is_deleted: Some(Deletion { is_deleted: false, at: scan.at, row: None }),
                item: *item,
            });
        }
    }
    let (files, done) = places::files(tx, &listed).await?;
    let mut changed = changed_slots(&slots, &done);
    let texts = placed
        .iter()
        .flat_map(|placed| placed.scan.files.values())
        .flat_map(|file| file.headers.iter().flatten())
        .map(String::as_str);
    let headers = resolve::resolve(tx, texts).await?;
    let new = keep(tx, placed).await?;

    let mut found = Vec::new();
    slots.clear();
    for Placed { slot, item, scan, repo } in placed {
        for (path, scanned) in &scan.files {
            let row = file(&files, *repo, path)?;
            for header in scanned.headers.iter().flatten() {
                slots.push(*slot);
                found.push(Include {
                    file: row,
                    header,
                    header_id: headers.get(header).copied(),
                    last_commit_date: scanned.commit_date,
                    excepted_at: None,
                    stamp: &scan.stamp,
                    item: *item,
                });
            }
        }
    }
    let done = includes::store(tx, &found).await?;
    changed.extend(changed_slots(&slots, &done));
    let excepted = except::unseen_by(tx, &new).await?;
    let repos: HashSet<i64> = excepted.iter().map(|(_, repo)| *repo).collect();
    let by = placed.iter().filter(|p| p.scan.form == Form::Scan && repos.contains(&p.repo));
    changed.extend(by.map(|placed| placed.slot));
    let excepted: Vec<i64> = excepted.into_iter().map(|(file, _)| file).collect();
    follow(tx, &found, &done, &excepted).await?;
    Ok(changed)
}

fn changed_slots(slots: &[usize], done: &[Done]) -> HashSet<usize> {
    slots.iter().zip(done).filter(|(_, done)| is_changed(done)).map(|(slot, _)| *slot).collect()
}

/// Keeps scans, and gives scope and key of those that are new.
async fn keep(tx: &mut Tx<'_>, placed: &[Placed<'_>]) -> QueryResult<Vec<(String, String)>> {
    let statements: Vec<Statement> = placed
        .iter()
        .filter(|placed| placed.scan.form == Form::Scan)
        .map(|Placed { item, scan, repo, .. }| Statement {
            scope: repo.to_string(),
            key: scan.key(),
            stamp: scan.stamp.clone(),
            body: json!({"unread": scan.unread()}),
            item: *item,
        })
        .collect();
    let kept = statements::keep(tx, SCANS, &statements).await?;
    Ok(statements
        .into_iter()
        .zip(kept)
        .filter(|(_, kept)| *kept != Kept::Same)
        .map(|(statement, _)| (statement.scope, statement.key))
        .collect())
}

/// Remembers failed scans until a good one of their repository follows.
async fn keep_failures(
    tx: &mut Tx<'_>,
    placed: &[Placed<'_>],
    failed: &[(i32, &Scan)],
) -> QueryResult<()> {
    let statements: Vec<Statement> = failed
        .iter()
        .map(|(item, scan)| Statement {
            scope: scan.repo.folded().to_string(),
            key: scan.key(),
            stamp: scan.stamp.clone(),
            body: json!({}),
            item: *item,
        })
        .collect();
    statements::keep(tx, FAILURES, &statements).await?;
    for (item, _) in failed {
        tx.warn(*item, "ignored", "The scan failed: it says nothing about the repository.");
    }
    let mut newest: HashMap<String, _> = HashMap::new();
    for placed in placed.iter().filter(|placed| placed.scan.form == Form::Scan) {
        let at = newest.entry(placed.scan.repo.folded().to_string()).or_insert(placed.scan.at);
        *at = placed.scan.at.max(*at);
    }
    if newest.is_empty() {
        return Ok(());
    }
    let mut forget = Sql::new("delete from statement s using ");
    Given::default()
        .texts("scope", newest.keys().map(String::as_str))
        .with("at", SqlType::Timestamptz, newest.values().copied().map(Value::Timestamptz))
        .append(&mut forget);
    forget.push(" where s.scope = u.scope and s.source_at <= u.at and s.fold = ");
    forget.bind(SqlType::Text, Value::Text(FAILURES.to_owned()));
    tx.execute(forget).await?;
    Ok(())
}
