//! Uncaught exceptions of PHP, and exceptions as Monolog and Laravel log them.

use ticket_core::SmolStr;
use ticket_core::record::{ErrorCause, Frame};

use super::collect::{Owner, Section};
use super::errors::{exception, slashes};
use super::grammar::{Belongs, Line, Link, Next, Out, Piece};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// After an error whose language is not known yet.
    Unknown,
    /// In the text of an exception.
    Message,
    Frames,
}

pub(super) const AFTER_ERROR: State = State::Unknown;

/// How Monolog writes an exception: `[object] (TypeError(code: 0): no card at /srv/cart.php:3)`.
const OBJECT: &str = "[object] (";
const PREVIOUS: &str = "[previous exception] ";

/// Begins with an uncaught exception, or with one in the context of a logged message.
pub(super) fn begin(line: Line<'_>, out: Out<'_>) -> Option<(State, usize)> {
    let text = line.text;
    let fatal = text.strip_prefix("PHP ").unwrap_or(text);
    if let Some(error) = fatal.strip_prefix("Fatal error:").map(str::trim_start)
        && let Some(error) = error.strip_prefix("Uncaught ")
    {
        out(Piece::Error(exception(error), Link::First));
        return Some((State::Message, 0));
    }
    let at = text.find(OBJECT)?;
    // The context of the message is JSON.
    let before = text[..at].find(" {\"").unwrap_or(at);
    objects(&text[at..], Link::First, out);
    Some((State::Message, before))
}

/// Reads the exception of an `[object]` and, if the line breaks are escaped, the previous ones in the same line.
fn objects(text: &str, first: Link, out: Out<'_>) {
    for (index, text) in text.split("\\n[previous exception] ").enumerate() {
        let text = text.strip_prefix(OBJECT).unwrap_or(text);
        let (name, rest) = text.split_once("(code: ").unwrap_or((text, ""));
        let message = rest.split_once("): ").map_or("", |(_, message)| message);
        // The end of the bracket, and what follows it in the JSON of the context.
        let end = message.find(")\"").or_else(|| message.rfind(')'));
        let message = end.map_or(message, |end| &message[..end]);
        let link = if index == 0 { first } else { Link::Cause };
        out(Piece::Error(ErrorCause::new(Some(unescaped(name)), message), link));
    }
}

/// Replaces the backslashes that JSON escapes.
fn unescaped(name: &str) -> SmolStr {
    name.replace("\\\\", "\\").into()
}

impl State {
    pub(super) fn next(self, line: Line<'_>, out: Out<'_>) -> Next<Self> {
        let text = line.text;
        let surely = |state| Some((state, Belongs::Surely));
        if let Some(rest) = text.strip_prefix('#')
            && let Some((number, call)) = rest.split_once(' ')
            && number.bytes().all(|byte| byte.is_ascii_digit())
            && let Some(frame) = frame(call)
        {
            out(Piece::Frame(frame));
            return surely(Self::Frames);
        }
        if matches!(text, "Stack trace:" | "[stacktrace]") {
            return surely(Self::Frames);
        }
        if self == Self::Unknown {
            return None;
        }
        if let Some(error) = text.strip_prefix("Next ") {
            out(Piece::Error(exception(error), Link::Effect));
            return surely(Self::Message);
        }
        if let Some(error) = text.strip_prefix(PREVIOUS) {
            objects(error, Link::Cause, out);
            return surely(Self::Message);
        }
        if text.starts_with("thrown in ") || text.starts_with('"') {
            return surely(self);
        }
        match self {
            Self::Message => {
                out(Piece::Text(line.whole));
                Some((self, Belongs::Perhaps))
            }
            Self::Unknown | Self::Frames => None,
        }
    }
}

/// Reads `/srv/cart.php(5): Shop\Cart->pay(1)`, `[internal function]: array_map()` and `{main}`.
///
/// The place is that of the call; see [`settle`].
fn frame(text: &str) -> Option<Frame> {
    if text == "{main}" {
        return Some(Frame::new(text));
    }
    let (place, function) = text.split_once(": ")?;
    let function = function.split_once('(').map_or(function, |(name, _)| name);
    let mut frame = Frame::new(unescaped(function));
    if place != "[internal function]" {
        let (file, line) = place.strip_suffix(')')?.rsplit_once('(')?;
        frame.file = Some(file.into());
        frame.line = Some(line.parse().ok()?);
    }
    Some(frame)
}

/// Moves the places of an exception's frames. PHP prints where a function was called, and at the end of the text where
/// the exception was thrown: the place within a function is that of the line before.
pub(super) fn settle(section: &mut Section) {
    let (message, mut place) = thrown_at(&section.cause.message);
    section.cause.message = message;
    if section.frames.is_empty() && place.0.is_some() {
        section.frames.push(Frame::default());
    }
    for frame in &mut section.frames {
        std::mem::swap(&mut place.0, &mut frame.file);
        std::mem::swap(&mut place.1, &mut frame.line);
    }
}

/// Splits the place from the text of an exception: `no card in /srv/cart.php:3`, `no card at /srv/cart.php:3`.
fn thrown_at(text: &str) -> (SmolStr, (Option<SmolStr>, Option<u32>)) {
    let found = [" in ", " at "].iter().filter_map(|word| {
        let (message, place) = text.rsplit_once(word)?;
        let (file, line) = place.rsplit_once(':')?;
        Some((message, file, line.trim_end_matches(')').parse::<u32>().ok()?))
    });
    match found.min_by_key(|(_, file, _)| file.len()) {
        Some((message, file, line)) => (message.into(), (Some(file.into()), Some(line))),
        None => (text.into(), (None, None)),
    }
}

pub(super) fn owner(frame: &Frame) -> Owner {
    match frame.file.as_deref().map(slashes) {
        None => Owner::Runtime,
        Some(file) if file.contains("/vendor/") => Owner::Library,
        Some(_) => Owner::Application,
    }
}
