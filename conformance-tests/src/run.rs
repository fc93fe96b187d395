//! Runs one case: on a runtime of its own, with a deadline, turning panics into failures.

use std::collections::HashMap;
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Arc, Mutex, Once, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use futures::FutureExt;
use tokio::runtime::{Builder, Runtime};

use crate::cases::Entry;
use crate::context::Context;
use crate::suite::Backend;

/// How long a case may take. Far more than any needs: who gets here hangs.
const DEADLINE: Duration = Duration::from_secs(120);

/// How long cleaning up may take after a case.
const CLEANUP_DEADLINE: Duration = Duration::from_secs(30);

/// Threads of a case, so that its writers are at work at the same time.
const THREADS: usize = 4;

pub(crate) fn run_entry(entry: &Entry, backend: &Arc<Backend>) -> Result<(), String> {
    let context = Context::new(Arc::clone(backend)).map_err(|error| error.to_string())?;
    let thread_name = context.case().namespace().to_owned();
    let runtime = runtime(&thread_name).map_err(|error| error.to_string())?;
    panics::watch(&thread_name);
    let (done, outcome) = mpsc::channel();
    let case = (entry.run)(context.clone());
    runtime.spawn(async move {
        let _ = done.send(AssertUnwindSafe(case).catch_unwind().await.is_ok());
    });
    // Not a timeout inside the runtime: a backend that blocks all its threads ends here too.
    let outcome = outcome.recv_timeout(DEADLINE);
    let panic = panics::take(&thread_name);
    let cleaned = runtime.block_on(async {
        tokio::time::timeout(CLEANUP_DEADLINE, context.clean_up())
            .await
            .unwrap_or_else(|_| Err("cleaning up came to no end".into()))
    });
    runtime.shutdown_background();
    match outcome {
        Ok(true) => cleaned,
        Ok(false) => Err(panic.unwrap_or_else(|| "a panic without a message".to_owned())),
        Err(_) => Err(format!("came to no end within {} s", DEADLINE.as_secs())),
    }
}

pub(crate) fn runtime(thread_name: &str) -> std::io::Result<Runtime> {
    Builder::new_multi_thread()
        .worker_threads(THREADS)
        .thread_name(thread_name)
        .enable_all()
        .build()
}

/// Keeps what panics say, with the place, instead of printing it in between: it is shown with the case
/// that failed.
mod panics {
    use super::{HashMap, Mutex, Once, PoisonError, panic, thread};

    /// The last panic of each watched case, by the name of its threads.
    static WATCHED: Mutex<Option<HashMap<String, Option<String>>>> = Mutex::new(None);

    fn watched<T>(act: impl FnOnce(&mut HashMap<String, Option<String>>) -> T) -> T {
        act(WATCHED.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_default())
    }

    pub(super) fn watch(thread_name: &str) {
        static HOOK: Once = Once::new();
        HOOK.call_once(|| {
            let usual = panic::take_hook();
            panic::set_hook(Box::new(move |info| {
                let thread = thread::current();
                let kept = thread.name().is_some_and(|name| {
                    watched(|cases| {
                        cases.get_mut(name).map(|last| *last = Some(info.to_string())).is_some()
                    })
                });
                if !kept {
                    usual(info);
                }
            }));
        });
        watched(|cases| cases.insert(thread_name.to_owned(), None));
    }

    pub(super) fn take(thread_name: &str) -> Option<String> {
        watched(|cases| cases.remove(thread_name).flatten())
    }
}
