//! Connections: what a request meets when the database is away, busy, slow or encrypted; and the
//! migrations.

use std::{
    fs,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown},
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use boost_dashboard::{
    db::{
        embedded::{self, Flavour},
        migrate,
        pool::{self, PoolSettings},
        sql::{Row, Statement},
    },
    http::problem::Problem,
};
use diesel_async::{RunQueryDsl as _, SimpleAsyncConnection as _};

use crate::{
    embedded::{Invocation, folder, until},
    support::{TestApp, TestDb},
};

/// The problem of a request that needs a connection, and how long it took to come.
async fn problem(pool: &boost_dashboard::db::Pool) -> (Problem, Duration) {
    let started = Instant::now();
    let error = pool.get().await.map(drop).unwrap_err();
    (Problem::from(error), started.elapsed())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_away_answers_within_two_seconds() {
    // One that refuses, one that accepts and says nothing.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = silent.local_addr().unwrap().port();
    for url in
        ["postgres://app@%2Fnowhere/d".to_owned(), format!("postgres://a@127.0.0.1:{port}/d")]
    {
        let pool = pool::build(&url, &PoolSettings::default()).unwrap();
        let (problem, took) = problem(&pool).await;
        assert_eq!(problem.code, "database_away");
        assert_eq!(problem.status, 503);
        assert!(problem.retry_after.is_some());
        assert!(took < Duration::from_secs(2), "{took:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_client_that_left_had_asked_is_stopped() {
    let app = TestApp::with(|settings| settings.pool_size = 2).await;
    let mut other = app.db().connect().await;
    other.batch_execute("begin; lock table language in access exclusive mode").await.unwrap();
    let waiting = "select count(*) from pg_stat_activity \
                   where datname = current_database() and wait_event_type = 'Lock'";
    for path in ["languages", "languages/1", "languages/stats?measure=count"] {
        let path = format!("/api/v1/github/{path}");
        let asked = tokio::time::timeout(Duration::from_millis(300), app.get(&path));
        assert!(asked.await.is_err(), "{path} does not wait");
        let left = Instant::now();
        while app.db().number(waiting).await > 0 {
            assert!(left.elapsed() < Duration::from_secs(8), "{path} goes on");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    // The connections are as good as before.
    other.batch_execute("rollback").await.unwrap();
    let (one, two) = tokio::join!(app.app().pool.get(), app.app().pool.get());
    drop((one.unwrap(), two.unwrap()));
    app.get("/api/v1/github/languages").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exhausted_pool_says_so_within_two_seconds() {
    let db = TestDb::new().await;
    let settings = PoolSettings { size: 1, ..PoolSettings::default() };
    let pool = pool::build(db.url(), &settings).unwrap();
    let held = pool.get().await.unwrap();
    let (problem, took) = problem(&pool).await;
    assert_eq!(problem.code, "overloaded");
    assert!(took < Duration::from_secs(2), "{took:?}");
    drop(held);
    drop(pool.get().await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_does_not_live_for_ever() {
    let db = TestDb::new().await;
    let session = async |pool: &boost_dashboard::db::Pool| {
        let mut connection = pool.get().await.unwrap();
        let Row(session) =
            Statement::new("select pg_backend_pid()").get_result(&mut *connection).await.unwrap();
        session
    };
    for (lifetime, stays) in [(pool::LIFETIME, true), (Duration::ZERO, false)] {
        let settings = PoolSettings {
            size: 1,
            lifetime,
            wait_timeout: Duration::from_secs(20),
            connect_timeout: Duration::from_secs(20),
            ..PoolSettings::default()
        };
        let pool = pool::build(db.url(), &settings).unwrap();
        assert_eq!(session(&pool).await == session(&pool).await, stays, "{lifetime:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_connection_is_set_up() {
    let db = TestDb::new().await;
    let settings =
        PoolSettings { statement_timeout: Duration::from_millis(70), ..PoolSettings::default() };
    let pool = pool::build(db.url(), &settings).unwrap();
    let mut connection = pool.get().await.unwrap();
    connection
        .batch_execute(
            "do $$ begin
                assert current_setting('statement_timeout') = '70ms';
                assert current_setting('timezone') = 'UTC';
                assert current_setting('jit') = 'off';
                assert current_setting('application_name') = 'boost-dashboard';
            end $$",
        )
        .await
        .unwrap();
    let error = connection.batch_execute("select pg_sleep(5)").await.unwrap_err();
    assert_eq!(Problem::from(error).code, "statement_timeout");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_whose_session_was_ended_is_not_handed_out_again() {
    let db = TestDb::new().await;
    let pool = db.pool();
    drop(pool.get().await.unwrap());
    let mut other = db.connect().await;
    other
        .batch_execute(
            "select pg_terminate_backend(pid, 5000) from pg_stat_activity \
             where datname = current_database() and pid <> pg_backend_pid()",
        )
        .await
        .unwrap();
    // Until the news has come through the socket.
    tokio::time::sleep(Duration::from_millis(50)).await;
    pool.get().await.unwrap().batch_execute("select 1").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_lost_under_a_statement_is_a_database_that_is_away() {
    let folder = folder();
    let server = embedded::start(folder.path(), None, Flavour::Test).await.unwrap();
    let pool = pool::build(server.url(), &PoolSettings::default()).unwrap();
    let mut busy = pool.get().await.unwrap();
    let idle = pool.get().await.unwrap();
    let sleep = tokio::spawn(async move { busy.batch_execute("select pg_sleep(60)").await });
    tokio::time::sleep(Duration::from_millis(100)).await;
    server.stop().await;

    assert_eq!(Problem::from(sleep.await.unwrap().unwrap_err()).code, "database_away");
    let mut held = idle;
    let error = held.batch_execute("select 1").await.unwrap_err();
    assert_eq!(Problem::from(error).code, "database_away");
    drop(held);
    // Nor is a dead connection handed out again: the pool tries a new one.
    assert_eq!(problem(&pool).await.0.code, "database_away");

    let server = embedded::start(folder.path(), None, Flavour::Test).await.unwrap();
    pool.get().await.unwrap().batch_execute("select 1").await.unwrap();
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_four_servers_that_start_at_once_one_migrates() {
    let db = TestDb::empty().await;
    assert!(migrate::pending(&db.pool()).await);
    let runs: Vec<_> = (0..4)
        .map(|_| {
            let url = db.url().to_owned();
            tokio::spawn(async move { migrate::run(&url).await })
        })
        .collect();
    let mut applied = Vec::new();
    for run in runs {
        applied.push(run.await.unwrap().unwrap().len());
    }
    applied.sort_unstable();
    assert_eq!(applied, [0, 0, 0, migrate::versions().unwrap().len()]);
    assert!(!migrate::pending(&db.pool()).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_url_of_a_socket_may_name_it_as_host_or_as_parameter() {
    let db = TestDb::new().await;
    let (server, database) = db.url().rsplit_once('/').unwrap();
    let (user, host) = server.split_once('@').unwrap();
    pool::connect(&format!("{user}@/{database}?host={host}&sslmode=require")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_means_what_it_means_to_libpq() {
    if Command::new("openssl").arg("version").output().is_err() {
        return eprintln!("NOT TESTED: there is no `openssl` to make certificates with");
    }
    let folder = folder();
    let server = embedded::start(folder.path(), None, Flavour::Test).await.unwrap();
    let invocation = Invocation::of(&server);
    server.stop().await;

    let certificates = tempfile::tempdir().unwrap();
    let ours = certificate(certificates.path(), "server", "DNS:localhost", None);
    let ca = certificate(certificates.path(), "ca", "DNS:ca", None);
    let signed = certificate(certificates.path(), "signed", "DNS:localhost", Some(&ca));
    let other = certificate(certificates.path(), "other", "DNS:localhost", None);

    // Signed by an authority; and self-signed, which is its own.
    for (certificate, root) in [(&signed, &ca), (&ours, &ours)] {
        let port = free_port();
        let owner = fs::metadata(&invocation.data).unwrap();
        for end in ["pem", "key"] {
            let file = invocation.data.join(format!("server.{end}"));
            fs::copy(format!("{certificate}.{end}"), &file).unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
            chown(&file, Some(owner.uid()), Some(owner.gid())).unwrap();
        }
        let mut running = invocation.spawn(&[
            "listen_addresses=127.0.0.1".to_owned(),
            format!("port={port}"),
            "ssl=on".to_owned(),
            "ssl_cert_file=server.pem".to_owned(),
            "ssl_key_file=server.key".to_owned(),
        ]);
        let url =
            |host: &str, rest: &str| format!("postgres://app@{host}:{port}/boost_dashboard?{rest}");
        until(async || pool::connect(&url("127.0.0.1", "sslmode=disable")).await.ok()).await;

        let (root, other) = (format!("{root}.pem"), format!("{other}.pem"));
        for (host, rest, encrypted) in [
            ("localhost", "sslmode=disable".to_owned(), Some(false)),
            ("localhost", String::new(), Some(true)),
            ("localhost", "sslmode=require".to_owned(), Some(true)),
            ("localhost", format!("sslmode=require&sslrootcert={root}"), Some(true)),
            ("localhost", format!("sslmode=require&sslrootcert={other}"), None),
            ("localhost", format!("sslmode=verify-ca&sslrootcert={root}"), Some(true)),
            ("127.0.0.1", format!("sslmode=verify-ca&sslrootcert={root}"), Some(true)),
            ("localhost", format!("sslmode=verify-full&sslrootcert={root}"), Some(true)),
            ("127.0.0.1", format!("sslmode=verify-full&sslrootcert={root}"), None),
            ("localhost", format!("sslmode=verify-full&sslrootcert={other}"), None),
            ("localhost", "sslmode=verify-full&sslrootcert=system".to_owned(), None),
            ("localhost", "sslmode=verify-full".to_owned(), None),
        ] {
            let url = url(host, &rest);
            let pool = pool::build(&url, &PoolSettings::default());
            let outcome = match (pool::connect(&url).await, pool) {
                (Ok(mut connection), Ok(pool)) => {
                    let check = format!(
                        "do $$ begin assert {} = (select ssl from pg_stat_ssl \
                         where pid = pg_backend_pid()); end $$",
                        encrypted == Some(true)
                    );
                    connection.batch_execute(&check).await.unwrap();
                    pool.get().await.unwrap().batch_execute(&check).await.unwrap();
                    encrypted.is_some()
                }
                (Err(error), _) => {
                    // The cause, not only `error connecting to server`.
                    let text = format!("{error:#}").to_lowercase();
                    assert!(text.contains("certificate"), "{text}");
                    encrypted.is_none()
                }
                (Ok(_), Err(_)) => false,
            };
            assert!(outcome, "{url}");
        }
        let pid = i32::try_from(running.id()).unwrap();
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGINT)
            .unwrap();
        running.wait().unwrap();
        fs::remove_dir(&invocation.arguments[3]).unwrap();
    }
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Makes `<name>.pem` and `<name>.key`, signed by themselves or by an authority; gives the path
/// without its end.
fn certificate(folder: &Path, name: &str, subject: &str, authority: Option<&str>) -> String {
    let path = folder.join(name).to_str().unwrap().to_owned();
    let mut command = Command::new("openssl");
    command.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]);
    command.args(["-nodes", "-days", "2", "-subj", &format!("/CN={name}")]);
    command.args(["-addext", &format!("subjectAltName={subject}")]);
    command.args(["-keyout", &format!("{path}.key"), "-out", &format!("{path}.pem")]);
    if let Some(authority) = authority {
        command.args(["-CA", &format!("{authority}.pem"), "-CAkey", &format!("{authority}.key")]);
        command.args(["-addext", "basicConstraints=critical,CA:FALSE"]);
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    path
}
