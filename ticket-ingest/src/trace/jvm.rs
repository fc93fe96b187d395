//! The report of a Java virtual machine that fails, as it prints it and as it stands in `hs_err_pid….log`.

use ticket_core::record::{ErrorCause, Frame};

use super::grammar::{Belongs, Line, Link, Next, Out, Piece};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Before the title.
    Start,
    /// Before the error.
    Title,
    /// In the text of the error, if it has more than one line.
    Text,
    /// After it.
    Error,
    /// Before the frame in which it happened.
    Frame,
    /// In the sections that only the file has.
    Sections,
    /// Behind its last line.
    End,
}

/// Begins with the title, or with the line above it.
pub(super) fn begin(line: Line<'_>, out: Out<'_>) -> Option<State> {
    match line.text {
        "#" => Some(State::Start),
        text => title(text, out),
    }
}

fn title(text: &str, out: Out<'_>) -> Option<State> {
    let text = text.strip_prefix("# ")?;
    if text.starts_with("A fatal error has been detected by ") {
        return Some(State::Title);
    }
    text.starts_with("There is insufficient memory for the Java Runtime ").then(|| {
        out(Piece::Error(ErrorCause::new(Some("OutOfMemory".into()), text), Link::First));
        State::Error
    })
}

impl State {
    pub(super) fn next(self, line: Line<'_>, out: Out<'_>) -> Next<Self> {
        let surely = |state| Some((state, Belongs::Surely));
        let text = line.text;
        if self == Self::Start {
            return title(text, out).map(|state| (state, Belongs::Surely));
        }
        if text.starts_with("---------------  ") {
            return surely(Self::Sections);
        }
        if self == Self::Sections {
            return surely(if text == "END." { Self::End } else { self });
        }
        let said = text.strip_prefix('#')?.trim();
        match self {
            Self::End => None,
            Self::Text if said.is_empty() => surely(Self::Error),
            _ if said.is_empty() => surely(self),
            Self::Text => {
                out(Piece::Text(said));
                surely(self)
            }
            Self::Title => {
                // `SIGSEGV (0xb) at pc=0x00007f6c, pid=4711, tid=4712`, `Internal Error (sharedRuntime.cpp:553), pid=…`
                let (kind, text) = said.split_at(said.find(" (").unwrap_or(said.len()));
                out(Piece::Error(
                    ErrorCause::new(Some(kind.into()), text.trim_start()),
                    Link::First,
                ));
                surely(Self::Text)
            }
            Self::Error if said == "Problematic frame:" => surely(Self::Frame),
            Self::Frame => {
                out(Piece::Frame(frame(said)));
                surely(Self::Error)
            }
            _ => surely(self),
        }
    }
}

/// Reads `C  [libshop.so+0x1139]  Java_shop_Cart_pay+0x9`: the kind, the library and the function.
fn frame(text: &str) -> Frame {
    let (_, text) = text.split_once(' ').unwrap_or(("", text));
    let text = text.trim_start();
    let Some((library, function)) = text.strip_prefix('[').and_then(|rest| rest.split_once(']'))
    else {
        return Frame::new(text);
    };
    let library = library.split("+0x").next().unwrap_or(library);
    let function = function.trim().split("+0x").next().unwrap_or_default();
    let mut frame = Frame::new(if function.is_empty() { library } else { function });
    frame.file = Some(library.into());
    frame
}
