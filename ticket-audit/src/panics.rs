//! Catching panics of handlers.

use std::any::Any;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Calls a function; if it panics, returns the panic's text.
///
/// What the function was changing when it panicked may be inconsistent: the caller must not use it any further.
pub(crate) fn catch<T>(function: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(function)).map_err(text)
}

/// Returns the text of a panic.
pub(crate) fn text(payload: Box<dyn Any + Send>) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
    // Dropping the payload would run the handler's code once more, and that can panic too.
    mem::forget(payload);
    text.unwrap_or_else(|| "without a message".to_owned())
}
