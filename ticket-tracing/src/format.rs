//! Calls of the application's `Debug` and `Display` implementations, which may panic or fail.

use std::cell::Cell;
use std::fmt::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};

use ticket_core::SmolStr;
use ticket_core::record::ErrorCause;

/// Replaces a value whose formatting panicked.
const PANICKED: &str = "<panicked while formatting>";
const FAILED: &str = "<failed to format>";
/// A buffer that has grown beyond this is not kept for the next value.
const KEEP: usize = 16 << 10;

pub(crate) fn debug(value: &dyn fmt::Debug) -> SmolStr {
    text(format_args!("{value:?}"))
}

pub(crate) fn display(value: &dyn fmt::Display) -> SmolStr {
    text(format_args!("{value}"))
}

/// Returns the chain of an error. Its `source()` and texts are the application's code too.
pub(crate) fn chain(error: &(dyn std::error::Error + 'static)) -> Vec<ErrorCause> {
    caught(|| ErrorCause::chain(error)).unwrap_or_else(|| vec![ErrorCause::new(None, PANICKED)])
}

thread_local! {
    /// The buffer of this thread's last value. It is taken out of the cell while in use: a nested value finds none
    /// and allocates its own.
    static BUFFER: Cell<String> = const { Cell::new(String::new()) };
}

fn text(arguments: fmt::Arguments<'_>) -> SmolStr {
    caught(|| {
        // The buffer may be gone already while its thread ends.
        let mut text = BUFFER.try_with(Cell::take).unwrap_or_default();
        text.clear();
        // Not `to_string`, which panics if an implementation returns an error.
        if text.write_fmt(arguments).is_err() {
            text.push_str(FAILED);
        }
        let made = SmolStr::new(&text);
        if text.capacity() <= KEEP {
            let _ = BUFFER.try_with(|buffer| buffer.set(text));
        }
        made
    })
    .unwrap_or(SmolStr::new_static(PANICKED))
}

fn caught<T>(function: impl FnOnce() -> T) -> Option<T> {
    match catch_unwind(AssertUnwindSafe(function)) {
        Ok(value) => Some(value),
        Err(panic) => {
            // Dropping a panic's payload may panic.
            std::mem::forget(panic);
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Bad(bool);

    impl fmt::Debug for Bad {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            assert!(!self.0, "as the test asked");
            f.write_str("half")?;
            Err(fmt::Error)
        }
    }

    #[test]
    fn a_value_that_panics_or_fails_is_replaced() {
        assert_eq!(debug(&Bad(true)), PANICKED);
        assert_eq!(debug(&Bad(false)), format!("half{FAILED}"));
        assert_eq!(display(&7), "7");
    }
}
