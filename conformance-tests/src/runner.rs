//! Runs one case on a runtime of its own, under a deadline, and turns panics into failures.

use std::collections::HashMap;
use std::panic::{self, AssertUnwindSafe};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex, Once, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use futures::FutureExt;

use crate::cases::CaseEntry;
use crate::context::Context;
use crate::runtime::runtime;
use crate::subject::Subject;
use crate::watched::Calls;

const LIMITS: Limits =
    Limits { stalled: Duration::from_secs(120), total: Duration::from_secs(10 * 60) };

/// How long the cleanup after a case may take. Some servers keep what a killed process had begun for a
/// minute, and its tables locked with it.
const CLEANUP_DEADLINE: Duration = Duration::from_secs(90);

/// When a case is taken for one that hangs.
#[derive(Clone, Copy, Debug)]
struct Limits {
    /// How long no call may begin or end. A case that is only slow, because other programs have the
    /// processor or the disk, does not reach this limit. The calls of further processes are not seen: what
    /// they do between two calls of this one has to end within it.
    stalled: Duration,
    /// How long the whole case may take. Only one that repeats its calls forever reaches this limit.
    total: Duration,
}

impl Limits {
    /// Waits for the outcome of a case: whether it returned instead of panicking.
    fn wait_for(self, outcome: &Receiver<bool>, calls: &Calls) -> Result<bool, String> {
        let end = Instant::now() + self.total;
        let mut seen = calls.progress();
        loop {
            let left = end.saturating_duration_since(Instant::now());
            // This is not a timer of the runtime: a backend that blocks all of its threads must be
            // caught, too.
            if let Ok(returned) = outcome.recv_timeout(self.stalled.min(left)) {
                return Ok(returned);
            }
            if Instant::now() >= end {
                return Err(format!("did not end within {:?}", self.total));
            }
            let progress = calls.progress();
            if progress == seen {
                return Err(format!("no call began or ended for {:?}", self.stalled));
            }
            seen = progress;
        }
    }
}

pub(crate) fn run_case(entry: &CaseEntry, subject: &Arc<Subject>) -> Result<(), String> {
    run_within(LIMITS, entry, subject)
}

fn run_within(limits: Limits, entry: &CaseEntry, subject: &Arc<Subject>) -> Result<(), String> {
    let context = Context::new(Arc::clone(subject)).map_err(|error| error.to_string())?;
    let thread_name = context.case().namespace().to_owned();
    let runtime = runtime(&thread_name).map_err(|error| error.to_string())?;
    panics::watch(&thread_name);
    let (done, outcome) = mpsc::channel();
    let case = (entry.run)(context.clone());
    runtime.spawn(async move {
        let _ = done.send(AssertUnwindSafe(case).catch_unwind().await.is_ok());
    });
    let outcome = limits.wait_for(&outcome, context.calls());
    let panic = panics::take(&thread_name);
    let calls = context.calls().to_string();
    if outcome == Ok(true) {
        panics::unwatch(&thread_name);
    }
    let cleaned = runtime.block_on(async {
        tokio::time::timeout(CLEANUP_DEADLINE, context.clean_up())
            .await
            .unwrap_or_else(|_| Err(format!("the cleanup did not end within {CLEANUP_DEADLINE:?}")))
    });
    runtime.shutdown_background();
    let failure = match outcome {
        // A panic in any task fails the case, even in a task that the backend started.
        Ok(true) => match panic {
            Some(panic) => format!("a background task panicked: {panic}"),
            None => return cleaned,
        },
        Ok(false) => panic.unwrap_or_else(|| "a panic without a message".to_owned()),
        Err(stuck) => stuck,
    };
    Err(failure + &calls)
}

/// Captures panic messages with their locations instead of letting the default hook print them, so that
/// each is shown with the case that failed.
mod panics {
    use super::{HashMap, Mutex, Once, PoisonError, panic, thread};

    /// The last panic of each running case, by the name of its threads.
    static WATCHED: Mutex<Option<HashMap<String, Option<String>>>> = Mutex::new(None);

    fn watched<T>(act: impl FnOnce(&mut HashMap<String, Option<String>>) -> T) -> T {
        act(WATCHED.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_default())
    }

    pub(super) fn watch(thread_name: &str) {
        static HOOK: Once = Once::new();
        HOOK.call_once(|| {
            let default_hook = panic::take_hook();
            panic::set_hook(Box::new(move |info| {
                let thread = thread::current();
                let kept = thread.name().is_some_and(|name| {
                    watched(|cases| {
                        cases.get_mut(name).map(|last| *last = Some(info.to_string())).is_some()
                    })
                });
                if !kept {
                    default_hook(info);
                }
            }));
        });
        watched(|cases| cases.insert(thread_name.to_owned(), None));
    }

