//! Errors of Elixir and Erlang.

use ticket_core::SmolStr;
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

/// Begins with an error that a logger writes before its stack trace: `cannot pay: error:{badkey,visa}`. `next` is the
/// line below.
pub(super) fn begin_after_head(
    line: Line<'_>,
    next: Option<Line<'_>>,
    out: Out<'_>,
) -> Option<(State, usize)> {
    next.filter(|next| next.text.starts_with("[{"))?;
    let (at, reason) = ["error:", "exit:", "throw:"].iter().find_map(|class| {
        let at = line.text.rfind(class)?;
        let is_word = line.text[..at].chars().next_back().is_none_or(char::is_whitespace);
        is_word.then(|| (at, &line.text[at + class.len()..]))
    })?;
    let kind = atom(reason.trim_start_matches('{'))?;
    out(Piece::Error(ErrorCause::new(Some(kind.into()), reason), Link::First));
    Some((State::Error, at))
}

/// Returns the atom with which a term begins.
fn atom(term: &str) -> Option<&str> {
    let end = term.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(term.len());
    term.starts_with(|c: char| c.is_ascii_lowercase()).then(|| &term[..end])
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
            let kind = message.strip_prefix('{').and_then(atom).unwrap_or(kind);
            return Some(ErrorCause::new(Some(kind.into()), message));
        }
    }
    // The reason in a report of Erlang: {badarith,[{shop,pay,1,[…]}]}
    let is_reason = text.starts_with('{')
        && !is_term_frame(text)
        && (text.contains(",[{") || text.starts_with("{{") && text.ends_with(','));
    let kind = atom(text.trim_start_matches('{')).filter(|_| is_reason)?;
    Some(ErrorCause::new(Some(kind.into()), ""))
}

impl State {
    pub(super) fn next(self, line: Line<'_>, out: Out<'_>) -> Next<Self> {
        let text = line.text;
        if let Some(frame) = elixir_frame(text).or_else(|| erlang_frame(text)) {
            out(Piece::Frame(frame));
            return Some((Self::Frames, Belongs::Surely));
        }
        if is_term_frame(text.trim_start_matches('[')) {
            term_frames(text.trim_start_matches('['), out);
            return Some((Self::Frames, Belongs::Surely));
        }
        // The rest of a frame that is too long for one line.
        if let Some((file, line)) = place(text) {
            out(Piece::Place(Some(file), line));
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

/// Returns `true` for a line with frames as terms: `{shop,pay,1,[{file,"shop.erl"},{line,12}]},`. In place of the arity,
/// there may be the arguments.
fn is_term_frame(text: &str) -> bool {
    let mut parts = text.strip_prefix('{').unwrap_or_default().splitn(3, ',');
    let is_name =
        |name: &str| atom(name.trim_start_matches('\'')).is_some() || name.starts_with("'-");
    parts.next().is_some_and(is_name)
        && parts.next().is_some_and(is_name)
        && parts.next().is_some_and(|rest| {
            rest.starts_with('[')
                || rest.split(',').next().is_some_and(|arity| arity.parse::<u8>().is_ok())
        })
}

/// Reads the frames of a line. What stands before the place may be in the line before.
fn term_frames(text: &str, out: Out<'_>) {
    for tuple in text.split("]},{") {
        let tuple = tuple.trim_start_matches('{');
        let mut parts = tuple.splitn(3, ',');
        let (Some(module), Some(function), Some(rest)) = (parts.next(), parts.next(), parts.next())
        else {
            continue;
        };
        let mut frame = match rest.split(',').next().filter(|arity| arity.parse::<u8>().is_ok()) {
            Some(arity) => Frame::new(format!("{module}:{function}/{arity}")),
            None => Frame::new(format!("{module}:{function}")),
        };
        if let Some((file, line)) = rest.find("[{file,\"").and_then(|at| place(&rest[at..])) {
            (frame.file, frame.line) = (Some(file), line);
        }
        out(Piece::Frame(frame));
    }
}

/// Reads `[{file,"shop.erl"},{line,12}]`.
fn place(text: &str) -> Option<(SmolStr, Option<u32>)> {
    let (file, rest) = text.strip_prefix("[{file,\"")?.split_once('"')?;
    let line = rest.strip_prefix("},{line,").and_then(|rest| rest.split_once('}'));
    Some((file.into(), line.and_then(|(line, _)| line.parse().ok())))
}

pub(super) fn owner(frame: &Frame) -> Owner {
    const RUNTIME: [&str; 17] = [
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
        "lists.erl",
        "maps.erl",
        "timer.erl",
        "init.erl",
        "escript.erl",
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
