//! How often a GET is answered: blocking sockets, a thread a connection, nothing copied. The client is
//! to cost no more than pgbench does, which takes its answers the same way.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use memchr::memmem;

use crate::{process, world::World};

/// More than any answer that is measured.
const BUFFER: usize = 1 << 20;

/// The middle one of an odd number of figures.
pub(crate) fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
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
    connections: usize,
    time: Duration,
) -> anyhow::Result<Rate> {
    let held = tag.map_or_else(String::new, |tag| format!("if-none-match: {tag}\r\n"));
    let request = format!("GET {path} HTTP/1.1\r\nhost: {}\r\n{held}\r\n", world.address);
    let expected = if tag.is_some() { "HTTP/1.1 304" } else { "HTTP/1.1 200" };
    let mut sockets = Vec::new();
    for _ in 0..connections {
        let mut socket = Socket::connect(&world.address)?;
        // The first time a statement is prepared, and the second kept.
        for _ in 0..2 {
            socket.ask(&request, expected)?;
        }
        sockets.push(socket);
    }
    let cpu = || (process::cpu(world.server, false), process::cpu(world.postgres, true));
    let (begun, before) = (Instant::now(), cpu());
    let asking = sockets.into_iter().map(|mut socket| {
        let request = request.clone();
        thread::spawn(move || {
            let mut answers = 0_u32;
            while begun.elapsed() < time {
                socket.ask(&request, expected)?;
                answers += 1;
            }
            anyhow::Ok(answers)
        })
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

/// A connection to the server.
struct Socket {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Socket {
    fn connect(address: &str) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: vec![0; BUFFER] })
    }

    /// Sends a request and reads its whole answer.
    fn ask(&mut self, request: &str, expected: &str) -> anyhow::Result<()> {
        self.stream.write_all(request.as_bytes())?;
        let (mut read, mut length) = (0, None);
        while length.is_none_or(|length| read < length) {
            match self.stream.read(&mut self.buffer[read..])? {
                0 => bail!("the answer to {request} ended after {read} bytes"),
                more => read += more,
            }
            if length.is_none() {
                length = length_of(&self.buffer[..read])?;
            }
        }
        if !self.buffer.starts_with(expected.as_bytes()) {
            bail!("{request}{}", String::from_utf8_lossy(&self.buffer[..read.min(500)]));
        }
        Ok(())
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
