//! Stack traces as programs print them: Python, Java, JavaScript, Rust, Go.
//!
//! One pass over the lines reads all languages: what a line is follows from its form, and in a few places
//! from the line before it.

mod follow;
mod lines;

use ticket_core::record::{ErrorCause, Frame};
use ticket_core::{SmolStr, limits};

pub(crate) use self::follow::{Follower, Part};
pub(crate) use self::lines::begins;
use self::lines::{
    exception, file_and_line, frame_at, is_exception, is_own_rust, is_place, is_python_link,
    is_qualified, numbered, python_frame, rust_panic,
};
use crate::draft::Draft;

/// The content of a stack trace.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    /// The error and its causes, the outermost first.
    pub(crate) causes: Vec<ErrorCause>,
    /// The stack, the innermost frame first.
    pub(crate) frames: Vec<Frame>,
    /// The place at which a Rust program panicked.
    panicked_at: Option<(SmolStr, Option<u32>)>,
    thread: Option<String>,
}

impl Trace {
    /// Returns `true` if the text was not a stack trace.
    pub(crate) fn is_empty(&self) -> bool {
        self.causes.is_empty() && self.frames.is_empty()
    }

    /// Adds the content to a record. Returns `false` if there is none.
    pub(crate) fn apply(self, draft: &mut Draft) -> bool {
        let found = !self.is_empty();
        let record = &mut draft.record;
        record.error.extend(self.causes);
        if record.backtrace.is_empty() {
            record.backtrace = self.frames;
        }
        if let Some((file, line)) = self.panicked_at
            && record.location.is_empty()
        {
            record.location.file = Some(file);
            record.location.line = line;
        }
        if record.thread.is_none() {
            record.thread = self.thread.map(Into::into);
        }
        found
    }
}

/// What the lines so far say about the next one.
#[derive(Clone, Copy, Default, PartialEq)]
enum State {
    #[default]
    Start,
    /// In the frames of a Python exception.
    Python,
    /// After the line of a Python exception.
    PythonMessage,
    /// Before the message of a Rust panic.
    Panic,
    /// In the numbered frames of a Rust program.
    Numbered,
    /// In the numbered causes of a Rust error.
    Causes,
    /// In the frames of a goroutine.
    Go,
    /// In other frames.
    Frames,
}

/// Reads the text of a stack trace. The result is empty if the text is something else.
pub(crate) fn read(text: &str) -> Trace {
    let mut reader = Reader::default();
    for line in text.lines() {
        reader.line(line.trim_end());
    }
    reader.finish()
}

#[derive(Default)]
struct Reader {
    trace: Trace,
    state: State,
    /// The lines that continue the message of the last error.
    lines: String,
    /// Python exceptions with their frames, in the order of Python: the outermost last.
    python: Vec<(ErrorCause, Vec<Frame>)>,
}

impl Reader {
    fn line(&mut self, line: &str) {
        let text = line.trim_start();
        let indented = text.len() < line.len();
        if text.is_empty() || text.starts_with("note: ") {
            return;
        }
        if text.starts_with("Traceback (most recent call last)") {
            self.end_message();
            self.state = State::Python;
            self.python.push((ErrorCause::default(), Vec::new()));
        } else if text == "stack backtrace:" || text == "Stack backtrace:" {
            self.state = State::Numbered;
        } else if text.starts_with("goroutine ") && text.ends_with(':') {
            // The first goroutine is the one that failed; the others are only running.
            self.state = if self.trace.frames.is_empty() { State::Go } else { State::Frames };
        } else if let Some(rest) = text.strip_prefix("Caused by:") {
            self.state = State::Causes;
            if !rest.trim().is_empty() {
                self.cause(exception(rest.trim()));
                self.state = State::Frames;
            }
        } else if !self.python(line, text, indented) && !self.other(text, indented) {
            self.head(text, indented);
        }
    }

    fn python(&mut self, line: &str, text: &str, indented: bool) -> bool {
        let Some((cause, frames)) = self.python.last_mut() else { return false };
        if let Some(frame) = python_frame(text) {
            frames.push(frame);
            return true;
        }
        if indented && self.state == State::Python {
            return true;
        }
        match self.state {
            State::Python => {
                *cause = exception(text);
                self.state = State::PythonMessage;
            }
            State::PythonMessage if is_python_link(text) => {}
            State::PythonMessage => self.message(line),
            _ => {}
        }
        true
    }

