//! Calling code of the application's that may panic or fail: `Debug` and `Display`.

use std::cell::Cell;
use std::fmt::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};

use ticket_core::SmolStr;
use ticket_core::record::ErrorCause;

/// What stands for a value that could not be formatted.
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

/// As `error.source()`, the types' names and the texts: all of it is the application's code.
pub(crate) fn chain(error: &(dyn std::error::Error + 'static)) -> Vec<ErrorCause> {
    caught(|| ErrorCause::chain(error)).unwrap_or_else(|| vec![ErrorCause::new(None, PANICKED)])
}

thread_local! {
    /// What the last value of this thread was written into. A cell and not a borrow: a value within a value
    /// simply has none.
    static BUFFER: Cell<String> = const { Cell::new(String::new()) };
}

fn text(arguments: fmt::Arguments<'_>) -> SmolStr {
    caught(|| {
        // While its thread ends, the buffer may be gone.
        let mut text = BUFFER.try_with(Cell::take).unwrap_or_default();
        text.clear();
        // Not `to_string`, which panics where an implementation answers with an error.
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
            // A panic's payload can panic when it is dropped.
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
    fn what_panics_or_fails_becomes_a_mark() {
        assert_eq!(debug(&Bad(true)), PANICKED);
        assert_eq!(debug(&Bad(false)), format!("half{FAILED}"));
        assert_eq!(display(&7), "7");
    }
}
