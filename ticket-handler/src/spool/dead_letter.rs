//! The file of records that no store takes.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use ticket_core::backend::NewOccurrence;
use ticket_core::{Fingerprint, Ingredients, Record, TicketId};

const NAME: &str = "dead-letter.jsonl";
/// A file that has become so long is put behind the name of the one before it.
const ROTATE: u64 = 64 << 20;

/// A line of the spool's `dead-letter.jsonl`: a record that the store refused, and why. `ticket ingest`
/// takes such a file, and records it under the same ids.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DeadLetter {
    /// Why the store refused it.
    pub reason: String,
    /// The ticket it belongs to.
    pub ticket_id: TicketId,
    /// How many records it stands for.
    pub repeats: u32,
    /// Why it belongs to that ticket.
    pub ingredients: Ingredients,
    /// The record.
    pub record: Record,
}

impl DeadLetter {
    /// An occurrence that was refused.
    #[must_use]
    pub fn new(occurrence: &NewOccurrence, reason: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
            ticket_id: occurrence.ticket_id(),
            repeats: occurrence.repeats(),
            ingredients: occurrence.ingredients().clone(),
            record: occurrence.record().clone(),
        }
    }

    /// The occurrence, to be tried again.
    #[must_use]
    pub fn into_occurrence(self) -> NewOccurrence {
        let fingerprint = Fingerprint::from_parts(self.ticket_id, self.ingredients);
        NewOccurrence::new(self.record, fingerprint).with_repeats(self.repeats)
    }
}

/// The file, if there is a spool on disk.
#[derive(Debug)]
pub(crate) struct DeadLetters(Option<PathBuf>);

impl DeadLetters {
    pub(crate) fn new(spool: Option<PathBuf>) -> Self {
        Self(spool.map(|spool| spool.join(NAME)))
    }

    /// Adds a line. Several processes do so at once.
    pub(crate) fn add(&self, occurrence: &NewOccurrence, reason: &str) -> io::Result<()> {
        let Some(path) = &self.0 else { return Ok(()) };
        let mut line = serde_json::to_vec(&DeadLetter::new(occurrence, reason))?;
        line.push(b'\n');
        let mut options = OpenOptions::new();
        options.create(true).append(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path)?;
        if file.metadata()?.len() > ROTATE {
            fs::rename(path, path.with_extension("old.jsonl"))?;
            file = options.open(path)?;
        }
        file.write_all(&line)
    }
}
