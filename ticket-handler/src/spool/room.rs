//! Making room: the least severe records go first, and among those the oldest.

use super::budget::Kind;
use super::header::HEADER;
use super::segment::Item;
use super::{LANES, Spool, State};
use crate::sync::{subtract, subtract_bytes};

impl Spool {
    /// Makes room for `need` bytes and returns how many records had to go.
    ///
    /// Returns `None`, and drops nothing, if that cannot free enough: more severe records and first
    /// occurrences of new tickets are never dropped.
    pub(super) fn make_room(
        &self,
        state: &mut State,
        lane: usize,
        item: Item<'_>,
        kind: Kind,
        need: u64,
    ) -> Option<usize> {
        let lanes = if item.first { LANES } else { lane + 1 };
        let budget = self.budget(kind);
        let sealed = state.sealed.values().filter(|of| of.lane < lanes && of.kind() == kind);
        let sealed: u64 = sealed.map(|segment| segment.yields()).sum();
        let active: u64 = (0..lanes).map(|lane| self.active_yields(lane, kind)).sum();
        if budget.limit() < need || budget.used() + need > budget.limit() + sealed + active {
            return None;
        }
        let mut dropped = 0;
        while !budget.has(need) {
            let Some(number) = self.victim(state, lanes, kind) else { break };
            dropped += self.evict(state, number);
        }
        self.settled.notify_all();
        Some(dropped)
    }

    /// Returns the segment to drop first; seals it if it is still active.
    fn victim(&self, state: &mut State, lanes: usize, kind: Kind) -> Option<u64> {
        (0..lanes).find_map(|lane| {
            let oldest = |state: &State| {
                let mut all = state.sealed.values();
                all.find(|of| of.lane == lane && of.kind() == kind && of.yields() > 0)
                    .map(|segment| segment.number)
            };
            oldest(state).or_else(|| {
                if self.active_yields(lane, kind) == 0 {
                    return None;
                }
                self.seal(state, lane);
                oldest(state)
            })
        })
    }

    fn active_yields(&self, lane: usize, kind: Kind) -> u64 {
        let active = self.lane(lane);
        active.as_ref().filter(|active| active.kind() == kind).map_or(0, |active| active.yields())
    }

    /// Drops what may be dropped of a segment and returns how many records that were.
    fn evict(&self, state: &mut State, number: u64) -> usize {
        let Some(mut segment) = state.sealed.remove(&number) else { return 0 };
        let (kind, bytes) = (segment.kind(), segment.bytes);
        if segment.yields() < bytes
            && let Ok((entries, records)) = segment.compact(self.config.sync)
            && segment.entries > 0
        {
            self.budget(kind).free(bytes);
            // The compacted copy exists already, whether there is room or not.
            self.budget(segment.kind()).force(segment.bytes);
            self.discount(entries, records, bytes.saturating_sub(segment.bytes));
            state.sealed.insert(number, segment);
            return records;
        }
        // Nothing to keep; or it could not be read, and then its first occurrences are lost too.
        let records = segment.records;
        self.discount(segment.entries, records, bytes.saturating_sub(HEADER));
        self.budget(kind).free(bytes);
        // Deleting a file takes long, so the worker does it. Only one at a time is left to it: while it waits
        // for its store it deletes none, and they would pile up beyond the limit.
        if kind == Kind::Disk && state.dropped.is_none() {
            state.dropped = Some(segment);
            self.wake.notify_one();
        } else {
            state.buffers.extend(segment.remove());
        }
        records
    }

    fn discount(&self, entries: usize, records: usize, bytes: u64) {
        subtract(&self.waiting, entries);
        subtract_bytes(&self.waiting_bytes, bytes);
        subtract(&self.records, records);
    }
}
