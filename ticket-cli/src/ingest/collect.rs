//! The reading half: a thread that collects records into batches while the batch before is recorded.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use indicatif::ProgressBar;
use ticket_core::backend::NewOccurrence;
use ticket_direct::HandlerOptions;
use ticket_handler::spool::DeadLetter;
use ticket_ingest::{AtEnd, Item, LogPosition, Malformed};
use ticket_redact::Redaction;
use tokio::sync::mpsc;

use super::place::Place;
use super::source::{Fate, Source};
use super::summary::{Fault, Summary, counted};

/// The largest number of records in a batch. In a larger one, more traits are neighbours in their index, and fewer commits
/// wait for the disk.
const BATCH: usize = 4_000;
/// The number of bytes of lines after which a batch is full: records are about as large as their lines.
const BATCH_BYTES: usize = 4 * 1024 * 1024;
/// How often files are checked for growth.
const POLL: Duration = Duration::from_millis(200);
/// How long a record waits for more lines in a file that is followed.
const QUIET: Duration = Duration::from_millis(500);
/// How often the places in followed files are stored if nothing in them was recorded.
const UNEVENTFUL: Duration = Duration::from_secs(10);

/// Records on their way to the store, and how far the files that they come from were read.
#[derive(Debug, Default)]
pub(super) struct LocatedBatch {
    pub(super) records: Vec<Located>,
    pub(super) progress: Vec<Progress>,
}

/// An occurrence and its first line.
#[derive(Debug)]
pub(super) struct Located {
    pub(super) occurrence: NewOccurrence,
    pub(super) file: Arc<str>,
    pub(super) line: u64,
    /// The byte at which the line begins.
    pub(super) offset: u64,
    /// The file; `None` for a stream.
    pub(super) place: Option<Arc<Place>>,
}

/// How far a file was read, with all that is in this batch and those before.
#[derive(Debug)]
pub(super) struct Progress {
    pub(super) place: Arc<Place>,
    pub(super) position: LogPosition,
}

/// Reads sources and sends batches.
#[derive(Debug)]
pub(super) struct Collector {
    pub(super) options: HandlerOptions,
    pub(super) redaction: Redaction,
    pub(super) channel: Option<String>,
    pub(super) sender: mpsc::Sender<LocatedBatch>,
    pub(super) bar: ProgressBar,
    pub(super) stop: Arc<AtomicBool>,
}

/// Why reading ended early.
#[derive(Debug)]
pub(super) enum Halt {
    /// The writing half has ended and takes no more batches; it knows why.
    Unwanted,
    Unreadable {
        file: String,
        error: io::Error,
    },
}

/// The batch that is being filled, and the summary so far.
#[derive(Debug)]
struct Work {
    batch: LocatedBatch,
    bytes: usize,
    sent_at: Instant,
    summary: Summary,
}

impl Work {
    fn new() -> Self {
        let (batch, summary) = Default::default();
        Self { batch, bytes: 0, sent_at: Instant::now(), summary }
    }

    /// Notes how far a source was read.
    fn note(&mut self, source: &mut Source) {
        let Some(place) = source.place().cloned() else { return };
        let Some(position) = source.progress() else { return };
        let progress = &mut self.batch.progress;
        match progress.iter_mut().find(|noted| Arc::ptr_eq(&noted.place, &place)) {
            Some(noted) => noted.position = position,
            None => progress.push(Progress { place, position }),
        }
    }
}

impl Collector {
    /// Reads all sources, one after the other.
    pub(super) fn read(&self, mut sources: Vec<Source>) -> (Summary, Result<(), Halt>) {
        let mut work = Work::new();
        let done = sources
            .iter_mut()
            .try_for_each(|source| {
                self.read_available(source, AtEnd::TakeLine, false, &mut work)?;
                self.take_last(Source::flush, source, false, &mut work)?;
                work.note(source);
                Ok(())
            })
            .and_then(|()| self.send(&mut work));
        (self.total(work.summary, &sources), done)
    }

    /// Reads all sources side by side, and what is appended to them, until it is stopped.
    pub(super) fn follow(&self, mut sources: Vec<Source>) -> (Summary, Result<(), Halt>) {
        let mut work = Work::new();
        let done = self.follow_all(&mut sources, &mut work);
        (self.total(work.summary, &sources), done)
    }

    fn follow_all(&self, sources: &mut [Source], work: &mut Work) -> Result<(), Halt> {
        // The lines that are there already were written earlier.
        let mut live = false;
        loop {
            let stopping = self.stop.load(Ordering::Relaxed);
            for source in &mut *sources {
                self.follow_one(source, live, work)?;
                if stopping {
                    self.take_last(Source::flush, source, live, work)?;
                }
                if source.is_read_on() {
                    work.note(source);
                }
            }
            let is_due = stopping || !live || work.sent_at.elapsed() >= UNEVENTFUL;
            if is_due || !work.batch.records.is_empty() {
                self.send(work)?;
            }
            if stopping {
                return Ok(());
            }
            live = true;
            std::thread::sleep(POLL);
        }
    }

