//! How often a GET is answered. The client is made as pgbench is, and costs no more: a thread has several
//! connections, waits until one can be read, reads, asks again, and copies nothing.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    os::fd::AsFd as _,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use memchr::memmem;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::{process, world::World};

/// More than any answer that is measured.
const BUFFER: usize = 1 << 20;
/// Nothing that is measured takes longer, in milliseconds.
const PATIENCE: u16 = 10_000;

/// The middle one of an odd number of figures.
pub(crate) fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

/// How many ask at once: pgbench's `-c` and `-j`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    pub(crate) connections: usize,
    /// A divisor of the connections.
    pub(crate) threads: usize,
}

/// What a GET costs.
pub(crate) struct Rate {
    /// Answers a second, on all connections together.
    pub(crate) per_second: f64,
    /// Milliseconds of CPU that the server spends on one.
    pub(crate) server_ms: f64,
    /// Milliseconds of CPU that PostgreSQL spends on one.
    pub(crate) postgres_ms: f64,
}

/// Asks on some connections as often as answers come, for a time; with a tag, for what has not changed.
pub(crate) fn measure(
    world: &World,
    path: &str,
    tag: Option<&str>,
    load: Load,
    time: Duration,
) -> anyhow::Result<Rate> {
    let held = tag.map_or_else(String::new, |tag| format!("if-none-match: {tag}\r\n"));
    let asked = Asked {
        request: format!("GET {path} HTTP/1.1\r\nhost: {}\r\n{held}\r\n", world.address),
        expected: if tag.is_some() { "HTTP/1.1 304" } else { "HTTP/1.1 200" },
    };
    let mut threads = Vec::new();
    for _ in 0..load.threads {
        let mut sockets = Vec::new();
        for _ in 0..load.connections / load.threads {
            let mut socket = Socket::connect(&world.address)?;
            // The first time a statement is prepared, and the second kept.
            for _ in 0..2 {
                socket.ask(&asked)?;
                while !socket.read(&asked)? {}
            }
            sockets.push(socket);
        }
        threads.push(sockets);
    }
    let cpu = || (process::cpu(world.server, false), process::cpu(world.postgres, true));
    let (begun, before) = (Instant::now(), cpu());
    let asking = threads.into_iter().map(|sockets| {
        let asked = asked.clone();
        thread::spawn(move || ask_until(sockets, &asked, begun + time))
    });
    // Lazily they would ask one after the other.
    let asking: Vec<_> = asking.collect();
    let mut answers = 0;
    for thread in asking {
        answers += thread.join().map_err(|_| anyhow::anyhow!("a client panicked"))??;
    }
    let (took, after) = (begun.elapsed(), cpu());
    let ms = |before: Duration, after: Duration| {
        after.saturating_sub(before).as_secs_f64() * 1_000.0 / f64::from(answers)
    };
    Ok(Rate {
        per_second: f64::from(answers) / took.as_secs_f64(),
        server_ms: ms(before.0, after.0),
        postgres_ms: ms(before.1, after.1),
    })
}

/// A request, and how its answer begins.
#[derive(Clone)]
struct Asked {
    request: String,
    expected: &'static str,
}

/// Asks on every socket until a time. Gives how many answers came.
fn ask_until(mut sockets: Vec<Socket>, asked: &Asked, end: Instant) -> anyhow::Result<u32> {
    for socket in &mut sockets {
        socket.ask(asked)?;
    }
    let mut answers = 0;
    while Instant::now() < end {
        let mut waiting: Vec<_> = sockets
            .iter()
            .map(|socket| PollFd::new(socket.stream.as_fd(), PollFlags::POLLIN))
            .collect();
        if poll(&mut waiting, PollTimeout::from(PATIENCE))? == 0 {
            bail!("no answer to {}", asked.request);
        }
        let ready: Vec<_> = waiting.iter().map(|it| it.any().unwrap_or_default()).collect();
        for (socket, _) in sockets.iter_mut().zip(ready).filter(|(_, is_ready)| *is_ready) {
            if socket.read(asked)? {
                answers += 1;
                socket.ask(asked)?;
            }
        }
    }
    Ok(answers)
}

/// A connection to the server.
struct Socket {
    stream: TcpStream,
    buffer: Vec<u8>,
    /// Bytes of the answer that have come.
    read: usize,
    /// Its bytes in all, once its head has come.
    length: Option<usize>,
}

impl Socket {
    fn connect(address: &str) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: vec![0; BUFFER], read: 0, length: None })
    }

    /// Sends a request.
    fn ask(&mut self, asked: &Asked) -> anyhow::Result<()> {
        (self.read, self.length) = (0, None);
        Ok(self.stream.write_all(asked.request.as_bytes())?)
    }

    /// Reads once, which waits unless something has come. Whether that was the end of the answer.
    fn read(&mut self, asked: &Asked) -> anyhow::Result<bool> {
        match self.stream.read(&mut self.buffer[self.read..])? {
            0 => bail!("the answer to {} ended after {} bytes", asked.request, self.read),
            more => self.read += more,
        }
        if self.length.is_none() {
            self.length = length_of(&self.buffer[..self.read])?;
        }
        if self.length.is_none_or(|length| self.read < length) {
            return Ok(false);
        }
        if !self.buffer.starts_with(asked.expected.as_bytes()) {
            let answer = String::from_utf8_lossy(&self.buffer[..self.read.min(500)]);
            bail!("{}{answer}", asked.request);
        }
        Ok(true)
    }
}

/// How long an answer is, head and body, once its head is there.
fn length_of(answer: &[u8]) -> anyhow::Result<Option<usize>> {
    const NAME: &[u8] = b"content-length: ";
    let Some(end) = memmem::find(answer, b"\r\n\r\n") else { return Ok(None) };
    let (head, body_at) = (&answer[..end + 2], end + 4);
    let Some(at) = memmem::find(head, NAME) else { return Ok(Some(body_at)) };
    let value = &head[at + NAME.len()..];
    let value = memchr::memchr(b'\r', value).map(|end| &value[..end]).context("no line ends")?;
    Ok(Some(body_at + str::from_utf8(value)?.parse::<usize>()?))
}
