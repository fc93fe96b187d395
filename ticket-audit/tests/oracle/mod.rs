//! Event handlers that fail at random, each with an oracle that sees every call: every start that succeeded gets exactly
//! one end, with the right outcome. For the stress tests of this crate and of `ticket-tower`.
//!
//! A test prints its random seed; `TICKET_SEED` repeats one, as far as threads allow.
#![allow(clippy::unwrap_used)] // Helpers unwrap too: a panic there fails the test.
#![allow(clippy::print_stdout, reason = "the output of tests")]

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use ticket_audit::{
    BoxError, EventEnd, EventHandler, EventStart, EventTracker, RequestEnd, RequestStart,
    async_trait,
};
use tokio::runtime::Runtime;

const CAPACITY: usize = 2_048;

/// The last word of a request that may end with any outcome.
pub(crate) const ANY: &str = "any";

/// Counts the contexts that exist, so that one which is kept for ever shows.
#[derive(Debug)]
pub(crate) struct Context {
    key: String,
    alive: Arc<AtomicUsize>,
}

impl Context {
    fn new(key: &str, oracle: &Oracle) -> Self {
        oracle.alive.fetch_add(1, SeqCst);
        Self { key: key.to_owned(), alive: Arc::clone(&oracle.alive) }
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        self.alive.fetch_sub(1, SeqCst);
    }
}

/// What an oracle knows about a handler.
#[derive(Default)]
struct Oracle {
    /// The open requests whose starts have succeeded, with their open events.
    open: Mutex<HashMap<String, HashSet<u64>>>,
    alive: Arc<AtomicUsize>,
    /// The calls of `request_start` and `event_start`, including those that failed.
    request_starts: AtomicUsize,
    event_starts: AtomicUsize,
    /// The starts that succeeded, of requests and of events.
    started: AtomicUsize,
    ended: AtomicUsize,
    mistakes: Mutex<Vec<String>>,
}

impl Oracle {
    fn check(&self, is_right: bool, mistake: &str, key: &str) {
        if !is_right {
            self.mistakes.lock().unwrap().push(format!("{key}: {mistake}"));
        }
    }
}

/// A handler that fails at random, with an oracle that sees every call.
pub(crate) struct Judged {
    oracle: Arc<Oracle>,
    /// One call in so many fails; 0 for none.
    faults: u32,
}

impl Judged {
    /// Fails at random; before this, a call has told the oracle what is true of it if it fails.
    async fn maybe_fail(&self) -> Result<(), BoxError> {
        if self.faults == 0 || fastrand::u32(0..self.faults) > 0 {
            if fastrand::u32(0..64) == 0 {
                tokio::task::yield_now().await;
            }
            return Ok(());
        }
        match fastrand::u32(0..16) {
            0..7 => Err("the handler fails".into()),
            7..15 => panic!("the handler panics"),
            _ => std::future::pending().await,
        }
    }
}

#[async_trait]
impl EventHandler for Judged {
    type RequestContext = Context;
    type EventContext = Context;

    async fn request_start(&self, start: &RequestStart) -> Result<Context, BoxError> {
        let oracle = &self.oracle;
        oracle.request_starts.fetch_add(1, SeqCst);
        let context = Context::new(&start.user_request, oracle);
        self.maybe_fail().await?;
        oracle.started.fetch_add(1, SeqCst);
        let previous = oracle.open.lock().unwrap().insert(context.key.clone(), HashSet::new());
        oracle.check(previous.is_none(), "a second start", &context.key);
        Ok(context)
    }

    async fn event_start(
        &self,
        start: &EventStart,
        request: &mut Context,
    ) -> Result<Context, BoxError> {
        let oracle = &self.oracle;
        oracle.event_starts.fetch_add(1, SeqCst);
        let context = Context::new(&request.key, oracle);
        self.maybe_fail().await?;
        oracle.started.fetch_add(1, SeqCst);
        let mut open = oracle.open.lock().unwrap();
        let is_new = open.get_mut(&request.key).is_some_and(|events| events.insert(start.id));
        oracle.check(is_new, "an event of no request, or its second start", &request.key);
        Ok(context)
    }

    async fn event_end(
        &self,
        end: &EventEnd,
        request: &mut Context,
        event: Context,
    ) -> Result<(), BoxError> {
        let oracle = &self.oracle;
        oracle.ended.fetch_add(1, SeqCst);
        oracle.check(event.key == request.key, "the event of another request", &request.key);
        let was_open = {
            let mut open = oracle.open.lock().unwrap();
            open.get_mut(&request.key).is_some_and(|events| events.remove(&end.id))
        };
        oracle.check(was_open, "the end of an event that is not open", &request.key);
        self.maybe_fail().await
    }

