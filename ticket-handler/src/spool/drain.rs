//! A spool without a handler: what is in it, and recording it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use ticket_core::backend::NewOccurrence;
use ticket_core::{BackendBase, Error, ErrorKind, Result};

use super::adopt::Orphan;
use super::cursor::{Cursor, Damage};
use super::folder::{folders, is_live, segments};
use super::{BATCH, DeadLetters};
use crate::parts::Parts;

/// What a process has in its folder of a spool.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Contents {
    /// The folder.
    pub path: PathBuf,
    /// Whether the process lives: then it records what is here by itself.
    pub live: bool,
    /// How many segments there are; a living process has one ready for its next records.
    pub segments: usize,
    /// How many records wait in them.
    pub records: u64,
    /// Their bytes, without what was only filled in advance.
    pub bytes: u64,
    /// At how many places there is no entry where one should be.
    pub damaged: u64,
    /// How many segments are of another version.
    pub foreign: usize,
}

/// What became of the records of dead processes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Drained {
    /// New in the store.
    pub recorded: u64,
    /// Sent, and already in the store.
    pub duplicates: u64,
    /// Refused by the store; they are in the spool's `dead-letter.jsonl` now.
    pub rejected: u64,
    /// Entries that were never acknowledged: the process was killed while it wrote them.
    pub torn: u64,
    /// Places at which there was no entry where one should be. Such a segment is a `*.corrupt` file now.
    pub damaged: u64,
    /// How many folders are gone.
    pub folders: usize,
    /// Folders of living processes, and those in which segments of another version are.
    pub left: Vec<PathBuf>,
}

/// What is in a spool, by folder. Changes nothing.
///
/// # Errors
///
/// [`ErrorKind::Config`] if it is no folder, [`ErrorKind::Unavailable`] if it cannot be read.
pub fn list(spool: &Path) -> Result<Vec<Contents>> {
    let paths = existing(spool)?;
    paths.into_iter().map(|path| contents(path).map_err(|error| unreadable(spool, error))).collect()
}

/// Records what the dead processes of a spool have left, and removes it. What living ones have is
/// theirs, and they are named in the answer.
///
/// To be stopped in the middle, and called again, is harmless.
///
/// ```
/// use ticket_memory::MemoryBackend;
///
/// # futures::executor::block_on(async {
/// # let dir = tempfile::tempdir().unwrap();
/// # let spool = dir.path();
/// let drained = ticket_handler::spool::drain(spool, &MemoryBackend::new()).await?;
/// println!("{} new, {} already known", drained.recorded, drained.duplicates);
/// # Ok::<(), ticket_core::Error>(())
/// # }).unwrap();
/// ```
///
/// # Errors
///
/// [`ErrorKind::Config`] if it is no folder, [`ErrorKind::Unavailable`] if it cannot be read, or what
/// the store answers but for a refusal. What is not recorded then is still in the spool.
pub async fn drain(spool: &Path, backend: &dyn BackendBase) -> Result<Drained> {
    let letters = DeadLetters::new(Some(spool.to_owned()));
    let mut done = Drained::default();
    for path in existing(spool)? {
        let adopted = Orphan::adopt(path.clone()).map_err(|error| unreadable(spool, error))?;
        let Some(mut orphan) = adopted else {
            done.left.push(path);
            continue;
        };
        loop {
            let mut batch = orphan.batch(BATCH).map_err(|error| unreadable(spool, error))?;
            if batch.is_empty() {
                break;
            }
            // In the order of the tickets, so that two writers never wait for each other.
            batch.sort_by_key(NewOccurrence::ticket_id);
            record(&batch, backend, &letters, &mut done).await?;
            orphan.finish();
        }
        let Damage { torn, damaged } = orphan.damage;
        done.torn += torn;
        done.damaged += damaged;
        match orphan.end() {
            None => done.folders += 1,
            left => done.left.extend(left),
        }
    }
    Ok(done)
}

async fn record(
    batch: &[NewOccurrence],
    backend: &dyn BackendBase,
    letters: &DeadLetters,
    done: &mut Drained,
) -> Result<()> {
    let mut parts = Parts::whole(batch.len());
    while let Some(part) = parts.next() {
        let part = &batch[part];
        match backend.record_tickets(part.into()).await {
            Ok(recorded) => {
                let new = records(part.iter().take(part.len())).min(recorded_records(&recorded));
                done.recorded += new;
                done.duplicates += records(part.iter()) - new;
                parts.settle();
            }
            Err(error) if !is_refusal(error.kind()) => return Err(error),
            Err(_) if parts.halve() => {}
            Err(error) => {
                for refused in part {
                    letters.add(refused, error.message()).map_err(|error| {
                        let text = "cannot write the file of refused records";
                        Error::new(ErrorKind::Unavailable, "spool", text).with_source(error)
                    })?;
                }
                done.rejected += records(part.iter());
                parts.settle();
            }
        }
    }
    Ok(())
}

/// Whether the store will never take these records.
pub(crate) const fn is_refusal(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::Rejected | ErrorKind::Corrupt | ErrorKind::Unsupported)
}

fn records<'a>(occurrences: impl Iterator<Item = &'a NewOccurrence>) -> u64 {
    occurrences.map(|occurrence| u64::from(occurrence.repeats())).sum()
}

/// How many records a batch has added to the store.
fn recorded_records(recorded: &ticket_core::backend::Recorded) -> u64 {
    recorded.updates.iter().map(|update| update.added).sum()
}

fn contents(path: PathBuf) -> io::Result<Contents> {
    let mut contents = Contents { live: is_live(&path)?, ..Contents::default() };
    for segment in segments(&path)? {
        let bytes = match fs::read(&segment.path) {
            Ok(bytes) => bytes,
            // Recorded meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        contents.segments += 1;
        let len = bytes.len();
        match Cursor::new(bytes) {
            Some(cursor) => {
                let counted = cursor.count();
                contents.bytes += counted.offset() as u64;
                contents.records += counted.records as u64;
                contents.damaged += counted.damage.damaged;
            }
            None => {
                contents.bytes += len as u64;
                contents.foreign += 1;
            }
        }
    }
    contents.path = path;
    Ok(contents)
}

fn existing(spool: &Path) -> Result<Vec<PathBuf>> {
    if !spool.is_dir() {
        return Err(Error::config(format!("there is no folder {}", spool.display())));
    }
    folders(spool).map_err(|error| unreadable(spool, error))
}

fn unreadable(spool: &Path, error: io::Error) -> Error {
    let text = format!("the spool {} cannot be read", spool.display());
    Error::new(ErrorKind::Unavailable, "spool", text).with_source(error)
}
