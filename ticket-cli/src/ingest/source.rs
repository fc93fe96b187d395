//! The inputs of the command: files, pipes and standard input.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use ticket_core::{OccurrenceId, Timestamp};
use ticket_ingest::{AtEnd, Entry, Format, Item, LogPosition, Reader, StreamIdentity};

use super::compressed::Compressed;
use super::place::{Place, is_same_file};
use super::stored::{FileLines, OPEN_END, UNDATED};

/// The number of characters that are shown of a line whose form is not known.
const SHOWN: usize = 200;

/// One input and what is known about its lines.
#[derive(Debug)]
pub(super) struct Source {
    /// The path as the person wrote it.
    pub(super) name: Arc<str>,
    pub(super) lines: Lines,
    reader: Reader<Input>,
    /// The file that is read; `None` for a stream.
    place: Option<Arc<Place>>,
    /// How far the file that is read was read last time, or in the last batch.
    position: Option<LogPosition>,
    /// A record was read from the file that is read, now or last time. As long as there is none, what was
    /// read may be in another format than the given one, and is read again next time.
    has_record: bool,
    /// The byte at which the last record begins that was below the level.
    below_level: Option<u64>,
    app_id: Arc<str>,
    path: PathBuf,
    format: Format,
    /// The number of records whose form is known, and the first line of which it is not.
    recognized: u64,
    unrecognized: Option<(u64, String)>,
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
    /// Those that an earlier run has read, which are not among the others.
    pub(super) before: u64,
}

#[derive(Debug)]
pub(super) enum Input {
    File(File),
    Compressed(Compressed),
    Stdin(io::Stdin),
}

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.read(buffer),
            Self::Compressed(content) => content.read(buffer),
            Self::Stdin(stdin) => stdin.lock().read(buffer),
        }
    }
}

impl Seek for Input {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match self {
            Self::File(file) => file.seek(to),
            Self::Compressed(_) | Self::Stdin(_) => Err(io::ErrorKind::Unsupported.into()),
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
    pub(super) fn open(path: &Path, format: Format, app_id: &str) -> anyhow::Result<Self> {
        let name: Arc<str> = path.display().to_string().into();
        let stream = || Lines::OfStream(StreamIdentity::new());
        let mut place = None;
        let (input, lines, modified) = if path == Path::new("-") {
            (Input::Stdin(io::stdin()), stream(), None)
        } else {
            let what = || format!("cannot read {name}");
            let metadata = fs::metadata(path).with_context(what)?;
            if metadata.is_dir() {
                bail!("cannot read {name}: it is a folder; name the files in it");
            }
            if metadata.is_file() {
                let lines = FileLines::new(path).with_context(what)?;
                let modified = metadata.modified().ok().map(Timestamp::from);
                let compressed = Compressed::of(File::open(path).with_context(what)?);
                let input = match compressed.with_context(what)? {
                    // Its lines have the ids that they had before it was compressed. How far it was read is not
                    // remembered: it does not grow.
                    Some(content) => Input::Compressed(content),
                    None => {
                        let (of_file, file) =
                            Place::open(path, lines.identity(), app_id).with_context(what)?;
                        place = Some(Arc::new(of_file));
                        Input::File(file)
                    }
                };
                (input, Lines::OfFile(lines), modified)
            } else {
                (Input::File(File::open(path).with_context(what)?), stream(), None)
            }
        };
        Ok(Self {
            name,
            lines,
            reader: Reader::new(input, format),
            place,
            position: None,
            has_record: false,
            below_level: None,
            app_id: app_id.into(),
            path: path.to_owned(),
            format,
            recognized: 0,
            unrecognized: None,
            previous: Counts::default(),
            last_read: Instant::now(),
            modified,
        })
    }

    /// Continues where an earlier run was.
    pub(super) fn resume(&mut self, position: LogPosition) -> io::Result<()> {
        let Input::File(file) = self.reader.get_ref() else { return Ok(()) };
        let input = Input::File(file.try_clone()?);
        self.reader = Reader::resume(input, self.format, &position)?;
        self.position = Some(position);
        self.has_record = true;
        Ok(())
    }

