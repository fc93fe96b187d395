//! [`Follower`]: which lines belong to the trace of a record.

use ticket_core::Level;

use super::lines::{begins, is_python_link, rust_panic};

/// What a line is to the record before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// The line belongs to the trace of the record, or begins the one that the record announces.
    Continues,
    /// The line begins a trace that is an event of its own.
    Begins,
    /// The line says nothing about traces.
    Other,
}

/// Follows the lines of one record, to say whether the next one belongs to its trace.
#[derive(Clone, Debug)]
pub(crate) struct Follower {
    state: State,
    /// The record is a warning or worse, so that a trace after it is its own.
    failed: bool,
}

/// What the lines so far say about the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Plain,
    /// A part of a stack trace was seen.
    Traced,
    /// In the frames of a Python exception. The line of the exception itself is not indented.
    Python,
    /// Between two exceptions of a Python chain.
    PythonLink,
    /// Before the message of a Rust panic.
    Panic,
    /// In the message of a Rust panic, or in what is printed after it.
    PanicMessage,
    /// In the frames of a goroutine, where only the places are indented.
    Go,
}

impl Follower {
    /// Begins with the first line of a record without its head, and the level of the record.
    pub(crate) fn new(message: &str, level: Option<Level>) -> Self {
        let state = match state_after(message, State::Plain) {
            State::Plain if begins(message) => State::Traced,
            state => state,
        };
        Self { state, failed: level.is_some_and(|level| level >= Level::Warning) }
    }

    /// Returns what the next line is to the record. A line with a head of its own is given without it.
    pub(crate) fn part(&self, text: &str, own_head: bool) -> Part {
        if is_part_of_trace(text) {
            return Part::Continues;
        }
        let begins = begins(text);
        let continues = if text.starts_with("Traceback (most recent call last)") {
            self.state == State::PythonLink || (self.failed && self.state == State::Plain)
        } else {
            match self.state {
                State::Panic => true,
                State::Python => !own_head || begins,
                State::Go | State::PanicMessage => !own_head && !begins,
                // A logger prints an exception after its own line. A panic is an event of its own.
                State::Plain => {
                    let panic = rust_panic(text).is_some() || text.starts_with("panic: ");
                    begins && self.failed && !panic
                }
                State::Traced | State::PythonLink => false,
            }
        };
        match (continues, begins) {
            (true, _) => Part::Continues,
            (false, true) => Part::Begins,
            (false, false) => Part::Other,
        }
    }

    /// Notes that a line was taken into the record.
    pub(crate) fn push(&mut self, text: &str) {
        self.state = state_after(text, self.state);
    }
}

/// Returns what a line says about the next one.
fn state_after(line: &str, before: State) -> State {
    let text = line.trim_start();
    let indented = text.len() < line.len();
    if text.starts_with("Traceback (most recent call last)") {
        State::Python
    } else if is_python_link(text) {
        State::PythonLink
    } else if let Some((_, place)) = rust_panic(text) {
        // Before Rust 1.73, the message is in this line.
        if place.starts_with('\'') { State::Traced } else { State::Panic }
    } else if text.starts_with("panic: ") || text.starts_with("goroutine ") && text.ends_with(':') {
        State::Go
    } else if (before == State::Python && !indented) || is_part_of_trace(text) {
        State::Traced
    } else if before == State::Panic {
        State::PanicMessage
    } else if before == State::Plain && begins(text) {
        State::Traced
    } else {
        before
    }
}

/// Returns `true` for a line that occurs only in stack traces.
fn is_part_of_trace(line: &str) -> bool {
    line.starts_with("Caused by:")
        || line.starts_with("Suppressed: ")
        || line.starts_with("at ") && line.ends_with(')')
        || line.starts_with("... ") && line.ends_with(" more")
        || line.starts_with("note: run with `RUST_BACKTRACE")
        || line.starts_with("note: Some details are omitted")
        || line == "stack backtrace:"
        || line == "Stack backtrace:"
        || is_python_link(line)
        || line.starts_with("goroutine ") && line.ends_with("]:")
        || line.starts_with("[signal SIG")
}
