//! The client: it drives the process of a contender, by orders and over connections.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use clap::ValueEnum as _;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use super::application::{Agent, BODY, Failures, raw_requests};
use super::contender::Kind;
use super::server::{Order, Turn};

/// How many requests each connection sends before they are timed.
const WARM_UP: u32 = 20;

/// The process of a contender. It ends with its standard input.
pub(crate) struct Process {
    pub(crate) kind: Kind,
    child: Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    address: SocketAddr,
}

/// How long the requests of a turn over connections took.
pub(crate) struct Load {
    pub(crate) whole: Duration,
    pub(crate) each: Vec<Duration>,
    /// The share of the requests that an event handler was not told of, because too many were waiting.
    pub(crate) skipped: f64,
}

impl Process {
    pub(crate) fn start(kind: Kind, folder: &Path) -> Result<Self> {
        let name = kind.to_possible_value().context("every kind has a name")?;
        let mut child = Command::new(std::env::current_exe()?)
            .arg(folder)
            .args(["--serve", name.get_name()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let orders = child.stdin.take();
        let answers = child.stdout.take().context("the process has no standard output")?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let answers = BufReader::new(answers);
        let mut process = Self { kind, child, orders, answers, address };
        let port = process.answer()?;
        process.address.set_port(port);
        Ok(process)
    }

    /// Lets the process call the application without a connection.
    pub(crate) fn call(&mut self, agent: Agent, failures: Failures) -> Result<Turn> {
        self.order(Order::Call { agent, failures })
    }

    /// Sends requests on a number of connections for a time, on each connection one after the other.
    pub(crate) fn load(
        &mut self,
        runtime: &Runtime,
        connections: u32,
        failures: Failures,
        time: Duration,
    ) -> Result<Load> {
        let address = self.address;
        let skipped: u64 = self.order(Order::Settle)?;
        let load = runtime.block_on(async {
            let mut streams = Vec::new();
            for first in 0..connections {
                let mut connection = Connection::open(address, first).await?;
                for _ in 0..WARM_UP {
                    connection.ask(failures).await?;
                }
                streams.push(connection);
            }
            let start = Instant::now();
            let mut tasks = JoinSet::new();
            for connection in streams {
                tasks.spawn(connection.ask_until(start + time, failures));
            }
            let mut each = Vec::new();
            while let Some(times) = tasks.join_next().await {
                each.extend(times??);
            }
            anyhow::Ok(Load { whole: start.elapsed(), each, skipped: 0.0 })
        });
        let mut load = load.with_context(|| format!("{}: a request failed", self.kind.name()))?;
        let skipped = self.order::<u64>(Order::Settle)? - skipped;
        let warm_up = (WARM_UP * connections) as usize;
        load.skipped = skipped as f64 / (warm_up + load.each.len()) as f64;
        Ok(load)
    }

    fn order<T: DeserializeOwned>(&mut self, order: Order) -> Result<T> {
        let orders = self.orders.as_mut().context("the process has no standard input")?;
        let line = serde_json::to_string(&order)? + "\n";
        orders.write_all(line.as_bytes())?;
        orders.flush()?;
        self.answer()
    }

    fn answer<T: DeserializeOwned>(&mut self) -> Result<T> {
        let mut line = String::new();
        if self.answers.read_line(&mut line)? == 0 {
            bail!("{}: the process has ended: {}", self.kind.name(), self.child.wait()?);
        }
        Ok(serde_json::from_str(&line)?)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.orders.take());
        // An event handler of it may never return, but that does not keep a process alive.
        let _ = self.child.wait();
    }
}

/// A connection that sends the next request when it has the response to the one before.
///
/// It knows the bodies of the responses, and parses nothing: it shares two cores with the server.
struct Connection {
    stream: TcpStream,
    requests: [Vec<u8>; 2],
    buffer: Vec<u8>,
    number: u32,
}

impl Connection {
    async fn open(address: SocketAddr, number: u32) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, requests: raw_requests(), buffer: vec![0; 4_096], number })
    }

    async fn ask(&mut self, failures: Failures) -> Result<()> {
        let fails = failures.hit(self.number);
        self.number += 1;
        self.stream.write_all(&self.requests[usize::from(fails)]).await?;
        let mut length = 0;
        while !self.buffer[..length].ends_with(BODY.as_bytes()) {
            let read = self.stream.read(&mut self.buffer[length..]).await?;
            ensure!(read > 0, "the server has closed the connection");
            length += read;
        }
        let status: &[u8] = if fails { b"HTTP/1.1 500" } else { b"HTTP/1.1 200" };
        ensure!(self.buffer.starts_with(status), "the server answers with another status");
        Ok(())
    }

    async fn ask_until(mut self, end: Instant, failures: Failures) -> Result<Vec<Duration>> {
        let mut each = Vec::new();
        loop {
            let start = Instant::now();
            if start >= end {
                return Ok(each);
            }
            self.ask(failures).await?;
            each.push(start.elapsed());
        }
    }
}
