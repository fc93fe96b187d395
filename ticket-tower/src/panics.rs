//! Catching panics of the application.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use ticket_core::SmolStr;

/// What a panic carries.
pub(crate) type Payload = Box<dyn Any + Send>;

/// Calls a function; if it panics, returns what the panic carries.
///
/// What the function was changing may be inconsistent afterwards. That is the inner service, which every other handler
/// of a panic leaves in the same state: the task of its connection would have been unwound.
pub(crate) fn catch<T>(function: impl FnOnce() -> T) -> Result<T, Payload> {
    catch_unwind(AssertUnwindSafe(function))
}

/// Returns the text of a panic.
pub(crate) fn text(payload: &Payload) -> SmolStr {
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("a panic without a message").into()
}
