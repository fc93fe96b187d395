//! What is read: files, pipes, standard input.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use ticket_core::{OccurrenceId, Timestamp};

use super::format::Format;
use super::join::{Joiner, Piece};
use super::lines::LineReader;
use super::place::{self, FilePlace, OPEN_END, Stream, UNDATED};

/// One thing that is read.
#[derive(Debug)]
pub(super) struct Source {
    /// As the person named it.
    pub(super) name: Arc<str>,
    pub(super) reader: LineReader<Input>,
    pub(super) joiner: Joiner,
    pub(super) place: Place,
    path: PathBuf,
    format: Format,
    /// When something was read last.
    last_read: Instant,
    /// The time of the last line that had one.
    last_time: Option<Timestamp>,
    /// The time of lines of a file before which there is none with a time.
    modified: Option<Timestamp>,
}

#[derive(Debug)]
pub(super) enum Place {
    File(FilePlace),
    Stream(Stream),
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
    /// Its path means another file.
    Replaced,
    /// It is shorter than what was read of it.
    Truncated,
}

impl Source {
    /// Opens what a person named; `-` is standard input.
    pub(super) fn open(path: &Path, format: Format) -> anyhow::Result<Self> {
        let name: Arc<str> = path.display().to_string().into();
        let (input, place, modified) = if path == Path::new("-") {
            (Input::Stdin(io::stdin()), Place::Stream(Stream::default()), None)
        } else {
            let what = || format!("cannot read {name}");
            let file = File::open(path).with_context(what)?;
            let metadata = file.metadata().with_context(what)?;
            if metadata.is_dir() {
                bail!("cannot read {name}: it is a folder; name the files in it");
            }
            if metadata.is_file() {
                let place = Place::File(FilePlace::of(path).with_context(what)?);
                (Input::File(file), place, metadata.modified().ok().map(Timestamp::from))
            } else {
                (Input::File(file), Place::Stream(Stream::default()), None)
            }
        };
        Ok(Self {
            name,
            reader: LineReader::new(input),
            joiner: Joiner::new(format),
            place,
            path: path.to_owned(),
            format,
            last_read: Instant::now(),
            last_time: None,
            modified,
        })
    }

    pub(super) const fn is_file(&self) -> bool {
        matches!(self.place, Place::File(_))
    }

    /// How many bytes there are, where that can be known.
    pub(super) fn length(&self) -> Option<u64> {
        match (&self.place, self.reader.get_ref()) {
            (Place::File(_), Input::File(file)) => Some(file.metadata().ok()?.len()),
            _ => None,
        }
    }

    pub(super) fn has_read(&mut self) {
        self.last_read = Instant::now();
    }

    /// Whether nothing has come for so long.
    pub(super) fn is_quiet(&self, duration: Duration) -> bool {
        self.last_read.elapsed() >= duration
    }

    /// What became of the file. One that is gone may come back.
    pub(super) fn fate(&self) -> Fate {
        let Input::File(file) = self.reader.get_ref() else { return Fate::Same };
        let (Ok(now), Ok(open)) = (fs::metadata(&self.path), file.metadata()) else {
            return Fate::Same;
        };
        if !place::same_file(&now, &open) {
            Fate::Replaced
        } else if open.len() < self.reader.position() {
            Fate::Truncated
        } else {
            Fate::Same
        }
    }

    /// Begins anew, with the file that the path means now.
    pub(super) fn reopen(&mut self) -> io::Result<()> {
        self.reader = LineReader::new(Input::File(File::open(&self.path)?));
        let joined = self.joiner.joined;
        self.joiner = Joiner::new(self.format);
        self.joiner.joined = joined;
        self.last_time = None;
        Ok(())
    }

    /// Remembers the time of a line for those behind it that have none.
    pub(super) fn saw(&mut self, time: Option<Timestamp>) {
        self.last_time = time.or(self.last_time);
    }

    /// Gives a record its time and identity; `false` if it is stored in part already. `live` says that
    /// its line has just been written.
    pub(super) fn identify(&mut self, piece: &mut Piece, live: bool) -> bool {
        let now = if live { None } else { self.modified }.unwrap_or_else(Timestamp::now);
        let record = &mut piece.entry.record;
        let own_time = piece.entry.time;
        record.time = own_time.or(self.last_time).unwrap_or(now);
        match &mut self.place {
            Place::File(place) => {
                let mut time = record.time;
                if own_time.or(self.last_time).is_none() {
                    time = place.undated(now);
                    record.traits.insert(UNDATED.into(), place.digest().into());
                }
                if place.is_stored_in_part(time, piece.offset, &piece.text) {
                    return false;
                }
                record.id = place.id(time, piece.offset, &piece.text);
                if piece.open {
                    let open_end = place.open_end(piece.offset, &piece.text);
                    record.traits.insert(OPEN_END.into(), open_end.into());
                }
            }
            Place::Stream(stream) => {
                record.id = match own_time {
                    Some(time) => stream.id(time, &piece.text),
                    None => OccurrenceId::random(record.time),
                };
            }
        }
        true
    }
}
