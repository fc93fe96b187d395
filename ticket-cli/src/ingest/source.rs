//! The inputs of the command: files, pipes and standard input.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use ticket_core::{OccurrenceId, Timestamp};
use ticket_ingest::{AtEnd, Entry, Format, Item, Reader, StreamIdentity};

use super::stored::{FileLines, OPEN_END, UNDATED};

/// One input and what is known about its lines.
#[derive(Debug)]
pub(super) struct Source {
    /// The path as the person wrote it.
    pub(super) name: Arc<str>,
    pub(super) lines: Lines,
    reader: Reader<Input>,
    path: PathBuf,
    format: Format,
    /// The lines of the files that `reader` read before the path came to mean another file.
    previous: Counts,
    last_read: Instant,
    /// The modification time of a file when it was opened: the time of lines that come before the first
    /// time in the file.
    modified: Option<Timestamp>,
}

/// What identifies the lines of a source.
#[derive(Debug)]
pub(super) enum Lines {
    OfFile(FileLines),
    OfStream(StreamIdentity),
}

/// The lines that were read.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    pub(super) read: u64,
    /// Those that are blank or continue a record.
    pub(super) joined: u64,
}

#[derive(Debug)]
pub(super) enum Input {
    File(File),
    Stdin(io::Stdin),
}

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.read(buffer),
            Self::Stdin(stdin) => stdin.lock().read(buffer),
        }
    }
}

/// What happened to a file since it was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Same,
    /// The path means another file now.
    Replaced,
    /// The file is shorter than what was read of it.
    Truncated,
}

impl Source {
    /// Opens a path; `-` is standard input.
    pub(super) fn open(path: &Path, format: Format) -> anyhow::Result<Self> {
        let name: Arc<str> = path.display().to_string().into();
        let stream = || Lines::OfStream(StreamIdentity::new());
        let (input, lines, modified) = if path == Path::new("-") {
            (Input::Stdin(io::stdin()), stream(), None)
        } else {
            let what = || format!("cannot read {name}");
            let file = File::open(path).with_context(what)?;
            let metadata = file.metadata().with_context(what)?;
            if metadata.is_dir() {
                bail!("cannot read {name}: it is a folder; name the files in it");
            }
            if metadata.is_file() {
                let lines = Lines::OfFile(FileLines::new(path).with_context(what)?);
                (Input::File(file), lines, metadata.modified().ok().map(Timestamp::from))
            } else {
                (Input::File(file), stream(), None)
            }
        };
        Ok(Self {
            name,
            lines,
            reader: Reader::new(input, format),
            path: path.to_owned(),
            format,
            previous: Counts::default(),
            last_read: Instant::now(),
            modified,
        })
    }

    pub(super) const fn is_file(&self) -> bool {
        matches!(self.lines, Lines::OfFile(_))
    }

    /// Returns the size of a file in bytes, or `None` for a stream.
    pub(super) fn length(&self) -> Option<u64> {
        match (&self.lines, self.reader.get_ref()) {
            (Lines::OfFile(_), Input::File(file)) => Some(file.metadata().ok()?.len()),
            _ => None,
        }
    }

    /// Reads on until an item is complete. Returns it, or `None` at the end, and the bytes read.
    pub(super) fn read(&mut self, at_end: AtEnd) -> io::Result<(Option<Item>, u64)> {
        let before = self.reader.position();
        let item = self.reader.read(at_end)?;
        let bytes = self.reader.position() - before;
        if bytes > 0 {
            self.last_read = Instant::now();
        }
        Ok((item, bytes))
    }

    /// Returns the record that waits for more lines, which may still come.
    pub(super) fn flush(&mut self) -> Option<Item> {
        self.reader.flush()
    }

    /// Returns the record that waits for more lines when none can come.
    pub(super) fn finish(&mut self) -> Option<Item> {
        self.reader.finish()
    }

    /// Returns `true` if a record has waited for more lines for this long.
    pub(super) fn has_waited(&self, duration: Duration) -> bool {
        self.reader.has_pending() && self.last_read.elapsed() >= duration
    }

    pub(super) const fn counts(&self) -> Counts {
        Counts {
            read: self.previous.read + self.reader.lines(),
            joined: self.previous.joined + self.reader.joined_lines(),
        }
    }

    /// Returns what happened to the file. A file that is gone may come back, so it counts as the same.
    pub(super) fn fate(&self) -> Fate {
        let Input::File(file) = self.reader.get_ref() else { return Fate::Same };
        let (Ok(now), Ok(open)) = (fs::metadata(&self.path), file.metadata()) else {
            return Fate::Same;
        };
        if !is_same_file(&now, &open) {
            Fate::Replaced
        } else if open.len() < self.reader.position() {
            Fate::Truncated
        } else {
            Fate::Same
        }
    }

    /// Begins again with the file that the path means now.
    pub(super) fn reopen(&mut self) -> io::Result<()> {
        let input = Input::File(File::open(&self.path)?);
        self.previous = self.counts();
        self.reader = Reader::new(input, self.format);
        Ok(())
    }

    /// Gives a record its time and id. Returns `false` if a part of it is stored already.
    ///
    /// `live` says that its line has just been written.
    pub(super) fn identify(&mut self, entry: &mut Entry, live: bool) -> bool {
        let now = if live { None } else { self.modified }.unwrap_or_else(Timestamp::now);
        let known_time = entry.time.or(entry.previous_time);
        let Entry { record, offset, text, .. } = entry;
        record.time = known_time.unwrap_or(now);
        match &mut self.lines {
            Lines::OfFile(lines) => {
                let mut time = record.time;
                if known_time.is_none() {
                    time = lines.undated(now);
                    record.traits.insert(UNDATED.into(), lines.key().into());
                }
                if lines.is_stored_in_part(time, *offset, text) {
                    return false;
                }
                record.id = lines.occurrence_id(time, *offset, text);
                if entry.incomplete {
                    let open_end = lines.open_end(*offset, text);
                    record.traits.insert(OPEN_END.into(), open_end.into());
                }
            }
            Lines::OfStream(identity) => {
                record.id = match entry.time {
                    Some(time) => identity.occurrence_id(time, text),
                    None => OccurrenceId::random(record.time),
                };
            }
        }
        true
    }
}

/// Compares what the system knows about two files, to see whether a path means another file by now.
fn is_same_file(a: &fs::Metadata, b: &fs::Metadata) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        (a.dev(), a.ino()) == (b.dev(), b.ino())
    }
    #[cfg(not(unix))]
    {
        a.created().ok() == b.created().ok()
    }
}
