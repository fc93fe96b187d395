//! Calling code of the application's that may panic or fail: `Debug` and `Display`.

use std::fmt::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};

use ticket_core::ErrorCause;

/// What stands for a value that could not be formatted.
const PANICKED: &str = "<panicked while formatting>";
const FAILED: &str = "<failed to format>";

pub(crate) fn debug(value: &dyn fmt::Debug) -> String {
    text(format_args!("{value:?}"))
}

pub(crate) fn display(value: &dyn fmt::Display) -> String {
    text(format_args!("{value}"))
}

/// As `error.source()`, the types' names and the texts: all of it is the application's code.
pub(crate) fn chain(error: &(dyn std::error::Error + 'static)) -> Vec<ErrorCause> {
    caught(|| ErrorCause::chain(error)).unwrap_or_else(|| vec![ErrorCause::new(None, PANICKED)])
}

fn text(arguments: fmt::Arguments<'_>) -> String {
    caught(|| {
        // Not `to_string`, which panics where an implementation answers with an error.
        let mut text = String::with_capacity(64);
        if text.write_fmt(arguments).is_err() {
            text.push_str(FAILED);
        }
        text
    })
    .unwrap_or_else(|| PANICKED.to_owned())
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
