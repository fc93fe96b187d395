//! Time and waiting for tests under `shuttle`, which models threads, tasks and locks but not time.
//!
//! Nothing but waiting takes time. A wait with a limit may at any step find that all of it has passed: at random,
//! and only if the test's [`Clock`] allows waits of that length to time out. So a test sees worse timing than any
//! machine has. Where no wait may time out, a missing wake-up means waiting forever, which `shuttle` reports as a
//! deadlock.

use std::future::{pending, poll_fn};
use std::ops::{Add, Sub};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, LockResult, PoisonError};
use std::task::{Poll, Waker};
use std::time::Duration;

use shuttle::rand::{Rng as _, thread_rng};
use shuttle::scheduler::{PctScheduler, RandomScheduler};
use shuttle::sync::{Mutex, MutexGuard};
use shuttle::{Config, MaxSteps, Runner, thread};

shuttle::lazy_static! {
    /// Each run of a test has a clock of its own.
    static ref CLOCK: Clock = Clock::default();
}

/// The model's clock, in nanoseconds. Its atomics come from the standard library, so that reading the clock is no step
/// of the schedule.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    now: AtomicU64,
    longest: AtomicU64,
}

impl Clock {
    /// Allows waits up to this length to time out. Without this call, none do.
    pub(crate) fn let_pass(longest: Duration) {
        CLOCK.longest.store(nanos(longest), SeqCst);
    }

    fn may_pass(&self, wait: Duration) -> bool {
        nanos(wait) <= self.longest.load(SeqCst)
    }

    /// Decides whether a wait times out now: rarely, so that most waits end by a wake-up.
    fn does_pass(&self, wait: Duration) -> bool {
        self.may_pass(wait) && thread_rng().gen_ratio(1, 8)
    }

