//! Catching panics of code that is not ours: filters, hooks, backends.

use std::any::Any;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Calls a function; if it panics, returns the panic's text.
///
/// What the function was changing when it panicked may be inconsistent: the caller must not use it
/// any further, or only what it repairs.
pub(crate) fn catch<T>(function: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(function)).map_err(|payload| {
        let text = text(&*payload);
        // Dropping the payload would run the application's code once more, and that can panic too.
        mem::forget(payload);
        text
    })
}

fn text(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "without a message".to_owned())
}
