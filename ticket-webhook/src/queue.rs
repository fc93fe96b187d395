//! The queue of messages, and the hourly limit.

use std::collections::{HashMap, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ticket_core::TicketId;
use ticket_handler::TicketEvent;

use crate::message::Message;

/// How many tickets may be queued.
const TICKETS: usize = 1_000;

/// What became of the events given to a [`Notifier`](crate::Notifier).
///
/// Each event is counted in exactly one of `sent`, `failed`, `left_out` and `waiting`. One message may
/// report several events.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct NotifierStats {
    /// Reported by a message that the receiver accepted.
    pub sent: u64,
    /// Given up, after the last attempt or because the receiver refused the message.
    pub failed: u64,
    /// Not reported: beyond the hourly limit, beyond the queue, or cut off by the end of the program.
    pub left_out: u64,
    /// Queued, or being sent.
    pub waiting: u64,
    /// The most recent failure.
    pub last_error: Option<String>,
}

#[derive(Debug, Default)]
pub(crate) struct Queue {
    state: Mutex<State>,
    /// Signals every change of the state.
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
    pub(crate) fn push(&self, event: &TicketEvent) {
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

    /// Waits for the next message; `None` once the queue is closed and empty.
    pub(crate) fn next(&self, closing: Duration) -> Option<Message> {
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

    /// Waits for `pause`; returns `false` early if the queue is closed for longer than `closing` before that.
    pub(crate) fn pause(&self, pause: Duration, closing: Duration) -> bool {
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

    pub(crate) fn settle(&self, events: u64, result: Result<(), String>) {
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

    pub(crate) fn leave_out(&self, events: u64, error: Option<String>) {
        let mut state = self.lock();
        state.stats.waiting -= events;
        state.stats.left_out += events;
        state.stats.last_error = error.or_else(|| state.stats.last_error.take());
        drop(state);
        self.changed.notify_all();
    }

    /// Waits until everything that is queued now is settled; after the deadline returns how many events are not.
    pub(crate) fn flush(&self, deadline: Duration) -> Result<(), u64> {
        let until = Instant::now() + deadline;
        let mut state = self.lock();
        // Wait until this many are settled: events queued later are not waited for.
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

    pub(crate) fn stats(&self) -> NotifierStats {
        self.lock().stats.clone()
    }

    pub(crate) fn close(&self) {
        self.lock().closed = Some(Instant::now());
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const HOUR: Duration = Duration::from_secs(3_600);

/// The hourly limit of messages.
#[derive(Debug)]
pub(crate) struct Cap {
    per_hour: u32,
    start: Option<Instant>,
    used: u32,
    is_told: bool,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    Send,
    /// Announce, once, that nothing more is sent for this long.
    Notice(Duration),
    LeaveOut,
}

impl Cap {
    pub(crate) const fn new(per_hour: u32) -> Self {
        Self { per_hour, start: None, used: 0, is_told: false }
    }

    pub(crate) const fn per_hour(&self) -> u32 {
        self.per_hour
    }

    pub(crate) fn admit(&mut self, now: Instant) -> Admission {
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
    fn an_hour_allows_the_limit_and_one_notice() {
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
