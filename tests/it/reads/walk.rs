//! A long walk by cursor while others write.
//!
//! `WALK` in the environment is the number of rows.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use diesel_async::SimpleAsyncConnection as _;
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use serde_json::Value;

use super::{random::setting, seed};
use crate::support::TestApp;

/// Fills `issue` with rows of which every third is open and the others were closed at few times.
/// The keys are those from 1,001 on.
fn fill(rows: u64) -> String {
    format!(
        "insert into issue overriding system value
         select 1000 + n, (select min(id) from github_repository),
            (select min(id) from github_account), 1000 + n, 1000 + n, 'walk', '',
            case n % 3 when 0 then 'open' else 'closed' end::issue_state, null,
            timestamptz '2024-01-01' + n * interval '1 second', null,
            case n % 3 when 0 then null
                else timestamptz '2024-01-01' + n * 7919 % 9973 * interval '1 hour' end
         from generate_series(1, {rows}) n;
         select setval(pg_get_serial_sequence('issue', 'id'), 10000000)"
    )
}

/// What others do meanwhile: new rows, rows that move, rows that go. Those whose key ends in 2 to 9
/// are left alone.
fn disturb(rows: u64, number: u64, random: &mut StdRng) -> String {
    let (from, hour) = (random.random_range(1000..1000 + rows), random.random_range(0..9973));
    let (new, moved) = (2_000_000 + number * 100, from + 2_000);
    format!(
        "insert into issue (repo_id, account_id, issue_number, issue_id, title, body, state,
            issue_closed_at)
         select (select min(id) from github_repository), (select min(id) from github_account),
            {new} + n, {new} + n, 'new', '', 'open',
            timestamptz '2024-01-01' + {hour} * interval '1 hour'
         from generate_series(1, 20) n;
         update issue set issue_closed_at =
            case when id % 20 = 0 then null
                else timestamptz '2024-01-01' + {hour} * interval '1 hour' end
         where id between {from} and {moved} and id % 10 = 0 and title = 'walk';
         delete from issue where id between {from} and {from} + 100 and id % 10 = 1"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_walk_meets_every_row_once_that_is_left_alone() {
    let rows = setting("WALK", 100_000);
    let app = TestApp::new().await;
    seed::fill(&app).await;
    let mut connection = app.db().connect().await;
    connection.batch_execute("delete from issue").await.unwrap();
    connection.batch_execute(&fill(rows)).await.unwrap();
    connection.batch_execute("analyze issue").await.unwrap();

    let is_done = Arc::new(AtomicBool::new(false));
    let mut writers = Vec::new();
    for writer in 0..2 {
        let mut connection = app.db().connect().await;
        let is_done = Arc::clone(&is_done);
        writers.push(tokio::spawn(async move {
            let mut random = StdRng::seed_from_u64(writer);
            let mut number = writer;
            while !is_done.load(Ordering::Relaxed) {
                let sql = disturb(rows, number, &mut random);
                // Two writers may want each other's rows; the next round is another.
                let _ = connection.batch_execute(&sql).await;
                number += 2;
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            number / 2
        }));
    }

    let path = "/api/v1/github/issues?sort=-issue_closed_at&fields=id,issue_closed_at&limit=500";
    let mut met: BTreeMap<i64, u32> = BTreeMap::new();
    let (mut last, mut asked) = (None::<(Option<String>, i64)>, path.to_owned());
    let mut pages = Vec::new();
    loop {
        let begun = Instant::now();
        let page = app.get(&asked).await.expect(200);
        pages.push(begun.elapsed());
        for row in page["data"].as_array().unwrap() {
            let key = row["id"].as_i64().unwrap();
            let here = (row["issue_closed_at"].as_str().map(str::to_owned), key);
            // Greatest first, nulls last, then by the key, the same way.
            if let Some(last) = &last {
                let nulls = (here.0.is_none(), last.0.is_none());
                assert!(nulls == (true, false) || (nulls.0 == nulls.1 && here < *last), "{here:?}");
            }
            last = Some(here);
            *met.entry(key).or_default() += 1;
        }
        let Value::String(cursor) = &page["page"]["next_cursor"] else { break };
        asked = format!("{path}&cursor={cursor}");
    }
    is_done.store(true, Ordering::Relaxed);
    for writer in writers {
        assert!(writer.await.unwrap() > 0, "nobody disturbed the walk");
    }
    for key in (1001..=1000 + i64::try_from(rows).unwrap()).filter(|key| key % 10 > 1) {
        assert_eq!(met.get(&key), Some(&1), "{key}");
    }
    // The last pages cost what the first did: the median of each tenth, with room for the machine.
    if pages.len() >= 100 {
        let tenth = pages.len() / 10;
        let median = |pages: &[Duration]| {
            let mut pages = pages.to_vec();
            pages.sort_unstable();
            pages[pages.len() / 2]
        };
        let (first, end) = (median(&pages[..tenth]), median(&pages[pages.len() - tenth..]));
        assert!(end < first * 4 + Duration::from_millis(50), "{first:?} {end:?}");
    }
}
