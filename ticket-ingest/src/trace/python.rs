//! Tracebacks of Python, with chains and groups.

use ticket_core::record::{ErrorCause, Frame};

use super::collect::Owner;
use super::errors::{exception, slashes};
use super::grammar::{Belongs, Line, Link, Next, Out, Piece};

const TITLE: &str = "Traceback (most recent call last)";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct State {
    step: Step,
    /// In the members of a group. What they say comes after the group.
    is_part: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// In the frames of an exception, which come before the exception itself.
    Frames,
    /// After the line of an exception.
    Message,
    /// After the sentence between two exceptions of a chain.
    Linked(Link),
    /// Before a member of a group.
    Member,
    /// A second trace has begun, which is not read.
    Ended,
}

const FRAMES: State = State { step: Step::Frames, is_part: false };

/// Begins with the title of a traceback, or with the frame of a syntax error.
pub(super) fn begin(line: Line<'_>, out: Out<'_>) -> Option<(State, usize)> {
    if let Some(at) = line.text.find(TITLE) {
        let before = line.text[..at].trim_end_matches("Exception Group ").trim_end_matches("+ ");
        out(Piece::Error(ErrorCause::default(), Link::First));
        return Some((FRAMES, before.len()));
    }
    // The traceback of another process, which stands between quotes.
    let announces = State { step: Step::Linked(Link::First), ..FRAMES };
    if line.text.trim_end_matches(':').ends_with("RemoteTraceback") {
        return Some((announces, 0));
    }
    let thread =
        line.text.strip_prefix("Exception in thread ").and_then(|text| text.strip_suffix(':'));
    if let Some(name) = thread.filter(|name| !name.contains(": ")) {
        out(Piece::Thread(name));
        return Some((announces, 0));
    }
    out(Piece::Frame(frame(line.text)?));
    Some((FRAMES, 0))
}

impl State {
    pub(super) fn next(self, line: Line<'_>, out: Out<'_>) -> Next<Self> {
        let line = match line.text.strip_prefix('|') {
            Some(inner) => Line::new(inner.strip_prefix(' ').unwrap_or(inner)),
            None => line,
        };
        let text = line.text;
        if text.is_empty() || text == "\"\"\"" {
            return Some((self, Belongs::Surely));
        }
        if text.starts_with("+-") && text.ends_with("---") {
            let member = Self { step: Step::Member, is_part: true };
            return Some((member, Belongs::Surely));
        }
        if text.starts_with(TITLE) || text.starts_with("+ Exception Group Traceback") {
            let link = match self.step {
                Step::Linked(link) => link,
                Step::Member => Link::Part,
                Step::Frames | Step::Message | Step::Ended => {
                    return Some((Self { step: Step::Ended, ..self }, Belongs::Perhaps));
                }
            };
            out(Piece::Error(ErrorCause::default(), link));
            return Some((Self { step: Step::Frames, ..self }, Belongs::Surely));
        }
        match self.step {
            Step::Frames => {
                if let Some(frame) = frame(text) {
                    out(Piece::Frame(frame));
                    return Some((self, Belongs::Surely));
                }
                if line.is_indented() {
                    return Some((self, Belongs::Surely));
                }
                out(Piece::Name(exception(text)));
                Some((Self { step: Step::Message, ..self }, Belongs::Surely))
            }
            Step::Member if !line.is_indented() => {
                out(Piece::Error(exception(text), Link::Part));
                Some((Self { step: Step::Message, ..self }, Belongs::Surely))
            }
            Step::Member | Step::Linked(_) | Step::Ended => None,
            Step::Message => Some(match link(text) {
                Some(link) => {
                    let link = if self.is_part { Link::Part } else { link };
                    (Self { step: Step::Linked(link), ..self }, Belongs::Surely)
                }
                None => {
                    out(Piece::Text(line.whole));
                    (self, Belongs::Perhaps)
                }
            }),
        }
    }
}

/// Reads the sentence between two exceptions.
fn link(text: &str) -> Option<Link> {
    if text.starts_with("The above exception was the direct cause") {
        Some(Link::Effect)
    } else if text.starts_with("During handling of the above exception") {
        Some(Link::During)
    } else {
        None
    }
}

/// Reads `File "app.py", line 3, in main`. loguru marks the frame in which an error was caught.
pub(super) fn frame(text: &str) -> Option<Frame> {
    let text = text.strip_prefix("> ").unwrap_or(text);
    let (file, rest) = text.strip_prefix("File \"")?.split_once("\", line ")?;
    let (line, function) = rest.split_once(", in ").unwrap_or((rest, ""));
    let mut frame = Frame::new(function);
    frame.file = Some(file.into());
    frame.line = Some(line.trim().parse().ok()?);
    Some(frame)
}

pub(super) fn owner(frame: &Frame) -> Owner {
    let file = slashes(frame.file.as_deref().unwrap_or("<"));
    if file.contains("site-packages/") || file.contains("dist-packages/") {
        Owner::Library
    } else if file.starts_with('<') || ["/lib/python", "/Lib/"].iter().any(|at| file.contains(at)) {
        Owner::Runtime
    } else {
        Owner::Application
    }
}
