//! Emits numbered records and acknowledges each one whose `emit` succeeded.

#![allow(clippy::print_stdout, reason = "the test reads this program's output")]

use std::io::{self, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use clap::Parser as _;
use serde_json::json;
use ticket_core::backend::Lease;
use ticket_core::{Emitted, EventStore as _, Level, Record, Registry, Timestamp};
use ticket_direct::HandlerOptions;
use ticket_faults::Outcome;
use ticket_faults::servers::registry;
use ticket_faults::victim::{APP, Plan, TICKETS};
use ticket_handler::BackgroundHandler;
use ticket_tracing::TicketLayer;
use tracing_subscriber::prelude::*;
use tracing_subscriber::{Layer, layer::Context};

/// The time of record 0, in microseconds since 1970: 2026-11-01.
const START: i64 = 1_793_491_200_000_000;

fn main() -> Outcome {
    let plan = Plan::parse();
    let url = plan.url.clone();
    let mut options = HandlerOptions::new(APP);
    if plan.traced {
        options = options.with_level(Level::Trace);
    }
    let mut builder = BackgroundHandler::builder(options).with_budget(u32::MAX);
    if let Some(spool) = &plan.spool {
        builder = builder.with_spool(spool);
    }
    let registry = Arc::new(registry());
    if let Some(name) = &plan.lease {
        ask_for_lease(&registry, &url, name)?;
    }
    let handler = builder.connect(move || {
        let (registry, url) = (Arc::clone(&registry), url.clone());
        async move { registry.connect(&url).await }
    })?;
    let mut guard = handler.guard();
    if plan.spool.is_none() {
        // Queued records exist only in memory, and the default of two seconds may be too short to store them
        // all on a busy machine.
        guard = guard.with_timeout(Duration::from_secs(60));
    }
    if plan.traced {
        let layer = TicketLayer::new(handler.clone());
        // `init` would also install a logger if another package in the workspace enables
        // `tracing-subscriber`'s feature `tracing-log`; installing ours would then fail.
        let subscriber = tracing_subscriber::registry().with(layer).with(Others);
        tracing::subscriber::set_global_default(subscriber)?;
        tracing_log::LogTracer::init()?;
    }
    thread::scope(|scope| {
        for thread in 0..plan.threads {
            let (plan, handler) = (&plan, &handler);
            scope.spawn(move || burst(handler, plan, thread));
        }
    });
    if plan.linger {
        io::stdin().read_line(&mut String::new())?;
    }
    drop(guard);
    let stats = handler.stats();
    let lost = stats.dropped.total();
    let stats = json!({
        "recorded": stats.recorded, "duplicates": stats.duplicates, "queued": stats.queued, "lost": lost,
        "retries": stats.retries, "ignored": stats.ignored, "disk_failures": stats.disk_failures,
        "others": OTHERS.load(Relaxed),
    });
    say(&format!("STATS {stats}\n"));
    Ok(())
}

/// How long the victim asks to have the lease, which is longer than a test takes.
const LEASE: Duration = Duration::from_secs(3_600);

fn ask_for_lease(registry: &Registry, url: &str, name: &str) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let answer = runtime.block_on(async {
        registry.connect(url).await?.lease(&Lease::new(name, "victim", LEASE)).await
    })?;
    say(&format!("LEASE {answer}\n"));
    Ok(())
}

fn burst(handler: &BackgroundHandler, plan: &Plan, thread: u64) {
    let step = usize::try_from(plan.threads).unwrap_or(1);
    for number in plan.issued().skip(usize::try_from(thread).unwrap_or(0)).step_by(step) {
        if plan.traced {
            tracing::error!(target: OWN, number, "an order is lost");
            say(&format!("ACK {number}\n"));
        } else if matches!(handler.emit(record(plan, number)), Ok(Emitted::Accepted(_))) {
            say(&format!("ACK {number}\n"));
        } else {
            say(&format!("ERR {number}\n"));
        }
        if plan.pace > 0 {
            thread::sleep(Duration::from_micros(plan.pace));
        }
    }
}

/// The target of the victim's own `tracing` events.
const OWN: &str = "faults";

/// The number of events from other targets, such as the handler and the database drivers.
static OTHERS: AtomicU64 = AtomicU64::new(0);

/// A layer that counts the events in [`OTHERS`].
struct Others;

impl<S: tracing::Subscriber> Layer<S> for Others {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        OTHERS.fetch_add(u64::from(event.metadata().target() != OWN), Relaxed);
    }
}

fn record(plan: &Plan, number: u64) -> Record {
    let channel = format!("faults.{}", number % TICKETS);
    let number = i64::try_from(number).unwrap_or(i64::MAX);
    let mut record = Record::new(Level::Error, channel, format!("order {number} is lost"));
    if !plan.own_clock {
        // Records are one millisecond apart. The time and the key depend on the number alone, so a record that
        // several processes emit is the same occurrence.
        record = record.with_time(Timestamp::from_micros(START + number * 1_000));
    }
    record.with_key(&format!("victim/{number}")).with_trait("number", number)
}

/// Prints a line in a single write. Writes to a pipe up to `PIPE_BUF` bytes are atomic, so lines of
/// different threads do not mix. Errors are ignored because the test may have ended and closed the pipe.
fn say(line: &str) {
    let _ = io::stdout().write_all(line.as_bytes());
}
