//! One PostgreSQL for all test processes, whatever runs them.
//!
//! The first process to need it starts a *keeper*: this same test binary, detached, running one
//! test that serves the others. The keeper ends when nobody has been connected for a while; its
//! cluster stays for the next run.

use std::{
    fs::{self, File},
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use boost_dashboard::db::{
    embedded::{self, Embedded, Flavour},
    pool,
};
use diesel_async::RunQueryDsl as _;

/// Tells the keeper from a test run: the folder it keeps.
const KEEPER: &str = "TEST_SERVER_KEEPER";
const KEEPER_TEST: &str = "support::server::keeps_the_server_for_other_processes";
/// How long nobody has to be connected before the keeper ends.
const IDLE: Duration = Duration::from_secs(30);
const START_PATIENCE: Duration = Duration::from_mins(2);

/// The URL of the running server's own database, starting the server if need be.
pub(crate) async fn url() -> anyhow::Result<String> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("postgres");
    fs::create_dir_all(&folder)?;
    if let Some(url) = answering(&folder).await {
        return Ok(url);
    }
    // One process starts it; the others wait here, and find it running.
    let lock = folder.join("start.lock");
    let _lock = tokio::task::spawn_blocking(move || {
        let file = File::options().create(true).append(true).open(lock)?;
        file.lock().map(|()| file)
    })
    .await??;
    if let Some(url) = answering(&folder).await {
        return Ok(url);
    }
    let log = folder.join("keeper.log");
    let output = File::create(&log)?;
    let mut keeper = Command::new(std::env::current_exe()?)
        .args(["--exact", KEEPER_TEST, "--nocapture"])
        .env(KEEPER, &folder)
        .stdin(Stdio::null())
        .stdout(output.try_clone()?)
        .stderr(output)
        .process_group(0)
        .spawn()?;
    let started = Instant::now();
    while started.elapsed() < START_PATIENCE {
        if let Some(url) = answering(&folder).await {
            return Ok(url);
        }
        if keeper.try_wait()?.is_some() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    anyhow::bail!("the test server did not start:\n{}", fs::read_to_string(log)?)
}

/// The URL in the keeper's file, if a server answers there.
async fn answering(folder: &Path) -> Option<String> {
    let url = fs::read_to_string(folder.join("url")).ok()?;
    pool::connect(&url).await.ok()?;
    Some(url)
}

/// Not a test of anything: the keeper, when a test process asks for it, and else nothing.
#[test]
fn keeps_the_server_for_other_processes() {
    if let Some(folder) = std::env::var_os(KEEPER) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(keep(PathBuf::from(folder))).unwrap();
    }
}

async fn keep(folder: PathBuf) -> anyhow::Result<()> {
    let server = start(&folder).await?;
    let file = folder.join("url");
    let mut connection = pool::connect(server.url()).await?;
    loop {
        // Renamed into place, so that nobody reads half a URL.
        fs::write(file.with_extension("new"), server.url())?;
        fs::rename(file.with_extension("new"), &file)?;
        let mut idle = Instant::now();
        while idle.elapsed() < IDLE {
            tokio::time::sleep(Duration::from_millis(500)).await;
            if clients(&mut connection).await? > 0 {
                idle = Instant::now();
            }
        }
        // Whoever has read the URL by now is given time to connect, and is then counted.
        fs::remove_file(&file)?;
        tokio::time::sleep(Duration::from_secs(1)).await;
        if clients(&mut connection).await? == 0 {
            break;
        }
    }
    drop(connection);
    server.stop().await;
    Ok(())
}

/// Starts the server, after an earlier keeper that is just stopping.
async fn start(folder: &Path) -> anyhow::Result<Embedded> {
    let started = Instant::now();
    loop {
        match embedded::start(folder, None, Flavour::Test).await {
            Err(error)
                if error.to_string().contains("already running")
                    && started.elapsed() < START_PATIENCE =>
            {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            result => return result,
        }
    }
}

#[derive(diesel::QueryableByName)]
struct Count {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    count: i64,
}

async fn clients(connection: &mut boost_dashboard::db::Connection) -> anyhow::Result<i64> {
    let row: Count = diesel::sql_query(
        "select count(*) as count from pg_stat_activity \
         where backend_type = 'client backend' and pid <> pg_backend_pid()",
    )
    .get_result(connection)
    .await?;
    Ok(row.count)
}