    /// Reads frames and messages of the other languages.
    fn other(&mut self, text: &str, indented: bool) -> bool {
        if let Some(place) = text.strip_prefix("at ").filter(|place| is_place(place)) {
            // In Rust, this line is the place of the numbered frame before it. In Java, the frames of a
            // cause repeat those of the error that it caused.
            if self.state == State::Numbered {
                if let Some(frame) = self.trace.frames.last_mut() {
                    (frame.file, frame.line) = file_and_line(place);
                    frame.in_app = frame.file.as_deref().is_some_and(is_own_rust);
                }
            } else if self.trace.causes.len() < 2 {
                self.frame(frame_at(place));
            }
            return true;
        }
        match self.state {
            State::Panic => {
                self.message(text);
                true
            }
            State::Numbered => {
                if let Some((_, name)) = numbered(text) {
                    self.frame(Frame::new(name));
                }
                true
            }
            State::Causes if indented => {
                let text = numbered(text).map_or(text, |(_, text)| text);
                self.cause(ErrorCause::new(None, text));
                true
            }
            State::Go => {
                self.go(text, indented);
                true
            }
            State::Start | State::Frames | State::Causes | State::Python | State::PythonMessage => {
                false
            }
        }
    }

    fn go(&mut self, text: &str, indented: bool) {
        if indented {
            if let Some(frame) = self.trace.frames.last_mut() {
                let place = text.split(" +0x").next().unwrap_or(text);
                (frame.file, frame.line) = file_and_line(place);
                frame.in_app = frame
                    .file
                    .as_deref()
                    .is_some_and(|file| !file.contains("/go/src/") && !file.contains("/pkg/mod/"));
            }
            return;
        }
        let function = text.strip_prefix("created by ").unwrap_or(text);
        let function = function.rfind('(').map_or(function, |end| &function[..end]);
        self.frame(Frame::new(function));
    }

    /// Reads the line with which a trace begins.
    fn head(&mut self, text: &str, indented: bool) {
        if indented {
            return;
        }
        if let Some((thread, place)) = rust_panic(text) {
            let (message, place) = match place.strip_prefix('\'') {
                // Before Rust 1.73: panicked at 'message', src/main.rs:4:5
                Some(old) => old.rsplit_once("', ").unwrap_or(("", old)),
                None => ("", place.trim_end_matches(':')),
            };
            let (file, line) = file_and_line(place);
            self.trace.panicked_at = file.map(|file| (file, line));
            self.trace.thread = Some(thread.to_owned());
            self.end_message();
            self.trace.causes.push(ErrorCause::new(Some("panic".into()), message));
            self.state = if message.is_empty() { State::Panic } else { State::Start };
        } else if let Some(message) =
            text.strip_prefix("panic: ").or_else(|| text.strip_prefix("fatal error: "))
        {
            self.cause(ErrorCause::new(Some("panic".into()), message));
        } else if self.trace.causes.is_empty() {
            let text = text
                .strip_prefix("Exception in thread \"")
                .and_then(|rest| rest.split_once("\" "))
                .map_or(text, |(thread, rest)| {
                    self.trace.thread = Some(thread.to_owned());
                    rest
                });
            let text = text.strip_prefix("Uncaught ").unwrap_or(text);
            // After the line of a logger, a qualified name is enough: nothing else looks like it.
            if is_exception(text) || is_qualified(text) {
                self.cause(exception(text));
                self.state = State::Frames;
            }
        }
    }

    fn message(&mut self, line: &str) {
        self.lines.push('\n');
        self.lines.push_str(line);
    }

    /// Adds the collected lines to the message of the last error. A long message is not cut here, but with a mark
    /// when the record is prepared for a store.
    fn end_message(&mut self) {
        let lines = std::mem::take(&mut self.lines);
        let python = self.python.last_mut().map(|(cause, _)| cause);
        if let Some(cause) = python.or(self.trace.causes.last_mut())
            && !lines.is_empty()
        {
            let lines = if cause.message.is_empty() { &lines[1..] } else { &lines };
            cause.message = [&cause.message, lines].concat().into();
        }
    }

    fn cause(&mut self, cause: ErrorCause) {
        self.end_message();
        if self.trace.causes.len() < limits::ERRORS {
            self.trace.causes.push(cause);
        }
    }

    fn frame(&mut self, frame: Frame) {
        if self.trace.frames.len() < FRAMES {
            self.trace.frames.push(frame);
        }
    }

    fn finish(mut self) -> Trace {
        self.end_message();
        let mut python = self.python.into_iter().rev();
        if let Some((cause, mut frames)) = python.next() {
            frames.reverse();
            frames.truncate(FRAMES);
            self.trace.frames = frames;
            let causes = std::iter::once(cause).chain(python.map(|(cause, _)| cause));
            self.trace.causes = causes.filter(|cause| *cause != ErrorCause::default()).collect();
            self.trace.causes.truncate(limits::ERRORS);
        }
        self.trace
    }
}

/// The number of frames that are kept. More of them mean an endless recursion.
const FRAMES: usize = 256;

#[cfg(test)]
mod tests;
