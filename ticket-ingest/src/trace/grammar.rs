//! [`State`]: how far a trace was read, and what the next line may be.
//!
//! Each language is a grammar of lines: a small state and a function from a state and a line to the next state and
//! to the [`Piece`]s that the line holds. Whoever only asks whether a line belongs to a trace runs the same
//! grammar and ignores the pieces, so that what is joined is also what is read.

use ticket_core::record::{ErrorCause, Frame};
use ticket_core::{Level, SmolStr};

use super::collect::Owner;
use super::errors::{exception, is_capitalised, is_exception, is_qualified};
use super::{
    apple, beam, dotnet, embedded, go, java, javascript, jvm, kernel, php, python, ruby, rust,
};

/// A line without the white space around it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line<'a> {
    pub(super) text: &'a str,
    /// The same with the white space before it.
    pub(super) whole: &'a str,
}

impl<'a> Line<'a> {
    pub(super) fn new(line: &'a str) -> Self {
        let whole = line.trim_end();
        Self { text: whole.trim_start(), whole }
    }

    pub(super) fn is_indented(self) -> bool {
        self.text.len() < self.whole.len()
    }
}

/// What an error is to the one that was printed before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Link {
    /// The first error of a trace.
    First,
    /// The cause of the one before.
    Cause,
    /// What the one before has led to.
    Effect,
    /// Raised while the one before was handled: neither its cause nor its effect.
    During,
    /// A member of a group, or an error that was suppressed.
    Part,
}

