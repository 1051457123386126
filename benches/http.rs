//! A plain HTTP/1.1 client on one connection: what it costs is known, and it is not the server's.

use anyhow::{Context, bail};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

pub(crate) struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
    chunk: Vec<u8>,
    address: String,
    token: String,
    /// The head of the last answer.
    head: String,
}

impl Client {
    pub(crate) async fn connect(address: &str, token: &str) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            buffer: Vec::new(),
            chunk: vec![0; 64 << 10],
            address: address.into(),
            token: token.into(),
            head: String::new(),
        })
    }

    /// The tag of the last answer.
    pub(crate) fn tag(&self) -> Option<String> {
        self.head.lines().find_map(|line| line.strip_prefix("etag: ")).map(str::to_owned)
    }

    /// Gets a stream; gives its bytes (with those of the chunks' sizes) and its lines.
    pub(crate) async fn stream(&mut self, path: &str, accept: &str) -> anyhow::Result<(u64, u64)> {
        let address = &self.address;
        let head = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\naccept: {accept}\r\n\r\n");
        self.stream.write_all(head.as_bytes()).await?;
        let end = self.read_head().await?;
        if !self.head.starts_with("HTTP/1.1 200") {
            bail!("{}", self.head);
        }
        let mut last = self.buffer.split_off(end + 4);
        let (mut bytes, mut lines) = (0_u64, 0_u64);
        loop {
            bytes += last.len() as u64;
            lines += lines_of(&last);
            if last.ends_with(b"\r\n0\r\n\r\n") {
                return Ok((bytes, lines));
            }
            let tail = last.split_off(last.len().saturating_sub(8));
            bytes -= tail.len() as u64;
            lines -= lines_of(&tail);
            let read = self.stream.read(&mut self.chunk).await?;
            if read == 0 {
                bail!("the stream broke off");
            }
            last = tail;
            last.extend_from_slice(&self.chunk[..read]);
        }
    }

    /// Reads until the head of an answer is whole; gives where it ends.
    async fn read_head(&mut self) -> anyhow::Result<usize> {
        self.buffer.clear();
        loop {
            let read = self.stream.read(&mut self.chunk).await?;
            if read == 0 {
                bail!("the server closed the connection");
            }
            self.buffer.extend_from_slice(&self.chunk[..read]);
            if let Some(end) = self.buffer.windows(4).position(|window| window == b"\r\n\r\n") {
                self.head = String::from_utf8_lossy(&self.buffer[..end]).into_owned();
                return Ok(end);
            }
        }
    }

    pub(crate) async fn get(&mut self, path: &str) -> anyhow::Result<Vec<u8>> {
        let head = format!("GET {path} HTTP/1.1\r\nhost: {}\r\n\r\n", self.address);
        self.stream.write_all(head.as_bytes()).await?;
        self.answer().await
    }

    pub(crate) async fn post(
        &mut self,
        path: &str,
        media: &str,
        body: &[u8],
    ) -> anyhow::Result<Vec<u8>> {
        self.head(path, media, &format!("content-length: {}", body.len())).await?;
        self.stream.write_all(body).await?;
        self.answer().await
    }

    /// Posts a body with headers of its own.
    pub(crate) async fn post_with(
        &mut self,
        path: &str,
        media: &str,
        headers: &str,
        body: &[u8],
    ) -> anyhow::Result<Vec<u8>> {
        self.head(path, media, &format!("{headers}\r\ncontent-length: {}", body.len())).await?;
        self.stream.write_all(body).await?;
        self.answer().await
    }

    /// Posts a body that is gzipped.
    pub(crate) async fn post_gzip(
        &mut self,
        path: &str,
        media: &str,
        body: &[u8],
    ) -> anyhow::Result<Vec<u8>> {
        let length = format!("content-encoding: gzip\r\ncontent-length: {}", body.len());
        self.head(path, media, &length).await?;
        self.stream.write_all(body).await?;
        self.answer().await
    }

    /// Posts a body that `next` makes piece by piece.
    pub(crate) async fn post_stream(
        &mut self,
        path: &str,
        media: &str,
        mut next: impl FnMut() -> Option<Vec<u8>>,
    ) -> anyhow::Result<Vec<u8>> {
        self.head(path, media, "transfer-encoding: chunked").await?;
        while let Some(piece) = next() {
            self.stream.write_all(format!("{:x}\r\n", piece.len()).as_bytes()).await?;
            self.stream.write_all(&piece).await?;
            self.stream.write_all(b"\r\n").await?;
        }
        self.stream.write_all(b"0\r\n\r\n").await?;
        self.answer().await
    }

    async fn head(&mut self, path: &str, media: &str, length: &str) -> anyhow::Result<()> {
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\n\
             content-type: {media}\r\n{length}\r\n\r\n",
            self.address, self.token
        );
        self.stream.write_all(head.as_bytes()).await?;
        Ok(())
    }

    async fn answer(&mut self) -> anyhow::Result<Vec<u8>> {
        let end = self.read_head().await?;
        let head = self.head.to_ascii_lowercase();
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))
            .context("the answer has no length")?
            .parse::<usize>()?;
        if !head.starts_with("http/1.1 200") {
            let body = String::from_utf8_lossy(&self.buffer[end..]).into_owned();
            bail!("{head}\n{body:.500}");
        }
        let body_at = end + 4;
        while self.buffer.len() < body_at + length {
            let read = self.stream.read(&mut self.chunk).await?;
            if read == 0 {
                bail!("the answer ended early");
            }
            self.buffer.extend_from_slice(&self.chunk[..read]);
        }
        Ok(self.buffer[body_at..body_at + length].to_vec())
    }
}

/// How many lines end in these bytes.
fn lines_of(bytes: &[u8]) -> u64 {
    bytes.split(|byte| *byte == b'\n').skip(1).count() as u64
}
