//! [`Follower`]: whether the next line belongs to the trace of a record.

use ticket_core::Level;

use super::grammar::{Belongs, Line, State, begin, begin_after_head};
use super::{jvm, kernel};

/// What a line is to the record before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// It belongs to the trace of the record, or begins the trace that the record announces.
    Continues,
    /// It begins a trace that is an event of its own.
    Begins,
    /// Its form does not tell.
    Other,
}

/// Follows the lines of one record to say whether the next one belongs to its trace.
#[derive(Clone, Debug)]
pub(crate) struct Follower {
    state: Option<State>,
    /// The record is a warning or worse, which a trace may explain.
    failed: bool,
}

impl Follower {
    /// Begins with the message of the record's first line, and the level that the line states.
    pub(crate) fn new(message: &str, level: Option<Level>) -> Self {
        let line = Line::new(message);
        let begun = match level {
            Some(_) => begin_after_head(line, None, &mut |_| {}),
            None => begin(line, &mut |_| {}),
        };
        let failed = level.is_some_and(|level| level >= Level::Warning);
        Self { state: begun.map(|(state, _)| state), failed }
    }

    /// Begins with the first line of a report of the kernel.
    pub(crate) fn of_kernel(text: &str) -> Self {
        let mut follower = Self { state: Some(State::Kernel(kernel::START)), failed: true };
        follower.push(text);
        follower
    }

    /// Returns what a line is to the record. `own_head` says that the line has a time or a level of its own, and
    /// `text` is what is behind it.
    pub(crate) fn part(&self, text: &str, own_head: bool) -> Part {
        let line = Line::new(text);
        let next = self.state.and_then(|state| state.next(line, &mut |_| {}));
        if let Some((_, Belongs::Surely)) = next {
            return Part::Continues;
        }
        if !own_head && (is_part_of_trace(line.text) || self.failed && is_object(line.text)) {
            return Part::Continues;
        }
        if let Some((begun, _)) = begin(line, &mut |_| {}) {
            // A logger prints an exception below its own line. A panic is an event of its own, and so is what has
            // a head.
            let is_announced =
                self.failed && self.state.is_none() && !own_head && !is_of_runtime(line.text);
            return if is_announced && !begun.is_panic() { Part::Continues } else { Part::Begins };
        }
        Part::Other
    }

    /// Returns `true` in a report of the kernel, each line of which may have the head of the log.
    pub(crate) const fn is_of_kernel(&self) -> bool {
        matches!(self.state, Some(State::Kernel(_)))
    }

    /// Returns `true` in a report whose lines may look like the beginning of a record of their own.
    pub(crate) const fn decides_alone(&self) -> bool {
        match self.state {
            Some(State::Jvm(state)) => !matches!(state, jvm::State::Start),
            _ => self.is_of_kernel(),
        }
    }

    /// Notes that a line was taken into the record.
    pub(crate) fn push(&mut self, text: &str) {
        let line = Line::new(text);
        self.state = match self.state {
            // A line of something else may stand within a trace.
            Some(state) => state.next(line, &mut |_| {}).map(|(next, _)| next).or(Some(state)),
            None => begin_after_head(line, None, &mut |_| {}).map(|(state, _)| state),
        };
    }
}

/// Returns `true` for an error that a runtime prints because nobody has caught it, which no logger has announced.
fn is_of_runtime(text: &str) -> bool {
    text.starts_with("(node:") || text.starts_with("Exception in thread ")
}

/// Returns `true` for an object that asyncio prints between an error and its traceback: `future: <Task …>`.
fn is_object(text: &str) -> bool {
    text.split_once(": <").is_some_and(|(name, rest)| {
        rest.ends_with('>') && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
    })
}

/// Returns `true` for a line that occurs only in traces, whose first lines may be missing.
fn is_part_of_trace(text: &str) -> bool {
    text.starts_with("Caused by: ")
        || text.starts_with("Suppressed: ")
        || text.starts_with("... ") && text.ends_with(" more")
        || text.starts_with("note: run with `RUST_BACKTRACE")
        || text.starts_with("goroutine ") && text.ends_with("]:")
        || matches!(State::Error.next(Line::new(text), &mut |_| {}), Some((_, Belongs::Surely)))
}