    /// Takes the last panic so far. Later ones are not shown: a case that failed leaves tasks behind.
    pub(super) fn take(thread_name: &str) -> Option<String> {
        watched(|cases| cases.get_mut(thread_name).and_then(Option::take))
    }

    pub(super) fn unwatch(thread_name: &str) {
        watched(|cases| cases.remove(thread_name));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use futures::future::BoxFuture;
    use ticket_core::TicketId;
    use ticket_memory::MemoryBackend;

    use super::*;
    use crate::fixture::Fixture;
    use crate::support::together;

    /// Runs a case on the reference backend. Returns its outcome and the number of cleanups.
    fn run(case: fn(Context) -> BoxFuture<'static, ()>) -> (Result<(), String>, u32) {
        let cleaned = Arc::new(AtomicU32::new(0));
        let counter = Arc::clone(&cleaned);
        let subject = Arc::new(Subject {
            name: "memory".into(),
            open: Box::new(move |_| {
                let counter = Arc::clone(&counter);
                let cleanup = async move {
                    counter.fetch_add(1, Ordering::Relaxed);
                    Ok(())
                };
                let fixture = Fixture::new(MemoryBackend::new()).with_cleanup(cleanup);
                async { Ok(fixture) }.boxed()
            }),
            lacking: Vec::new(),
        });
        let entry = CaseEntry { name: "case", needs: &[], run: case };
        let limits =
            Limits { stalled: Duration::from_millis(300), total: Duration::from_millis(1_500) };
        let outcome = run_within(limits, &entry, &subject);
        (outcome, cleaned.load(Ordering::Relaxed))
    }

    #[test]
    fn a_case_that_returns_passes_and_each_namespace_is_cleaned_up_once() {
        let (outcome, cleaned) = run(|cx| {
            async move {
                let store = cx.store().await;
                cx.store().await;
                cx.second_store().await;
                assert!(store.get_ticket(TicketId::MIN).await.is_ok_and(|one| one.is_none()));
            }
            .boxed()
        });
        assert_eq!((outcome, cleaned), (Ok(()), 2));
    }

    #[test]
    fn a_panic_is_a_failure_with_its_message_and_location() {
        let (outcome, cleaned) = run(|cx| {
            async move {
                cx.store().await;
                assert_eq!(1, 2, "as expected");
            }
            .boxed()
        });
        let failure = outcome.unwrap_err();
        assert!(failure.contains("as expected") && failure.contains("runner.rs"), "{failure}");
        assert_eq!(cleaned, 1, "a failed case is cleaned up, too");
    }

    #[test]
    fn a_panic_in_a_task_of_a_case_is_a_failure() {
        let (outcome, _) = run(|_| {
            async { together([async { panic!("in a task") }]).await.into_iter().for_each(drop) }
                .boxed()
        });
        assert!(outcome.unwrap_err().contains("in a task"));
    }

    #[test]
    fn a_panic_in_a_background_task_fails_a_case_that_returns() {
        let (outcome, _) = run(|_| {
            async {
                let task = tokio::spawn(async { panic!("in the background") });
                assert!(task.await.is_err());
            }
            .boxed()
        });
        assert!(outcome.unwrap_err().contains("in the background"));
    }

    #[test]
    fn a_case_that_waits_or_blocks_forever_is_a_failure() {
        let started = Instant::now();
        let hanging: [fn(Context) -> BoxFuture<'static, ()>; 2] = [
            |cx| {
                async move { drop((cx.store().await, std::future::pending::<()>().await)) }.boxed()
            },
            |cx| {
                async move {
                    cx.store().await;
                    let block = || async { thread::sleep(Duration::from_secs(60)) };
                    together((0..8).map(|_| block())).await;
                }
                .boxed()
            },
        ];
        for case in hanging {
            let (outcome, cleaned) = run(case);
            assert!(outcome.unwrap_err().contains("no call began or ended for 300ms"));
            assert_eq!(cleaned, 1);
        }
        assert!(
            started.elapsed() < Duration::from_secs(60),
            "the runner must not wait for a hanging case"
        );
    }

    /// Calls the store every 50 ms.
    async fn call(cx: Context, times: u32) {
        let store = cx.store().await;
        for _ in 0..times {
            tokio::time::sleep(Duration::from_millis(50)).await;
            assert!(store.get_ticket(TicketId::MIN).await.is_ok());
        }
    }

    #[test]
    fn a_slow_case_passes_and_one_that_repeats_its_calls_forever_is_a_failure() {
        let (outcome, _) = run(|cx| call(cx, 14).boxed());
        assert_eq!(outcome, Ok(()));
        let (outcome, cleaned) = run(|cx| call(cx, u32::MAX).boxed());
        assert!(outcome.unwrap_err().contains("did not end within 1.5s"));
        assert_eq!(cleaned, 1);
    }
}
