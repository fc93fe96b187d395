//! Panics and backtraces of Rust, and the chains of `anyhow` and `eyre`.

use ticket_core::record::{ErrorCause, Frame};

use super::collect::Owner;
use super::errors::{file_and_line, slashes};
use super::grammar::{Belongs, Line, Link, Next, Out, Piece};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Before the message of a panic.
    Panic,
    /// In the message of a panic.
    Message,
    /// In the report of a panic that `color-eyre` writes.
    Report,
    /// After an error, or after all that belongs to a panic.
    Error,
    /// In the causes of an error.
    Causes,
    /// Before the place of an error, as `eyre` writes it.
    Location,
    /// In the numbered frames.
    Frames,
}

pub(super) const AFTER_ERROR: State = State::Error;

/// Begins with a panic.
pub(super) fn begin(line: Line<'_>, out: Out<'_>) -> Option<State> {
    if line.text == "The application panicked (crashed)." {
        out(Piece::Error(ErrorCause::new(Some("panic".into()), ""), Link::First));
        return Some(State::Report);
    }
    let rest = line.text.strip_prefix("thread '")?;
    let (thread, rest) = rest.split_once('\'')?;
    let rest = rest.trim_start();
    // Since Rust 1.91, the id of the thread follows its name: thread 'main' (4711) panicked at
    let rest = match rest.strip_prefix('(') {
        Some(number) => number.split_once(") ")?.1,
        None => rest,
    };
    if rest.starts_with("has overflowed its stack") {
        out(Piece::Error(ErrorCause::new(Some("stack overflow".into()), line.text), Link::First));
        out(Piece::Thread(thread));
        return Some(State::Error);
    }
    let place = rest.strip_prefix("panicked at ")?;
    let (message, place) = match place.strip_prefix('\'') {
        // Before Rust 1.73: panicked at 'message', src/main.rs:4:5
        Some(old) => old.rsplit_once("', ").unwrap_or((old, "")),
        None => ("", place.trim_end_matches(':')),
    };
    let (file, number) = file_and_line(place);
    out(Piece::Error(ErrorCause::new(Some("panic".into()), message), Link::First));
    out(Piece::RaisedAt(file, number));
    out(Piece::Thread(thread));
    Some(if message.is_empty() { State::Panic } else { State::Message })
}

impl State {
    pub(super) fn next(self, line: Line<'_>, out: Out<'_>) -> Next<Self> {
        let text = line.text;
        let surely = |state| Some((state, Belongs::Surely));
        if text.eq_ignore_ascii_case("stack backtrace:") {
            return surely(Self::Frames);
        }
        if text.starts_with("note: run with `RUST_BACKTRACE")
            || text.starts_with("note: Some details are omitted")
            || text.starts_with("fatal runtime error: ")
        {
            return surely(Self::Error);
        }
        match self {
            Self::Report => {
                if let Some(text) = text.strip_prefix("Message: ") {
                    out(Piece::Text(text.trim_start()));
                } else if let Some(place) = text.strip_prefix("Location: ") {
                    let (file, number) = file_and_line(place);
                    out(Piece::RaisedAt(file, number));
                } else if text.contains(" BACKTRACE ") {
                    return surely(Self::Frames);
                } else if !text.starts_with("Backtrace omitted")
                    && !text.starts_with("Run with RUST_BACKTRACE=")
                    && !line.is_indented()
                {
                    return None;
                }
                surely(self)
            }
            Self::Panic | Self::Message => {
                out(Piece::Text(line.whole));
                surely(Self::Message)
            }
            Self::Error | Self::Causes if text == "Caused by:" => surely(Self::Causes),
            Self::Error | Self::Causes if text == "Location:" => surely(Self::Location),
            Self::Location if line.is_indented() => {
                let (file, number) = file_and_line(text);
                out(Piece::RaisedAt(file, number));
                surely(Self::Error)
            }
            Self::Causes if line.is_indented() => {
                let text = numbered(text).unwrap_or(text);
                out(Piece::Error(ErrorCause::new(None, text), Link::Cause));
                surely(self)
            }
            Self::Frames => {
                if let Some(place) = text.strip_prefix("at ").filter(|_| line.is_indented()) {
                    let (file, number) = file_and_line(place.strip_prefix("./").unwrap_or(place));
                    out(Piece::Place(file, number));
                    return surely(self);
                }
                let name = match numbered(text) {
                    Some(name) => name,
                    None if text.starts_with("[... omitted")
                        || text.contains(" frames hidden ")
                        || text.starts_with("Run with ") =>
                    {
                        return surely(self);
                    }
                    None => return None,
                };
                out(Piece::Frame(Frame::new(without_hash(name))));
                surely(self)
            }
            Self::Error | Self::Causes | Self::Location => None,
        }
    }
}

/// Reads `0: name`, or `3: 0x55d0c - name` with an address.
fn numbered(text: &str) -> Option<&str> {
    let (number, name) = text.split_once(": ")?;
    number.parse::<u32>().ok()?;
    let name = name.trim_start();
    Some(match name.strip_prefix("0x").and_then(|rest| rest.split_once(" - ")) {
        Some((_, name)) => name,
        None => name,
    })
}

/// Removes the hash of a function's name, which differs from build to build.
fn without_hash(name: &str) -> &str {
    match name.rsplit_once("::h") {
        Some((name, hash)) if hash.len() == 16 && hash.bytes().all(|b| b.is_ascii_hexdigit()) => {
            name
        }
        _ => name,
    }
}

pub(super) fn owner(frame: &Frame) -> Owner {
    const RUNTIME: [&str; 3] = ["std::", "core::", "alloc::"];
    const SYSTEM: [&str; 8] = [
        "rust_begin_unwind",
        "__rust",
        "_start",
        "__libc_start",
        "<unknown>",
        "clone",
        "start_thread",
        "__GI_",
    ];
    const LIBRARIES: [&str; 12] = [
        "anyhow::",
        "eyre::",
        "tokio::",
        "futures_",
        "hyper::",
        "axum::",
        "tower::",
        "actix_",
        "rayon::",
        "tracing::",
        "log::",
        "serde",
    ];
    let begins = |names: &[&str], name: &str| names.iter().any(|of| name.starts_with(of));
    let function = frame.function.as_str();
    let name = function.trim_start_matches(['<', '&']);
    if begins(&RUNTIME, name) || begins(&SYSTEM, function) {
        return Owner::Runtime;
    }
    let Some(file) = frame.file.as_deref().map(slashes) else {
        // Without debug information, only names are known, and `main` may be that of C.
        return if function == "main" {
            Owner::Runtime
        } else if begins(&LIBRARIES, name) {
            Owner::Library
        } else {
            Owner::Application
        };
    };
    if ["/rustc/", "/rustlib/", "/library/std/", "/library/core/"]
        .iter()
        .any(|at| file.contains(at))
    {
        Owner::Runtime
    } else if ["/registry/src/", "/git/checkouts/"].iter().any(|at| file.contains(at)) {
        Owner::Library
    } else {
        Owner::Application
    }
}
