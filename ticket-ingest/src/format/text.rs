//! Plain lines: which of them form one record, and what it says.

use std::borrow::Cow;

use ticket_core::{Level, SmolStr};

use super::Draft;
use super::head::{self, Head};
use super::stack;

/// The plain lines of one record: the first line and those that continue it.
///
/// A line continues the record before it if it is indented, if it is a known part of a stack trace, or if
/// the record began with a time and this line begins with neither a time nor a level.
#[derive(Clone, Debug)]
pub(crate) struct Lines {
    first: String,
    rest: String,
    /// The number of lines that were dropped because the record is too long.
    dropped: u64,
    /// The `DETAIL:` of PostgreSQL and so on, with their texts.
    labels: Vec<(String, String)>,
    timed: bool,
    level: Option<Level>,
    process: Option<u32>,
    state: State,
}

/// The number of bytes that are kept of the lines after the first. It is more than a trait holds, because the
/// frames of a stack trace are also read from it.
const REST: usize = 128 * 1024;

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

impl Lines {
    /// Begins a record with its first line.
    pub(crate) fn new(line: &str) -> Self {
        let line = plain(line);
        let head = head::read(&line);
        let (timed, level, process) = (head.time.is_some(), head.level, head.process);
        let state = state_after(head.message, State::Plain);
        let traced = state != State::Plain || stack::begins(head.message);
        Self {
            first: line.into_owned(),
            rest: String::new(),
            dropped: 0,
            labels: Vec::new(),
            timed,
            level,
            process,
            state: if traced && state == State::Plain { State::Traced } else { state },
        }
    }

    /// Returns `true` if a line is indented. After a plain line, it belongs to that line whatever it contains.
    pub(crate) fn is_indented(line: &str) -> bool {
        line.starts_with([' ', '\t'])
    }

    /// Takes another line if it belongs to this record, and returns whether it does.
    pub(crate) fn take(&mut self, line: &str) -> bool {
        let line = plain(line);
        let head = head::read(&line);
        if let Some(label) = head.label.filter(|_| self.timed && head.process == self.process) {
            self.labels.push((label.to_ascii_lowercase(), head.message.to_owned()));
            return true;
        }
        if !self.is_continued_by(&line, &head) {
            return false;
        }
        self.state = state_after(&line, self.state);
        let labelled = self.labels.last_mut().map(|(_, text)| text);
        let text = labelled.unwrap_or(&mut self.rest);
        if text.len() + line.len() > REST {
            self.dropped += 1;
        } else {
            if !text.is_empty() {
                text.push('\n');
            }
            text.push_str(&line);
        }
        true
    }

    fn is_continued_by(&self, line: &str, head: &Head<'_>) -> bool {
        if Self::is_indented(line) {
            return true;
        }
        if head.time.is_some() {
            return false;
        }
        if is_part_of_trace(line) {
            return true;
        }
        let failed = self.level.is_some_and(|level| level >= Level::Warning);
        if line.starts_with("Traceback (most recent call last)") {
            return self.state == State::PythonLink || (failed && self.state == State::Plain);
        }
        match self.state {
            State::Panic => return true,
            State::Python => return head.level.is_none() || stack::begins(line),
            State::Go | State::PanicMessage => return head.level.is_none() && !stack::begins(line),
            State::Plain | State::Traced | State::PythonLink => {}
        }
        if stack::begins(line) {
            // A logger prints an exception after its own line. A panic is an event of its own.
            let panic = stack::rust_panic(line).is_some() || line.starts_with("panic: ");
            return failed && self.state == State::Plain && !panic;
        }
        self.timed && head.level.is_none()
    }

    /// Reads what the lines say together.
    pub(crate) fn finish(self) -> Draft {
        let head = head::read(&self.first);
        let mut draft = Draft::new();
        draft.time = head.time;
        draft.level = head.level;
        let record = &mut draft.record;
        let owned = |text: Option<&str>| text.map(SmolStr::new);
        record.channel = head.channel.unwrap_or_default().into();
        record.host = owned(head.host);
        record.process = head.process;
        record.thread = owned(head.thread);
        record.location.file = owned(head.file);
        record.location.line = head.line;
        record.location.function = owned(head.function);
        if let Some(context) = head.context {
            draft.keep("context", context);
        }
        for (name, text) in self.labels {
            draft.keep(&name, text);
        }

        let whole = stack::begins(head.message).then(|| format!("{}\n{}", head.message, self.rest));
        let trace = stack::read(whole.as_deref().unwrap_or(&self.rest));
        let panic =
            trace.causes.first().is_some_and(|cause| cause.type_name.as_deref() == Some("panic"));
        if !trace.apply(&mut draft) {
            draft.record.message = match self.rest.as_str() {
                "" => head.message.into(),
                rest => format!("{}\n{rest}", head.message).into(),
            };
        } else {
            if whole.is_none() {
                draft.record.message = head.message.into();
            }
            draft.message_from_error();
            if !self.rest.is_empty() {
                draft.keep("stack_trace", self.rest);
            }
            if panic && draft.level.is_none() {
                draft.level = Some(Level::Critical);
            }
        }
        if draft.level.is_none() && stack::begins(head.message) {
            draft.level = Some(Level::Error);
        }
        if self.dropped > 0 {
            draft.keep("lines_left_out", self.dropped);
        }
        draft
    }
}

/// Returns what a line says about the next one.
fn state_after(line: &str, before: State) -> State {
    let text = line.trim_start();
    let indented = text.len() < line.len();
    if text.starts_with("Traceback (most recent call last)") {
        State::Python
    } else if stack::is_python_link(text) {
        State::PythonLink
    } else if let Some((_, place)) = stack::rust_panic(text) {
        // Before Rust 1.73, the message is in this line.
        if place.starts_with('\'') { State::Traced } else { State::Panic }
    } else if text.starts_with("panic: ") || text.starts_with("goroutine ") && text.ends_with(':') {
        State::Go
    } else if (before == State::Python && !indented) || is_part_of_trace(text) {
        State::Traced
    } else if before == State::Panic {
        State::PanicMessage
    } else if before == State::Plain && stack::begins(text) {
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
        || stack::is_python_link(line)
        || line.starts_with("goroutine ") && line.ends_with("]:")
        || line.starts_with("[signal SIG")
}

/// Removes the escape sequences that colour a line on a terminal.
fn plain(line: &str) -> Cow<'_, str> {
    if !line.contains('\u{1b}') {
        return Cow::Borrowed(line);
    }
    let mut text = String::with_capacity(line.len());
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        if c != '\u{1b}' {
            text.push(c);
        } else if chars.clone().next() == Some('[') {
            // A letter ends the sequence.
            chars.next();
            chars.find(|c| ('@'..='~').contains(c));
        }
    }
    Cow::Owned(text)
}
