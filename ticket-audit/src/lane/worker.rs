//! The thread of a lane.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::future::poll_fn;
use std::io;
use std::mem;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::Poll;

use futures::FutureExt as _;
use futures::future::{BoxFuture, Either, select};
use futures::stream::{FuturesUnordered, StreamExt as _};

use super::session::{self, Lost, Session};
use super::step::{Delivery, What};
use super::{Flush, IN_LANE, Message, Shared};
use crate::handler::EventHandler;
use crate::panics;
use crate::report::Reporter;
use crate::sync::{Instant, mpsc, runtime, stderr, thread};

/// How many messages are handled before calls that wait get a turn.
const BATCH: usize = 256;

/// How many calls may wait at a time. What comes after them stays in the queue: a handler that hangs costs the program a
/// timer and a future for each of these calls, and not for every request. They reach their deadline together, and what the
/// lane does then delays requests if all cores are busy.
const CALLS: usize = 256;

/// Starts the thread of a handler.
///
/// # Errors
///
/// The operating system cannot provide the thread or its runtime.
pub(super) fn spawn<H: EventHandler>(shared: Arc<Shared>, handler: Arc<H>) -> io::Result<()> {
    let (started, start) = mpsc::sync_channel(1);
    thread::Builder::new().name("ticket-audit".to_owned()).spawn(move || {
        IN_LANE.with(|is_in| is_in.set(true));
        // The runtime is built on this thread because it has to be dropped on it: dropping it in an
        // asynchronous context of the application would panic.
        let runtime = match runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => return drop(started.send(Err(error))),
        };
        let _ = started.send(Ok(()));
        let worker = Worker {
            shared,
            open: move || session::open(&handler),
            sessions: HashMap::new(),
            waiting: FuturesUnordered::new(),
            generation: 0,
            outstanding: BTreeMap::new(),
            flushes: VecDeque::new(),
            reporter: Reporter::default(),
        };
        runtime.block_on(worker.work());
        // Not `drop`, which would wait for blocking tasks of the handler without a limit.
        runtime.shutdown_background();
    })?;
    start.recv().unwrap_or_else(|_| Err(io::Error::other("the thread ended at once")))
}

/// What the thread of a lane owns.
struct Worker<O> {
    shared: Arc<Shared>,
    /// Opens a session.
    open: O,
    /// The open requests, by their numbers.
    sessions: HashMap<u64, Seat>,
    /// The calls that wait for something.
    waiting: FuturesUnordered<BoxFuture<'static, Handled>>,
    /// The number of flushes so far: a flush waits for what was taken from the queue in its own and in earlier
    /// generations.
    generation: u64,
    /// The number of deliveries that are not done, by generation.
    outstanding: BTreeMap<u64, usize>,
    flushes: VecDeque<(u64, Arc<Flush>)>,
    reporter: Reporter,
}

/// The place of a session.
enum Seat {
    /// No call is under way.
    Free(Box<dyn Session>),
    /// A call is under way and has the session; these come after it.
    Taken(VecDeque<(u64, Delivery)>),
}

/// A step that a session has handled.
struct Handled {
    request: u64,
    generation: u64,
    is_last: bool,
    session: Box<dyn Session>,
}

impl<O: Fn() -> Box<dyn Session>> Worker<O> {
    /// Works until the lane is closed. The handler is dropped at the end, while it still has its runtime.
    async fn work(mut self) {
        loop {
            let room = CALLS.saturating_sub(self.waiting.len()).min(BATCH);
            let Some(messages) = self.shared.take(room) else { break };
            let count = messages.len();
            for message in messages {
                self.take_message(message);
            }
            self.signal_flushes();
            if count < room && self.waiting.is_empty() {
                self.shared.is_behind.store(false, Relaxed);
            }
            self.reporter.tick(Instant::now(), &self.shared.stats(), &mut stderr());
            let mut handled = if room == 0 {
                self.waiting.next().await
            } else if count == room {
                yield_now().await;
                self.waiting.next().now_or_never().flatten()
            } else if self.waiting.is_empty() {
                self.shared.wait(count == 0).await;
                None
            } else {
                let wait = pin!(self.shared.wait(count == 0));
                match select(self.waiting.next(), wait).await {
                    Either::Left((handled, _)) => handled,
                    Either::Right(_) => None,
                }
            };
            // Calls that began together end together if they reach their deadline.
            let mut left = BATCH;
            while let Some(ended) = handled.take() {
                self.resume(ended);
                left -= 1;
                if left > 0 {
                    handled = self.waiting.next().now_or_never().flatten();
                }
            }
        }
    }

