//! Stack traces as programs print them: Python, Java, JavaScript, Rust, Go.
//!
//! One walk over the lines knows them all: what a line is follows from its own form, and in few places
//! from the line before it.

use ticket_core::{ErrorCause, Frame, SmolStr, limits};

use super::Entry;

/// What a stack trace says.
#[derive(Debug, Default)]
pub(super) struct Trace {
    /// The error and its causes, the outermost first.
    pub(super) causes: Vec<ErrorCause>,
    /// The stack, the innermost frame first.
    pub(super) frames: Vec<Frame>,
    /// Where a Rust program panicked.
    panicked_at: Option<(SmolStr, Option<u32>)>,
    thread: Option<String>,
}

impl Trace {
    /// Whether it says anything.
    pub(super) fn is_empty(&self) -> bool {
        self.causes.is_empty() && self.frames.is_empty()
    }

    /// Adds what it says to a record; `false` if that is nothing.
    pub(super) fn apply(self, entry: &mut Entry) -> bool {
        let found = !self.is_empty();
        let record = &mut entry.record;
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

/// What the lines before say about the next one.
#[derive(Clone, Copy, PartialEq)]
enum State {
    Start,
    /// In the frames of a Python exception.
    Python,
    /// Behind a Python exception's own line.
    PythonMessage,
    /// A Rust panic's message comes.
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

/// Reads a stack trace's text; empty if it is none.
pub(super) fn read(text: &str) -> Trace {
    let mut reader = Reader { trace: Trace::default(), state: State::Start, python: Vec::new() };
    for line in text.lines() {
        reader.line(line.trim_end());
    }
    reader.finish()
}

struct Reader {
    trace: Trace,
    state: State,
    /// Exceptions in Python's order: the outermost last.
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
            self.state = State::Python;
            self.python.push((ErrorCause::default(), Vec::new()));
        } else if text == "stack backtrace:" || text == "Stack backtrace:" {
            self.state = State::Numbered;
        } else if text.starts_with("goroutine ") && text.ends_with(':') {
            // Only the first goroutine is the one that failed.
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
            State::PythonMessage if cause.message.len() < MESSAGE => {
                add_line(&mut cause.message, line);
            }
            _ => {}
        }
        true
    }

    /// Frames and messages of the other languages.
    fn other(&mut self, text: &str, indented: bool) -> bool {
        if let Some(place) = text.strip_prefix("at ").filter(|place| is_place(place)) {
            // Below a numbered frame of Rust stands only its place; causes of causes in Java bring
            // their frames again.
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
                if let Some(cause) = self.trace.causes.last_mut()
                    && cause.message.len() < MESSAGE
                {
                    add_line(&mut cause.message, text);
                }
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

    /// The line with which a trace begins.
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
            // Behind a logger's own line any qualified name will do: nothing else looks like it.
            if is_exception(text) || is_qualified(text) {
                self.cause(exception(text));
                self.state = State::Frames;
            }
        }
    }

    fn cause(&mut self, cause: ErrorCause) {
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

/// More frames than this are a recursion without end.
const FRAMES: usize = 256;

/// How long a message of several lines may become, in bytes. What is stored of it is less; this only
/// bounds the work.
const MESSAGE: usize = 2 * limits::MESSAGE;

fn add_line(text: &mut SmolStr, line: &str) {
    let gap = if text.is_empty() { "" } else { "\n" };
    *text = [text, gap, line].concat().into();
}

/// Whether a line begins a stack trace, or an error that was printed with one.
pub(super) fn begins(line: &str) -> bool {
    line.starts_with("Traceback (most recent call last)")
        || line.starts_with("Exception in thread \"")
        || line.starts_with("panic: ")
        || line.starts_with("fatal error: ")
        || rust_panic(line).is_some()
        || is_exception(line)
}

/// `thread 'main' panicked at …`: the thread and the rest.
pub(super) fn rust_panic(line: &str) -> Option<(&str, &str)> {
    let rest = line.strip_prefix("thread '")?;
    let (thread, rest) = rest.split_once('\'')?;
    let rest = rest.trim_start();
    // Since Rust 1.91 with the thread's number: thread 'main' (4711) panicked at
    let rest = match rest.strip_prefix('(') {
        Some(number) => number.split_once(") ")?.1,
        None => rest,
    };
    Some((thread, rest.strip_prefix("panicked at ")?))
}

/// Whether a line says only what is between two exceptions in Python.
pub(super) fn is_python_link(text: &str) -> bool {
    text.starts_with("During handling of the above exception")
        || text.starts_with("The above exception was the direct cause")
}

/// `ValueError: text`, `java.lang.IllegalStateException`: a type whose name says what it is.
fn is_exception(text: &str) -> bool {
    let name = text.split_once(": ").map_or(text.trim_end_matches(':'), |(name, _)| name);
    let last = name.rsplit(['.', ':', '$']).next().unwrap_or(name);
    is_type(name)
        && last.starts_with(|c: char| c.is_ascii_uppercase())
        && ["Error", "Exception", "Throwable", "Failure"].iter().any(|end| last.ends_with(end))
}

/// `com.shop.NoCard: text`.
fn is_qualified(text: &str) -> bool {
    let name = text.split_once(": ").map_or(text, |(name, _)| name);
    is_type(name)
        && name
            .rsplit_once('.')
            .is_some_and(|(_, last)| last.starts_with(|c: char| c.is_ascii_uppercase()))
}

fn is_type(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.$:".contains(&byte))
}

/// `type: text`, or a type alone, or a text.
fn exception(text: &str) -> ErrorCause {
    match text.split_once(": ") {
        Some((name, message)) if is_type(name) => ErrorCause::new(Some(name.into()), message),
        _ if is_type(text.trim_end_matches(':')) => {
            ErrorCause::new(Some(text.trim_end_matches(':').into()), "")
        }
        _ => ErrorCause::new(None, text),
    }
}

/// `File "app.py", line 3, in main`.
fn python_frame(text: &str) -> Option<Frame> {
    let (file, rest) = text.strip_prefix("File \"")?.split_once("\", line ")?;
    let (line, function) = rest.split_once(", in ").unwrap_or((rest, ""));
    let mut frame = Frame::new(function);
    frame.in_app = !["site-packages/", "dist-packages/", "/lib/python", "<frozen"]
        .iter()
        .any(|part| file.contains(part));
    frame.file = Some(file.into());
    frame.line = line.parse().ok();
    Some(frame)
}

/// `com.shop.Cart.pay(Cart.java:12)`, `pay (src/cart.js:3:14)`, `src/cart.js:3:14`.
fn frame_at(place: &str) -> Frame {
    let (function, at) = match place.strip_suffix(')').and_then(|place| place.rsplit_once('(')) {
        Some((function, at)) => (function.trim_end(), at),
        None => ("", place),
    };
    let mut frame = Frame::new(function);
    if !matches!(at, "Native Method" | "Unknown Source" | "<anonymous>" | "native") {
        (frame.file, frame.line) = file_and_line(at);
    }
    let foreign = ["java.", "javax.", "jdk.", "sun.", "kotlin.", "scala."];
    frame.in_app = !foreign.iter().any(|name| function.starts_with(name))
        && !at.starts_with("node:")
        && !at.contains("/node_modules/")
        && frame.file.is_some();
    frame
}

/// Whether what follows `at` is a frame rather than a word of a sentence.
fn is_place(place: &str) -> bool {
    place.ends_with(')') || file_and_line(place).1.is_some()
}

/// `0: name`, also with an address: `3: 0x55d0c - name`.
fn numbered(text: &str) -> Option<(u32, &str)> {
    let (number, name) = text.split_once(": ")?;
    let name = name.trim_start();
    let name = match name.strip_prefix("0x").and_then(|rest| rest.split_once(" - ")) {
        Some((_, name)) => name,
        None => name,
    };
    Some((number.parse().ok()?, name))
}

fn is_own_rust(file: &str) -> bool {
    !["/rustc/", ".cargo/registry/", "/rustlib/"].iter().any(|part| file.contains(part))
}

/// `src/main.rs:4:5`, `src/main.rs:4`.
fn file_and_line(place: &str) -> (Option<SmolStr>, Option<u32>) {
    let number = |text: &str| text.parse::<u32>().ok();
    let (rest, last) = place.rsplit_once(':').unwrap_or((place, ""));
    let (file, line) = match (number(last), rest.rsplit_once(':')) {
        (Some(_), Some((file, line))) if number(line).is_some() => (file, number(line)),
        (Some(line), _) => (rest, Some(line)),
        (None, _) => (place, None),
    };
    ((!file.is_empty()).then(|| file.into()), line)
}

#[cfg(test)]
mod tests;