/// What a line says.
#[derive(Debug)]
pub(super) enum Piece<'a> {
    Error(ErrorCause, Link),
    /// The error of the frames before, which began without it.
    Name(ErrorCause),
    Frame(Frame),
    /// The place of the frame before.
    Place(Option<SmolStr>, Option<u32>),
    /// A line that continues the text of the error before.
    Text(&'a str),
    /// The same if a frame follows; otherwise it belongs to no trace.
    Perhaps(&'a str),
    /// The thread that failed.
    Thread(&'a str),
    /// The place at which the error was raised, where it is not a frame.
    RaisedAt(Option<SmolStr>, Option<u32>),
}

/// Takes the pieces of a line.
pub(super) type Out<'o> = &'o mut dyn FnMut(Piece<'_>);

/// Whether a line that a grammar accepts belongs to the trace whatever stands around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Belongs {
    Surely,
    /// It may also be something else that the program wrote.
    Perhaps,
}

/// The state after a line, or `None` if the line does not belong to the trace.
pub(super) type Next<S> = Option<(S, Belongs)>;

/// How far a trace was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// After an error whose language the next lines show.
    Error,
    Apple(apple::State),
    Beam(beam::State),
    Dotnet(dotnet::State),
    Embedded(embedded::State),
    Go(go::State),
    Java(java::State),
    JavaScript(javascript::State),
    Jvm(jvm::State),
    Kernel(kernel::State),
    Php(php::State),
    Python(python::State),
    Ruby(ruby::State),
    Rust(rust::State),
}

/// The states after an error in each language in which it has no mark of its own. The first one that the next line
/// surely belongs to decides.
const AFTER_ERROR: [State; 7] = [
    State::Dotnet(dotnet::AFTER_ERROR),
    State::Java(java::AFTER_ERROR),
    State::JavaScript(javascript::AFTER_ERROR),
    State::Php(php::AFTER_ERROR),
    State::Ruby(ruby::AFTER_ERROR),
    State::Rust(rust::AFTER_ERROR),
    State::Beam(beam::AFTER_ERROR),
];

impl State {
    /// Reads the next line.
    pub(super) fn next(self, line: Line<'_>, out: Out<'_>) -> Next<Self> {
        fn with<S>(wrap: fn(S) -> State, next: Next<S>) -> Next<State> {
            next.map(|(state, belongs)| (wrap(state), belongs))
        }
        match self {
            Self::Error => after_error(line, out),
            Self::Apple(state) => with(Self::Apple, state.next(line, out)),
            Self::Beam(state) => with(Self::Beam, state.next(line, out)),
            Self::Dotnet(state) => with(Self::Dotnet, state.next(line, out)),
            Self::Embedded(state) => with(Self::Embedded, state.next(line, out)),
            Self::Go(state) => with(Self::Go, state.next(line, out)),
            Self::Java(state) => with(Self::Java, state.next(line, out)),
            Self::JavaScript(state) => with(Self::JavaScript, state.next(line, out)),
            Self::Jvm(state) => with(Self::Jvm, state.next(line, out)),
            Self::Kernel(state) => with(Self::Kernel, state.next(line, out)),
            Self::Php(state) => with(Self::Php, state.next(line, out)),
            Self::Python(state) => with(Self::Python, state.next(line, out)),
            Self::Ruby(state) => with(Self::Ruby, state.next(line, out)),
            Self::Rust(state) => with(Self::Rust, state.next(line, out)),
        }
    }

    /// Returns `true` after the line with which a panic begins.
    pub(super) const fn is_panic(self) -> bool {
        match self {
            Self::Apple(_) | Self::Embedded(_) | Self::Go(go::State::Panic) | Self::Jvm(_) => true,
            Self::Rust(state) => state.is_panic(),
            _ => false,
        }
    }

    /// Returns how bad it is that a trace begins with this state.
    pub(super) const fn level(self) -> Level {
        match self {
            Self::Kernel(state) => state.level(),
            _ if self.is_panic() => Level::Critical,
            _ => Level::Error,
        }
    }

    /// Returns whose code a frame is.
    pub(super) fn owner(self, frame: &Frame) -> Owner {
        match self {
            Self::Error | Self::Embedded(_) | Self::Jvm(_) => Owner::Application,
            Self::Apple(_) => apple::owner(frame),
            Self::Beam(_) => beam::owner(frame),
            Self::Dotnet(_) => dotnet::owner(frame),
            Self::Go(_) => go::owner(frame),
            Self::Java(_) => java::owner(frame),
            Self::JavaScript(_) => javascript::owner(frame),
            Self::Kernel(_) => kernel::owner(frame),
            Self::Php(_) => php::owner(frame),
            Self::Python(_) => python::owner(frame),
            Self::Ruby(_) => ruby::owner(frame),
            Self::Rust(_) => rust::owner(frame),
        }
    }
}

fn after_error(line: Line<'_>, out: Out<'_>) -> Next<State> {
    for state in AFTER_ERROR {
        if let Some((_, Belongs::Surely)) = state.next(line, &mut |_| {}) {
            return state.next(line, out);
        }
    }
    out(Piece::Perhaps(line.whole));
    Some((State::Error, Belongs::Perhaps))
}

/// Returns the state after the line with which a trace begins, and how much of the line comes before the trace.
///
/// A line begins a trace by itself if no other line looks like it.
pub(super) fn begin(line: Line<'_>, out: Out<'_>) -> Option<(State, usize)> {
    let whole = |state| (state, 0);
    if let Some((state, before)) = python::begin(line, out) {
        return Some((State::Python(state), before));
    }
    if line.is_indented() {
        return None;
    }
    let state = if let Some(state) = apple::begin(line, out) {
        State::Apple(state)
    } else if let Some(state) = embedded::begin(line, out) {
        State::Embedded(state)
    } else if let Some(state) = jvm::begin(line, out) {
        State::Jvm(state)
    } else if let Some(state) = rust::begin(line, out) {
        State::Rust(state)
    } else if let Some((state, before)) = go::begin(line, out) {
        return Some((State::Go(state), before));
    } else if let Some((state, before)) = php::begin(line, out) {
        return Some((State::Php(state), before));
    } else if let Some(state) = java::begin(line, out) {
        State::Java(state)
    } else if let Some(state) = dotnet::begin(line, out) {
        State::Dotnet(state)
    } else if let Some((state, before)) = ruby::begin(line, out) {
        return Some((State::Ruby(state), before));
    } else if let Some(state) = beam::begin(line, out) {
        State::Beam(state)
    } else if let Some(state) = javascript::begin(line, out) {
        State::JavaScript(state)
    } else if let Some(text) = javascript::uncaught_error(line.text) {
        error(text, out)
    } else if is_exception(line.text) {
        error(line.text, out)
    } else {
        return None;
    };
    Some(whole(state))
}

/// As [`begin`], for a line behind the head that a logger writes, or at the start of a text that is said to be a
/// trace: less is enough there. `next` is the line after it, if it is known.
pub(super) fn begin_after_head(
    line: Line<'_>,
    next: Option<Line<'_>>,
    out: Out<'_>,
) -> Option<(State, usize)> {
    if let Some(begun) = begin(line, out) {
        return Some(begun);
    }
    if let Some((state, before)) = beam::begin_after_head(line, next, out) {
        return Some((State::Beam(state), before));
    }
    if let Some(state) = rust::begin_after_head(line, next, out) {
        return Some((State::Rust(state), 0));
    }
    // Reports of Erlang are indented.
    if let Some(state) = beam::begin(line, out) {
        return Some((State::Beam(state), 0));
    }
    let surely = |line: Line<'_>, state: State| {
        matches!(state.next(line, &mut |_| {}), Some((_, Belongs::Surely)))
    };
    let is_framed = next.is_some_and(|next| surely(next, State::Error));
    if let Some(state) = ruby::begin_after_head(line, &mut *out) {
        return Some((State::Ruby(state), 0));
    }
    let is_error =
        (is_qualified(line.text) && next.is_none()) || (is_capitalised(line.text) && is_framed);
    if is_error {
        return Some((error(line.text, out), 0));
    }
    // `failed: Error: no card`, with frames below.
    if is_framed && let Some(at) = exception_within(line.text) {
        return Some((error(&line.text[at..], out), at));
    }
    // A function of Go stands alone in a line, and its place in the next one.
    if go::is_place(next) && go::is_function(line.text) {
        let (state, _) = go::FRAMES.next(line, out)?;
        return Some((State::Go(state), 0));
    }
    // Frames without an error.
    if surely(line, State::Error) {
        return State::Error.next(line, out).map(|(state, _)| (state, 0));
    }
    None
}

/// Reads the line of an error, with the causes that .NET Framework writes into the same line.
fn error(text: &str, out: Out<'_>) -> State {
    if text.contains(" ---> ") {
        return State::Dotnet(dotnet::errors(text, out));
    }
    out(Piece::Error(exception(text), Link::First));
    State::Error
}

/// Returns where an error begins behind other text, as in `failed: Error: no card`.
fn exception_within(text: &str) -> Option<usize> {
    let starts = text.match_indices([' ', '\t']).map(|(at, _)| at + 1);
    starts.into_iter().find(|&at| is_exception(&text[at..]) || is_qualified(&text[at..]))
}
