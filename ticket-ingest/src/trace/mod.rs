//! Stack traces as programs print them: Python, Java, JavaScript, Go, .NET, PHP, Ruby, Elixir, Erlang, Rust and Objective-C,
//! and the reports of a kernel and of a Java virtual machine that fail.
//!
//! There is one module per language with the grammar of its lines, see [`grammar`]. [`read`] reads a whole text, and a
//! [`Follower`] says of the next line of a log whether it belongs to the trace of the record before it.

mod apple;
mod beam;
mod collect;
mod dotnet;
mod embedded;
mod errors;
mod follow;
mod go;
mod grammar;
mod java;
mod javascript;
mod jvm;
mod kernel;
mod php;
mod place;
mod python;
mod ruby;
mod rust;

use ticket_core::record::{ErrorCause, Frame};
use ticket_core::{Level, SmolStr};

use self::collect::Collector;
pub(crate) use self::follow::{Follower, Part};
use self::grammar::{Line, State, begin, begin_after_head};
pub(crate) use self::kernel::{begins_report, behind_head, is_task};
pub(crate) use self::place::locate;
use crate::draft::Draft;

/// The content of a stack trace.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    /// The error and its causes, the outermost first, and then the members of groups.
    pub(crate) causes: Vec<ErrorCause>,
    /// The stack, the innermost frame first: that of the root cause and, further out, of what it led to.
    pub(crate) frames: Vec<Frame>,
    /// The place at which the error was raised, where it is not a frame, as in a panic of Rust.
    raised_at: Option<(SmolStr, Option<u32>)>,
    thread: Option<SmolStr>,
    /// What the first line says before the trace begins, or all of it if it is no part of the trace.
    pub(crate) message: Option<SmolStr>,
    /// How bad it is, if the record does not say: critical for a panic, which ends a program or a thread.
    pub(crate) level: Option<Level>,
    /// The lines after the first that belong to no trace.
    pub(crate) other: String,
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
        // A frame says more, see `locate`.
        if let Some((file, line)) = self.raised_at
            && record.location.is_empty()
            && !record.backtrace.iter().any(|frame| frame.in_app)
        {
            record.location.file = Some(file);
            record.location.line = line;
        }
        record.thread = record.thread.take().or(self.thread);
        found
    }
}

/// Returns `true` if a line begins with a stack trace, or with an error that is printed with one.
pub(crate) fn begins(line: &str) -> bool {
    begin(Line::new(line), &mut |_| {}).is_some_and(|(_, before)| before == 0)
}

/// Reads a text that may contain a stack trace: the lines of a plain record without the head of the first, or a text
/// that a field holds.
pub(crate) fn read(text: &str) -> Trace {
    read_from(text, None)
}

/// Reads the lines of a report of the kernel, without their heads.
pub(crate) fn read_report(text: &str) -> Trace {
    read_from(text, Some(State::Kernel(kernel::START)))
}

fn read_from(text: &str, mut state: Option<State>) -> Trace {
    let mut collector = Collector::default();
    let mut message = None;
    let mut level = None;
    let lines: Vec<Line<'_>> = text.lines().map(Line::new).collect();
    for (index, &line) in lines.iter().enumerate() {
        let out = &mut |piece: grammar::Piece<'_>| collector.piece(piece);
        if line.text.is_empty() {
            collector.blank();
            continue;
        }
        let next = match state {
            Some(state) => state.next(line, out).map(|(state, _)| state),
            None => {
                let following =
                    lines[index + 1..].iter().find(|line| !line.text.is_empty()).copied();
                let begun = match following {
                    None if index == 0 => begin(line, out),
                    _ => begin_after_head(line, following, out),
                };
                if index == 0 {
                    let Some((_, before)) = begun else {
                        message = Some(line.text.into());
                        continue;
                    };
                    let before = &line.text[..before];
                    let before = before.trim_end().trim_end_matches([':', '-']).trim_end();
                    message = (!before.is_empty()).then(|| SmolStr::new(before));
                }
                level = begun.map(|(state, _)| state.level());
                begun.map(|(state, _)| state)
            }
        };
        match next {
            Some(_) => state = next,
            None => collector.other(line.whole),
        }
    }
    if let Some(State::Kernel(state)) = state {
        level = Some(state.level());
    }
    let mut trace = collector.finish(state.unwrap_or(State::Error));
    trace.message = message;
    trace.level = level;
    trace
}

#[cfg(test)]
mod tests;
