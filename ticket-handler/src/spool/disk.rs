//! The disk, which may fail at any moment and be well again at the next.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::folder::{Folder, NEW, SegmentFile};
use super::segment::Active;
use crate::sync::Instant;

/// How long a disk that failed is left alone.
const RETRY: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(crate) struct Disk {
    spool: PathBuf,
    folder: Option<Folder>,
    /// The next segment, made ready beside, so that nobody who emits has to make a file.
    spare: Option<Active>,
    /// Whether a segment was made since there was a spare one.
    wants_spare: bool,
    retry_at: Option<Instant>,
    error: Option<String>,
}

impl Disk {
    pub(crate) const fn new(spool: PathBuf) -> Self {
        Self { spool, folder: None, spare: None, wants_spare: false, retry_at: None, error: None }
    }

    /// The name of our own folder, if there is one.
    pub(crate) fn folder(&self) -> Option<&Path> {
        self.folder.as_ref().map(Folder::path)
    }

    /// What the last failure was, until it works again.
    pub(crate) fn error(&self) -> Option<&str> {
        self.error.as_deref()
    }

    /// Whether it is worth a try.
    pub(crate) fn is_due(&self, now: Instant) -> bool {
        self.retry_at.is_none_or(|at| at <= now)
    }

    pub(crate) fn failed(&mut self, error: &io::Error) {
        self.retry_at = Some(Instant::now() + RETRY);
        self.error = Some(format!("{}: {error}", self.spool.display()));
    }

    /// Calls `with` with the place for a segment. Whatever fails is noted.
    pub(crate) fn place<T>(
        &mut self,
        number: u64,
        mut with: impl FnMut(SegmentFile) -> io::Result<T>,
    ) -> io::Result<T> {
        let mut result = self.folder_or_new().and_then(|folder| with(folder.segment(number)));
        if let Err(error) = &result
            && error.kind() == io::ErrorKind::NotFound
        {
            // Somebody has removed our folder.
            self.folder = None;
            result = self.folder_or_new().and_then(|folder| with(folder.segment(number)));
        }
        match &result {
            Ok(_) => (self.retry_at, self.error) = (None, None),
            Err(error) => self.failed(error),
        }
        result
    }

    pub(crate) fn create(&mut self, next_number: &mut u64, sync: bool) -> io::Result<Active> {
        // To sync the folder takes longer than to make a file.
        self.wants_spare = !sync;
        if let Some(spare) = self.spare.take() {
            // Numbers tell which is older, so that no other segment may have been made since; and somebody may have
            // removed our folder.
            if spare.number() + 1 == *next_number && spare.exists() {
                return Ok(spare);
            }
            spare.seal(0).remove();
        }
        self.place(take_number(next_number), |at| Active::in_file(at, sync))
    }

    /// The place for a spare segment, if one is wanted.
    pub(crate) fn place_for_spare(&self, next_number: &mut u64) -> Option<SegmentFile> {
        let wanted = self.wants_spare && self.spare.is_none() && self.error.is_none();
        let folder = self.folder.as_ref().filter(|_| wanted)?;
        Some(folder.segment(take_number(next_number)))
    }

    pub(crate) fn keep_spare(&mut self, spare: Active) {
        (self.spare, self.wants_spare) = (Some(spare), false);
    }

    /// Writes a little, to see whether it works.
    pub(crate) fn probe(&mut self, number: u64) -> io::Result<()> {
        self.place(number, |at| {
            let probe = SegmentFile { path: at.path.with_extension(NEW), ..at };
            let _ = fs::remove_file(&probe.path);
            let path = probe.path.clone();
            Active::in_file(probe, false).and_then(|_| fs::remove_file(path))
        })
    }

    /// Makes our own folder, so that what is wrong with it is known from the start.
    pub(crate) fn prepare(&mut self) -> io::Result<()> {
        let prepared = self.folder_or_new().map(|_| ());
        if let Err(error) = &prepared {
            self.failed(error);
        }
        prepared
    }

    /// Gives the folder up: it is removed if it is empty, and else an orphan.
    pub(crate) fn leave(&mut self) {
        if let Some(spare) = self.spare.take() {
            spare.seal(0).remove();
        }
        if let Some(folder) = self.folder.take() {
            folder.remove_if_empty();
        }
    }

    fn folder_or_new(&mut self) -> io::Result<&Folder> {
        if self.folder.is_none() {
            self.folder = Some(Folder::create(&self.spool)?);
        }
        self.folder.as_ref().ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
    }
}

/// The number of a new segment.
pub(super) fn take_number(next_number: &mut u64) -> u64 {
    let number = *next_number;
    *next_number += 1;
    number
}