    async fn request_end(&self, end: &RequestEnd, request: Context) -> Result<(), BoxError> {
        let oracle = &self.oracle;
        oracle.ended.fetch_add(1, SeqCst);
        let events = oracle.open.lock().unwrap().remove(&request.key);
        oracle.check(events.is_some(), "the end of a request that is not open", &request.key);
        let is_empty = events.is_none_or(|events| events.is_empty());
        oracle.check(is_empty, "the request ends before one of its events", &request.key);
        let expected = request.key.rsplit([' ', '/']).next();
        let is_right = expected.is_some_and(|of| of == end.outcome.as_str() || of == ANY);
        oracle.check(is_right, &format!("it ended as {}", end.outcome), &request.key);
        self.maybe_fail().await
    }
}

/// A tracker with three handlers, of which two fail, while a test lets it follow requests.
///
/// The text of each request must be unique and end with a space or a slash and the word of its outcome, or with [`ANY`].
pub(crate) struct Trial {
    pub(crate) tracker: EventTracker,
    oracles: [Arc<Oracle>; 3],
    seed: u64,
    is_over: Arc<AtomicBool>,
    watch: JoinHandle<usize>,
}

impl Trial {
    /// Starts the handlers, and silences panics, since there will be many.
    pub(crate) fn start() -> Self {
        let seed = std::env::var("TICKET_SEED").ok().and_then(|seed| seed.parse().ok());
        let seed = seed.unwrap_or_else(|| fastrand::u64(..));
        println!("TICKET_SEED={seed}");
        std::panic::set_hook(Box::new(|_| {}));

        let judged = [0, 50, 2_000].map(|faults| Judged { oracle: Arc::default(), faults });
        let oracles = judged.each_ref().map(|judged| Arc::clone(&judged.oracle));
        let mut builder = EventTracker::builder()
            .with_capacity(CAPACITY)
            .with_call_deadline(Duration::from_millis(20));
        for handler in judged {
            builder = builder.with_handler(handler);
        }
        let tracker = builder.build().unwrap();
        let is_over = Arc::new(AtomicBool::new(false));
        let watch = {
            let (tracker, is_over) = (tracker.clone(), Arc::clone(&is_over));
            let alive = oracles.each_ref().map(|oracle| Arc::clone(&oracle.alive));
            thread::spawn(move || {
                let mut most = 0;
                while !is_over.load(SeqCst) {
                    let alive = alive.iter().map(|alive| alive.load(SeqCst));
                    let queued = tracker.stats().handlers.into_iter().map(|handler| handler.queued);
                    most = alive.chain(queued).chain([most]).max().unwrap();
                    thread::sleep(Duration::from_millis(1));
                }
                most
            })
        };
        Self { tracker, oracles, seed, is_over, watch }
    }

    /// Returns a runtime whose threads use the seed.
    pub(crate) fn runtime(&self) -> Runtime {
        let seed = self.seed;
        tokio::runtime::Builder::new_multi_thread()
            .on_thread_start(move || fastrand::seed(seed))
            .build()
            .unwrap()
    }

    /// Checks that each handler got exactly one end for each start; call it when all requests have ended. Returns the number
    /// of requests.
    pub(crate) fn check(self) -> usize {
        self.tracker.blocking_flush(Duration::from_secs(120)).unwrap();
        self.is_over.store(true, SeqCst);
        let most = self.watch.join().unwrap();

        let stats = self.tracker.stats().handlers;
        let total = |oracle: &Oracle, skipped: u64| {
            oracle.request_starts.load(SeqCst) + usize::try_from(skipped).unwrap()
        };
        let requests = total(&self.oracles[0], stats[0].skipped_requests);
        for (oracle, stats) in self.oracles.iter().zip(&stats) {
            println!("{stats:?}");
            assert_eq!(*oracle.mistakes.lock().unwrap(), Vec::<String>::new());
            assert_eq!(oracle.started.load(SeqCst), oracle.ended.load(SeqCst));
            assert!(oracle.open.lock().unwrap().is_empty());
            assert_eq!((oracle.alive.load(SeqCst), stats.queued), (0, 0));
            // Every handler was told of every request, or it is counted.
            assert_eq!(total(oracle, stats.skipped_requests), requests);
            let calls = stats.calls + stats.errors + stats.panics + stats.timeouts;
            let (requests, events, ended) =
                (&oracle.request_starts, &oracle.event_starts, &oracle.ended);
            let made =
                [requests, events, ended].map(|count| count.load(SeqCst)).iter().sum::<usize>();
            assert_eq!(calls, made as u64);
        }
        assert!(stats[1].failures() > 0 && stats[2].failures() > 0);
        assert!(most <= CAPACITY, "{most} were queued or alive");
        requests
    }
}
