//! The server's own PostgreSQL: started, killed, found in the way, refused.

use std::{
    fs,
    os::unix::{
        fs::{MetadataExt as _, PermissionsExt as _},
        process::CommandExt as _,
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use boost_dashboard::db::{
    embedded::{self, Embedded, Flavour},
    pool,
};
use diesel_async::SimpleAsyncConnection as _;
use tempfile::TempDir;

/// Tells the process that is to be killed from a test run: the folder it serves.
const VICTIM: &str = "EMBEDDED_VICTIM";

/// A data folder that the database's account can reach.
pub(crate) fn folder() -> TempDir {
    tempfile::Builder::new().permissions(fs::Permissions::from_mode(0o755)).tempdir().unwrap()
}

async fn start(folder: &Path) -> Embedded {
    embedded::start(folder, None, Flavour::Test).await.unwrap()
}

async fn refusal(folder: &Path, pg_bin: Option<&Path>) -> String {
    format!("{:#}", embedded::start(folder, pg_bin, Flavour::Test).await.unwrap_err())
}

async fn run(url: &str, sql: &str) -> anyhow::Result<()> {
    Ok(pool::connect(url).await?.batch_execute(sql).await?)
}

/// How a running server was started: its program, its arguments, its account.
pub(crate) struct Invocation {
    pub(crate) program: PathBuf,
    pub(crate) arguments: Vec<String>,
    pub(crate) data: PathBuf,
}

impl Invocation {
    pub(crate) fn of(server: &Embedded) -> Self {
        let line = fs::read_to_string(format!("/proc/{}/cmdline", server.pid())).unwrap();
        let mut words = line.trim_end_matches('\0').split('\0').map(str::to_owned);
        let program = PathBuf::from(words.next().unwrap());
        let arguments: Vec<_> = words.collect();
        let data = PathBuf::from(&arguments[1]);
        Self { program, arguments, data }
    }

    /// Starts the same server again, with nobody to supervise it.
    pub(crate) fn spawn(&self, settings: &[String]) -> Child {
        let owner = fs::metadata(&self.data).unwrap();
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).current_dir("/").stdin(Stdio::null()).stderr(Stdio::null());
        for setting in settings {
            command.args(["-c", setting]);
        }
        // The folder of the socket went with the server that was stopped.
        let sockets = PathBuf::from(&self.arguments[3]);
        fs::create_dir_all(&sockets).unwrap();
        std::os::unix::fs::chown(&sockets, Some(owner.uid()), Some(owner.gid())).unwrap();
        if nix::unistd::geteuid().is_root() {
            command.uid(owner.uid()).gid(owner.gid());
        }
        command.spawn().unwrap()
    }
}

pub(crate) async fn until<T>(mut what: impl AsyncFnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(done) = what().await {
            return done;
        }
        assert!(started.elapsed() < Duration::from_mins(1), "nothing happened for a minute");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn starts_stops_and_starts_again_with_its_rows() {
    let folder = folder();
    // A path much longer than that of a socket may be.
    let data = folder.path().join("a".repeat(120)).join("b".repeat(60));
    let server = embedded::start(&data, None, Flavour::Serve).await.unwrap();
    run(server.url(), "create table kept as select 1 as one").await.unwrap();
    let url = server.url().to_owned();
    server.stop().await;
    assert!(run(&url, "select 1").await.is_err(), "still answers after stop");

    let server = embedded::start(&data, None, Flavour::Serve).await.unwrap();
    assert_eq!(server.url(), url);
    run(server.url(), "insert into kept values (2)").await.unwrap();

    let client = pool::connect(server.url()).await.unwrap();
    drop(server);
    assert!(run(&url, "select 1").await.is_err(), "still answers after drop");
    drop(client);
}

#[tokio::test(flavor = "multi_thread")]
async fn serve_is_durable_and_its_role_is_an_ordinary_one() {
    let folder = folder();
    let server = embedded::start(folder.path(), None, Flavour::Serve).await.unwrap();
    run(
        server.url(),
        "do $$ begin
            assert current_setting('fsync') = 'on';
            assert current_setting('synchronous_commit') = 'on';
            assert current_setting('full_page_writes') = 'on';
            assert current_setting('listen_addresses') = '';
            assert current_setting('server_encoding') = 'UTF8';
            assert (select not rolsuper from pg_roles where rolname = current_user);
        end $$",
    )
    .await
    .unwrap();
    // The bundled extensions an owner of a database may have.
    run(server.url(), "create extension if not exists pg_trgm").await.unwrap();
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_start_on_the_same_folder_says_who_has_it() {
    let folder = folder();
    let server = start(folder.path()).await;
    let error = refusal(folder.path(), None).await;
    let pid = std::process::id();
    assert!(
        error.contains(&format!("already running as PID {pid} on this data folder")),
        "{error}"
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_kill_9_every_acknowledged_row_is_there() {
    let folder = folder();
    let mut victim = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "embedded::is_killed_by_another_test"])
        .env(VICTIM, folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let file = folder.path().join("url");
    let url = until(async || fs::read_to_string(&file).ok().filter(|url| !url.is_empty())).await;
    run(&url, "create table kept as select 1 as one").await.unwrap();
    let pid = fs::read_to_string(folder.path().join("pid")).unwrap();
    victim.kill().unwrap();
    victim.wait().unwrap();

    let server = embedded::start(folder.path(), None, Flavour::Serve).await.unwrap();
    assert_ne!(server.pid().to_string(), pid);
    // Whoever inherits orphans may not have waited for it yet.
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    assert!(stat.is_empty() || stat.contains(") Z "), "two servers on one data folder: {stat}");
    run(server.url(), "insert into kept values (2)").await.unwrap();
    server.stop().await;
}

/// Not a test of anything: the process that the test above kills.
#[tokio::test(flavor = "multi_thread")]
async fn is_killed_by_another_test() {
    if let Some(folder) = std::env::var_os(VICTIM).map(PathBuf::from) {
        let server = embedded::start(&folder, None, Flavour::Serve).await.unwrap();
        fs::write(folder.join("pid"), server.pid().to_string()).unwrap();
        fs::write(folder.join("url"), server.url()).unwrap();
        std::future::pending::<()>().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_left_running_is_stopped_first() {
    let folder = folder();
    let server = start(folder.path()).await;
    let (invocation, url) = (Invocation::of(&server), server.url().to_owned());
    server.stop().await;

    let mut orphan = invocation.spawn(&[]);
    until(async || run(&url, "create table kept as select 1 as one").await.ok()).await;
    // The orphan has nobody who waits for it but us: as a zombie it is as good as gone.
    let server = start(folder.path()).await;
    assert!(orphan.wait().unwrap().success(), "the orphan was not stopped cleanly");
    run(&url, "insert into kept values (2)").await.unwrap();
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stale_lock_files_are_cleared() {
    let folder = folder();
    let server = start(folder.path()).await;
    let data = Invocation::of(&server).data;
    let owner = fs::metadata(&data).unwrap();
    let lock = data.join("postmaster.pid");
    let text = fs::read_to_string(&lock).unwrap();
    let (_, rest) = text.split_once('\n').unwrap();
    server.stop().await;

    // Another process that got the id: ours. A zombie. Nobody at all.
    let mut zombie = Command::new("true").spawn().unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    for pid in [std::process::id(), zombie.id(), 2_000_000_000] {
        fs::write(&lock, format!("{pid}\n{rest}")).unwrap();
        std::os::unix::fs::chown(&lock, Some(owner.uid()), Some(owner.gid())).unwrap();
        let server = start(folder.path()).await;
        run(server.url(), "select 1").await.unwrap();
        server.stop().await;
    }
    zombie.wait().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_another_version_is_refused() {
    let folder = folder();
    let server = start(folder.path()).await;
    let data = Invocation::of(&server).data;
    server.stop().await;
    fs::write(data.join("PG_VERSION"), "99\n").unwrap();
    let error = refusal(folder.path(), None).await;
    assert!(error.contains("made by PostgreSQL 99"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_without_a_server_is_refused_by_name() {
    let (data, empty) = (folder(), folder());
    let error = refusal(data.path(), Some(empty.path())).await;
    assert!(error.contains(&*empty.path().to_string_lossy()), "{error}");
    assert!(error.contains("holds no `initdb`"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unfinished_cluster_is_made_anew() {
    let folder = folder();
    fs::create_dir(folder.path().join("postgres.new")).unwrap();
    fs::write(folder.path().join("postgres.new/PG_VERSION"), "15\n").unwrap();
    start(folder.path()).await.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_cluster_is_not_touched() {
    let folder = folder();
    fs::create_dir(folder.path().join("postgres")).unwrap();
    fs::write(folder.path().join("postgres/letters"), "dear all").unwrap();
    let error = refusal(folder.path(), None).await;
    assert!(error.contains("is not a PostgreSQL cluster"), "{error}");
    assert!(folder.path().join("postgres/letters").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_data_folder_that_the_account_cannot_enter_is_served_from_elsewhere() {
    if !nix::unistd::geteuid().is_root() {
        // Only root runs the database under another account.
        return;
    }
    let closed = folder();
    fs::set_permissions(closed.path(), fs::Permissions::from_mode(0o700)).unwrap();
    let data = closed.path().join("data");
    let server = start(&data).await;
    let cluster = Invocation::of(&server).data;
    assert!(cluster.starts_with("/var/lib"), "{}", cluster.display());
    run(server.url(), "create table kept as select 1 as one").await.unwrap();
    server.stop().await;
    let server = start(&data).await;
    run(server.url(), "insert into kept values (2)").await.unwrap();
    server.stop().await;
    fs::remove_dir_all(cluster.parent().unwrap()).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn binaries_can_come_out_of_an_archive() {
    let folder = folder();
    let server = start(folder.path()).await;
    let bin = Invocation::of(&server).program.parent().unwrap().to_owned();
    server.stop().await;

    // A server finds its other files by how they lie to one another, so the archive keeps that.
    let Ok(inside) = bin.strip_prefix("/usr") else {
        return eprintln!("NOT TESTED: {} is not a package's folder", bin.display());
    };
    let lib = inside.parent().unwrap();
    let share = Path::new("share").join(lib.strip_prefix("lib").unwrap_or(lib));
    if !Path::new("/usr").join(&share).is_dir() {
        return eprintln!("NOT TESTED: /usr/{} is not there", share.display());
    }
    let archive = folder.path().join("postgresql.tar.gz");
    let made = Command::new("tar")
        .args(["-C", "/usr", "--use-compress-program=gzip -1", "-cf"])
        .arg(&archive)
        .args([inside.join("initdb"), inside.join("postgres"), lib.join("lib"), share])
        .status()
        .unwrap();
    assert!(made.success());

    let data = folder.path().join("data");
    for _ in 0..2 {
        let server = embedded::start(&data, Some(&archive), Flavour::Test).await.unwrap();
        assert!(Invocation::of(&server).program.starts_with(fs::canonicalize(&data).unwrap()));
        run(server.url(), "select 1").await.unwrap();
        server.stop().await;
    }
}
