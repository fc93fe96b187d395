//! Stacks of JavaScript: Node and its relatives, and browsers.

use ticket_core::record::{ErrorCause, Frame};

use super::collect::Owner;
use super::errors::{exception, file_and_line, is_capitalised, slashes};
use super::grammar::{Belongs, Line, Link, Next, Out, Piece};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Node prints the place of an uncaught error first, then its source, then a mark below it.
    Place,
    Source,
    Mark,
    /// After an error.
    Error,
    Frames,
    /// In what is printed of an error's properties, and whether they list errors.
    Properties {
        is_list: bool,
    },
    Ended,
}

pub(super) const AFTER_ERROR: State = State::Error;

/// Begins with what runtimes write before an uncaught error.
pub(super) fn begin(line: Line<'_>, out: Out<'_>) -> Option<State> {
    let text = line.text;
    if is_source(text) {
        return Some(State::Place);
    }
    // Without properties, the next line shows the language, which may be PHP.
    let error = uncaught_error(text).filter(|error| error.ends_with('{'))?;
    Some(uncaught(error, out))
}

/// Returns the error behind what runtimes write before an uncaught one.
pub(super) fn uncaught_error(text: &str) -> Option<&str> {
    const TITLES: [&str; 6] = [
        "error: Uncaught (in promise) ",
        "error: Uncaught ",
        "Uncaught (in promise) ",
        "Uncaught ",
        "Unhandled rejection ",
        "Unhandled Promise Rejection: ",
    ];
    let warning = || {
        let (_, rest) = text.strip_prefix("(node:")?.split_once(") ")?;
        rest.strip_prefix("UnhandledPromiseRejectionWarning: ")
    };
    let error = TITLES.iter().find_map(|title| text.strip_prefix(title)).or_else(warning)?;
    is_capitalised(error).then_some(error)
}

/// Reads the line of an uncaught error.
fn uncaught(text: &str, out: Out<'_>) -> State {
    let (error, opens) = without_brace(text);
    // An error without a stack is printed in brackets.
    let error = error.strip_prefix('[').and_then(|error| error.strip_suffix(']')).unwrap_or(error);
    out(Piece::Error(exception(error), Link::First));
    if opens { State::Properties { is_list: false } } else { State::Error }
}

impl State {
    pub(super) fn next(self, line: Line<'_>, out: Out<'_>) -> Next<Self> {
        let text = line.text;
        let surely = |state| Some((state, Belongs::Surely));
        match self {
            Self::Place => return surely(Self::Source),
            Self::Source => {
                let is_mark = !text.is_empty() && text.bytes().all(|byte| b"^~".contains(&byte));
                return surely(if is_mark { Self::Mark } else { Self::Source })
                    .filter(|_| is_mark || line.is_indented());
            }
            Self::Mark => return surely(uncaught(text, out)),
            Self::Error | Self::Frames | Self::Properties { .. } | Self::Ended => {}
        }
        if text.starts_with("Node.js v")
            || text.starts_with("Bun v")
            || text.starts_with("(Use `node ")
        {
            return surely(Self::Ended);
        }
        if self == Self::Ended {
            return None;
        }
        if let Some((frame, opens)) = frame(text) {
            out(Piece::Frame(frame));
            let state = match self {
                Self::Properties { .. } => self,
                _ if opens => Self::Properties { is_list: false },
                _ => Self::Frames,
            };
            return surely(state);
        }
        if text.starts_with("... ") && text.contains(" lines matching ") {
            return surely(self);
        }
        // How `pino` and `verror` print a cause.
        if let Some(error) =
            text.strip_prefix("caused by: ").or_else(|| text.strip_prefix("Caused by: "))
            && self != Self::Error
        {
            out(Piece::Error(exception(error), Link::Cause));
            return surely(Self::Error);
        }
        match self {
            Self::Properties { is_list } => {
                if text == "}" && !line.is_indented() {
                    return surely(Self::Ended);
                }
                let (inner, _) = without_brace(text);
                if let Some(error) = inner.strip_prefix("[cause]: ") {
                    let link = if is_list { Link::Part } else { Link::Cause };
                    out(Piece::Error(bracketed(error), link));
                } else if inner.starts_with("[errors]: [") {
                    return surely(Self::Properties { is_list: true });
                } else if is_list && super::errors::is_exception(inner.trim_start_matches('[')) {
                    out(Piece::Error(bracketed(inner), Link::Part));
                }
                (line.is_indented() || text.starts_with(['[', ']', '}']))
                    .then_some((self, Belongs::Surely))
            }
            Self::Error => {
                out(Piece::Perhaps(line.whole));
                Some((self, Belongs::Perhaps))
            }
            _ => None,
        }
    }
}

