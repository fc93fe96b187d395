//! Panics and backtraces of Rust, and the reports of its error libraries: `anyhow`, `eyre`, `color-eyre`, `snafu`,
//! `error-stack` and `miette`.

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
    /// After that place.
    Located,
    /// In the numbered frames.
    Frames,
    /// In numbered lines that are no frames: the spans of `color-eyre`, and further backtraces of `error-stack`.
    Others,
    /// After the code that `miette` writes above an error.
    Code,
    /// In the causes that `error-stack` and `miette` draw as a tree.
    Tree,
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

/// Begins with the first error of a chain that `color-eyre` numbers, or that `miette` draws, behind or below `Error:` or
/// another head without a message.
pub(super) fn begin_after_head(
    line: Line<'_>,
    next: Option<Line<'_>>,
    out: Out<'_>,
) -> Option<State> {
    // Others write this sign before what failed too, but nothing is drawn below it.
    if let Some(text) = line.text.strip_prefix(DIAGNOSTIC)
        && next.is_some_and(|next| next.text.starts_with(DRAWN) || next.text.starts_with("help: "))
    {
        out(Piece::Error(ErrorCause::new(None, text), Link::First));
        return Some(State::Tree);
    }
    if next.is_some_and(|next| next.text.starts_with(DIAGNOSTIC)) && is_code(line.text) {
        out(Piece::Error(ErrorCause::new(Some(line.text.into()), ""), Link::First));
        return Some(State::Code);
    }
    let text = line.text.strip_prefix("0: ")?;
    let is_followed = next.is_none_or(|next| {
        next.text.starts_with("1: ")
            || next.text == "Location:"
            || section(next.text).is_some()
            || is_hint(next.text)
    });
    is_followed.then(|| {
        out(Piece::Error(ErrorCause::new(None, text), Link::First));
        State::Causes
    })
}

impl State {
    /// Returns `true` unless it is the state after the first line of a chain.
    pub(super) const fn is_panic(self) -> bool {
        !matches!(self, Self::Causes | Self::Code | Self::Tree)
    }

    pub(super) fn next(self, line: Line<'_>, out: Out<'_>) -> Next<Self> {
        let text = line.text;
        let surely = |state| Some((state, Belongs::Surely));
        if text.eq_ignore_ascii_case("stack backtrace:") {
            return surely(Self::Frames);
        }
        if let Some(state) = section(text) {
            return surely(state);
        }
        if text.starts_with("note: run with `RUST_BACKTRACE")
            || text.starts_with("note: Some details are omitted")
            || text.starts_with("fatal runtime error: ")
            || is_hint(text)
        {
            let stays = matches!(self, Self::Report | Self::Located);
            return surely(if stays { self } else { Self::Error });
        }
        match self {
            Self::Report => {
                if let Some(text) = text.strip_prefix("Message: ") {
                    out(Piece::Text(text.trim_start()));
                } else if let Some(place) = text.strip_prefix("Location: ") {
                    let (file, number) = file_and_line(place);
                    out(Piece::RaisedAt(file, number));
                } else if !line.is_indented() {
                    return None;
                }
                surely(self)
            }
            Self::Panic | Self::Message => {
                out(Piece::Text(line.whole));
                surely(Self::Message)
            }
            Self::Error | Self::Causes if is_title_of_causes(text) => surely(Self::Causes),
            Self::Error | Self::Causes if text == "Location:" => surely(Self::Location),
            Self::Location if line.is_indented() => {
                let (file, number) = file_and_line(text);
                out(Piece::RaisedAt(file, number));
                surely(Self::Located)
            }
            Self::Located | Self::Frames | Self::Others if is_help(text) => surely(Self::Located),
            Self::Causes if line.is_indented() => {
                let text = numbered(text).unwrap_or(text);
                out(Piece::Error(ErrorCause::new(None, text), Link::Cause));
                surely(self)
            }
            Self::Frames | Self::Others if text.starts_with("backtrace no. ") => {
                surely(Self::Others)
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
                        || text.ends_with(" hidden ⋮")
                        || is_source(line)
                        || is_rule(text) =>
                    {
                        return surely(self);
                    }
                    None => return None,
                };
                out(Piece::Frame(Frame::new(without_hash(name))));
                surely(self)
            }
            Self::Others if line.is_indented() => surely(self),
            Self::Error | Self::Code | Self::Tree => self.in_tree(line, out),
            Self::Causes | Self::Location | Self::Located | Self::Others => None,
        }
    }

    /// Reads a line of what `error-stack` and `miette` draw below an error.
    fn in_tree(self, line: Line<'_>, out: Out<'_>) -> Next<Self> {
        let text = line.text;
        let error = |text: &str, link| Piece::Error(ErrorCause::new(None, text), link);
        let mut next = Self::Tree;
        if let Some(place) = text.strip_prefix("├╴at ") {
            let (file, number) = file_and_line(place);
            out(Piece::RaisedAt(file, number));
        } else if self == Self::Error {
            return None;
        } else if let Some(text) = text.strip_prefix(DIAGNOSTIC) {
            out(if self == Self::Code { Piece::Text(text) } else { error(text, Link::Part) });
        } else if let Some(cause) = ["╰─▶ ", "├─▶ "].iter().find_map(|at| text.strip_prefix(at))
        {
            out(error(cause, Link::Cause));
        } else if text.starts_with("backtrace no. ") {
            next = Self::Frames;
        } else if !line.is_indented() && !text.starts_with(DRAWN) {
            return None;
        }
        Some((next, Belongs::Surely))
    }
}

/// What `miette` writes before an error.
const DIAGNOSTIC: &str = "× ";

/// Recognises the code of an error, such as `shop::pay`.
fn is_code(text: &str) -> bool {
    text.contains("::")
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_:-.".contains(&byte))
}

/// What trees, their rules and the frames of source code are drawn with.
const DRAWN: [char; 5] = ['├', '│', '╰', '╭', '━'];

/// Recognises what `anyhow`, `eyre` and `snafu` write above the causes.
fn is_title_of_causes(text: &str) -> bool {
    text == "Caused by:"
        || text == "Caused by this error:"
        || text == "Caused by these errors (recent errors listed first):"
}

/// Recognises the rule above the backtraces of `error-stack`.
fn is_rule(text: &str) -> bool {
    text.chars().all(|c| c == '━')
}

/// Recognises the title of a section of `color-eyre`: `━━━ BACKTRACE ━━━`.
fn section(text: &str) -> Option<State> {
    match text.strip_prefix('━')?.trim_matches('━') {
        " BACKTRACE " => Some(State::Frames),
        " SPANTRACE " => Some(State::Others),
        _ => None,
    }
}

/// Recognises what `color-eyre` writes at the end of a report.
fn is_hint(text: &str) -> bool {
    text.starts_with("Backtrace omitted. ")
        || text.starts_with("Run with RUST_BACKTRACE=")
        || text.starts_with("Run with COLORBT_SHOW_HIDDEN=")
}

/// Recognises what an application adds to a report of `color-eyre`.
fn is_help(text: &str) -> bool {
    text.starts_with("Suggestion: ") || text.starts_with("Note: ")
}

/// Recognises a line of source code below a frame: `> 35 │ pay(card);`.
fn is_source(line: Line<'_>) -> bool {
    let Some((number, _)) = line.text.split_once(" │") else { return false };
    line.is_indented() && number.trim_start_matches(['>', ' ']).parse::<u32>().is_ok()
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
    let name = match name.strip_suffix("<unknown>") {
        // So says `color-eyre` of a name without a hash.
        Some(known) if !known.is_empty() => known,
        _ => name,
    };
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
