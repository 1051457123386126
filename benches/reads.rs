//! Reads over HTTP against pgbench on the same SELECT with as many connections.
//!
//! With one connection both are bound by how fast processes wake each other; with more, pgbench by
//! PostgreSQL alone, and we by the CPU of client, server and PostgreSQL together. So there is a third
//! rate beside the two, of what asks nothing of PostgreSQL (`/health/live`): a request that costs just
//! that and what pgbench takes is as fast as one over HTTP can be, and *of the bound* is how near we are.
//!
//! pgbench is run as it is by default, and with its statement prepared, as the server's is. By default it
//! has one thread for all connections, too, which is then what it is bound by; so there is another round
//! with two. Our client has as many each time. All take turns, several rounds, and of each ratio the
//! median counts: a machine that others share is not as fast in one second as in the next.

use std::time::Duration;

use crate::{
    commits, copy,
    http::Client,
    pgbench::{self, Mode},
    rate::{self, Load, Rate, median},
    world::World,
};

/// Who asks in each measurement.
const LOADS: [Load; 3] = [
    Load { connections: 1, threads: 1 },
    Load { connections: 4, threads: 1 },
    Load { connections: 4, threads: 2 },
];
/// Rounds of each, an odd number.
const ROUNDS: usize = 5;
/// The seconds of a round of one.
const SECONDS: u32 = 2;
const COMMITS: usize = 20_000;

pub(crate) async fn run() -> anyhow::Result<()> {
    println!("\n## Reads of {COMMITS} commits against pgbench on the same SELECT\n");
    println!(
        "| read | connections | threads | requests/s | pgbench tps | ratio | `-M prepared` | ratio | of the bound | server CPU ms/request | PostgreSQL CPU ms/request |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|");
    let world = World::start().await?;
    let mut client = Client::connect(&world.address, &world.token).await?;
    for from in (0..COMMITS).step_by(1_000) {
        let body = commits::lines(from, from + 1_000);
        client.post("/api/v1/ingest/github/commits", "application/x-ndjson", &body).await?;
    }
    let direct = copy::connect(&world.url).await?;
    direct.batch_execute("vacuum analyze").await?;
    let id: i64 = direct.query_one("select max(id) - 100 from git_commit", &[]).await?.get(0);
    let account: i64 =
        direct.query_one("select min(account_id) from git_commit", &[]).await?.get(0);
    let columns = "id, repo_id, account_id, commit_hash, comment, commit_at, committed_at";
    for (name, path, sql) in [
        (
            "list of 50",
            "/api/v1/github/commits?limit=50".to_owned(),
            format!("select {columns} from git_commit order by id limit 51"),
        ),
        (
            "one by id",
            format!("/api/v1/github/commits/{id}"),
            format!("select {columns} from git_commit where id = {id}"),
        ),
        (
            "filtered list of 50",
            format!("/api/v1/github/commits?account_id={account}&sort=-commit_at&limit=50"),
            format!(
                "select {columns} from git_commit where account_id = {account} \
                 order by commit_at desc, id desc limit 51"
            ),
        ),
        (
            "stats by month",
            "/api/v1/github/commits/stats?bucket=month&measure=count".to_owned(),
            "with grouped as (select date_trunc('month', commit_at at time zone 'UTC')::date \
             as bucket, count(*) as m0 from git_commit where commit_at is not null group by 1) \
             select bucket, m0 from grouped order by bucket limit 10001"
                .to_owned(),
        ),
    ] {
        for load in LOADS {
            let mut rounds = Vec::new();
            for _ in 0..ROUNDS {
                rounds.push(Round::measure(&world, &path, &sql, load)?);
            }
            let of = |figure: &dyn Fn(&Round) -> f64| median(rounds.iter().map(figure).collect());
            println!(
                "| {name} | {} | {} | {:.0} | {:.0} | {:.2} | {:.0} | {:.2} | {:.2} | {:.3} | {:.3} |",
                load.connections,
                load.threads,
                of(&|it| it.ours.per_second),
                of(&|it| it.simple),
                of(&|it| it.ours.per_second / it.simple),
                of(&|it| it.prepared),
                of(&|it| it.ours.per_second / it.prepared),
                of(&|it| it.ours.per_second * (1.0 / it.prepared + 1.0 / it.nothing)),
                of(&|it| it.ours.server_ms),
                of(&|it| it.ours.postgres_ms),
            );
        }
    }
    world.stop().await
}

/// What is compared, one right after the other.
struct Round {
    ours: Rate,
    /// pgbench by default, per second.
    simple: f64,
    /// pgbench with its statement prepared, per second.
    prepared: f64,
    /// Answers that ask nothing of PostgreSQL, per second.
    nothing: f64,
}

impl Round {
    fn measure(world: &World, path: &str, sql: &str, load: Load) -> anyhow::Result<Self> {
        let time = Duration::from_secs(SECONDS.into());
        let pgbench = |mode| pgbench::rate(&world.url, sql, mode, load, SECONDS);
        Ok(Self {
            ours: rate::measure(world, path, None, load, time)?,
            simple: pgbench(Mode::Simple)?,
            prepared: pgbench(Mode::Prepared)?,
            nothing: rate::measure(world, "/health/live", None, load, time)?.per_second,
        })
    }
}
