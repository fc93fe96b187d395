//! Errors of Elixir and Erlang.

use ticket_core::record::{ErrorCause, Frame};

use super::collect::Owner;
use super::errors::is_type;
use super::grammar::{Belongs, Line, Link, Next, Out, Piece};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// After an error whose language is not known yet.
    Unknown,
    Error,
    Frames,
}

pub(super) const AFTER_ERROR: State = State::Unknown;

/// Begins with `** (ArgumentError) no card`, or with `exception error: no function clause`.
pub(super) fn begin(line: Line<'_>, out: Out<'_>) -> Option<State> {
    out(Piece::Error(error(line.text)?, Link::First));
    Some(State::Error)
}

fn error(text: &str) -> Option<ErrorCause> {
    if let Some((name, message)) = text.strip_prefix("** (").and_then(|rest| rest.split_once(')'))
        && (is_type(name) || name.starts_with("EXIT"))
    {
        return Some(ErrorCause::new(Some(name.into()), message.trim_start()));
    }
    let text = text.strip_prefix("** ").unwrap_or(text);
    for kind in ["error", "exit", "throw"] {
        if let Some(message) = text.strip_prefix("exception ")
            && let Some(message) = message.strip_prefix(kind)
            && let Some(message) = message.strip_prefix(": ")
        {
            return Some(ErrorCause::new(Some(kind.into()), message));
        }
    }
    // The reason in a report of Erlang: {badarith,[{shop,pay,1,[…]}]}
    let reason = text.strip_prefix('{')?;
    let (name, _) = reason.trim_start_matches('{').split_once(',')?;
    let is_atom =
        name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_') && !name.is_empty();
    (is_atom && reason.contains(",[{")).then(|| ErrorCause::new(Some(name.into()), ""))
}

impl State {
    pub(super) fn next(self, line: Line<'_>, out: Out<'_>) -> Next<Self> {
        let text = line.text;
        if let Some(frame) = elixir_frame(text).or_else(|| erlang_frame(text)) {
            out(Piece::Frame(frame));
            return Some((Self::Frames, Belongs::Surely));
        }
        if self == Self::Unknown {
            return None;
        }
        if line.is_indented()
            && let Some(cause) = error(text)
        {
            out(Piece::Error(cause, Link::Cause));
            return Some((Self::Error, Belongs::Surely));
        }
        match self {
            Self::Error => {
                out(Piece::Perhaps(line.whole));
                Some((self, Belongs::Perhaps))
            }
            Self::Unknown | Self::Frames => None,
        }
    }
}

/// Reads `(shop 0.1.0) lib/shop.ex:12: Shop.pay/1`.
fn elixir_frame(text: &str) -> Option<Frame> {
    let (application, rest) = match text.strip_prefix('(').and_then(|rest| rest.split_once(") ")) {
        Some((application, rest)) => (application, rest),
        None => ("", text),
    };
    if !application.is_empty() && rest.starts_with(':') && has_arity(rest) {
        return Some(Frame::new(rest));
    }
    // A function of the runtime that was called with the wrong arguments: `:erlang.map_get("visa", %{})`
    if let Some((function, _)) = rest.split_once('(').filter(|_| rest.ends_with(')'))
        && function.starts_with(':')
        && function.contains('.')
        && !function.contains(' ')
    {
        return Some(Frame::new(function));
    }
    let (place, function) = rest.split_once(": ")?;
    let (file, line) = place.rsplit_once(':')?;
    let is_source =
        [".ex", ".exs", ".erl", ".eex", ".heex", ".leex"].iter().any(|end| file.ends_with(end));
    if !is_source || file.contains(' ') {
        return None;
    }
    let mut frame = Frame::new(function);
    frame.line = Some(line.parse().ok()?);
    // The application tells its own files from those of others with the same names.
    let application = application.split(' ').next().unwrap_or_default();
    frame.file = Some(if application.is_empty() {
        file.into()
    } else {
        format!("{application}/{file}").into()
    });
    Some(frame)
}

fn has_arity(text: &str) -> bool {
    text.rsplit_once('/').is_some_and(|(_, arity)| arity.parse::<u8>().is_ok())
}

/// Reads `in function  shop:pay/1 (src/shop.erl, line 12)` and `in call from …`.
fn erlang_frame(text: &str) -> Option<Frame> {
    let rest = text
        .strip_prefix("in function ")
        .or_else(|| text.strip_prefix("in call from "))?
        .trim_start();
    let (function, place) = rest.split_once(" (").unwrap_or((rest, ""));
    let mut frame = Frame::new(function.trim());
    if let Some((file, line)) =
        place.strip_suffix(')').and_then(|place| place.split_once(", line "))
    {
        frame.file = Some(file.into());
        frame.line = line.parse().ok();
    }
    Some(frame)
}

pub(super) fn owner(frame: &Frame) -> Owner {
    const RUNTIME: [&str; 12] = [
        "elixir/",
        "stdlib/",
        "kernel/",
        "mix/",
        "ex_unit/",
        "iex/",
        "logger/",
        "gen_server.erl",
        "proc_lib.erl",
        "gen.erl",
        "erl_",
        "supervisor.erl",
    ];
    const LIBRARIES: [&str; 6] =
        ["phoenix", "plug", "ecto", "db_connection/", "cowboy/", "postgrex/"];
    let Some(file) = frame.file.as_deref() else { return Owner::Runtime };
    if RUNTIME.iter().any(|of| file.starts_with(of)) || frame.function.starts_with(":elixir_") {
        Owner::Runtime
    } else if LIBRARIES.iter().any(|of| file.starts_with(of)) || file.contains("deps/") {
        Owner::Library
    } else {
        Owner::Application
    }
}
