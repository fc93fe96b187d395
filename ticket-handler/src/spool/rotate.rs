//! Opening segments and sealing them.

use std::sync::PoisonError;

use super::budget::Kind;
use super::disk::take_number;
use super::header::HEADER;
use super::segment::{Active, Segment};
use super::{LANES, Spool, State};
use crate::sync::Instant;

impl Spool {
    /// Opens a new active segment with room for an entry of `len` bytes, and seals the one before.
    ///
    /// # Errors
    ///
    /// Returns where there is no room for it.
    pub(super) fn open(&self, state: &mut State, lane: usize, len: u64) -> Result<(), Kind> {
        // Another thread may have opened one while this one waited for the lock.
        if self.lane(lane).as_ref().is_some_and(|active| active.fits(len, self.segment_bytes)) {
            return Ok(());
        }
        let on_disk = state.disk.as_ref().is_some_and(|disk| disk.is_due(Instant::now()));
        let kind = if on_disk { Kind::Disk } else { Kind::Memory };
        let budget = self.budget(kind);
        if !budget.has(HEADER + len) || !budget.reserve(HEADER) {
            return Err(kind);
        }
        let State { disk, next_number, buffers, .. } = state;
        let active = match disk.as_mut().filter(|_| on_disk) {
            None => {
                let new = || Vec::with_capacity(usize::try_from(self.segment_bytes).unwrap_or(0));
                Active::in_memory(take_number(next_number), buffers.pop().unwrap_or_else(new))
            }
            Some(disk) => match disk.create(next_number, self.config.sync) {
                Ok(active) => active,
                Err(error) => {
                    budget.free(HEADER);
                    self.note(state, &error);
                    // The disk is left alone for a while, so the next attempt opens a segment in memory.
                    return Ok(());
                }
            },
        };
        let before =
            self.lanes[lane].write().unwrap_or_else(PoisonError::into_inner).replace(active);
        self.keep(state, lane, before);
        if on_disk {
            // The worker prepares the next segment.
            self.wake.notify_one();
        }
        Ok(())
    }

    /// Seals the active segment of a lane.
    pub(super) fn seal(&self, state: &mut State, lane: usize) {
        // Taking the lock for writing waits for the threads that are appending.
        let active = self.lanes[lane].write().unwrap_or_else(PoisonError::into_inner).take();
        self.keep(state, lane, active);
    }

    pub(super) fn seal_all(&self, state: &mut State) {
        (0..LANES).for_each(|lane| self.seal(state, lane));
    }

    pub(super) fn keep(&self, state: &mut State, lane: usize, active: Option<Active>) {
        let Some(segment) = active.map(|active| active.seal(lane)) else { return };
        if segment.kind() == Kind::Disk {
            state.longest = state.longest.max(segment.bytes);
        }
        if segment.entries == 0 {
            state.buffers.extend(self.forget(&segment));
        } else {
            state.sealed.insert(segment.number, segment);
        }
    }

    /// Handles a failed write: seals the segment on disk, so that the next one is in memory.
    pub(super) fn failed(&self, state: &mut State, lane: usize, error: &std::io::Error) {
        self.note(state, error);
        if self.lane(lane).as_ref().is_some_and(|active| active.kind() == Kind::Disk) {
            self.seal(state, lane);
        }
    }

    /// Removes a segment, frees its bytes and returns its buffer if it was in memory.
    pub(super) fn forget(&self, segment: &Segment) -> Option<Vec<u8>> {
        self.budget(segment.kind()).free(segment.bytes);
        segment.remove()
    }
}
