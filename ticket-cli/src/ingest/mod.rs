//! `ticket ingest`: reads the logs of other programs and records them.
//!
//! A thread reads lines, joins those that belong together, and sends batches of records; the thread of
//! the command records them. Both work at the same time, and at most [`QUEUED`] batches wait between them. How far
//! each file was read is stored together with the records (see [`place`]), so the command may be killed at
//! any moment and simply be run again. The id of a record follows from its line (see [`stored`]), so a line
//! that is read again counts once as long as it is stored.

//!
//! # Memory
//!
//! It does not depend on the length of a log once each of these is full:
//!
//! - A batch has up to `BATCH` records of up to `BATCH_BYTES` bytes of lines. One is filled, [`QUEUED`] wait, and one is
//!   recorded.
//! - A stream remembers lines so that equal ones have different ids (`StreamIdentity`): up to 6 MiB.
//! - A reader keeps the open records of a log: see `ticket_ingest::Reader`.
//! - The store has a cache. That of SQLite (`CACHE` in `ticket-sqlite`) grows with the file up to its limit.

mod args;
mod collect;
mod compressed;
mod place;
mod source;
mod stored;
mod summary;
mod writer;

use std::io::{Write, stdout};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use anyhow::{Context as _, anyhow};
use indicatif::{ProgressBar, ProgressStyle};
use ticket_direct::HandlerOptions;
use ticket_redact::Redaction;
use tokio::sync::mpsc;

pub(crate) use self::args::IngestArgs;
use self::collect::{Collector, Halt};
use self::source::{Lines, Source};
use self::summary::Summary;
use self::writer::{Patience, Writer};
use crate::context::Context;
use crate::failure::Usage;
use crate::output::json;

/// The number of batches that wait for being recorded.
const QUEUED: usize = 2;

/// The application of records if `--app` names none.
const DEFAULT_APP: &str = "generic";

/// Runs the command. Returns [`ExitCode::FAILURE`] if something was not recorded and the summary says so.
pub(crate) async fn run(args: &IngestArgs, context: &Context) -> anyhow::Result<ExitCode> {
    let app_id = context.app_id.as_deref().unwrap_or(DEFAULT_APP);
    let mut sources = args
        .files
        .iter()
        .map(|path| Source::open(path, args.format, app_id))
        .collect::<anyhow::Result<Vec<_>>>()?;
    if args.follow
        && let Some(other) = sources.iter().find(|source| source.place().is_none())
    {
        let name = &other.name;
        let what = if other.is_compressed() { "compressed" } else { "a stream" };
        let wrong = format!("--follow is for files, but {name} is {what}: leave --follow out");
        return Err(Usage(wrong).into());
    }
    let patience = Patience {
        bar: progress(&sources, args.follow),
        stop: Arc::default(),
        endless: args.follow,
    };
    let store = context.open_for_writing().await?;
    let writer = Writer { store, patience, again: args.again };
    for source in &mut sources {
        look_up(source, &writer, app_id).await?;
    }
    let (sender, mut receiver) = mpsc::channel(QUEUED);
    let collector = Collector {
        options: options(args, app_id),
        redaction: if args.no_redact { Redaction::none() } else { Redaction::new() },
        channel: args.channel.clone(),
        sender,
        bar: writer.patience.bar.clone(),
        stop: Arc::clone(&writer.patience.stop),
    };
    let follow = args.follow;
    if follow {
        stop_on_signal(Arc::clone(&writer.patience.stop))?;
    }
    let reading = thread::Builder::new()
        .name("read".into())
        .spawn(move || if follow { collector.follow(sources) } else { collector.read(sources) })
        .context("cannot start a thread")?;

    let mut written = Summary::default();
    let wrote = writer.write(&mut receiver, &mut written).await;
    // This is how the reading thread notices that the writing half has ended.
    drop(receiver);
    writer.patience.stop.store(true, Ordering::Relaxed);
    let (read, read_to_end) = reading.join().map_err(|_| anyhow!("the reading thread panicked"))?;
    writer.patience.bar.finish_and_clear();

    let summary = read.with(written);
    let mut out = stdout().lock();
    if context.json {
        json::write_line(&mut out, &summary)?;
    } else {
        summary.write(&mut out, args.min_level())?;
    }
    out.flush()?;
    wrote?;
    if let Err(Halt::Unreadable { file, error }) = read_to_end {
        return Err(error).context(format!("cannot read {file}"));
    }
    Ok(if summary.is_failure() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Asks the store what it knows about a file, and continues where an earlier run was.
async fn look_up(source: &mut Source, writer: &Writer, app_id: &str) -> anyhow::Result<()> {
    let retry = &writer.patience;
    if let Lines::OfFile(lines) = &mut source.lines {
        let stored = retry.retry(async || lines.look_up(&*writer.store, app_id).await).await;
        lines.set_stored(stored.context("cannot read the database")?);
    }
    if let Some(place) = source.place()
        && !writer.again
    {
        let known = retry.retry(async || place.look_up(&*writer.store).await).await;
        if let Some(position) = known.context("cannot read the database")?.position {
            writer.patience.bar.inc(position.offset());
            source.resume(position).with_context(|| format!("cannot read {}", source.name))?;
        }
    }
    Ok(())
}

fn options(args: &IngestArgs, app_id: &str) -> HandlerOptions {
    let mut options = HandlerOptions::new(app_id).with_level(args.min_level());
    if args.no_redact {
        options = options.with_redaction(Redaction::none());
    }
    if let Some(release) = &args.release {
        options = options.with_release(release);
    }
    if let Some(environment) = &args.environment {
        options = options.with_environment(environment);
    }
    options
}

/// Creates a bar that shows on a terminal how many of the bytes are read.
fn progress(sources: &[Source], follow: bool) -> ProgressBar {
    if follow {
        return ProgressBar::hidden();
    }
    let length: Option<u64> = sources.iter().map(Source::length).sum();
    let (bar, template) = match length {
        Some(length) => {
            (ProgressBar::new(length), "{bar:30} {bytes}/{total_bytes} {bytes_per_sec}, {eta} left")
        }
        None => (ProgressBar::new_spinner(), "{spinner} {bytes} {bytes_per_sec}"),
    };
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        // A bar without a style is no reason to fail.
        Err(_) => bar,
    }
}

/// Ends the reading on SIGINT or SIGTERM. A second signal ends the process.
fn stop_on_signal(stop: Arc<AtomicBool>) -> anyhow::Result<()> {
    #[cfg(unix)]
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::spawn(async move {
        loop {
            #[cfg(unix)]
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            #[cfg(not(unix))]
            let _ = tokio::signal::ctrl_c().await;
            if stop.swap(true, Ordering::Relaxed) {
                std::process::exit(130);
            }
        }
    });
    Ok(())
}
