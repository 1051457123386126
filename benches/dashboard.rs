//! The dashboards over a million commits and half a million usages: cold, polled, and polled while rows come in.
//!
//! Cold is a period that was never asked for: another day's `as_of` each time. Polls ask for the
//! same; then a commit and a usage are changed before each of them, so nothing that was kept is still
//! true. At last they come seldom, each longer after the one before than an answer may be old, and
//! what they ask for was changed all the while.

use std::time::{Duration, Instant};

use crate::{copy, http::Client, world::World};

/// What the tables are filled with: a million commits among other rows.
pub(crate) const ROWS: &str = include_str!("dashboard.sql");
/// Requests of each measurement.
const COLD: u64 = 15;
const POLLS: u64 = 200;
const SELDOM: u64 = 5;
/// The time between those that come seldom, and between the changes meanwhile.
const AFTER: Duration = Duration::from_secs(40);
const BETWEEN: Duration = Duration::from_millis(500);
const PARTS: [&str; 6] = [
    "overview?window=today",
    "overview?window=30d",
    "overview?window=90d",
    "overview?window=365d",
    "boost-usage?fields=as_of,repos_by_year,statistics",
    "boost-usage",
];
/// What changes before each poll, by an id.
const CHANGES: [&str; 2] = [
    "update git_commit set comment = comment || '.' where id = $1",
    "update boost_usage set last_commit_date = last_commit_date - interval '1 day' \
     where id = (select min(id) + $1 from boost_usage)",
];

pub(crate) async fn run() -> anyhow::Result<()> {
    println!(
        "\n## The dashboards over 1,000,000 commits and 500,000 usages, median and worst in ms\n"
    );
    println!(
        "| `GET /dashboard/…` | cold | worst | polled | worst | polled while written | worst |"
    );
    println!("|---|---|---|---|---|---|---|");
    let world = World::start().await?;
    let direct = copy::connect(&world.url).await?;
    direct.batch_execute(ROWS).await?;
    direct.batch_execute("vacuum analyze").await?;
    let mut client = Client::connect(&world.address, &world.token).await?;
    for part in PARTS {
        let path = format!("/api/v1/dashboard/{part}");
        let mut cold = Vec::new();
        for day in 1..=COLD {
            let date = format!("select (current_date - {day})::text");
            let as_of: String = direct.query_one(&date, &[]).await?.get(0);
            let join = if path.contains('?') { '&' } else { '?' };
            cold.push(get(&mut client, &format!("{path}{join}as_of={as_of}")).await?);
        }
        client.get(&path).await?;
        let (mut polled, mut written) = (Vec::new(), Vec::new());
        for _ in 0..POLLS {
            polled.push(get(&mut client, &path).await?);
        }
        for id in 1..=i64::try_from(POLLS)? {
            change(&direct, id).await?;
            written.push(get(&mut client, &path).await?);
        }
        print_row(part, [cold, polled, written]);
    }
    let mut seldom = PARTS.map(|_| Vec::new());
    for round in 0..SELDOM {
        let begun = Instant::now();
        let ids = i64::try_from(round * POLLS)?..;
        for id in ids.take_while(|_| begun.elapsed() < AFTER) {
            change(&direct, id).await?;
            tokio::time::sleep(BETWEEN).await;
        }
        for (part, times) in PARTS.iter().zip(&mut seldom) {
            times.push(get(&mut client, &format!("/api/v1/dashboard/{part}")).await?);
        }
    }
    println!("\n| `GET /dashboard/…` | seldom, while written | worst |\n|---|---|---|");
    for (part, times) in PARTS.iter().zip(seldom) {
        print_row(part, [times]);
    }
    world.stop().await
}

async fn change(direct: &tokio_postgres::Client, id: i64) -> anyhow::Result<()> {
    for change in CHANGES {
        direct.execute(change, &[&id]).await?;
    }
    Ok(())
}

/// Prints the median and the worst of each measurement.
fn print_row<const N: usize>(part: &str, measured: [Vec<Duration>; N]) {
    print!("| `{part}` |");
    for mut times in measured {
        times.sort_unstable();
        let ms = |time: Option<&Duration>| time.map_or(0.0, |it| it.as_secs_f64() * 1_000.0);
        print!(" {:.1} | {:.1} |", ms(times.get(times.len() / 2)), ms(times.last()));
    }
    println!();
}

async fn get(client: &mut Client, path: &str) -> anyhow::Result<Duration> {
    let begun = Instant::now();
    client.get(path).await?;
    Ok(begun.elapsed())
}