    fn follow_one(&self, source: &mut Source, live: bool, work: &mut Work) -> Result<(), Halt> {
        // The order matters: lines written between this check and the reading still belong to the file
        // that is open, and a rotation in between is seen by the next check.
        let fate = source.fate();
        self.read_available(source, AtEnd::WaitForMore, live, work)?;
        match fate {
            Fate::Same => {
                if source.has_waited(QUIET) {
                    self.take_last(Source::flush, source, live, work)?;
                }
                return Ok(());
            }
            Fate::Replaced => {
                self.read_available(source, AtEnd::TakeLine, live, work)?;
                self.take_last(Source::finish, source, live, work)?;
            }
            Fate::Truncated => self.take_last(Source::finish, source, live, work)?,
        }
        work.note(source);
        match source.reopen() {
            Ok(()) => self.read_available(source, AtEnd::WaitForMore, live, work),
            // The file is gone again. The next check sees what comes in its place.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(Halt::Unreadable { file: source.name.to_string(), error }),
        }
    }

    fn read_available(
        &self,
        source: &mut Source,
        at_end: AtEnd,
        live: bool,
        work: &mut Work,
    ) -> Result<(), Halt> {
        loop {
            let (item, bytes) = source
                .read(at_end)
                .map_err(|error| Halt::Unreadable { file: source.name.to_string(), error })?;
            self.bar.inc(bytes);
            match item {
                Some(item) => self.take(item, source, live, work)?,
                None => return Ok(()),
            }
        }
    }

    fn take_last(
        &self,
        next: fn(&mut Source) -> Option<Item>,
        source: &mut Source,
        live: bool,
        work: &mut Work,
    ) -> Result<(), Halt> {
        while let Some(item) = next(source) {
            self.take(item, source, live, work)?;
        }
        Ok(())
    }

    fn take(
        &self,
        item: Item,
        source: &mut Source,
        live: bool,
        work: &mut Work,
    ) -> Result<(), Halt> {
        let mut entry = match item {
            Item::Entry(entry) => *entry,
            Item::Malformed(Malformed { line, reason, .. }) => {
                work.summary.malformed(Fault { file: source.name.to_string(), line, reason });
                return Ok(());
            }
            // A kind of item that a later version of the library adds.
            _ => return Ok(()),
        };
        let (at, bytes) = ((entry.line, entry.offset), entry.text.len());
        let letter = dead_letter(&entry.text);
        entry.is_recognized |= letter.is_some();
        source.note_form(&entry);
        match letter {
            Some(Ok(letter)) => {
                return self.add(source, letter.into_occurrence(), at, bytes, work);
            }
            Some(Err(error)) => {
                work.summary.malformed(Fault {
                    file: source.name.to_string(),
                    line: at.0,
                    reason: format!("not a dead letter: {error}"),
                });
                return Ok(());
            }
            None => {}
        }
        if entry.record.level < self.options.level() {
            work.summary.below_level += 1;
            source.note_below_level(entry.offset);
            return Ok(());
        }
        if entry.record.channel.is_empty()
            && let Some(channel) = &self.channel
        {
            entry.record.channel = channel.into();
        }
        if !source.identify(&mut entry, live) {
            work.summary.already_known += 1;
            return Ok(());
        }
        match self.options.prepare(entry.record) {
            Some(occurrence) => self.add(source, occurrence, at, bytes, work),
            None => {
                work.summary.below_level += 1;
                Ok(())
            }
        }
    }

    fn add(
        &self,
        source: &mut Source,
        occurrence: NewOccurrence,
        (line, offset): (u64, u64),
        bytes: usize,
        work: &mut Work,
    ) -> Result<(), Halt> {
        work.bytes += bytes;
        let (file, place) = (Arc::clone(&source.name), source.place().cloned());
        work.batch.records.push(Located { occurrence, file, line, offset, place });
        if work.batch.records.len() >= BATCH || work.bytes >= BATCH_BYTES {
            work.note(source);
            self.send(work)?;
        }
        Ok(())
    }

    /// Adds to the summary what the sources have counted.
    fn total(&self, mut summary: Summary, sources: &[Source]) -> Summary {
        for source in sources {
            let counts = source.counts();
            summary.read += counts.read;
            summary.joined += counts.joined;
            summary.read_before += counts.before;
            summary.recognized += source.recognized();
            if let Some((line, text)) = source.unrecognized().filter(|_| counts.before == 0) {
                let lines = counted(counts.read, "line");
                let reason = match (source.binary_at(), source.encoding()) {
                    (Some(at), _) => format!(
                        "it is not text: binary data (0x00) at byte {at}; have the program that wrote it print it as text"
                    ),
                    (None, "UTF-8") => format!(
                        "0 of {lines} had a time or level that is known; the first is: {}",
                        self.redaction.text(text),
                    ),
                    (None, encoding) => format!(
                        "0 of {lines}, read as {encoding}, had a time or level that is known; the first is: {}",
                        self.redaction.text(text),
                    ),
                };
                let file = source.name.to_string();
                summary.unrecognized_files.push(Fault { file, line, reason });
            }
        }
        summary
    }

    fn send(&self, work: &mut Work) -> Result<(), Halt> {
        work.bytes = 0;
        work.sent_at = Instant::now();
        let batch = std::mem::take(&mut work.batch);
        if batch.records.is_empty() && batch.progress.is_empty() {
            return Ok(());
        }
        self.sender.blocking_send(batch).map_err(|_| Halt::Unwanted)
    }
}

/// Reads a line of a spool's `dead-letter.jsonl`: an occurrence that a store once refused, with its ids.
/// Returns `None` for any other line.
fn dead_letter(line: &str) -> Option<serde_json::Result<DeadLetter>> {
    // The names of its fields are looked for first, so that other lines are not parsed a second time.
    let is_letter = line.starts_with('{')
        && ["\"reason\":", "\"ticket_id\":", "\"ingredients\":", "\"record\":"]
            .iter()
            .all(|name| line.contains(name));
    is_letter.then(|| serde_json::from_str(line))
}
