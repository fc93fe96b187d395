//! Panics of microcontrollers. Their addresses have no names, so there are no frames.

use ticket_core::record::ErrorCause;

use super::grammar::{Belongs, Line, Link, Next, Out, Piece};

/// In the dump below a panic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct State;

/// Begins with `Guru Meditation Error: Core  0 panic'ed (LoadProhibited). Exception was unhandled.`
pub(super) fn begin(line: Line<'_>, out: Out<'_>) -> Option<State> {
    let text = line.text.strip_prefix("Guru Meditation Error: ")?;
    let kind =
        text.split_once('(').and_then(|(_, rest)| rest.split_once(')')).map(|(kind, _)| kind);
    out(Piece::Error(ErrorCause::new(kind.map(Into::into), text), Link::First));
    Some(State)
}

impl State {
    #[allow(clippy::unused_self, reason = "as in the other languages")]
    pub(super) fn next(self, line: Line<'_>, _: Out<'_>) -> Next<Self> {
        let text = line.text;
        let is_dump = text.contains(": 0x")
            || text.ends_with("register dump:")
            || ["Backtrace:", "ELF file SHA256", "Rebooting", "Debug exception reason"]
                .iter()
                .any(|start| text.starts_with(start));
        is_dump.then_some((self, Belongs::Surely))
    }
}
