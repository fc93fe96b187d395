//! Stack traces of .NET and Mono.

use ticket_core::record::{ErrorCause, Frame};

use super::collect::Owner;
use super::errors::{exception, file_and_line};
use super::grammar::{Belongs, Line, Link, Next, Out, Piece};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// After an error.
    Error,
    Frames,
}

pub(super) const AFTER_ERROR: State = State::Error;

/// What stands between an error and its cause.
const ARROW: &str = "---> ";

/// Begins with an exception that nobody has caught.
pub(super) fn begin(line: Line<'_>, out: Out<'_>) -> Option<State> {
    let titles = ["Unhandled exception. ", "Unhandled Exception: ", "Unhandled exception: "];
    let error = titles.iter().find_map(|title| line.text.strip_prefix(title))?;
    Some(errors(error, out))
}

/// Reads an error, with the causes that .NET Framework writes into the same line.
pub(super) fn errors(text: &str, out: Out<'_>) -> State {
    for (index, error) in text.split(ARROW).enumerate() {
        let link = if index == 0 { Link::First } else { Link::Cause };
        out(Piece::Error(exception(error), link));
    }
    State::Error
}

impl State {
    pub(super) fn next(self, line: Line<'_>, out: Out<'_>) -> Next<Self> {
        let text = line.text;
        if let Some(frame) = frame(text) {
            out(Piece::Frame(frame));
            return Some((Self::Frames, Belongs::Surely));
        }
        if let Some(errors) = text.strip_prefix(ARROW) {
            for error in errors.split(ARROW) {
                match error.strip_prefix("(Inner Exception #") {
                    // The first one was printed already, as the cause.
                    Some(member) if !member.starts_with("0)") => {
                        let (_, error) = member.split_once(") ").unwrap_or(("", member));
                        out(Piece::Error(exception(error), Link::Part));
                    }
                    Some(_) => out(Piece::Error(ErrorCause::default(), Link::Part)),
                    None => out(Piece::Error(exception(error), Link::Cause)),
                }
            }
            return Some((Self::Error, Belongs::Surely));
        }
        // The end of a cause's frames, or of the frames of another thread or task. The frames behind it are those of
        // the same stack further out.
        if text.starts_with("--- End of ") {
            return Some((Self::Frames, Belongs::Surely));
        }
        match self {
            Self::Error => {
                out(Piece::Perhaps(line.whole));
                Some((self, Belongs::Perhaps))
            }
            Self::Frames => None,
        }
    }
}

/// Reads `at Shop.Cart.Pay(Int32 id) in /src/Cart.cs:line 12`.
fn frame(text: &str) -> Option<Frame> {
    // Unity: `Shop.Cart:Pay (int) (at Assets/Cart.cs:9)`
    if let Some((call, place)) = text.strip_suffix(')').and_then(|text| text.split_once(" (at "))
        && let Some((function, _)) = call.split_once(" (")
        && let Some((class, method)) = function.split_once(':')
    {
        let mut frame = Frame::new(format!("{class}.{method}"));
        (frame.file, frame.line) = file_and_line(place);
        return Some(frame);
    }
    let place = text.strip_prefix("at ")?.trim_end_matches("<---");
    let (function, rest) = place.split_once('(')?;
    let (arguments, behind) = rest.split_once(')')?;
    // Mono has a space before the bracket.
    let function = function.trim_end();
    let has_types = arguments.is_empty() || (arguments.contains(' ') && !arguments.contains(':'));
    let is_java = matches!(arguments, "Native Method" | "Unknown Source");
    let is_added = behind.is_empty() || behind.starts_with(" in ") || behind.starts_with(" [0x");
    if function.contains(' ') || !function.contains('.') || !has_types || is_java || !is_added {
        return None;
    }
    let mut frame = Frame::new(function);
    if let Some((_, at)) = behind.split_once(" in ") {
        let at = at.replace(":line ", ":");
        let (file, line) = file_and_line(at.trim());
        if !at.starts_with('<') {
            (frame.file, frame.line) = (file, line);
        }
    }
    Some(frame)
}

pub(super) fn owner(frame: &Frame) -> Owner {
    const LIBRARIES: [&str; 18] = [
        "Microsoft.",
        "Npgsql.",
        "Newtonsoft.",
        "Serilog.",
        "Dapper.",
        "StackExchange.",
        "RabbitMQ.",
        "Polly.",
        "MediatR.",
        "Grpc.",
        "Swashbuckle.",
        "Autofac.",
        "Castle.",
        "NHibernate.",
        "MySql.",
        "MongoDB.",
        "Xunit.",
        "NUnit.",
    ];
    let name = frame.function.as_str();
    if ["System.", "Mono.", "Interop.", "Internal.", "lambda_method"]
        .iter()
        .any(|of| name.starts_with(of))
    {
        Owner::Runtime
    } else if LIBRARIES.iter().any(|of| name.starts_with(of)) {
        Owner::Library
    } else {
        Owner::Application
    }
}
