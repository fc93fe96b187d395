//! A spool without a handler: listing and draining it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use ticket_core::backend::NewOccurrence;
use ticket_core::{BackendBase, Error, ErrorKind, Result};

use super::adopt::Orphan;
use super::cursor::{Cursor, Damage};
use super::folder::{folders, is_live, segments};
use super::{BATCH, DeadLetters};
use crate::chunks::{Chunks, records};

/// The contents of one process's folder in a spool.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Contents {
    /// The folder.
    pub path: PathBuf,
    /// Whether the process is alive; it then records the contents by itself.
    pub live: bool,
    /// The number of segments; a living process keeps one ready for its next records.
    pub segments: usize,
    /// The number of records in them.
    pub records: u64,
    /// The bytes of their entries, without the zeros of files filled in advance.
    pub bytes: u64,
    /// The number of damaged places.
    pub damaged: u64,
    /// The number of segments of another version.
    pub foreign: usize,
}

/// The result of [`drain`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Drained {
    /// Recorded, and new to the store.
    pub recorded: u64,
    /// Sent, and already in the store.
    pub duplicates: u64,
    /// Refused by the store and moved to the spool's `dead-letter.jsonl`.
    pub rejected: u64,
    /// Incomplete entries: the process was killed while it wrote them.
    pub torn: u64,
    /// Damaged places. Their segments are renamed to `*.corrupt`.
    pub damaged: u64,
    /// The number of folders that were emptied and removed.
    pub folders: usize,
    /// Folders that are left: living processes own them, or their segments have another version.
    pub left: Vec<PathBuf>,
}

/// Lists the contents of a spool, folder by folder. Changes nothing.
///
/// # Errors
///
/// [`ErrorKind::Config`] if the path is not a folder, [`ErrorKind::Unavailable`] if it cannot be read.
pub fn list(spool: &Path) -> Result<Vec<Contents>> {
    let paths = existing(spool)?;
    paths.into_iter().map(|path| contents(path).map_err(|error| unreadable(spool, error))).collect()
}

/// Records what dead processes have left in a spool, and removes it. Folders of living processes are
/// left alone and named in the result.
///
/// It may be interrupted at any point and called again.
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
/// [`ErrorKind::Config`] if the path is not a folder, [`ErrorKind::Unavailable`] if it cannot be read, and
/// the store's errors, except that it refuses records. Whatever is not recorded then is still in the spool.
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
            let batch = orphan.batch(BATCH).map_err(|error| unreadable(spool, error))?;
            if batch.is_empty() {
                break;
            }
            record(batch, backend, &letters, &mut done).await?;
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
    occurrences: Vec<NewOccurrence>,
    backend: &dyn BackendBase,
    letters: &DeadLetters,
    done: &mut Drained,
) -> Result<()> {
    let (mut chunks, repeated) = Chunks::new(occurrences);
    done.duplicates += repeated as u64;
    while let Some(chunk) = chunks.next().cloned() {
        let sent = records(&chunk) as u64;
        match backend.record_tickets(chunk.clone()).await {
            Ok(recorded) => {
                let new = sent.min(recorded.updates.iter().map(|update| update.added).sum());
                done.recorded += new;
                done.duplicates += sent - new;
                chunks.settle();
            }
            Err(error) if !is_refusal(error.kind()) => return Err(error),
            Err(_) if chunks.halve() => {}
            Err(error) => {
                for refused in &chunk {
                    letters.add(refused, error.message()).map_err(|error| {
                        let text = "cannot write the file of refused records";
                        Error::new(ErrorKind::Unavailable, "spool", text).with_source(error)
                    })?;
                }
                done.rejected += sent;
                chunks.settle();
            }
        }
    }
    Ok(())
}

/// Returns `true` if the store will never accept these records.
pub(crate) const fn is_refusal(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::Rejected | ErrorKind::Corrupt | ErrorKind::Unsupported)
}

fn contents(path: PathBuf) -> io::Result<Contents> {
    let mut contents = Contents { live: is_live(&path)?, ..Contents::default() };
    for segment in segments(&path)? {
        let bytes = match fs::read(&segment.path) {
            Ok(bytes) => bytes,
            // Recorded and removed meanwhile.
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
        return Err(Error::config(format!("{} is not a folder", spool.display())));
    }
    folders(spool).map_err(|error| unreadable(spool, error))
}

fn unreadable(spool: &Path, error: io::Error) -> Error {
    let text = format!("cannot read the spool {}", spool.display());
    Error::new(ErrorKind::Unavailable, "spool", text).with_source(error)
}
