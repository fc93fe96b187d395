//! The disk, which may fail at any moment and work again at the next.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::folder::{Folder, NEW, SegmentFile};
use super::segment::Active;
use crate::sync::Instant;

/// How long a failed disk is left alone.
const RETRY: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(crate) struct Disk {
    spool: PathBuf,
    folder: Option<Folder>,
    /// The next segment, prepared by the worker so that no emitting thread has to create a file.
    spare: Option<Active>,
    /// Whether the spare segment was used and the next one is not prepared yet.
    wants_spare: bool,
    retry_at: Option<Instant>,
    error: Option<String>,
}

impl Disk {
    pub(crate) const fn new(spool: PathBuf) -> Self {
        Self { spool, folder: None, spare: None, wants_spare: false, retry_at: None, error: None }
    }

    /// Returns the path of this process's folder, if it has one.
    pub(crate) fn folder(&self) -> Option<&Path> {
        self.folder.as_ref().map(Folder::path)
    }

    /// Returns the last failure, until the disk works again.
    pub(crate) fn error(&self) -> Option<&str> {
        self.error.as_deref()
    }

    /// Returns `true` unless the disk has failed within the last second.
    pub(crate) fn is_due(&self, now: Instant) -> bool {
        self.retry_at.is_none_or(|at| at <= now)
    }

    pub(crate) fn failed(&mut self, error: &io::Error) {
        self.retry_at = Some(Instant::now() + RETRY);
        self.error = Some(format!("{}: {error}", self.spool.display()));
    }

    /// Calls `with` with the place for a segment, and notes a failure.
    pub(crate) fn place<T>(
        &mut self,
        number: u64,
        mut with: impl FnMut(SegmentFile) -> io::Result<T>,
    ) -> io::Result<T> {
        let mut result = self.folder_or_new().and_then(|folder| with(folder.segment(number)));
        if let Err(error) = &result
            && error.kind() == io::ErrorKind::NotFound
        {
            // Somebody has removed the folder.
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
        // With `sync` there is no spare: syncing the folder costs more than creating the file.
        self.wants_spare = !sync;
        if let Some(spare) = self.spare.take() {
            // The spare has the number that was next when it was made. If another segment was made since, it would be
            // taken for older than that one; and somebody may have removed the folder.
            if spare.number() + 1 == *next_number && spare.exists() {
                return Ok(spare);
            }
            spare.seal(0).remove();
        }
        self.place(take_number(next_number), |at| Active::in_file(at, sync))
    }

    /// Returns the place for a spare segment, if one is wanted.
    pub(crate) fn place_for_spare(&self, next_number: &mut u64) -> Option<SegmentFile> {
        let wanted = self.wants_spare && self.spare.is_none() && self.error.is_none();
        let folder = self.folder.as_ref().filter(|_| wanted)?;
        Some(folder.segment(take_number(next_number)))
    }

    pub(crate) fn keep_spare(&mut self, spare: Active) {
        (self.spare, self.wants_spare) = (Some(spare), false);
    }

    /// Creates and removes a file to see whether the disk works.
    pub(crate) fn probe(&mut self, number: u64) -> io::Result<()> {
        self.place(number, |at| {
            let probe = SegmentFile { path: at.path.with_extension(NEW), ..at };
            let _ = fs::remove_file(&probe.path);
            let path = probe.path.clone();
            Active::in_file(probe, false).and_then(|_| fs::remove_file(path))
        })
    }

    /// Creates this process's folder, so that a failure is known from the start.
    pub(crate) fn prepare(&mut self) -> io::Result<()> {
        let prepared = self.folder_or_new().map(|_| ());
        if let Err(error) = &prepared {
            self.failed(error);
        }
        prepared
    }

    /// Gives the folder up: removes it if it is empty, and otherwise leaves it for another process to adopt.
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

/// Returns the number for a new segment.
pub(super) fn take_number(next_number: &mut u64) -> u64 {
    let number = *next_number;
    *next_number += 1;
    number
}
