//! What waits to be sent.

use std::collections::{HashMap, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ticket_core::TicketId;

use super::message::Message;
use crate::TicketEvent;

/// How many tickets wait at most.
const TICKETS: usize = 1_000;

/// What became of the events that a [`Notifier`](super::Notifier) was told.
///
/// Each of them is in exactly one of `sent`, `failed`, `left_out` and `waiting`. A message tells one
/// event or more.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct NotifierStats {
    /// Told by a message that the receiver took.
    pub sent: u64,
    /// Given up after the last try.
    pub failed: u64,
    /// Not told: beyond the messages of an hour, more tickets than can wait, or the end of the program.
    pub left_out: u64,
    /// Waiting, or on their way.
    pub waiting: u64,
    /// Why the last one of those that failed did.
    pub last_error: Option<String>,
}

#[derive(Debug, Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    /// Something has come, or gone.
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    order: VecDeque<TicketId>,
    messages: HashMap<TicketId, Message>,
    stats: NotifierStats,
    closed: Option<Instant>,
}

impl Queue {
    pub(super) fn push(&self, event: &TicketEvent) {
        let mut state = self.lock();
        if let Some(message) = state.messages.get_mut(&event.ticket_id) {
            message.add(event);
        } else if state.order.len() == TICKETS || state.closed.is_some() {
            state.stats.left_out += 1;
            return;
        } else {
            state.order.push_back(event.ticket_id);
            state.messages.insert(event.ticket_id, Message::new(event));
        }
        state.stats.waiting += 1;
        drop(state);
        self.changed.notify_all();
    }

    /// Waits for the next message; `None` when there will be none any more.
    pub(super) fn next(&self, closing: Duration) -> Option<Message> {
        let state = self.lock();
        let waits = |state: &mut State| state.order.is_empty() && state.closed.is_none();
        let mut state =
            self.changed.wait_while(state, waits).unwrap_or_else(PoisonError::into_inner);
        if state.closed.is_some_and(|since| since.elapsed() > closing) {
            state.order.clear();
            state.messages.clear();
            state.stats.left_out += std::mem::take(&mut state.stats.waiting);
        }
        let next = state.order.pop_front()?;
        state.messages.remove(&next)
    }

    /// Waits for so long; `false` at once, or before that, if the end comes first.
    pub(super) fn pause(&self, pause: Duration, closing: Duration) -> bool {
        let until = Instant::now() + pause;
        let mut state = self.lock();
        loop {
            let end = state.closed.map_or(until, |since| until.min(since + closing));
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return end == until;
            }
            let waited = self.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    pub(super) fn settle(&self, events: u64, result: Result<(), String>) {
        let mut state = self.lock();
        state.stats.waiting -= events;
        match result {
            Ok(()) => state.stats.sent += events,
            Err(error) => {
                state.stats.failed += events;
                state.stats.last_error = Some(error);
            }
        }
        drop(state);
        self.changed.notify_all();
    }

    pub(super) fn leave_out(&self, events: u64, error: Option<String>) {
        let mut state = self.lock();
        state.stats.waiting -= events;
        state.stats.left_out += events;
        state.stats.last_error = error.or_else(|| state.stats.last_error.take());
        drop(state);
        self.changed.notify_all();
    }

    /// Waits until everything that is there now is settled; answers with what is not by then.
    pub(super) fn flush(&self, deadline: Duration) -> Result<(), u64> {
        let until = Instant::now() + deadline;
        let mut state = self.lock();
        // Settled are counted up to here: what comes later is not waited for.
        let settled = |stats: &NotifierStats| stats.sent + stats.failed + stats.left_out;
        let aim = settled(&state.stats) + state.stats.waiting;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if settled(&state.stats) >= aim || state.stats.waiting == 0 {
                return Ok(());
            }
            if left.is_zero() {
                return Err(state.stats.waiting);
            }
            let waited = self.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    pub(super) fn stats(&self) -> NotifierStats {
        self.lock().stats.clone()
    }

    pub(super) fn close(&self) {
        self.lock().closed = Some(Instant::now());
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const HOUR: Duration = Duration::from_secs(3_600);

/// How many messages an hour may still have.
#[derive(Debug)]
pub(super) struct Cap {
    per_hour: u32,
    start: Option<Instant>,
    used: u32,
    is_told: bool,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Admission {
    Send,
    /// Say once that there is no more for so long.
    Notice(Duration),
    LeaveOut,
}

impl Cap {
    pub(super) const fn new(per_hour: u32) -> Self {
        Self { per_hour, start: None, used: 0, is_told: false }
    }

    pub(super) const fn per_hour(&self) -> u32 {
        self.per_hour
    }

    pub(super) fn admit(&mut self, now: Instant) -> Admission {
        let start = match self.start.filter(|start| now.duration_since(*start) < HOUR) {
            Some(start) => start,
            None => {
                *self = Self { start: Some(now), ..Self::new(self.per_hour) };
                now
            }
        };
        if self.used < self.per_hour {
            self.used += 1;
            Admission::Send
        } else if !self.is_told {
            self.is_told = true;
            Admission::Notice(HOUR.saturating_sub(now.duration_since(start)))
        } else {
            Admission::LeaveOut
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_has_so_many_messages_and_one_that_says_so() {
        let start = Instant::now();
        let mut cap = Cap::new(2);
        let mut at = |seconds| cap.admit(start + Duration::from_secs(seconds));
        assert_eq!(at(0), Admission::Send);
        assert_eq!(at(10), Admission::Send);
        assert_eq!(at(20), Admission::Notice(Duration::from_secs(3_580)));
        assert_eq!(at(30), Admission::LeaveOut);
        assert_eq!(at(3_599), Admission::LeaveOut);
        assert_eq!(at(3_600), Admission::Send);
        assert_eq!(at(3_601), Admission::Send);
        assert_eq!(at(3_700), Admission::Notice(Duration::from_secs(3_500)));
        assert_eq!(at(99_999), Admission::Send);
    }
}
