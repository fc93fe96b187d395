//! One call of a handler, with its deadline.

use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::atomic::Ordering::Relaxed;

use futures::FutureExt as _;

use super::Shared;
use crate::handler::BoxError;
use crate::panics;
use crate::sync::timeout;

impl Shared {
    /// Makes a call and counts what becomes of it. Returns its result, or `None` if it failed, panicked, or was
    /// abandoned at its deadline.
    pub(super) async fn call<T>(
        &self,
        call: impl Future<Output = Result<T, BoxError>>,
    ) -> Option<T> {
        let counters = &self.counters;
        let mut call = pin!(Some(AssertUnwindSafe(call).catch_unwind()));
        let polled = call.as_mut().as_pin_mut()?;
        let result = timeout(self.call_deadline, polled).await;
        // An abandoned call is dropped here, because its destructors may panic.
        if let Err(text) = panics::catch(|| call.set(None)) {
            counters.panicked(&text);
        }
        match result {
            Ok(Ok(Ok(value))) => {
                counters.calls.fetch_add(1, Relaxed);
                return Some(value);
            }
            Ok(Ok(Err(error))) => counters.failed(&error),
            Ok(Err(panic)) => counters.panicked(&panics::text(panic)),
            Err(_) => counters.timed_out(self.call_deadline),
        }
        None
    }
}
