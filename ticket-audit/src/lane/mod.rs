//! A [`Lane`]: one handler with its queue and its thread.
//!
//! ```text
//! guards ── steps ──▶ queue of lane A ──▶ thread of lane A: sessions, one for each open request ──▶ handler A
//!                └──▶ queue of lane B ──▶ thread of lane B ─────────────────────────────────────▶ handler B
//! ```
//!
//! **Why a thread for each handler.** A handler may block: on a file, a terminal that is stopped, a driver without
//! async. No other code can interrupt that or carry on its thread's work. With a thread for each handler a blocked
//! one takes nobody along. It costs a stack for each registered handler and nothing for each request.
//!
//! **Why the lanes wait for each other nevertheless.** Handlers are called in the order of registration, and at ends in
//! reverse. So a lane waits until the one before it is done with the same step of the same request
//! ([`turn`]), but not for long, and not at all for a lane that is known to be behind. Other requests of the waiting
//! lane go on meanwhile.
//!
//! **Why guards rarely wake a lane.** Waking a thread is a system call, which would cost a request more than
//! everything else here. A lane that has just worked looks into its queue again after [`PAUSE`] by itself; only
//! one that found nothing sleeps until it is woken.

mod call;
mod flush;
mod session;
mod slots;
mod step;
mod turn;
mod worker;

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::mem;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

pub(crate) use self::flush::Flush;
use self::slots::Slots;
pub(crate) use self::step::{Audience, Begun, Delivery, RequestResult, Step, What};
use crate::handler::EventHandler;
use crate::stats::{Counters, HandlerStats};
use crate::sync::{AtomicBool, Mutex, Notify, lock, thread_local, timeout};

/// After this time a lane that has just worked looks into its queue again.
///
/// Where all cores are busy, a lane that works delays the request that needs its core. The longer the pause, the fewer
/// requests are delayed: of 15,000 a second on one connection, one in 300.
pub(crate) const PAUSE: Duration = Duration::from_millis(20);

thread_local! {
    static IN_LANE: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

/// Returns `true` on the thread of a lane: what a handler does is not audited, or auditing it would go on forever.
pub(crate) fn in_lane() -> bool {
    IN_LANE.with(std::cell::Cell::get)
}

/// The process in which the first handler was started.
static HOME: OnceLock<Option<forkguard::Guard>> = OnceLock::new();

/// Returns `true` in a forked child of the process that has the threads of the handlers. There nothing may be queued or
/// waited for: a lock that another thread held at the fork stays locked forever.
pub(crate) fn in_forked_child() -> bool {
    // A clone, because a guard reports a fork only once.
    let has_forked = |home: &forkguard::Guard| home.clone().detected_fork();
    HOME.get().and_then(Option::as_ref).is_some_and(has_forked)
}

/// The limits of a lane.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) call_deadline: Duration,
    pub(crate) capacity: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { call_deadline: Duration::from_secs(5), capacity: 16_384 }
    }
}

/// One registration of a handler. When it is dropped, its thread ends.
pub(crate) struct Lane {
    shared: Arc<Shared>,
}

/// The state that guards share with the lane's thread.
struct Shared {
    /// The type of the handler.
    name: &'static str,
    queue: Mutex<Queue>,
    wake: Notify,
    slots: Arc<Slots>,
    call_deadline: Duration,
    reports_failures: bool,
    /// Whether other lanes have waited for this one in vain, and it has not caught up yet.
    is_behind: AtomicBool,
    counters: Counters,
}

#[derive(Default)]
struct Queue {
    messages: VecDeque<Message>,
    /// Whether the thread sleeps until it is woken.
    is_asleep: bool,
    is_closed: bool,
}

enum Message {
    Step(Delivery),
    /// Ends all requests and events that are open.
    EndOpen,
    /// Signals when everything before it is done.
    Flush(Arc<Flush>),
}

impl Lane {
    /// Starts the thread of a handler.
    ///
    /// # Errors
    ///
    /// The operating system cannot provide the thread or its runtime.
    pub(crate) fn start<H: EventHandler>(handler: H, limits: Limits) -> io::Result<Self> {
        HOME.get_or_init(|| forkguard::Guard::try_new().ok());
        let shared = Arc::new(Shared {
            name: std::any::type_name::<H>(),
            queue: Mutex::new(Queue::default()),
            wake: Notify::new(),
            slots: Arc::new(Slots::new(limits.capacity)),
            call_deadline: limits.call_deadline,
            reports_failures: handler.reports_failures(),
            is_behind: AtomicBool::new(false),
            counters: Counters::default(),
        });
        worker::spawn(Arc::clone(&shared), Arc::new(handler))?;
        Ok(Self { shared })
    }

