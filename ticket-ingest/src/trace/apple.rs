//! Exceptions of Objective-C that nobody has caught.

use ticket_core::record::{ErrorCause, Frame};

use super::collect::Owner;
use super::grammar::{Belongs, Line, Link, Next, Out, Piece};

/// After the exception, or in its frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct State;

/// Begins with `*** Terminating app due to uncaught exception 'Name', reason: 'text'`.
pub(super) fn begin(line: Line<'_>, out: Out<'_>) -> Option<State> {
    let text = line.text.strip_prefix("*** Terminating app due to uncaught exception ")?;
    let (name, reason) = text.strip_prefix('\'')?.split_once('\'')?;
    let reason = reason.strip_prefix(", reason: ").unwrap_or(reason);
    let message = reason.strip_prefix('\'').unwrap_or(reason);
    let message = message.strip_suffix('\'').unwrap_or(message);
    out(Piece::Error(ErrorCause::new(Some(name.into()), message), Link::First));
    Some(State)
}

impl State {
    pub(super) fn next(self, line: Line<'_>, out: Out<'_>) -> Next<Self> {
        let is_frame_of = line.text.starts_with("*** First throw call stack")
            || line.text.starts_with("libc++abi")
            || matches!(line.text, "(" | ")" | ");");
        if let Some(frame) = frame(line.text) {
            out(Piece::Frame(frame));
        } else if !is_frame_of {
            return None;
        }
        Some((self, Belongs::Surely))
    }
}

/// Reads `3   Shop   0x0000000100bbd5f3 -[Cart pay:] + 131`: the image, an address, the function.
fn frame(text: &str) -> Option<Frame> {
    let (number, rest) = text.split_once(' ')?;
    number.parse::<u32>().ok()?;
    let (image, rest) = rest.trim_start().split_once(' ')?;
    let (address, function) = rest.trim_start().split_once(' ')?;
    let function = function.rsplit_once(" + ").map_or(function, |(function, _)| function);
    let mut frame = Frame::new(function);
    frame.file = Some(image.into());
    address.starts_with("0x").then_some(frame)
}

pub(super) fn owner(frame: &Frame) -> Owner {
    const SYSTEM: [&str; 9] = [
        "CoreFoundation",
        "libobjc",
        "UIKit",
        "Foundation",
        "GraphicsServices",
        "libdyld",
        "libsystem",
        "dyld",
        "AppKit",
    ];
    let image = frame.file.as_deref().unwrap_or_default();
    if SYSTEM.iter().any(|of| image.starts_with(of)) { Owner::Runtime } else { Owner::Application }
}
