//! A client that asks for the list on connections that it keeps.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// The header of a client that takes a compressed body.
pub(crate) const ENCODED: &str = "accept-encoding: gzip, br, zstd\r\n";

/// A connection that sends the next request when it has the answer to the one before.
pub(crate) struct Connection {
    stream: TcpStream,
    address: SocketAddr,
    buffer: Vec<u8>,
}

/// What is known of an answer.
pub(crate) struct Answer {
    /// The time until its first byte.
    pub(crate) first: Duration,
    /// The number of bytes of its body.
    pub(crate) body: usize,
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, address, buffer: vec![0; 256 * 1_024] })
    }

    /// Asks for the list.
    pub(crate) async fn ask(&mut self, headers: &str) -> Result<Answer> {
        let request = format!("GET / HTTP/1.1\r\nhost: {}\r\n{headers}\r\n", self.address);
        let started = Instant::now();
        self.stream.write_all(request.as_bytes()).await?;
        let mut length = self.stream.read(&mut self.buffer).await?;
        let first = started.elapsed();
        let (head, body) = loop {
            ensure!(length > 0, "the server has closed the connection");
            let text = &self.buffer[..length];
            if let Some(end) = text.windows(4).position(|four| four == b"\r\n\r\n") {
                break (end + 4, content_length(&text[..end])?);
            }
            length += self.stream.read(&mut self.buffer[length..]).await?;
        };
        while length < head + body {
            let read = self.stream.read(&mut self.buffer[length..]).await?;
            ensure!(read > 0, "the server has closed the connection, or the page is too large");
            length += read;
        }
        Ok(Answer { first, body })
    }
}

/// Returns the length of the body of an answer with the status 200.
fn content_length(head: &[u8]) -> Result<usize> {
    let head = std::str::from_utf8(head)?;
    ensure!(head.starts_with("HTTP/1.1 200"), "the server answers with another status: {head}");
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim())
    });
    Ok(length.context("an answer without a length")?.parse()?)
}

/// Sends requests on a number of connections, and returns how many are answered per second.
pub(crate) async fn rate(address: SocketAddr, requests: usize, connections: usize) -> Result<f64> {
    let mut opened = Vec::new();
    for _ in 0..connections {
        opened.push(Connection::open(address).await?);
    }
    let left = Arc::new(AtomicUsize::new(requests));
    let started = Instant::now();
    let mut tasks = JoinSet::new();
    for mut connection in opened {
        let left = Arc::clone(&left);
        tasks.spawn(async move {
            let take = |left: usize| left.checked_sub(1);
            while left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok() {
                connection.ask("").await?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended??;
    }
    Ok(requests as f64 / started.elapsed().as_secs_f64())
}