    fn take_message(&mut self, message: Message) {
        match message {
            Message::Step(delivery) => self.deliver(delivery),
            Message::EndOpen => {
                let requests: Vec<u64> = self.sessions.keys().copied().collect();
                for request in requests {
                    self.deliver(Delivery::alone(request, What::EndOpen));
                }
            }
            Message::Flush(flush) => {
                self.flushes.push_back((self.generation, flush));
                self.generation += 1;
            }
        }
    }

    fn deliver(&mut self, delivery: Delivery) {
        let request = delivery.step.request;
        let seat = match self.sessions.entry(request) {
            Entry::Occupied(seat) => seat.into_mut(),
            Entry::Vacant(seat) => seat.insert(Seat::Free((self.open)())),
        };
        match mem::replace(seat, Seat::Taken(VecDeque::new())) {
            Seat::Free(session) => self.run(session, self.generation, delivery),
            Seat::Taken(mut later) => {
                *self.outstanding.entry(self.generation).or_default() += 1;
                later.push_back((self.generation, delivery));
                *seat = Seat::Taken(later);
            }
        }
    }

    /// Lets a session handle a step, and then those that came after it, until one has to wait.
    fn run(&mut self, session: Box<dyn Session>, generation: u64, delivery: Delivery) {
        let mut next = Some((session, generation, delivery));
        while let Some((session, generation, delivery)) = next.take() {
            let mut handling = handle(Arc::clone(&self.shared), session, generation, delivery);
            // Most handlers are done at once, and then nothing has to be scheduled.
            match (&mut handling).now_or_never() {
                Some(handled) => next = self.settle(handled),
                None => {
                    *self.outstanding.entry(generation).or_default() += 1;
                    self.waiting.push(handling);
                }
            }
        }
    }

    /// Continues with a session whose step has been waited for.
    fn resume(&mut self, handled: Handled) {
        self.no_longer_outstanding(handled.generation);
        if let Some((session, generation, delivery)) = self.settle(handled) {
            self.run(session, generation, delivery);
        }
    }

    /// Puts a session back, and returns it instead if there is a next step for it.
    fn settle(&mut self, handled: Handled) -> Option<(Box<dyn Session>, u64, Delivery)> {
        let Handled { request, is_last, session, .. } = handled;
        if is_last {
            // Only the ends of a program can come after it, and they find nothing to end.
            if let Some(Seat::Taken(later)) = self.sessions.remove(&request) {
                for (generation, _) in later {
                    self.no_longer_outstanding(generation);
                }
            }
            self.discard(session);
            return None;
        }
        let seat = self.sessions.get_mut(&request)?;
        if let Seat::Taken(later) = seat
            && let Some((generation, delivery)) = later.pop_front()
        {
            self.no_longer_outstanding(generation);
            return Some((session, generation, delivery));
        }
        *seat = Seat::Free(session);
        None
    }

    /// Drops a session, whose contexts may panic.
    fn discard(&self, session: Box<dyn Session>) {
        if let Err(text) = panics::catch(|| drop(session)) {
            self.shared.counters.panicked(&text);
        }
    }

    fn no_longer_outstanding(&mut self, generation: u64) {
        if let Some(count) = self.outstanding.get_mut(&generation) {
            *count -= 1;
            if *count == 0 {
                self.outstanding.remove(&generation);
            }
        }
    }

    /// Signals the flushes that have nothing to wait for any more.
    fn signal_flushes(&mut self) {
        while let Some((generation, flush)) = self.flushes.front() {
            if self.outstanding.first_key_value().is_some_and(|(oldest, _)| oldest <= generation) {
                break;
            }
            flush.done();
            self.flushes.pop_front();
        }
    }
}

/// Lets a session handle a step when the lane's turn has come.
fn handle(
    shared: Arc<Shared>,
    mut session: Box<dyn Session>,
    generation: u64,
    delivery: Delivery,
) -> BoxFuture<'static, Handled> {
    Box::pin(async move {
        let request = delivery.step.request;
        let is_last = matches!(delivery.step.what, What::RequestEnd(_));
        let handling = async {
            delivery.wait_for_turn().await;
            session.handle(&delivery.step, &shared).await;
            session
        };
        // Calls are caught where they are made. What is left are the destructors of contexts.
        let session = AssertUnwindSafe(handling).catch_unwind().await.unwrap_or_else(|panic| {
            shared.counters.panicked(&panics::text(panic));
            Box::new(Lost)
        });
        Handled { request, generation, is_last, session }
    })
}

/// Lets the tasks that the handler has spawned run.
async fn yield_now() {
    let mut has_yielded = false;
    poll_fn(|context| {
        if mem::replace(&mut has_yielded, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