    /// Reserves the room for a request and its end.
    pub(crate) fn admit_request(&self) -> bool {
        self.admit(&self.shared.counters.skipped_requests)
    }

    /// Reserves the room for an event and its end.
    pub(crate) fn admit_event(&self) -> bool {
        self.admit(&self.shared.counters.skipped_events)
    }

    fn admit(&self, skipped: &crate::sync::AtomicU64) -> bool {
        let is_admitted = self.shared.slots.take_pair();
        if !is_admitted {
            skipped.fetch_add(1, Relaxed);
        }
        is_admitted
    }

    fn slots(&self) -> Arc<Slots> {
        Arc::clone(&self.shared.slots)
    }

    fn push(&self, delivery: Delivery) {
        self.shared.push(Message::Step(delivery), false);
    }

    /// Ends all requests and events that are open now.
    pub(crate) fn end_open(&self) {
        self.shared.push(Message::EndOpen, true);
    }

    /// Asks for a signal when everything so far is done.
    pub(crate) fn flush(&self, flush: Arc<Flush>) {
        self.shared.push(Message::Flush(flush), true);
    }

    fn is_behind(&self) -> bool {
        self.shared.is_behind.load(Relaxed)
    }

    fn fall_behind(&self) {
        self.shared.is_behind.store(true, Relaxed);
    }

    pub(crate) fn reports_failures(&self) -> bool {
        self.shared.reports_failures
    }

    pub(crate) fn stats(&self) -> HandlerStats {
        self.shared.stats()
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        if in_forked_child() {
            return;
        }
        // Every queued step holds its lanes, so the queue is empty by now.
        lock(&self.shared.queue).is_closed = true;
        self.shared.wake.notify_one();
    }
}

impl fmt::Debug for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lane").field("handler", &self.shared.name).finish_non_exhaustive()
    }
}

impl Shared {
    fn push(&self, message: Message, is_urgent: bool) {
        let mut queue = lock(&self.queue);
        queue.messages.push_back(message);
        let is_asleep = mem::take(&mut queue.is_asleep);
        // In a busy program the queue may not have room for what comes in during the pause.
        let is_filling = queue.messages.len() == self.slots.capacity() / 4;
        drop(queue);
        if is_asleep || is_urgent || is_filling {
            self.wake.notify_one();
        }
    }

    /// Takes up to `max` messages; `None` once the lane is closed.
    fn take(&self, max: usize) -> Option<VecDeque<Message>> {
        let mut queue = lock(&self.queue);
        if queue.messages.len() > max {
            return Some(queue.messages.drain(..max).collect());
        }
        if queue.messages.is_empty() && queue.is_closed {
            return None;
        }
        Some(mem::take(&mut queue.messages))
    }

    /// Waits for messages. If there were none at the last look, sleeps until there are.
    async fn wait(&self, was_empty: bool) {
        if !was_empty {
            let _ = timeout(PAUSE, self.wake.notified()).await;
            return;
        }
        {
            let mut queue = lock(&self.queue);
            if !queue.messages.is_empty() || queue.is_closed {
                return;
            }
            queue.is_asleep = true;
        }
        self.wake.notified().await;
    }

    fn stats(&self) -> HandlerStats {
        self.counters.snapshot(self.name, self.slots.used())
    }
}

#[cfg(all(test, not(ticket_shuttle)))]
mod tests {
    use std::pin::pin;

    use futures::FutureExt as _;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_queue_that_is_a_quarter_full_wakes_its_lane_before_the_pause_is_over() {
        let shared = Shared {
            name: "handler",
            queue: Mutex::new(Queue::default()),
            wake: Notify::new(),
            slots: Arc::new(Slots::new(64)),
            call_deadline: Limits::default().call_deadline,
            reports_failures: false,
            is_behind: AtomicBool::new(false),
            counters: Counters::default(),
        };
        // The lane has just worked, so it pauses. No time passes here.
        let mut waiting = pin!(shared.wait(false));
        for queued in 1..=16 {
            assert!((&mut waiting).now_or_never().is_none(), "woken by {} of 64", queued - 1);
            shared.push(Message::EndOpen, false);
        }
        assert!((&mut waiting).now_or_never().is_some(), "16 of 64 do not wake it");
    }
}
