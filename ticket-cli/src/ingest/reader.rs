//! The reading half: a thread that turns lines into batches, while another batch is being recorded.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use indicatif::ProgressBar;
use ticket_core::backend::NewOccurrence;
use ticket_direct::HandlerOptions;
use tokio::sync::mpsc;

use super::join::Joined;
use super::lines::LastLine;
use super::source::{Fate, Source};
use super::summary::{Fault, Summary};

/// How many records are written at once.
const BATCH: usize = 1_000;
/// How many bytes of lines a batch may hold: records are about as large as their lines.
const BATCH_BYTES: usize = 4 * 1024 * 1024;
/// How often files are looked at that may have grown.
const POLL: Duration = Duration::from_millis(200);
/// How long a record waits for its further lines in a file that is followed.
const QUIET: Duration = Duration::from_millis(500);

/// Records on their way to the store.
pub(super) type Batch = Vec<Item>;

/// A record and where it came from.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) occurrence: NewOccurrence,
    pub(super) file: Arc<str>,
    pub(super) line: u64,
}

/// Reads sources and sends batches.
#[derive(Debug)]
pub(super) struct Reader {
    pub(super) options: HandlerOptions,
    pub(super) channel: Option<String>,
    pub(super) sender: mpsc::Sender<Batch>,
    pub(super) bar: ProgressBar,
    pub(super) stop: Arc<AtomicBool>,
}

/// Why reading ended early.
#[derive(Debug)]
pub(super) enum Halt {
    /// Nobody takes batches any more; the other half says why.
    Unwanted,
    /// A source cannot be read.
    Unreadable { file: String, error: io::Error },
}

/// What is being collected.
#[derive(Debug, Default)]
struct Work {
    batch: Batch,
    bytes: usize,
    summary: Summary,
}

impl Reader {
    /// Reads all sources, one after the other.
    pub(super) fn read(&self, mut sources: Vec<Source>) -> (Summary, Result<(), Halt>) {
        let mut work = Work::default();
        let done = sources
            .iter_mut()
            .try_for_each(|source| {
                self.read_available(source, LastLine::Take, false, &mut work)?;
                self.finish(source, true, false, &mut work)
            })
            .and_then(|()| self.send(&mut work));
        (total(work.summary, &sources), done)
    }

    /// Reads all sources side by side, and what is appended to them, until it is stopped.
    pub(super) fn follow(&self, mut sources: Vec<Source>) -> (Summary, Result<(), Halt>) {
        let mut work = Work::default();
        let done = self.follow_all(&mut sources, &mut work);
        (total(work.summary, &sources), done)
    }

    fn follow_all(&self, sources: &mut [Source], work: &mut Work) -> Result<(), Halt> {
        // What is there already was not written now.
        let mut live = false;
        loop {
            let stopping = self.stop.load(Ordering::Relaxed);
            for source in &mut *sources {
                self.follow_one(source, live, work)?;
                if stopping {
                    self.finish(source, true, live, work)?;
                }
            }
            self.send(work)?;
            if stopping {
                return Ok(());
            }
            live = true;
            std::thread::sleep(POLL);
        }
    }

    fn follow_one(&self, source: &mut Source, live: bool, work: &mut Work) -> Result<(), Halt> {
        // Asked before reading: what is written after the answer belongs to the file that is open.
        let fate = source.fate();
        self.read_available(source, LastLine::Wait, live, work)?;
        match fate {
            Fate::Same => {
                if source.joiner.is_waiting() && source.is_quiet(QUIET) {
                    self.finish(source, true, live, work)?;
                }
                return Ok(());
            }
            Fate::Replaced => {
                self.read_available(source, LastLine::Take, live, work)?;
                self.finish(source, false, live, work)?;
            }
            Fate::Truncated => self.finish(source, false, live, work)?,
        }
        match source.reopen() {
            Ok(()) => self.read_available(source, LastLine::Wait, live, work),
            // It is gone again; the next look will tell.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(Halt::Unreadable { file: source.name.to_string(), error }),
        }
    }

    fn read_available(
        &self,
        source: &mut Source,
        last: LastLine,
        live: bool,
        work: &mut Work,
    ) -> Result<(), Halt> {
        let mut found = Vec::new();
        loop {
            let line = source
                .reader
                .next(last)
                .map_err(|error| Halt::Unreadable { file: source.name.to_string(), error })?;
            let Some(line) = line else { return Ok(()) };
            source.has_read();
            work.summary.read += 1;
            self.bar.inc(line.length);
            source.joiner.push(line, &mut |joined| found.push(joined));
            for joined in found.drain(..) {
                self.take(source, joined, live, work)?;
            }
        }
    }

    fn finish(
        &self,
        source: &mut Source,
        open: bool,
        live: bool,
        work: &mut Work,
    ) -> Result<(), Halt> {
        let mut last = None;
        source.joiner.finish(open, &mut |joined| last = Some(joined));
        last.map_or(Ok(()), |joined| self.take(source, joined, live, work))
    }

    fn take(
        &self,
        source: &mut Source,
        joined: Joined,
        live: bool,
        work: &mut Work,
    ) -> Result<(), Halt> {
        let mut piece = match joined {
            Joined::Piece(piece) => piece,
            Joined::Malformed { number, reason } => {
                work.summary.malformed(Fault {
                    file: source.name.to_string(),
                    line: number,
                    reason,
                });
                return Ok(());
            }
        };
        source.saw(piece.entry.time);
        if let Some(occurrence) = piece.entry.occurrence.take() {
            return self.add(source, *occurrence, piece.number, piece.text.len(), work);
        }
        let level = piece.entry.level();
        if level < self.options.level() {
            work.summary.below_level += 1;
            return Ok(());
        }
        piece.entry.record.level = level;
        if piece.entry.record.channel.is_empty()
            && let Some(channel) = &self.channel
        {
            piece.entry.record.channel = channel.into();
        }
        if !source.identify(&mut piece, live) {
            work.summary.already_known += 1;
            return Ok(());
        }
        let Some(occurrence) = self.options.prepare(piece.entry.record) else {
            work.summary.below_level += 1;
            return Ok(());
        };
        self.add(source, occurrence, piece.number, piece.text.len(), work)
    }

    fn add(
        &self,
        source: &Source,
        occurrence: NewOccurrence,
        line: u64,
        bytes: usize,
        work: &mut Work,
    ) -> Result<(), Halt> {
        work.bytes += bytes;
        let file = Arc::clone(&source.name);
        work.batch.push(Item { occurrence, file, line });
        if work.batch.len() >= BATCH || work.bytes >= BATCH_BYTES {
            self.send(work)?;
        }
        Ok(())
    }

    fn send(&self, work: &mut Work) -> Result<(), Halt> {
        work.bytes = 0;
        let batch = std::mem::take(&mut work.batch);
        if batch.is_empty() {
            return Ok(());
        }
        self.sender.blocking_send(batch).map_err(|_| Halt::Unwanted)
    }
}

fn total(mut summary: Summary, sources: &[Source]) -> Summary {
    summary.joined = sources.iter().map(|source| source.joiner.joined).sum();
    summary
}
