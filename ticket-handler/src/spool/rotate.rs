//! Making segments, and sealing them.

use std::sync::PoisonError;

use super::budget::Kind;
use super::disk::take_number;
use super::header::HEADER;
use super::segment::{Active, Segment};
use super::{LANES, Spool, State};
use crate::sync::Instant;

impl Spool {
    /// Makes a new active segment that has room for an entry of `len` bytes; the one before is sealed.
    ///
    /// # Errors
    ///
    /// Where there is no room for it.
    pub(super) fn open(&self, state: &mut State, lane: usize, len: u64) -> Result<(), Kind> {
        // A thread that was here before may have made one.
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
                    // The disk has to wait now: memory is next.
                    return Ok(());
                }
            },
        };
        let before =
            self.lanes[lane].write().unwrap_or_else(PoisonError::into_inner).replace(active);
        self.keep(state, lane, before);
        if on_disk {
            // To make the next one.
            self.wake.notify_one();
        }
        Ok(())
    }

    /// Seals the active segment of a lane.
    pub(super) fn seal(&self, state: &mut State, lane: usize) {
        // Waits for those who are appending to it.
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

    /// The disk did not take an entry: its segment is closed, and memory is next.
    pub(super) fn failed(&self, state: &mut State, lane: usize, error: &std::io::Error) {
        self.note(state, error);
        if self.lane(lane).as_ref().is_some_and(|active| active.kind() == Kind::Disk) {
            self.seal(state, lane);
        }
    }

    /// Removes a segment, and frees its bytes. Answers with its buffer.
    pub(super) fn forget(&self, segment: &Segment) -> Option<Vec<u8>> {
        self.budget(segment.kind()).free(segment.bytes);
        segment.remove()
    }
}
