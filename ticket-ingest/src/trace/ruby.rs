//! Backtraces of Ruby.

use ticket_core::record::{ErrorCause, Frame};

use super::collect::Owner;
use super::errors::{is_exception, is_type, slashes};
use super::grammar::{Belongs, Line, Link, Next, Out, Piece};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// After an error whose language is not known yet.
    Unknown,
    /// After the line of an error, which may have more lines.
    Error,
    Frames,
    /// Before the error that ended a thread.
    Thread,
}

pub(super) const AFTER_ERROR: State = State::Unknown;

/// Begins with an error and its place: ``cart.rb:3:in `pay': no card (ArgumentError)``.
///
/// Other text may come before it.
pub(super) fn begin(line: Line<'_>, out: Out<'_>) -> Option<(State, usize)> {
    let text = line.text;
    if text.starts_with("#<Thread:") && text.contains("terminated with exception") {
        return Some((State::Thread, 0));
    }
    let place = text.find(":in `").or_else(|| text.find(":in '"))?;
    let before = text[..place].rfind(' ').map_or(0, |space| space + 1);
    let (frame, message) = frame(&text[before..])?;
    error(message?, Link::First, out);
    out(Piece::Frame(frame));
    Some((State::Error, before))
}

/// Begins with an error as a logger writes it: `no card (ArgumentError)`, or `ArgumentError (no card):`.
pub(super) fn begin_after_head(line: Line<'_>, out: Out<'_>) -> Option<State> {
    let text = line.text.strip_suffix(':').unwrap_or(line.text);
    let (before, inner) = text.strip_suffix(')')?.rsplit_once(" (")?;
    if is_type(inner) && is_exception(inner) {
        out(Piece::Error(ErrorCause::new(Some(inner.into()), before), Link::First));
    } else {
        let (name, message) = text.strip_suffix(')')?.split_once(" (")?;
        let is_rails = is_type(name) && is_exception(name) && text.len() < line.text.len();
        is_rails
            .then(|| out(Piece::Error(ErrorCause::new(Some(name.into()), message), Link::First)))?;
    }
    Some(State::Error)
}

impl State {
    pub(super) fn next(self, line: Line<'_>, out: Out<'_>) -> Next<Self> {
        let text = line.text;
        let surely = |state| Some((state, Belongs::Surely));
        let (call, is_outer) = match text.strip_prefix("from ") {
            Some(call) => (call, true),
            None => (text, false),
        };
        match frame(call) {
            // The cause is printed after its effect.
            Some((frame, Some(message))) if !is_outer && self != Self::Unknown => {
                let link = if self == Self::Thread { Link::First } else { Link::Cause };
                error(message, link, out);
                out(Piece::Frame(frame));
                return surely(Self::Error);
            }
            Some((frame, None)) => {
                out(Piece::Frame(frame));
                return surely(Self::Frames);
            }
            Some(_) | None => {}
        }
        if self == Self::Error {
            out(Piece::Perhaps(line.whole));
            return Some((self, Belongs::Perhaps));
        }
        None
    }
}

/// Reads `no card (ArgumentError)`.
fn error(text: &str, link: Link, out: Out<'_>) {
    let cause = match text.strip_suffix(')').and_then(|text| text.rsplit_once(" (")) {
        Some((message, name)) if is_type(name) => ErrorCause::new(Some(name.into()), message),
        _ => ErrorCause::new(None, text),
    };
    out(Piece::Error(cause, link));
}

/// Reads ``cart.rb:3:in `pay'`` and what follows a colon behind it. Since Ruby 3.4, both quotes are the same.
fn frame(text: &str) -> Option<(Frame, Option<&str>)> {
    let (place, rest) = text.split_once(":in ")?;
    let rest = rest.strip_prefix(['`', '\''])?;
    let (function, behind) = match rest.split_once("': ") {
        Some((function, message)) => (function, Some(message)),
        None => (rest.strip_suffix('\'')?, None),
    };
    let (file, line) = place.rsplit_once(':')?;
    let mut frame = Frame::new(function);
    frame.line = Some(line.parse().ok()?);
    frame.file = Some(file.into());
    Some((frame, behind))
}

pub(super) fn owner(frame: &Frame) -> Owner {
    let file = slashes(frame.file.as_deref().unwrap_or_default());
    if file.contains("/gems/") || file.contains("/bundler/") {
        Owner::Library
    } else if file.starts_with("<internal:") || file.contains("/lib/ruby/") {
        Owner::Runtime
    } else {
        Owner::Application
    }
}