    fn pass(&self, wait: Duration) {
        self.now.fetch_add(nanos(wait), SeqCst);
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Runs a test in this many schedules, or twenty times as many in the long form. Half of them interrupt threads at any
/// step, the others interrupt few threads but for long. Only waits up to `longest` can time out.
pub(crate) fn model(schedules: usize, longest: Duration, test: impl Fn() + Send + Sync + 'static) {
    /// The number of steps at which another thread takes over.
    const INTERRUPTED: usize = 3;
    let long = std::env::var_os("TICKET_FAULTS_LONG").is_some_and(|value| value == "1");
    let (seed, half) = if long { (fastrand::u64(..), 10 * schedules) } else { (1, schedules / 2) };
    let test = Arc::new(move || {
        Clock::let_pass(longest);
        fastrand::seed(1);
        test();
    });
    let mut config = Config::new();
    config.stack_size = 1 << 20;
    config.silence_warnings = true;
    config.max_steps = MaxSteps::FailAfter(1_000_000);
    let again = Arc::clone(&test);
    Runner::new(RandomScheduler::new_from_seed(seed, half), config.clone()).run(move || test());
    Runner::new(PctScheduler::new_from_seed(seed, INTERRUPTED, half), config).run(move || again());
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Instant(Duration);

impl Instant {
    pub(crate) fn now() -> Self {
        Self(Duration::from_nanos(CLOCK.now.load(SeqCst)))
    }

    pub(crate) fn elapsed(&self) -> Duration {
        Self::now() - *self
    }

    pub(crate) fn duration_since(&self, earlier: Self) -> Duration {
        *self - earlier
    }

    pub(crate) fn saturating_duration_since(&self, earlier: Self) -> Duration {
        *self - earlier
    }
}

impl Add<Duration> for Instant {
    type Output = Self;

    fn add(self, later: Duration) -> Self {
        Self(self.0 + later)
    }
}

impl Sub for Instant {
    type Output = Duration;

    fn sub(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

#[derive(Debug)]
pub(crate) struct Elapsed;

pub(crate) async fn timeout<F: Future>(longest: Duration, future: F) -> Result<F::Output, Elapsed> {
    let mut future = pin!(future);
    let mut has_passed = false;
    poll_fn(move |context| {
        if let Poll::Ready(output) = future.as_mut().poll(context) {
            return Poll::Ready(Ok(output));
        }
        if has_passed {
            CLOCK.pass(longest);
            // Meanwhile every other thread had its turn.
            thread::yield_now();
            return Poll::Ready(Err(Elapsed));
        }
        if CLOCK.may_pass(longest) {
            has_passed = CLOCK.does_pass(longest);
            context.waker().wake_by_ref();
        }
        Poll::Pending
    })
    .await
}

pub(crate) async fn sleep(pause: Duration) {
    let _ = timeout(pause, pending::<()>()).await;
}

/// The model of tokio's `Notify`, for one waiting task at a time.
#[derive(Debug)]
pub(crate) struct Notify(Mutex<(bool, Option<Waker>)>);

impl Notify {
    pub(crate) fn new() -> Self {
        Self(Mutex::new((false, None)))
    }

    pub(crate) fn notify_one(&self) {
        let mut state = self.0.lock().unwrap();
        state.0 = true;
        if let Some(waiting) = state.1.take() {
            waiting.wake();
        }
    }

    pub(crate) async fn notified(&self) {
        poll_fn(|context| {
            let mut state = self.0.lock().unwrap();
            if std::mem::take(&mut state.0) {
                return Poll::Ready(());
            }
            state.1 = Some(context.waker().clone());
            Poll::Pending
        })
        .await;
    }
}

/// The condition variable of `shuttle`, with waits that may time out.
#[derive(Debug, Default)]
pub(crate) struct Condvar(Arc<shuttle::sync::Condvar>);

type Waited<'a, T> = (MutexGuard<'a, T>, ());

impl Condvar {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn notify_all(&self) {
        self.0.notify_all();
    }

    pub(crate) fn wait_timeout<'a, T>(
        &self,
        guard: MutexGuard<'a, T>,
        longest: Duration,
    ) -> LockResult<Waited<'a, T>> {
        let waits = Arc::new(AtomicBool::new(true));
        if CLOCK.may_pass(longest) {
            let (condvar, waits) = (Arc::clone(&self.0), Arc::clone(&waits));
            thread::spawn(move || {
                while waits.load(SeqCst) {
                    if CLOCK.does_pass(longest) {
                        CLOCK.pass(longest);
                        condvar.notify_all();
                    }
                    thread::yield_now();
                }
            });
        }
        let waited = self.0.wait(guard);
        waits.store(false, SeqCst);
        match waited {
            Ok(guard) => Ok((guard, ())),
            Err(poisoned) => Err(PoisonError::new((poisoned.into_inner(), ()))),
        }
    }
}

/// The model of tokio's runtime; its tasks may run in parallel.
pub(crate) mod runtime {
    use std::cell::RefCell;
    use std::io;

    use shuttle::future::{self, JoinHandle};

    pub(crate) struct Builder;

    impl Builder {
        pub(crate) fn new_current_thread() -> Self {
            Self
        }

        pub(crate) fn enable_all(&mut self) -> &mut Self {
            self
        }

        pub(crate) fn on_thread_start(&mut self, _: impl Fn()) -> &mut Self {
            self
        }

        pub(crate) fn build(&mut self) -> io::Result<Runtime> {
            Ok(Runtime(RefCell::default()))
        }
    }

    pub(crate) struct Runtime(RefCell<Vec<JoinHandle<()>>>);

    impl Runtime {
        pub(crate) fn block_on<F: Future>(&self, future: F) -> F::Output {
            future::block_on(future)
        }

        pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
            self.0.borrow_mut().push(future::spawn(task));
        }

        pub(crate) fn shutdown_background(self) {
            self.0.into_inner().iter().for_each(JoinHandle::abort);
        }
    }
}