    /// Returns the file that is read, or `None` for a stream.
    pub(super) const fn place(&self) -> Option<&Arc<Place>> {
        self.place.as_ref()
    }

    /// Returns how far the file was read, if that is to be remembered.
    pub(super) fn progress(&mut self) -> Option<LogPosition> {
        self.position = self.position_now();
        self.position.clone()
    }

    fn position_now(&self) -> Option<LogPosition> {
        let position = self.reader.log_position().filter(|_| self.has_record)?;
        let is_below = self.below_level == Some(position.offset());
        Some(if is_below { position.before_open_record() } else { position })
    }

    /// Notes that the record that begins at this byte is below the level. If it is incomplete, the level may
    /// be in the rest.
    pub(super) const fn note_below_level(&mut self, offset: u64) {
        self.below_level = Some(offset);
    }

    /// Returns `true` if the file was read on since the last [`progress`](Self::progress).
    pub(super) fn is_read_on(&self) -> bool {
        self.has_record && self.position_now() != self.position
    }

    pub(super) fn is_compressed(&self) -> bool {
        matches!(self.reader.get_ref(), Input::Compressed(_))
    }

    /// Notes whether the form of a record is known.
    pub(super) fn note_form(&mut self, entry: &Entry) {
        if entry.is_recognized {
            self.recognized += 1;
        } else if self.unrecognized.is_none() {
            let text = entry.text.trim().chars().take(SHOWN).collect();
            self.unrecognized = Some((entry.line, text));
        }
    }

    /// Returns the number of records whose form is known.
    pub(super) const fn recognized(&self) -> u64 {
        self.recognized
    }

    /// Returns the first line if the form of no record is known. Of binary data it may be empty.
    pub(super) fn unrecognized(&self) -> Option<(u64, &str)> {
        let first = match &self.unrecognized {
            Some((line, text)) => Some((*line, text.as_str())),
            None => self.reader.binary_at().map(|_| (1, "")),
        };
        first.filter(|_| self.recognized == 0)
    }

    /// Returns the byte at which the first NUL is that was read.
    pub(super) const fn binary_at(&self) -> Option<u64> {
        self.reader.binary_at()
    }

    /// Returns the name of the encoding.
    pub(super) const fn encoding(&self) -> &'static str {
        self.reader.encoding()
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
        self.has_record |= matches!(item, Some(Item::Entry(_)));
        Ok((item, bytes))
    }

    /// Returns the record that waits for more lines, which may still come.
    pub(super) fn flush(&mut self) -> Option<Item> {
        let last = self.reader.flush();
        self.has_record |= last.is_some();
        last
    }

    /// Returns the record that waits for more lines when none can come.
    pub(super) fn finish(&mut self) -> Option<Item> {
        let last = self.reader.finish();
        self.has_record |= last.is_some();
        last
    }

    /// Returns `true` if a record has waited for more lines for this long.
    pub(super) fn has_waited(&self, duration: Duration) -> bool {
        self.reader.has_pending() && self.last_read.elapsed() >= duration
    }

    pub(super) const fn counts(&self) -> Counts {
        Counts {
            read: self.previous.read + self.reader.lines(),
            joined: self.previous.joined + self.reader.joined_lines(),
            before: self.previous.before + self.reader.lines_before(),
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
        let Lines::OfFile(lines) = &self.lines else { return Ok(()) };
        let (place, file) = Place::open(&self.path, lines.identity(), &self.app_id)?;
        self.previous = self.counts();
        self.reader = Reader::new(Input::File(file), self.format);
        self.place = Some(Arc::new(place));
        self.position = None;
        self.has_record = false;
        self.below_level = None;
        Ok(())
    }

    /// Gives a record its time and id. Returns `false` if a part of it is stored already.
    ///
    /// `live` says that its line has just been written.
    pub(super) fn identify(&mut self, entry: &mut Entry, live: bool) -> bool {
        let now = if live { None } else { self.modified }.unwrap_or_else(Timestamp::now);
        let known_time = entry.time.or(entry.previous_time);
        let Entry { record, offset, text, key, .. } = entry;
        record.time = known_time.unwrap_or(now);
        if let Some(key) = key {
            record.id = OccurrenceId::from_key(record.time, key);
            return true;
        }
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
