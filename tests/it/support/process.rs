//! The real binary, as a process, and a client with nothing between it and the socket.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
    time::{Duration, Instant},
};

use boost_dashboard::{app::Clock, config::Settings, http::keys::Keys};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

const SECRET: &str = "a secret of the process tests, long enough";
const PATIENCE: Duration = Duration::from_mins(2);

/// Where the binary runs: its folders and its database.
pub(crate) struct Place {
    folder: PathBuf,
    database_url: Option<String>,
}

impl Place {
    /// On a database, or without one on an embedded cluster in `folder`.
    pub(crate) fn new(folder: &Path, database_url: Option<&str>) -> Self {
        Self { folder: folder.to_owned(), database_url: database_url.map(str::to_owned) }
    }

    pub(crate) fn workspace(&self) -> PathBuf {
        self.folder.join("workspace")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_boost-dashboard"));
        command
            .args(arguments)
            .current_dir(&self.folder)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("BOOST_DASHBOARD_LISTEN", "127.0.0.1:0")
            .env("BOOST_DASHBOARD_WORKSPACE", self.workspace())
            .env("BOOST_DASHBOARD_DATA_DIR", self.folder.join("data"))
            .env("BOOST_DASHBOARD_JWT_SECRET", SECRET)
            .env("BOOST_DASHBOARD_POOL_WAIT_MS", "20000")
            .stdin(Stdio::null());
        if let Some(url) = &self.database_url {
            command.env("DATABASE_URL", url);
        }
        command
    }

    /// Runs a command to its end.
    pub(crate) async fn run(&self, arguments: &[&str]) -> Output {
        let mut command = self.command(arguments);
        tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
    }

    /// Starts a server, and waits until it says that it listens.
    pub(crate) async fn serve(&self, arguments: &[&str]) -> Running {
        let mut command = self.command(arguments);
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.folder.join("stderr"))
            .unwrap();
        let mut child = command.stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let stdout = child.stdout.take().unwrap();
        let (child, stdout, address) = tokio::task::spawn_blocking(move || {
            let mut stdout = BufReader::new(stdout);
            let mut line = String::new();
            while !line.contains("http://") {
                line.clear();
                assert!(stdout.read_line(&mut line).unwrap() > 0, "it has not started");
            }
            let address = line.split("http://").nth(1).unwrap().split('/').next().unwrap();
            (child, stdout, address.to_owned())
        })
        .await
        .unwrap();
        Running { child, stdout: Some(stdout), address }
    }
}

/// A token that may do what these scopes say, on every server of these tests.
pub(crate) fn token(scopes: &[&str]) -> String {
    let settings = Settings { jwt_secret: Some(SECRET.into()), ..Settings::default() };
    let scopes: Vec<_> = scopes.iter().map(|scope| scope.parse().unwrap()).collect();
    let day = chrono::Duration::days(1);
    let now = Clock::system().now();
    Keys::load(&settings).unwrap().issue("test", &scopes, day, now).unwrap().token
}

/// A server that runs. It is killed when this is dropped.
pub(crate) struct Running {
    child: Child,
    stdout: Option<BufReader<std::process::ChildStdout>>,
    address: String,
}

impl Running {
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// `kill -9`.
    pub(crate) async fn kill(mut self) {
        self.child.kill().unwrap();
        self.wait().await;
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).unwrap();
        kill(Pid::from_raw(pid), signal).unwrap();
    }

    /// Ends it in good order; gives what it printed since it listens.
    pub(crate) async fn stop(mut self) -> String {
        self.signal(Signal::SIGTERM);
        let mut stdout = self.stdout.take().unwrap();
        let status = self.wait().await;
        assert!(status.success(), "it ended with {status}");
        let mut printed = String::new();
        stdout.read_to_string(&mut printed).unwrap();
        printed
    }

    pub(crate) async fn wait(&mut self) -> ExitStatus {
        let started = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(started.elapsed() < PATIENCE, "it does not end");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// The next line it prints.
    pub(crate) async fn line(&mut self) -> String {
        let mut stdout = self.stdout.take().unwrap();
        let (stdout, line) = tokio::task::spawn_blocking(move || {
            let mut line = String::new();
            stdout.read_line(&mut line).unwrap();
            (stdout, line)
        })
        .await
        .unwrap();
        self.stdout = Some(stdout);
        line
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A request on a connection of its own. An error means that no answer came.
pub(crate) async fn ask(
    address: &str,
    method: &str,
    path: &str,
    token: Option<&str>,
    body: &[u8],
) -> std::io::Result<(u16, Value)> {
    let mut stream = TcpStream::connect(address).await?;
    let head = head(address, method, path, token, body.len());
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body).await?;
    answer(stream).await
}

/// The head of a request with a JSON body.
pub(crate) fn head(
    address: &str,
    method: &str,
    path: &str,
    token: Option<&str>,
    length: usize,
) -> String {
    let authorization =
        token.map_or_else(String::new, |token| format!("authorization: Bearer {token}\r\n"));
    format!(
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n{authorization}\
         content-type: application/json\r\ncontent-length: {length}\r\n\r\n"
    )
}

/// The answer to a request that was sent whole.
pub(crate) async fn answer(mut stream: TcpStream) -> std::io::Result<(u16, Value)> {
    let broken = || std::io::Error::from(std::io::ErrorKind::UnexpectedEof);
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await?;
    let text = String::from_utf8(bytes).map_err(std::io::Error::other)?;
    let (head, body) = text.split_once("\r\n\r\n").ok_or_else(broken)?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    let body = serde_json::from_str(body).map_err(|_| broken())?;
    Ok((status.ok_or_else(broken)?, body))
}