fn bracketed(error: &str) -> ErrorCause {
    let error = error.trim_end_matches(',');
    exception(error.strip_prefix('[').and_then(|error| error.strip_suffix(']')).unwrap_or(error))
}

/// Removes the brace that opens the properties of an error.
fn without_brace(text: &str) -> (&str, bool) {
    match text.strip_suffix(" {") {
        Some(text) => (text, true),
        None => (text, false),
    }
}

/// Recognises a line that is only a place: `/srv/app/cart.js:12`.
fn is_source(text: &str) -> bool {
    let (file, line) = file_and_line(text);
    let is_path = |file: &str| {
        file.starts_with('/')
            || file.starts_with("file://")
            || file.starts_with("node:")
            || file.get(1..3) == Some(":\\")
    };
    line.is_some()
        && file
            .is_some_and(|file| is_path(&file) && !file.ends_with(".rb") && !file.ends_with(".go"))
}

/// Reads `at pay (src/cart.js:3:14)`, `at src/cart.js:3:14` and `pay@https://shop/cart.js:3:14`, and whether the
/// properties of the error follow.
fn frame(text: &str) -> Option<(Frame, bool)> {
    let (text, opens) = without_brace(text);
    let text = text.strip_suffix(',').unwrap_or(text);
    let (function, at) = match text.strip_prefix("at ") {
        Some(place) => match place.strip_suffix(')').and_then(|place| place.split_once(" (")) {
            Some((function, at)) => (function, at),
            None => ("", place),
        },
        // Firefox and Safari.
        None => text.split_once('@').filter(|(function, _)| !function.contains(' '))?,
    };
    let (function, at) = match at.strip_prefix("async ") {
        Some(at) if function.is_empty() => (function, at),
        _ => (function.strip_prefix("async ").unwrap_or(function), at),
    };
    let mut frame = Frame::new(function);
    if !function.is_empty() && (matches!(at, "native" | "<anonymous>") || at.starts_with("index "))
    {
        return Some((frame, opens));
    }
    if function.is_empty() && at == "<anonymous>" {
        return Some((frame, opens));
    }
    // A line and a column.
    let (before, column) = at.rsplit_once(':')?;
    column.parse::<u32>().ok()?;
    let (_, line) = before.rsplit_once(':')?;
    line.parse::<u32>().ok()?;
    let (file, line) = file_and_line(at);
    // Not the time of day in `at 10:47:20`.
    file.as_deref().filter(|file| file.contains(['/', '\\', '.', '<', ':']))?;
    frame.file = file.map(|file| file.strip_prefix("file://").unwrap_or(&file).into());
    frame.line = line;
    Some((frame, opens))
}

pub(super) fn owner(frame: &Frame) -> Owner {
    let Some(file) = frame.file.as_deref().map(slashes) else { return Owner::Runtime };
    if ["node:", "internal/", "bun:", "ext:", "eval at", "<anonymous>"]
        .iter()
        .any(|of| file.starts_with(of))
    {
        Owner::Runtime
    } else if file.contains("/node_modules/") || file.starts_with("node_modules/") {
        Owner::Library
    } else {
        Owner::Application
    }
}
