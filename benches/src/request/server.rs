//! The process of a contender: it serves the application, and calls it when it is told to.
//!
//! Each contender has a process of its own, because its set-up is the process's: the subscriber, on which it depends what a
//! disabled span costs, and the client of Sentry.

use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::TcpListener;

use super::application::{Agent, Caller, Failures};
use super::contender::{Contender, Kind};

/// How many requests are timed together, of which one fails or none.
const BATCH: u32 = 100;
/// How many batches a turn has. Twice as many starts and ends fit into the queue of an event handler.
const BATCHES: u32 = 40;

/// What the process is told, one a line.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) enum Order {
    /// Call the application in a turn, and answer with a [`Turn`].
    Call { agent: Agent, failures: Failures },
    /// Wait until everything that requests have left behind is done, and answer with how many requests event handlers were
    /// not told of so far.
    Settle,
}

/// How long the calls of a turn took.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Turn {
    /// The time of a request in each batch, on average.
    pub(crate) batches: Vec<Duration>,
    /// The time of each request in a second run, which includes reading the clock.
    pub(crate) each: Vec<Duration>,
    /// How many of the requests of both runs an event handler was not told of, because too many were waiting.
    pub(crate) skipped: u64,
}

/// Serves a contender until the standard input ends. Prints the port first, and then the answer to each order.
pub(crate) fn run(kind: Kind, folder: &Path) -> Result<()> {
    // One thread, so that the other core is left to the client and to the threads of handlers.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let contender = Contender::new(kind, folder)?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        answer(&listener.local_addr()?.port())?;
        let app = contender.app.clone().into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(async move { axum::serve(listener, app).await });

        let mut orders = BufReader::new(tokio::io::stdin()).lines();
        while let Some(line) = orders.next_line().await? {
            match serde_json::from_str(&line)? {
                Order::Call { agent, failures } => {
                    answer(&turn(&contender, agent, failures).await?)?;
                }
                Order::Settle => {
                    answer(&contender.settle()?)?;
                }
            }
        }
        Ok(())
    })
}

fn answer(value: &impl Serialize) -> Result<()> {
    let mut out = io::stdout().lock();
    serde_json::to_writer(&mut out, value)?;
    out.write_all(b"\n")?;
    Ok(out.flush()?)
}

async fn turn(contender: &Contender, agent: Agent, failures: Failures) -> Result<Turn> {
    let mut caller = Caller::new(contender.app.clone(), agent)?;
    for number in 0..BATCH {
        let fails = failures.hit(number);
        let status = caller.call(fails).await;
        ensure!(status.is_server_error() == fails, "the application answers with {status}");
    }
    let skipped = contender.settle()?;
    let mut batches = Vec::new();
    for _ in 0..BATCHES {
        let start = Instant::now();
        for number in 0..BATCH {
            caller.call(failures.hit(number)).await;
        }
        batches.push(start.elapsed() / BATCH);
    }
    contender.settle()?;
    let mut each = Vec::new();
    for number in 0..BATCHES * BATCH {
        let start = Instant::now();
        caller.call(failures.hit(number)).await;
        each.push(start.elapsed());
    }
    Ok(Turn { batches, each, skipped: contender.settle()? - skipped })
}
