//! The binary: it starts, logs, and stops in good order.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use serde_json::Value;

use crate::support::TestDb;

const SECRET: &str = "a secret of this test, of more than 32 bytes";

/// A server of its own process.
struct Served {
    process: Child,
    address: String,
    /// Read as it is written: a full pipe would stop the server.
    log: Option<std::thread::JoinHandle<String>>,
    folder: tempfile::TempDir,
}

impl Served {
    /// On a database of the tests.
    fn start(db: &TestDb, variables: &[(&str, &str)]) -> Self {
        let own = [("DATABASE_URL", db.url()), ("BOOST_DASHBOARD_JWT_SECRET", SECRET)];
        Self::start_in(tempfile::tempdir().unwrap(), &[&own, variables].concat())
    }

    fn start_in(folder: tempfile::TempDir, variables: &[(&str, &str)]) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_boost-dashboard"))
            .current_dir(folder.path())
            .env_clear()
            .env("BOOST_DASHBOARD_LISTEN", "127.0.0.1:0")
            .envs(variables.iter().copied())
            .arg("serve")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stderr = process.stderr.take().unwrap();
        let log = std::thread::spawn(move || {
            let mut log = String::new();
            stderr.read_to_string(&mut log).unwrap();
            log
        });
        let mut first = String::new();
        BufReader::new(process.stdout.as_mut().unwrap()).read_line(&mut first).unwrap();
        let address = first.split("http://").nth(1).unwrap().split('/').next().unwrap().to_owned();
        Self { process, address, log: Some(log), folder }
    }

    /// Sends a GET and leaves the answer to be read.
    fn send(&self, path: &str, headers: &str) -> TcpStream {
        let mut socket = TcpStream::connect(&self.address).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let close = "connection: close\r\n";
        write!(socket, "GET {path} HTTP/1.1\r\nhost: x\r\n{headers}{close}\r\n").unwrap();
        socket
    }

    fn signal(&self, signal: nix::sys::signal::Signal) {
        let pid = i32::try_from(self.process.id()).unwrap();
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), signal).unwrap();
    }

    /// Waits for its end; tells its success and what it logged.
    fn end(&mut self) -> (bool, String) {
        let log = self.log.take().unwrap().join().unwrap();
        (self.process.wait().unwrap().success(), log)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn read(mut socket: TcpStream) -> String {
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn accepted_requests_are_finished() {
    let db = TestDb::new().await;
    let mut server = Served::start(&db, &[]);
    let mut blocker = db.connect().await;
    blocker.batch_execute("begin; lock table git_commit").await.unwrap();
    let waiting = server.send("/api/v1/github/commits", "");
    wait_until_blocked(&db).await;

    server.signal(nix::sys::signal::Signal::SIGTERM);
    let told = Instant::now();
    while TcpStream::connect(&server.address).is_ok() {
        assert!(told.elapsed() < Duration::from_secs(10), "it still accepts connections");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    blocker.batch_execute("commit").await.unwrap();
    let answer = read(waiting);
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let (success, log) = server.end();
    assert!(success, "{log}");
    assert!(log.contains("every request was finished"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_grace_ends() {
    let db = TestDb::new().await;
    let mut server = Served::start(&db, &[("BOOST_DASHBOARD_SHUTDOWN_GRACE_S", "1")]);
    let mut blocker = db.connect().await;
    blocker.batch_execute("begin; lock table git_commit").await.unwrap();
    let waiting = server.send("/api/v1/github/commits", "");
    wait_until_blocked(&db).await;
    server.signal(nix::sys::signal::Signal::SIGINT);
    let told = Instant::now();
    let (success, log) = server.end();
    assert!(success, "{log}");
    assert!(log.contains("the grace is over"), "{log}");
    assert!(told.elapsed() < Duration::from_secs(8));
    drop(waiting);
    blocker.batch_execute("rollback").await.unwrap();
}

/// Waits until a session of the database waits for a lock.
async fn wait_until_blocked(db: &TestDb) {
    #[derive(diesel::QueryableByName)]
    struct Waiting {
        #[diesel(sql_type = diesel::sql_types::BigInt)]
        waiting: i64,
    }
    let mut conn = db.connect().await;
    let started = Instant::now();
    loop {
        let found: Waiting = diesel::sql_query(
            "select count(*) as waiting from pg_stat_activity \
             where datname = current_database() and wait_event_type = 'Lock'",
        )
        .get_result(&mut conn)
        .await
        .unwrap();
        if found.waiting > 0 {
            return;
        }
        assert!(started.elapsed() < Duration::from_secs(20), "no request came to the lock");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_request_is_one_line_with_its_id_and_no_secret() {
    let db = TestDb::new().await;
    let mut server = Served::start(&db, &[("BOOST_DASHBOARD_LOG", "trace")]);
    let keys = boost_dashboard::http::keys::Keys::load(&boost_dashboard::config::Settings {
        jwt_secret: Some(SECRET.into()),
        ..Default::default()
    })
    .unwrap();
    let now = boost_dashboard::app::Clock::system().now();
    let scopes = ["read".parse().unwrap()];
    let token = keys.issue("scraper", &scopes, chrono::Duration::hours(1), now).unwrap().token;
    let headers = format!("x-request-id: mine\r\nauthorization: Bearer {token}\r\n");
    let answer = read(server.send("/api/v1/github/commits?commit_hash=hunter2", &headers));
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains("x-request-id: mine"), "{answer}");
    server.signal(nix::sys::signal::Signal::SIGTERM);
    let (_, log) = server.end();

    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let access: Vec<_> = lines.iter().filter(|line| line["target"] == "access").collect();
    assert_eq!(access.len(), 1, "{access:?}");
    assert_eq!(access[0]["request_id"], "mine");
    assert_eq!(access[0]["subject"], "scraper");
    assert_eq!(access[0]["path"], "/api/v1/github/commits");
    assert_eq!(access[0]["status"], 200);
    let signature = token.rsplit('.').next().unwrap();
    for secret in [SECRET, signature] {
        assert!(!log.contains(secret), "a secret is logged");
    }
}

#[test]
fn it_needs_no_database_but_its_own() {
    let folder = tempfile::tempdir().unwrap();
    // The database's account has to pass through it.
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o711);
    std::fs::set_permissions(folder.path(), open).unwrap();
    let data = folder.path().join(".boost-dashboard");
    let path = std::env::var("PATH").unwrap();
    let mut server = Served::start_in(folder, &[("PATH", &path)]);
    let ready = read(server.send("/health/ready", ""));
    assert!(ready.starts_with("HTTP/1.1 200"), "{ready}");

    let token = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_boost-dashboard"))
            .current_dir(server.folder.path())
            .env_clear()
            .arg("token")
            .args(arguments)
            .output()
            .unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success() && !said.contains("not recorded"), "{said}");
        String::from_utf8(output.stdout).unwrap()
    };
    // Beside the running server: with its secret, and into its database.
    let issued = token(&["issue", "--subject", "me", "--scope", "admin"]);
    assert!(token(&["list"]).contains("me  admin"));
    let headers = format!("authorization: Bearer {}\r\n", issued.trim());
    let answer = read(server.send("/api/v1/github/commits", &headers));
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");

    server.signal(nix::sys::signal::Signal::SIGTERM);
    let (success, log) = server.end();
    assert!(success, "{log}");
    assert!(log.contains("embedded PostgreSQL stopped"), "{log}");
    assert!(data.join("jwt-secret").exists());
    assert!(!data.join("database-url").exists() && !data.join("postgres/postmaster.pid").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_is_taken_is_said() {
    let db = TestDb::new().await;
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_boost-dashboard"))
        .env_clear()
        .env("DATABASE_URL", db.url())
        .env("BOOST_DASHBOARD_LISTEN", taken.local_addr().unwrap().to_string())
        .env("BOOST_DASHBOARD_JWT_SECRET", SECRET)
        .arg("serve")
        .output()
        .unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("cannot listen on 127.0.0.1"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_are_issued_listed_and_revoked() {
    let db = TestDb::new().await;
    let run = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_boost-dashboard"))
            .env_clear()
            .env("DATABASE_URL", db.url())
            .env("BOOST_DASHBOARD_JWT_SECRET", SECRET)
            .arg("token")
            .args(arguments)
            .output()
            .unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{said}");
        String::from_utf8(output.stdout).unwrap()
    };
    let server = Served::start(&db, &[("BOOST_DASHBOARD_READ_AUTH", "required")]);
    let token = run(&["issue", "--subject", "me", "--scope", "read"]);
    let headers = format!("authorization: Bearer {}\r\n", token.trim());
    let status = || {
        let answer = read(server.send("/api/v1/github/commits", &headers));
        answer.split(' ').nth(1).unwrap().to_owned()
    };
    assert_eq!(status(), "200");
    let listed = run(&["list"]);
    assert!(listed.contains("me  read") && listed.contains("expires"), "{listed}");
    run(&["revoke", listed.split(' ').next().unwrap()]);
    assert!(run(&["list"]).contains("revoked"));
    let revoked = Instant::now();
    while status() != "401" {
        assert!(revoked.elapsed() < Duration::from_secs(5), "not refused within 5 s");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
